#include "dma/iova/iova_rcache.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "base/bug.h"

#define METRIC_STRUCT_ struct iova_rcache_metrics
static const struct metric_desc desc[] = { IOVA_RCACHE_METRICS(METRIC_DESC_) };
#undef METRIC_STRUCT_
static const struct metric_table metric_table = { "iova_rcache",
	"Per-CPU caches of freed addresses.", desc, ARRAY_SIZE(desc) };

static struct cpu_cache *cache_of(const struct iova_rcache *s, unsigned order, unsigned cpu)
{
	BUG_ON(cpu >= s->ncpus);
	return &s->cpu[order * s->ncpus + cpu];
}

void iova_rcache_init(
	struct iova_rcache *s, const struct iova_rcache_params *params, const struct iova_env *env)
{
	s->params = *params;
	s->cost = env->machine->conf->cost;
	s->ncpus = env->ncpus;
	s->owner_runs_work = env->owner_runs_work;
	waitq_init(&s->idle);
	metric_scope_add(env->scope, &iova_metric_table, &s->m);
	metric_scope_add(env->scope, &metric_table, &s->c);
	iova_tree6_init(&s->tree, env);
	s->depot = xcalloc(params->orders, sizeof(*s->depot));
	s->cpu = xcalloc((size_t)params->orders * s->ncpus, sizeof(*s->cpu));
	for (unsigned order = 0; order < params->orders; order++) {
		depot_init(&s->depot[order], s, order, env);
		for (unsigned cpu = 0; cpu < s->ncpus; cpu++) {
			struct cpu_cache *c = cache_of(s, order, cpu);

			lock_init(&c->lock, env->machine, "&cpu_rcache->lock", "%s.rcache%u.cpu%u",
				env->name, order, cpu);
			c->loaded = magazine_get(s, PROC_UNTIMED);
			c->prev = magazine_get(s, PROC_UNTIMED);
		}
	}
}

/* What is cached goes with the tree. */
void iova_rcache_fini(void *state)
{
	struct iova_rcache *s = state;
	struct magazine *next;

	BUG_ON(s->m.live != 0 || s->working != 0);
	for (unsigned order = 0; order < s->params.orders; order++) {
		struct depot *d = &s->depot[order];

		while (d->n > 0)
			magazine_put(s, PROC_UNTIMED, d->full[--d->n]);
		depot_fini(d);
		for (unsigned cpu = 0; cpu < s->ncpus; cpu++) {
			struct cpu_cache *c = cache_of(s, order, cpu);

			magazine_put(s, PROC_UNTIMED, c->loaded);
			magazine_put(s, PROC_UNTIMED, c->prev);
			lock_fini(&c->lock);
		}
	}
	for (struct magazine *m = s->spare; m; m = next) {
		next = m->next;
		free(m->line);
		free(m);
	}
	free(s->cpu);
	free(s->depot);
	iova_tree6_fini(&s->tree);
}

static void swap(struct cpu_cache *c)
{
	struct magazine *m = c->loaded;

	c->loaded = c->prev;
	c->prev = m;
}

/* iova_rcache_get(): an address that is not above max, from the CPU's magazines. Only the loaded one is
 * searched. */
static bool get(struct iova_rcache *s, struct proc *p, unsigned order, uint64_t max, uint64_t *pfn)
{
	struct cpu_cache *c = cache_of(s, order, cpu_id(p));
	struct magazine *full;
	bool found;

	lock_acquire(&c->lock, p);
	if (c->loaded->n == 0) {
		if (c->prev->n > 0) {
			swap(c);
		} else if ((full = depot_get(&s->depot[order], p)) != NULL) {
			magazine_put(s, p, c->loaded);
			c->loaded = full;
		}
	}
	found = c->loaded->n > 0 && magazine_pop(s, p, c->loaded, max, pfn);
	lock_release(&c->lock, p);
	return found;
}

/* iova_rcache_insert(). A magazine that the depot has no room for is emptied after the lock. */
static void put(struct iova_rcache *s, struct proc *p, unsigned order, uint64_t pfn)
{
	struct cpu_cache *c = cache_of(s, order, cpu_id(p));
	struct magazine *overflow = NULL, *empty;

	lock_acquire(&c->lock, p);
	if (c->loaded->n == s->params.magazine) {
		if (c->prev->n < s->params.magazine) {
			swap(c);
		} else {
			empty = magazine_get(s, p);
			overflow = depot_put(&s->depot[order], p, c->loaded);
			c->loaded = empty;
		}
	}
	magazine_push(s, p, c->loaded, pfn);
	lock_release(&c->lock, p);
	if (overflow) {
		magazine_empty(s, p, overflow);
		magazine_put(s, p, overflow);
	}
}

/* Everything that any cache holds, back to the tree. */
static void flush_all(struct iova_rcache *s, struct proc *p)
{
	s->c.flushes++;
	for (unsigned cpu = 0; cpu < s->ncpus; cpu++) {
		for (unsigned order = 0; order < s->params.orders; order++) {
			struct cpu_cache *c = cache_of(s, order, cpu);

			lock_acquire(&c->lock, p);
			magazine_empty(s, p, c->loaded);
			magazine_empty(s, p, c->prev);
			lock_release(&c->lock, p);
		}
	}
	for (unsigned order = 0; order < s->params.orders; order++)
		depot_flush(&s->depot[order], p);
}

