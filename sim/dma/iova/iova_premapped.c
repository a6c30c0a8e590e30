/*
 * premapped: the pool of buffers that stay mapped of Markuze, Morrison, Tsafrir, "True IOMMU Protection from DMA
 * Attacks", ASPLOS 2016 (their shadow buffers). Each CPU has lists of free buffers, one for each of two sizes
 * and each kind of access; a request takes the one freed last, and a buffer goes back to the CPU whose it
 * is, wherever it is freed. When a list is empty a new buffer gets an address from a tree as in 6.12, and
 * memory and a mapping from the owner, for good. The policy `copy` is the other half.
 *
 * Departures: a list is one, under a lock that frees on other CPUs take too (theirs has a head without a lock
 * and a tail with one); the table that finds a buffer by its address is charged as one entry (theirs reads
 * CPU and list from the address); when the space is exhausted, other CPUs' lists are looked through.
 * Memory for rings, and what is longer than `large`, is not buffered: its address comes from the tree.
 */
#include "dma/iova/iova.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "base/bug.h"
#include "dma/iova/iova_metrics.h"
#include "dma/iova/iova_tree6.h"

#define SIZES       2u
#define RIGHTS      4u /* IOMMU_PROT_*, 0: both */
#define BUCKETS_LG2 12u
#define BUCKETS     (1u << BUCKETS_LG2)

#define PREMAPPED_CONF(F)                                                                          \
	F(u32, large, "16", "2", "512", "pages",                                                   \
		"Pages of a large buffer, a power of two; a small one is a page.")

CONF_DECLARE(premapped_conf, PREMAPPED_CONF);

static bool validate(const void *conf, struct conf_check *chk)
{
	const struct premapped_conf *c = conf;

	return is_pow2(c->large) || conf_refuse(chk, "large", "must be a power of two");
}

#define CONF_STRUCT_ struct premapped_conf
static const struct conf_field fields[] = { PREMAPPED_CONF(CONF_FIELD_) };
#undef CONF_STRUCT_
static const struct conf_table conf_table =
	CONF_TABLE("premapped", premapped_conf, fields, validate);

#define PREMAPPED_METRICS(M)                                                                       \
	M(COUNTER, reused, "ranges", "allocs", "Requests that got a buffer already mapped.")       \
	M(COUNTER, made, "buffers", "allocs", "Buffers made, with memory and a mapping.")          \
	M(COUNTER, from_others, "ranges", "allocs", "Buffers of other CPUs, for lack of space.")   \
	M(COUNTER, direct, "ranges", "allocs", "Requests that are mapped and unmapped as usual.")  \
	M(COUNTER, freed_elsewhere, "ranges", "frees",                                             \
		"Buffers freed on another CPU than their own.")                                    \
	M(GAUGE, buffers, "buffers", NULL, "Buffers that are mapped.")                             \
	M(GAUGE, pages, "pages", NULL, "Their pages.")

METRIC_DECLARE(premapped_metrics, PREMAPPED_METRICS);

#define METRIC_STRUCT_ struct premapped_metrics
static const struct metric_desc metric_desc[] = { PREMAPPED_METRICS(METRIC_DESC_) };
#undef METRIC_STRUCT_
static const struct metric_table metric_table = { "premapped", "Buffers that stay mapped.",
	metric_desc, ARRAY_SIZE(metric_desc) };

struct buffer {
	uint64_t pfn;
	uint32_t pages, npages; /* of the buffer; asked for */
	unsigned cpu;
	uint8_t size, rights;
	bool free;
	struct line line;
	struct buffer *next; /* free */
	struct buffer *next_hashed;
};

struct pool {
	struct lock lock;
	struct buffer *list[SIZES][RIGHTS]; /* on the lock's line */
};

struct premapped {
	struct iova_env env;
	struct premapped_conf conf;
	struct iova_tree6 tree;
	struct pool *pool; /* by CPU */
	struct buffer *hashed[BUCKETS];
	unsigned retired; /* buckets that retire() has been through */
	struct iova_metrics m;
	struct premapped_metrics c;
};

static bool premapped_init(
	void *state, const void *conf, const struct iova_env *env, struct err *err)
{
	struct premapped *s = state;

	(void)err;
	s->env = *env;
	s->conf = *(const struct premapped_conf *)conf;
	metric_scope_add(env->scope, &iova_metric_table, &s->m);
	metric_scope_add(env->scope, &metric_table, &s->c);
	iova_tree6_init(&s->tree, env);
	s->pool = xcalloc(env->ncpus, sizeof(*s->pool));
	for (unsigned i = 0; i < env->ncpus; i++)
		lock_init(&s->pool[i].lock, env->machine, "&pool->lock", "%s.pool%u.lock",
			env->name, i);
	return true;
}

