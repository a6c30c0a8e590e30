/*
 * pooled-bitmap: the table of SPARC (and in the same form PowerPC), arch/sparc/kernel/iommu-common.c:
 * one bitmap cut into 16 pools, each with a lock and a next-fit pointer; a hash of the CPU's number
 * picks the pool. A fourth at the top is one more pool for large requests. A request goes on from its
 * pool's pointer, then searches its pool from the start, then the other pools in turn. lazy_flush, the
 * flush of everything, is due when a search came round or had to leave its pool.
 *
 * The original does nothing for ranges that are freed ahead of a pointer: they can be handed out again
 * before any flush, so this allocator does not promise IOVA_REUSE_IS_TOLD. Under a policy that leaves
 * invalidations to it (env->flush) it flushes them at their free, and makes lazy_flush under the pool's
 * lock, as the original does; a pool that begins again has its flush even when another CPU has taken the
 * one flag that all pools share.
 *
 * Departures: below a narrow limit every pool is searched under its own lock, up to the limit (the
 * original searches all of that space under the lock of pool 0), and large requests that find the
 * large pool above their limit use the others.
 */
#include "dma/iova/iova.h"

#include "base/bits.h"
#include "base/bug.h"
#include "dma/iova/iova_bitmap.h"
#include "dma/iova/iova_metrics.h"
#include "hw/lock.h"

#define POOLS_MAX      16u
#define ENTRIES_MAX    (1u << 30)
#define BASE_LG2       15u /* of the table's first PFN: bits' alignment is the pages' */
#define GOLDEN_RATIO32 0x61c88647u
#define HASH_BITS      4u

#define POOLED_CONF(F)                                                                             \
	F(size, space, "4GiB", "1MiB", "1TiB", "", "Addresses of the table, from the lowest on.")  \
	F(u32, pools, "16", "1", "16", "pools", "Pools for small requests, a power of two.")       \
	F(bool, large_pool, "true", NULL, NULL, "",                                                \
		"The top fourth of the table is a pool of its own, for large requests.")           \
	F(u32, large, "15", "1", "65536", "pages",                                                 \
		"Longest request that still goes to the small pools.")

CONF_DECLARE(pooled_conf, POOLED_CONF);

static bool validate(const void *conf, struct conf_check *chk)
{
	const struct pooled_conf *c = conf;

	return is_pow2(c->pools) || conf_refuse(chk, "pools", "must be a power of two");
}

#define CONF_STRUCT_ struct pooled_conf
static const struct conf_field fields[] = { POOLED_CONF(CONF_FIELD_) };
#undef CONF_STRUCT_
static const struct conf_table conf_table =
	CONF_TABLE("pooled-bitmap", pooled_conf, fields, validate);

#define POOLED_METRICS(M)                                                                          \
	M(COUNTER, rounds, "rounds", NULL, "Pools searched again from their start.")               \
	M(COUNTER, pools_left, "pools", NULL, "Full pools that a request left for the next.")      \
	M(COUNTER, lazy_flushes, "flushes", NULL, "Requests that made a flush due.")               \
	M(COUNTER, large_requests, "requests", NULL, "Requests that went to the large pool.")      \
	M(COUNTER, freed_ahead, "ranges", NULL,                                                    \
		"Ranges freed ahead of their pool's pointer, under a policy that left the flush.")

METRIC_DECLARE(pooled_metrics, POOLED_METRICS);

#define METRIC_STRUCT_ struct pooled_metrics
static const struct metric_desc metric_desc[] = { POOLED_METRICS(METRIC_DESC_) };
#undef METRIC_STRUCT_
static const struct metric_table metric_table = { "pooled-bitmap",
	"IOVA allocator of SPARC and PowerPC.", metric_desc, ARRAY_SIZE(metric_desc) };

struct pool {
	struct lock lock;
	uint32_t start, end; /* the last bit before end is not used either (iommu_area_alloc) */
	uint32_t hint; /* on the lock's line */
	bool unflushed; /* it begins again, and nothing was flushed for that yet */
};

struct pooled {
	struct iova_env env;
	struct pooled_conf conf;
	struct iova_bitmap bits;
	uint64_t base_pfn, last_pfn;
	struct pool pool[POOLS_MAX + 1]; /* the large one is behind the others */
	unsigned npools; /* without it */
	uint32_t large_start; /* or nbits */
	struct line head; /* of need_flush */
	bool need_flush;
	struct iova_metrics m;
	struct iova_bitmap_metrics bitmap_m;
	struct pooled_metrics pool_m;
};