/* alloc_iova_fast(): always aligned, whatever was asked. */
static bool alloc_fast(
	struct iova_rcache *s, struct proc *p, const struct iova_req *req, uint64_t *pfn)
{
	unsigned order = ilog2_ceil(req->npages);
	uint64_t small = BIT64(s->params.orders - 1);
	uint64_t size = req->npages < small ? BIT64(order) : req->npages;
	const struct iova_tree6_req r = { size, (uint32_t)size, req->limit_pfn, true };

	s->c.pages_rounded += size - req->npages;
	if (order >= s->params.orders) {
		s->c.uncached++;
	} else if (req->limit_pfn + 1 >= size && get(s, p, order, req->limit_pfn + 1 - size, pfn)) {
		s->c.hits++;
		return true;
	} else {
		s->c.misses++;
	}
	if (iova_tree6_alloc(&s->tree, p, &r, pfn))
		return true;
	if (req->keep_caches)
		return false;
	flush_all(s, p);
	return iova_tree6_alloc(&s->tree, p, &r, pfn);
}

bool iova_rcache_alloc(
	void *state, struct proc *p, const struct iova_req *req, struct iova_range *out)
{
	struct iova_rcache *s = state;

	*out = (struct iova_range){ .npages = req->npages };
	return iova_metrics_alloc(&s->m, alloc_fast(s, p, req, &out->pfn));
}

/* free_iova_fast(): by the size that was asked for, not by what the tree knows. */
void iova_rcache_free(void *state, struct proc *p, const struct iova_range *r)
{
	struct iova_rcache *s = state;
	unsigned order = ilog2_ceil(r->npages);

	if (order < s->params.orders)
		put(s, p, order, r->pfn);
	else
		iova_tree6_free(&s->tree, p, &r->pfn, 1);
	iova_metrics_free(&s->m);
}

void iova_rcache_reserve(void *state, struct proc *p, uint64_t first_pfn, uint64_t last_pfn)
{
	struct iova_rcache *s = state;

	iova_tree6_reserve(&s->tree, p, first_pfn, last_pfn);
}

void iova_rcache_work(void *state, struct proc *p)
{
	struct iova_rcache *s = state;

	for (unsigned order = 0; order < s->params.orders; order++)
		if (s->depot[order].pending)
			depot_trim(&s->depot[order], p);
}

void iova_rcache_stop(void *state, struct proc *p)
{
	struct iova_rcache *s = state;

	do {
		while (s->working > 0)
			proc_wait(p, &s->idle);
		for (unsigned order = 0; order < s->params.orders; order++)
			depot_cancel(&s->depot[order]);
	} while (s->working > 0);
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Append what a magazine holds to v[0 .. n). */
static size_t gather(const struct magazine *m, uint64_t *v, size_t n)
{
	for (uint32_t i = 0; i < m->n; i++)
		v[n + i] = m->pfn[i];
	return n + m->n;
}

/* Every address in a cache is there once. */
static bool check_cached(const struct iova_rcache *s, struct err *err)
{
	const struct iova_rcache_params *params = &s->params;
	size_t room = 0, n = 0;
	uint64_t *v;
	bool ok;

	for (unsigned order = 0; order < params->orders; order++)
		room += (s->depot[order].n + 2 * (size_t)s->ncpus) * params->magazine;
	v = xcalloc(room, sizeof(*v));
	for (unsigned order = 0; order < params->orders; order++) {
		for (uint32_t i = 0; i < s->depot[order].n; i++)
			n = gather(s->depot[order].full[i], v, n);
		for (unsigned cpu = 0; cpu < s->ncpus; cpu++) {
			n = gather(cache_of(s, order, cpu)->loaded, v, n);
			n = gather(cache_of(s, order, cpu)->prev, v, n);
		}
	}
	qsort(v, n, sizeof(*v), by_value);
	ok = n == s->c.cached || err_set(err, "%lu addresses in caches, %lu counted",
					 (unsigned long)n, (unsigned long)s->c.cached);
	for (size_t i = 1; i < n && ok; i++)
		if (v[i] == v[i - 1])
			ok = err_set(err, "%#lx is cached twice", (unsigned long)v[i]);
	free(v);
	return ok;
}

bool iova_rcache_check(const void *state, struct err *err)
{
	const struct iova_rcache *s = state;
	uint64_t taken;

	if (!iova_tree6_check(&s->tree, &taken, err) || !check_cached(s, err))
		return false;
	if (taken != s->m.live + s->c.cached)
		return err_set(err, "%lu ranges in the tree, %lu live and %lu cached",
			(unsigned long)taken, (unsigned long)s->m.live, (unsigned long)s->c.cached);
	return true;
}

uint64_t iova_rcache_live(const void *state)
{
	const struct iova_rcache *s = state;

	return s->m.live;
}