static void premapped_fini(void *state)
{
	struct premapped *s = state;
	struct buffer *next;

	BUG_ON(s->m.live != 0);
	for (unsigned i = 0; i < s->env.ncpus; i++)
		lock_fini(&s->pool[i].lock);
	for (unsigned b = 0; b < BUCKETS; b++) {
		for (struct buffer *f = s->hashed[b]; f; f = next) {
			next = f->next_hashed;
			free(f);
		}
	}
	free(s->pool);
	iova_tree6_fini(&s->tree);
}

static struct buffer **bucket_of(struct premapped *s, uint64_t pfn)
{
	return &s->hashed[pfn * UINT64_C(0x9e3779b97f4a7c15) >> (64 - BUCKETS_LG2)];
}

static struct buffer *look_up(struct premapped *s, struct proc *p, uint64_t pfn)
{
	struct buffer *f = *bucket_of(s, pfn);

	cpu_run(p, s->env.machine->conf->cost->list_entry, CPU_iova);
	while (f && f->pfn != pfn)
		f = f->next_hashed;
	return f;
}

/* ---- lists ---- */

static struct buffer *take_from(
	struct premapped *s, struct proc *p, struct pool *pool, const struct iova_req *req)
{
	unsigned size = req->npages > 1;
	struct buffer **list = &pool->list[size][req->prot & 3], *f;

	lock_acquire(&pool->lock, p);
	f = *list;
	if (f && f->pfn + f->pages - 1 > req->limit_pfn)
		f = NULL;
	if (f) {
		*list = f->next;
		f->free = false;
		line_write(&f->line, p, CPU_iova);
		cpu_run(p, s->env.machine->conf->cost->list_entry, CPU_iova);
	}
	lock_release(&pool->lock, p);
	return f;
}

static struct buffer *take_from_others(
	struct premapped *s, struct proc *p, const struct iova_req *req)
{
	for (unsigned i = 1; i < s->env.ncpus; i++) {
		unsigned cpu = (cpu_id(p) + i) % s->env.ncpus;
		struct buffer *f = take_from(s, p, &s->pool[cpu], req);

		if (f) {
			s->c.from_others++;
			return f;
		}
	}
	return NULL;
}

static struct buffer *make(struct premapped *s, struct proc *p, const struct iova_req *req)
{
	uint32_t pages = req->npages > 1 ? s->conf.large : 1;
	const struct iova_tree6_req r = { pages, pages, req->limit_pfn, true };
	struct buffer *f, **bucket;
	uint64_t pfn;

	if (!iova_tree6_alloc(&s->tree, p, &r, &pfn))
		return NULL;
	f = xcalloc(1, sizeof(*f));
	*f = (struct buffer){ .pfn = pfn,
		.pages = pages,
		.cpu = cpu_id(p),
		.size = req->npages > 1,
		.rights = req->prot & 3 };
	line_init(&f->line);
	bucket = bucket_of(s, pfn);
	f->next_hashed = *bucket;
	*bucket = f;
	cpu_run(p, s->env.machine->conf->cost->object_alloc, CPU_iova);
	s->c.made++;
	s->c.buffers++;
	s->c.pages += pages;
	return f;
}

/* ---- */

static bool alloc_direct(
	struct premapped *s, struct proc *p, const struct iova_req *req, struct iova_range *out)
{
	const struct iova_tree6_req r = { req->npages, req->npages, req->limit_pfn,
		req->size_aligned };

	s->c.direct++;
	return iova_tree6_alloc(&s->tree, p, &r, &out->pfn);
}

static bool alloc_buffer(
	struct premapped *s, struct proc *p, const struct iova_req *req, struct iova_range *out)
{
	struct buffer *f = take_from(s, p, &s->pool[cpu_id(p)], req);

	s->c.reused += f != NULL;
	if (!f) {
		f = make(s, p, req);
		out->fresh = f != NULL;
	}
	if (!f && !req->keep_caches)
		f = take_from_others(s, p, req);
	if (!f)
		return false;
	f->npages = req->npages;
	out->pfn = f->pfn;
	out->premapped = f->pages;
	out->cookie = f;
	return true;
}