static void init_pools(struct pooled *s, uint32_t poolsize, const struct iova_env *env)
{
	uint32_t start = 0;

	for (unsigned i = 0; i < s->npools; i++, start += poolsize) {
		struct pool *pool = &s->pool[i];

		lock_init(&pool->lock, env->machine, "&iommu->pools[i].lock", "%s.pool%u.lock",
			env->name, i);
		pool->start = pool->hint = start;
		pool->end = start + poolsize - 1;
	}
	s->large_start = s->conf.large_pool ? start : s->bits.nbits;
	s->pool[s->npools].start = s->pool[s->npools].hint = s->large_start;
	s->pool[s->npools].end = s->bits.nbits;
	lock_init(&s->pool[s->npools].lock, env->machine, "&iommu->large_pool.lock",
		"%s.large_pool.lock", env->name);
}

static bool pooled_init(void *state, const void *conf, const struct iova_env *env, struct err *err)
{
	struct pooled *s = state;
	uint64_t entries, poolsize;

	s->env = *env;
	s->conf = *(const struct pooled_conf *)conf;
	s->base_pfn = round_down_lg2(env->first_pfn, BASE_LG2);
	entries = env->last_pfn - s->base_pfn + 1;
	entries = entries < s->conf.space >> PAGE_LG2 ? entries : s->conf.space >> PAGE_LG2;
	BUG_ON(entries > ENTRIES_MAX);
	s->npools = s->conf.pools;
	poolsize = (s->conf.large_pool ? entries * 3 / 4 : entries) / s->npools;
	if (poolsize < 3)
		return err_set(err, "a space of %lu pages is too small for %u pools",
			(unsigned long)entries, s->npools);
	s->last_pfn = s->base_pfn + entries - 1;
	metric_scope_add(env->scope, &iova_metric_table, &s->m);
	metric_scope_add(env->scope, &iova_bitmap_metric_table, &s->bitmap_m);
	metric_scope_add(env->scope, &metric_table, &s->pool_m);
	line_init(&s->head);
	iova_bitmap_init(&s->bits, (uint32_t)entries, env->machine->conf->cost, &s->bitmap_m);
	iova_bitmap_block(&s->bits, 0, (uint32_t)(env->first_pfn - s->base_pfn));
	init_pools(s, (uint32_t)poolsize, env);
	return true;
}

static void pooled_fini(void *state)
{
	struct pooled *s = state;

	BUG_ON(s->m.live != 0);
	for (unsigned i = 0; i <= s->npools; i++)
		lock_fini(&s->pool[i].lock);
	iova_bitmap_fini(&s->bits);
}

/* hash_32(cpu, 4): every CPU keeps to one pool, several share it. */
static unsigned pool_of_cpu(const struct pooled *s, unsigned cpu)
{
	return (uint32_t)(cpu * GOLDEN_RATIO32) >> (32 - HASH_BITS) & (s->npools - 1);
}

static struct pool *pool_of_bit(struct pooled *s, uint32_t bit)
{
	for (unsigned i = 0; i < s->npools; i++)
		if (bit >= s->pool[i].start && bit < s->pool[i].end)
			return &s->pool[i];
	return &s->pool[s->npools];
}

/* In the locked pool, from its hint on, below end_pfn's bit. */
static bool search(struct pooled *s, struct proc *p, const struct pool *pool,
	struct iova_bitmap_want *want, uint64_t end, uint32_t *bit)
{
	uint32_t limit = (uint32_t)(pool->end < end ? pool->end : end);

	if (pool->start >= end)
		return false;
	want->start = pool->hint < limit ? pool->hint : pool->start;
	want->end = limit - 1;
	return iova_bitmap_find(&s->bits, p, want, bit);
}

static void set_need_flush(struct pooled *s, struct proc *p)
{
	s->need_flush = true;
	line_write(&s->head, p, CPU_iova);
}

/* The next pool to try, locked with its hint at its start; NULL: give up. pass counts from 0. */
static struct pool *next_pool(
	struct pooled *s, struct proc *p, struct pool *pool, unsigned pass, bool may_leave)
{
	if (pass > 0) {
		if (!may_leave || pass > s->npools)
			return NULL;
		lock_release(&pool->lock, p);
		pool = &s->pool[(unsigned)(pool - s->pool + 1) & (s->npools - 1)];
		lock_acquire(&pool->lock, p);
		s->pool_m.pools_left++;
	}
	s->pool_m.rounds++;
	pool->hint = pool->start;
	pool->unflushed = true;
	set_need_flush(s, p);
	return pool;
}

