/*
 * iova_rcache - per-CPU caches of freed addresses above the tree of 6.x, after Bonwick and Adams'
 * magazines (USENIX 2001), as Linux has them since 4.7: rcache-6.1 and rcache-6.12 are this with two
 * kinds of depot.
 *
 * Sizes are classed by powers of two. For each class a CPU has two magazines under a lock of its own:
 * frees push, allocations pop, neither sees the tree. Full magazines are traded with a depot that all
 * CPUs share. An address in a magazine stays allocated in the tree.
 */
#ifndef SIM_DMA_IOVA_IOVA_RCACHE_H
#define SIM_DMA_IOVA_IOVA_RCACHE_H
#include "dma/iova/iova_metrics.h"
#include "dma/iova/iova_tree6.h"
#include "hw/ktimer.h"

#define IOVA_RCACHE_ORDERS_MAX "10"

#define IOVA_RCACHE_METRICS(M)                                                                     \
	M(COUNTER, hits, "ranges", NULL, "Requests answered from the CPU's magazines.")            \
	M(COUNTER, misses, "requests", NULL, "Requests of a cached size that went to the tree.")   \
	M(COUNTER, uncached, "requests", NULL, "Requests too large for the caches.")               \
	M(COUNTER, depot_gets, "magazines", NULL, "Full magazines taken from a depot.")            \
	M(COUNTER, depot_puts, "magazines", NULL, "Full magazines given to a depot.")              \
	M(COUNTER, depot_overflows, "magazines", "depot_puts",                                     \
		"Full magazines that found the depot full: emptied into the tree.")                \
	M(COUNTER, flushes, "ops", NULL, "All caches emptied because the tree was exhausted.")     \
	M(COUNTER, trims, "magazines", NULL, "Magazines that the delayed work gave back.")         \
	M(COUNTER, pages_rounded, "pages", NULL, "Pages lost to rounding sizes up.")               \
	M(COUNTER, entry_transfers, "lines", NULL,                                                 \
		"Lines of magazines that another CPU's cache held.")                               \
	M(HIST, entries_scanned, "entries", NULL,                                                  \
		"Entries of a magazine looked at by one request.")                                 \
	M(GAUGE, cached, "ranges", NULL, "Addresses in magazines and depots.")                     \
	M(GAUGE, depot, "magazines", NULL, "Magazines in the depots.")

METRIC_DECLARE(iova_rcache_metrics, IOVA_RCACHE_METRICS);

struct iova_rcache_params {
	uint32_t magazine; /* addresses in one */
	uint32_t orders; /* classes: 1, 2, 4 ... pages */
	uint32_t depot_max; /* magazines that a depot takes; 0: all, and trims by delayed work */
	sim_time trim_delay;
};

struct magazine {
	uint32_t n;
	struct magazine *next; /* among the spare ones */
	struct line *line; /* of 64 bytes: the header and 7 addresses, then 8 each */
	uint64_t pfn[];
};

/* A CPU's share of a class; the two pointers are on the lock's line. */
struct cpu_cache {
	struct lock lock;
	struct magazine *loaded, *prev;
};

/* The shared part of a class; the count is on the lock's line. */
struct depot {
	struct iova_rcache *owner;
	unsigned order;
	struct lock lock;
	struct magazine **full; /* oldest first */
	uint32_t n, room;
	struct line *
		slot; /* of 8 pointers each, when depot_max != 0; a list has its links in magazines */
	struct ktimer timer;
	bool pending; /* the delayed work */
};

struct iova_rcache {
	struct iova_tree6 tree;
	struct iova_rcache_params params;
	const struct cost_conf *cost;
	unsigned ncpus;
	bool owner_runs_work;
	struct cpu_cache *cpu; /* by order, then CPU */
	struct depot *depot; /* by order */
	struct magazine *spare;
	unsigned working; /* delayed work that is under way */
	struct waitq idle;
	struct iova_metrics m;
	struct iova_rcache_metrics c;
};

void iova_rcache_init(
	struct iova_rcache *s, const struct iova_rcache_params *params, const struct iova_env *env);

/* Members of the ops table; state is a struct iova_rcache. */
void iova_rcache_fini(void *state);
bool iova_rcache_alloc(
	void *state, struct proc *p, const struct iova_req *req, struct iova_range *out);
void iova_rcache_free(void *state, struct proc *p, const struct iova_range *r);
void iova_rcache_reserve(void *state, struct proc *p, uint64_t first_pfn, uint64_t last_pfn);
void iova_rcache_work(void *state, struct proc *p);
void iova_rcache_stop(void *state, struct proc *p);
bool iova_rcache_check(const void *state, struct err *err);
uint64_t iova_rcache_live(const void *state);

/* ---- iova_magazine.c: one magazine, with its lines; the caller holds the lock over it ---- */
struct magazine *magazine_get(struct iova_rcache *s, struct proc *p);
void magazine_put(struct iova_rcache *s, struct proc *p, struct magazine *m); /* empty or not */
void magazine_push(struct iova_rcache *s, struct proc *p, struct magazine *m, uint64_t pfn);
/* The topmost address that is not above max. */
bool magazine_pop(
	struct iova_rcache *s, struct proc *p, struct magazine *m, uint64_t max, uint64_t *pfn);
/* All its addresses back to the tree, under one hold of the tree's lock even when there are none. */
void magazine_empty(struct iova_rcache *s, struct proc *p, struct magazine *m);

/* ---- iova_depot.c ---- */
void depot_init(struct depot *d, struct iova_rcache *s, unsigned order, const struct iova_env *env);
void depot_fini(struct depot *d);
/* A full magazine; returns it when there is no room. Takes the lock. */
struct magazine *depot_put(struct depot *d, struct proc *p, struct magazine *m);
/* NULL when empty. Takes the lock. */
struct magazine *depot_get(struct depot *d, struct proc *p);
void depot_flush(struct depot *d, struct proc *p);
/* The delayed work: give one magazine back if there are more than CPUs, and come again. */
void depot_trim(struct depot *d, struct proc *p);
void depot_cancel(struct depot *d);

#endif