static bool premapped_alloc(
	void *state, struct proc *p, const struct iova_req *req, struct iova_range *out)
{
	struct premapped *s = state;
	bool direct = req->coherent || req->npages > s->conf.large;

	*out = (struct iova_range){ .npages = req->npages };
	return iova_metrics_alloc(
		&s->m, direct ? alloc_direct(s, p, req, out) : alloc_buffer(s, p, req, out));
}

static void premapped_find(void *state, struct proc *p, uint64_t pfn, struct iova_range *out)
{
	struct premapped *s = state;
	struct buffer *f = look_up(s, p, pfn);
	struct iova_node *n;

	if (f) {
		*out = (struct iova_range){
			.pfn = pfn, .npages = f->npages, .premapped = f->pages, .cookie = f
		};
		return;
	}
	lock_acquire(&s->tree.lock, p);
	n = iova_tree_find(&s->tree.tree, p, pfn);
	lock_release(&s->tree.lock, p);
	BUG_ON(!n || n->npages == 0);
	*out = (struct iova_range){ .pfn = n->lo, .npages = n->npages };
}

static void premapped_free(void *state, struct proc *p, const struct iova_range *r)
{
	struct premapped *s = state;
	struct buffer *f = r->cookie ? r->cookie : look_up(s, p, r->pfn);
	struct pool *pool;

	iova_metrics_free(&s->m);
	if (!f) {
		iova_tree6_free(&s->tree, p, &r->pfn, 1);
		return;
	}
	BUG_ON(f->free);
	pool = &s->pool[f->cpu];
	s->c.freed_elsewhere += f->cpu != cpu_id(p);
	lock_acquire(&pool->lock, p);
	f->free = true;
	f->next = pool->list[f->size][f->rights];
	pool->list[f->size][f->rights] = f;
	line_write(&f->line, p, CPU_iova);
	cpu_run(p, s->env.machine->conf->cost->list_entry, CPU_iova);
	lock_release(&pool->lock, p);
}

static bool premapped_retire(void *state, struct iova_range *out)
{
	struct premapped *s = state;
	struct buffer *f;

	BUG_ON(s->m.live != 0);
	while (s->retired < BUCKETS && !s->hashed[s->retired])
		s->retired++;
	if (s->retired == BUCKETS)
		return false;
	f = s->hashed[s->retired];
	s->hashed[s->retired] = f->next_hashed;
	*out = (struct iova_range){ .pfn = f->pfn, .npages = f->pages, .premapped = f->pages };
	iova_tree6_free(&s->tree, PROC_UNTIMED, &f->pfn, 1);
	s->c.buffers--;
	s->c.pages -= f->pages;
	free(f);
	return true;
}

static void premapped_reserve(void *state, struct proc *p, uint64_t first_pfn, uint64_t last_pfn)
{
	struct premapped *s = state;

	iova_tree6_reserve(&s->tree, p, first_pfn, last_pfn);
}

static bool premapped_check(const void *state, struct err *err)
{
	const struct premapped *s = state;
	uint64_t taken, buffers = 0, busy = 0;

	if (!iova_tree6_check(&s->tree, &taken, err))
		return false;
	for (unsigned b = 0; b < BUCKETS; b++) {
		for (const struct buffer *f = s->hashed[b]; f; f = f->next_hashed) {
			buffers++;
			busy += !f->free;
		}
	}
	if (buffers != s->c.buffers || taken != buffers + s->m.live - busy)
		return err_set(err, "%lu ranges in the tree, %lu buffers, %lu busy, %lu live",
			(unsigned long)taken, (unsigned long)buffers, (unsigned long)busy,
			(unsigned long)s->m.live);
	return true;
}

static uint64_t premapped_live(const void *state)
{
	const struct premapped *s = state;

	return s->m.live;
}

const struct iova_allocator_ops iova_premapped_ops = {
	.name = "premapped",
	.summary = "Per-CPU pools of buffers that stay mapped, for the policy copy",
	.source = "Markuze, Morrison, Tsafrir: True IOMMU Protection (ASPLOS 2016)",
	.caps = IOVA_PREMAPPED | IOVA_SPLITS_SPACE,
	.state_size = sizeof(struct premapped),
	.conf = &conf_table,
	.init = premapped_init,
	.fini = premapped_fini,
	.alloc = premapped_alloc,
	.find = premapped_find,
	.free = premapped_free,
	.retire = premapped_retire,
	.reserve = premapped_reserve,
	.check = premapped_check,
	.live = premapped_live,
};