/* With the pool locked: take what was found. True when a flush is due first. */
static bool take(struct pooled *s, struct proc *p, struct pool *pool, uint32_t bit, uint32_t n)
{
	bool flush;

	line_read(&s->head, p, CPU_iova);
	flush = bit < pool->hint || s->need_flush;
	if (s->need_flush) {
		s->need_flush = false;
		line_write(&s->head, p, CPU_iova);
	}
	s->pool_m.lazy_flushes += flush;
	if (s->env.flush && (flush || pool->unflushed))
		s->env.flush(s->env.flush_ctx, p, NULL);
	pool->unflushed = false;
	iova_bitmap_set(&s->bits, p, bit, n);
	pool->hint = bit + n;
	return flush;
}

static bool pooled_alloc(
	void *state, struct proc *p, const struct iova_req *req, struct iova_range *out)
{
	struct pooled *s = state;
	uint64_t last = req->limit_pfn < s->last_pfn ? req->limit_pfn : s->last_pfn;
	uint64_t end = last >= s->base_pfn ? last - s->base_pfn + 1 : 0;
	bool large = s->conf.large_pool && req->npages > s->conf.large && end > s->large_start;
	struct pool *pool = &s->pool[large ? s->npools : pool_of_cpu(s, cpu_id(p))], *next;
	struct iova_bitmap_want want = { .n = req->npages,
		.align_lg2 = req->size_aligned ? ilog2_ceil(req->npages) : 0 };
	unsigned pass = 0;
	uint32_t bit = 0;
	bool found;

	*out = (struct iova_range){ .npages = req->npages };
	s->pool_m.large_requests += large;
	lock_acquire(&pool->lock, p);
	while (!(found = search(s, p, pool, &want, end, &bit)) &&
		(next = next_pool(s, p, pool, pass, !large)) != NULL) {
		pool = next;
		pass++;
	}
	if (found) {
		out->flushes = take(s, p, pool, bit, req->npages);
		out->pfn = s->base_pfn + bit;
	}
	lock_release(&pool->lock, p);
	return iova_metrics_alloc(&s->m, found);
}

static void pooled_free(void *state, struct proc *p, const struct iova_range *r)
{
	struct pooled *s = state;
	uint32_t bit = (uint32_t)(r->pfn - s->base_pfn);
	struct pool *pool = pool_of_bit(s, bit);

	lock_acquire(&pool->lock, p);
	if (r->unflushed && s->env.flush && bit + r->npages > pool->hint) {
		s->pool_m.freed_ahead++;
		s->env.flush(s->env.flush_ctx, p, r);
	}
	iova_bitmap_clear(&s->bits, p, bit, r->npages);
	lock_release(&pool->lock, p);
	iova_metrics_free(&s->m);
}

static void pooled_reserve(void *state, struct proc *p, uint64_t first_pfn, uint64_t last_pfn)
{
	struct pooled *s = state;
	uint64_t first = first_pfn > s->base_pfn ? first_pfn : s->base_pfn;
	uint64_t last = last_pfn < s->last_pfn ? last_pfn : s->last_pfn;

	(void)p;
	if (first <= last)
		iova_bitmap_block(
			&s->bits, (uint32_t)(first - s->base_pfn), (uint32_t)(last - first + 1));
}

static bool pooled_check(const void *state, struct err *err)
{
	const struct pooled *s = state;
	uint64_t pages = iova_bitmap_count(&s->bits);

	for (unsigned i = 0; i <= s->npools; i++) {
		const struct pool *pool = &s->pool[i];

		if (pool->hint < pool->start || pool->hint > pool->end)
			return err_set(err, "the pointer of pool %u is outside of it", i);
	}
	if (pages != s->bitmap_m.pages || pages < s->m.live)
		return err_set(err, "%lu pages are taken, %lu counted in %lu ranges",
			(unsigned long)pages, (unsigned long)s->bitmap_m.pages,
			(unsigned long)s->m.live);
	return true;
}

static uint64_t pooled_live(const void *state)
{
	const struct pooled *s = state;

	return s->m.live;
}

const struct iova_allocator_ops iova_pooled_ops = {
	.name = "pooled-bitmap",
	.summary = "One bitmap in 16 pools by a hash of the CPU, a large one for long requests",
	.source = "Linux 4.1-6.1 arch/sparc/kernel/iommu-common.c (lib/iommu-common.c at first)",
	.caps = IOVA_TELLS_REUSE | IOVA_SPLITS_SPACE | IOVA_ALIGNS_COHERENT_ONLY,
	.state_size = sizeof(struct pooled),
	.conf = &conf_table,
	.init = pooled_init,
	.fini = pooled_fini,
	.alloc = pooled_alloc,
	.free = pooled_free,
	.reserve = pooled_reserve,
	.check = pooled_check,
	.live = pooled_live,
};
