#include "hw/tagcache.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "base/bug.h"

#define LOST_LG2 12u

#define METRIC_STRUCT_ struct tagcache_metrics
static const struct metric_desc desc[] = { TAGCACHE_METRICS(METRIC_DESC_) };
#undef METRIC_STRUCT_
const struct metric_table tagcache_metric_table = { "tagcache",
	"A translation cache: IOTLB, paging-structure cache or context cache.", desc,
	ARRAY_SIZE(desc) };

bool tagcache_shape_ok(uint32_t entries, uint32_t ways)
{
	if (entries == 0 || ways == 0)
		return true;
	return entries % ways == 0 && is_pow2(entries / ways);
}

void tagcache_init(struct tagcache *c, const struct tagcache_conf *conf, struct engine *engine,
	struct windows *windows, struct metric_scope *scope)
{
	*c = (struct tagcache){
		.replace = conf->replace, .kind = conf->kind, .engine = engine, .windows = windows
	};
	BUG_ON(!tagcache_shape_ok(conf->entries, conf->ways));
	c->nways = conf->ways ? conf->ways : conf->entries;
	c->nsets = conf->entries ? conf->entries / c->nways : 0;
	c->keys = xcalloc(conf->entries, sizeof(*c->keys));
	c->entries = xcalloc(conf->entries, sizeof(*c->entries));
	c->lost = xcalloc((size_t)1 << LOST_LG2, sizeof(*c->lost));
	rng_init(&c->rng, engine ? engine_seed(engine) : 0, "tagcache");
	metric_scope_add(scope, &tagcache_metric_table, &c->m);
}

void tagcache_fini(struct tagcache *c)
{
	free(c->keys);
	free(c->entries);
	free(c->lost);
}

/* Page numbers of neighbouring pages go to neighbouring sets, domains are spread by the high bits. */
static uint32_t set_of(const struct tagcache *c, uint64_t key)
{
	return (uint32_t)(key ^ (key >> 45)) & (c->nsets - 1);
}

static uint64_t *lost_slot(struct tagcache *c, uint64_t key)
{
	return &c->lost[(key * 0x9e3779b97f4a7c15u) >> (64 - LOST_LG2)];
}

static uint32_t find(const struct tagcache *c, uint64_t key)
{
	uint32_t first, i;

	if (c->nsets == 0)
		return UINT32_MAX;
	first = set_of(c, key) * c->nways;
	for (i = first; i < first + c->nways; i++)
		if (c->keys[i] == key + 1)
			return i;
	return UINT32_MAX;
}

struct tag_entry *tagcache_peek(const struct tagcache *c, uint64_t key)
{
	uint32_t i = find(c, key);

	return i == UINT32_MAX ? NULL : &c->entries[i];
}

struct tag_entry *tagcache_lookup(struct tagcache *c, uint64_t key)
{
	uint32_t i = find(c, key);

	c->m.lookups++;
	if (i == UINT32_MAX) {
		c->m.misses++;
		return NULL;
	}
	c->m.hits++;
	if (c->replace == TAGCACHE_LRU)
		c->entries[i].stamp = ++c->clock;
	return &c->entries[i];
}

static void unmark(struct tagcache *c, struct tag_entry *e)
{
	if (e->mark)
		window_drop(c->windows, e->mark, c->kind, engine_now(c->engine));
	e->mark = 0;
}

static uint32_t victim(struct tagcache *c, uint32_t first)
{
	uint32_t oldest = first;

	for (uint32_t i = first; i < first + c->nways; i++) {
		if (c->keys[i] == 0)
			return i;
		if (c->entries[i].stamp < c->entries[oldest].stamp)
			oldest = i;
	}
	if (c->replace == TAGCACHE_RANDOM)
		return first + (uint32_t)rng_below(&c->rng, c->nways);
	return oldest;
}

static void empty_set(struct tagcache *c, uint32_t first)
{
	for (uint32_t i = first; i < first + c->nways; i++) {
		unmark(c, &c->entries[i]);
		c->keys[i] = 0;
	}
	c->m.evictions += c->nways;
	c->used -= c->nways;
}

struct tag_entry *tagcache_fill(struct tagcache *c, uint64_t key, uint64_t v0, uint64_t v1)
{
	uint32_t i = find(c, key);

	if (c->nsets == 0)
		return NULL;
	if (i == UINT32_MAX)
		i = victim(c, set_of(c, key) * c->nways);
	if (c->replace == TAGCACHE_RESET && c->keys[i] != 0 && c->keys[i] != key + 1)
		empty_set(c, set_of(c, key) * c->nways);
	c->m.fills++;
	c->m.evictions += c->keys[i] != 0 && c->keys[i] != key + 1;
	c->used += c->keys[i] == 0;
	unmark(c, &c->entries[i]);
	if (*lost_slot(c, key) == key + 1) {
		*lost_slot(c, key) = 0;
		c->m.re_misses++;
	}
	c->keys[i] = key + 1;
	c->entries[i] = (struct tag_entry){ .value = { v0, v1 }, .stamp = ++c->clock };
	return &c->entries[i];
}

static void invalidate_at(struct tagcache *c, uint32_t i)
{
	c->m.invalidated++;
	if (!c->entries[i].mark) {
		c->m.collateral++;
		*lost_slot(c, c->keys[i] - 1) = c->keys[i];
	}
	unmark(c, &c->entries[i]);
	c->keys[i] = 0;
	c->used--;
}

unsigned tagcache_invalidate(struct tagcache *c, uint64_t key, uint64_t mask)
{
	uint32_t i, n = 0;

	if (c->used == 0)
		return 0;
	if (mask == UINT64_MAX) {
		i = find(c, key);
		if (i != UINT32_MAX)
			invalidate_at(c, i);
		return i != UINT32_MAX;
	}
	for (i = 0; i < c->nsets * c->nways; i++)
		if (c->keys[i] != 0 && ((c->keys[i] - 1) & mask) == (key & mask)) {
			invalidate_at(c, i);
			n++;
		}
	return n;
}

unsigned tagcache_invalidate_if(struct tagcache *c, tagcache_match_fn *match, void *arg)
{
	unsigned n = 0;

	for (uint32_t i = 0; c->used > 0 && i < c->nsets * c->nways; i++)
		if (c->keys[i] != 0 && match(c->keys[i] - 1, &c->entries[i], arg)) {
			invalidate_at(c, i);
			n++;
		}
	return n;
}

void tagcache_mark(struct tagcache *c, struct tag_entry *e, window_id w)
{
	if (!c->windows)
		return;
	unmark(c, e);
	e->mark = w;
	window_hold(c->windows, w, c->kind);
}

void tagcache_mark_matching(struct tagcache *c, uint64_t key, uint64_t mask, window_id w)
{
	struct tag_entry *e;

	if (c->used == 0)
		return;
	if (mask == UINT64_MAX) {
		e = tagcache_peek(c, key);
		if (e)
			tagcache_mark(c, e, w);
		return;
	}
	for (uint32_t i = 0; i < c->nsets * c->nways; i++)
		if (c->keys[i] != 0 && ((c->keys[i] - 1) & mask) == (key & mask))
			tagcache_mark(c, &c->entries[i], w);
}
