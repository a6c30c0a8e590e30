/*
 * tagcache - the one set-associative cache behind every IOTLB, paging-structure cache, context cache
 * and device TLB. A key is the model's own packing of tag bits (domain, size class, page number);
 * a value is two words of the structure that is cached. An entry may carry the mark of a window
 * (obs/window.h): whoever removes the entry reports it.
 */
#ifndef SIM_HW_TAGCACHE_H
#define SIM_HW_TAGCACHE_H
#include "base/rng.h"
#include "conf/conf.h"
#include "engine/engine.h"
#include "obs/metrics.h"
#include "obs/window.h"

/* RESET: a full set is emptied for the next entry, as emulated IOMMUs do with their hash tables. */
enum tagcache_replace { TAGCACHE_LRU, TAGCACHE_FIFO, TAGCACHE_RANDOM, TAGCACHE_RESET };
#define TAGCACHE_REPLACE_WORDS "lru|fifo|random|reset"

#define TAGCACHE_METRICS(M)                                                                        \
	M(COUNTER, lookups, "ops", NULL, "Lookups.")                                               \
	M(COUNTER, hits, "ops", "lookups", "Lookups that found an entry.")                         \
	M(COUNTER, misses, "ops", "lookups", "Lookups that found none.")                           \
	M(COUNTER, fills, "entries", NULL, "Entries written.")                                     \
	M(COUNTER, evictions, "entries", "fills", "Entries displaced by a fill.")                  \
	M(COUNTER, invalidated, "entries", NULL, "Entries removed by invalidations.")              \
	M(COUNTER, collateral, "entries", "invalidated",                                           \
		"Of these, entries whose mapping was still live.")                                 \
	M(COUNTER, re_misses, "ops", "collateral", "Fills that replaced a collateral loss.")
METRIC_DECLARE(tagcache_metrics, TAGCACHE_METRICS);

struct tag_entry {
	uint64_t value[3]; /* the third is the caller's to set after the fill */
	uint64_t stamp; /* of last use (lru) or fill (fifo) */
	window_id mark; /* 0: none */
	uint32_t note; /* the caller's: what it has worked out about the entry; 0 after a fill */
};

struct tagcache_conf {
	uint32_t entries; /* 0: no cache, every lookup misses */
	uint32_t ways; /* 0: fully associative */
	enum tagcache_replace replace;
	enum window_cache kind;
};

struct tagcache {
	uint64_t *keys; /* sets x ways, key + 1; 0: empty */
	struct tag_entry *entries;
	uint32_t nsets, nways, used;
	enum tagcache_replace replace;
	enum window_cache kind;
	uint64_t clock;
	uint64_t *lost; /* keys of collateral losses, direct mapped */
	struct rng rng;
	struct engine *engine;
	struct windows *windows; /* NULL: nothing is marked */
	struct tagcache_metrics m;
};

void tagcache_init(struct tagcache *c, const struct tagcache_conf *conf, struct engine *engine,
	struct windows *windows, struct metric_scope *scope);
void tagcache_fini(struct tagcache *c);
/* entries and ways go together: a whole power of two of sets. For conf tables' validate. */
bool tagcache_shape_ok(uint32_t entries, uint32_t ways);

/* Counts and touches; NULL on a miss. key < 2^63. */
struct tag_entry *tagcache_lookup(struct tagcache *c, uint64_t key);
/* Neither counts nor touches. */
struct tag_entry *tagcache_peek(const struct tagcache *c, uint64_t key);
/* Fill, displacing a victim if need be; NULL without entries. The mark is cleared. */
struct tag_entry *tagcache_fill(struct tagcache *c, uint64_t key, uint64_t v0, uint64_t v1);
/* Remove entries whose key matches `key` under `mask`. Returns their number. */
unsigned tagcache_invalidate(struct tagcache *c, uint64_t key, uint64_t mask);
/* The same for entries that `match` says. */
typedef bool tagcache_match_fn(uint64_t key, const struct tag_entry *e, void *arg);
unsigned tagcache_invalidate_if(struct tagcache *c, tagcache_match_fn *match, void *arg);
/* Put the window's mark on an entry (obs_mark); an older mark is dropped. */
void tagcache_mark(struct tagcache *c, struct tag_entry *e, window_id w);
/* The same for every entry whose key matches `key` under `mask`. */
void tagcache_mark_matching(struct tagcache *c, uint64_t key, uint64_t mask, window_id w);

extern const struct metric_table tagcache_metric_table;

#endif
