/*
 * flush-on-reuse: the lazy mode of the AMD driver of Linux 3.1, drivers/iommu/amd_iommu.c
 * (dma_ops_alloc_addresses, __map_single, __unmap_single): an unmap clears its entries and gives the
 * address back at once. Nothing is invalidated until the round-robin allocator is about to hand out
 * addresses that it has handed out before: then the whole domain; or until a range is freed ahead of the
 * allocator's pointer: then that range, at once. 4.5 and SPARC do the same with other allocators, and a
 * chunked allocator does it for each round of a chunk.
 *
 * When that is, is the allocator's to say: it asks for the invalidation through iova_env.flush, under its
 * own locks. There is no list, no lock and no timer here. A mapping may stay reachable until the
 * allocator has gone round: there is no bound.
 *
 * Departures: the driver of 3.1 flushes after it has written the new tables, here it is before: no
 * device knows the address before either. It never frees page-table pages; here those of an unmap wait
 * for the flush, on a list whose entries are charged.
 */
#include "dma/flush/flush.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/bug.h"
#include "base/list.h"
#include "dma/flush/flush_domains.h"
#include "dma/flush/flush_metrics.h"
#include "hw/cpu.h"

/* A range that was given back, unflushed. The driver remembers none but for its table pages. */
struct given {
	struct list link;
	uint64_t number; /* in the order of the unmaps of all domains */
	struct dma_range range;
};

struct reuse_domain {
	struct list given; /* oldest first */
	unsigned iommu;
};

struct on_reuse {
	struct flush_env env;
	struct flush_domains domains; /* of struct reuse_domain */
	struct list spare;
	uint64_t last; /* number */
	struct flush_metrics m;
};

static bool reuse_init(void *state, const void *conf, const struct flush_env *env, struct err *err)
{
	struct on_reuse *s = state;

	(void)conf;
	(void)err;
	s->env = *env;
	list_init(&s->spare);
	metric_scope_add(env->scope, &flush_metric_table, &s->m);
	return true;
}

static void reuse_domain_add(void *state, uint16_t domain)
{
	struct on_reuse *s = state;
	struct reuse_domain *d = flush_domains_add(&s->domains, domain, sizeof(*d));

	list_init(&d->given);
}

static void reuse_fini(void *state)
{
	struct on_reuse *s = state;
	struct list *n;

	BUG_ON(s->m.held != 0);
	while ((n = list_pop_front(&s->spare)) != NULL)
		free(list_entry(n, struct given, link));
	flush_domains_fini(&s->domains);
}

static struct given *remember(struct on_reuse *s, struct proc *p, const struct dma_range *r)
{
	struct list *n = list_pop_front(&s->spare);
	struct given *g = n ? list_entry(n, struct given, link) : xcalloc(1, sizeof(*g));

	g->number = ++s->last;
	g->range = *r;
	if (r->tables.n)
		cpu_run(p, s->env.machine->conf->cost->list_entry, CPU_flush_queue);
	s->m.held++;
	return g;
}

/* The invalidation that covers it is complete. */
static void settle(struct on_reuse *s, struct proc *p, struct given *g)
{
	list_remove(&g->link);
	s->m.held--;
	s->env.flushed(s->env.ctx, p, &g->range);
	if (g->range.tables.n)
		cpu_run(p, s->env.machine->conf->cost->list_entry, CPU_flush_queue);
	s->env.release_tables(s->env.ctx, p, &g->range);
	list_push_back(&s->spare, &g->link);
}

static void reuse_unmapped(void *state, struct proc *p, const struct dma_range *r)
{
	struct on_reuse *s = state;
	struct reuse_domain *d = flush_domains_at(&s->domains, r->domain_id);
	struct given *g = remember(s, p, r);

	d->iommu = r->iommu;
	list_push_back(&d->given, &g->link);
	s->m.unmaps++;
	s->env.give_back(s->env.ctx, p, r);
}

/* The whole domain: covers what was unmapped before it was sent. */
static void flush_domain(struct on_reuse *s, struct proc *p, struct reuse_domain *d,
	uint16_t domain, enum flush_trigger why)
{
	const struct iommu_flush f = { .scope = IOMMU_FLUSH_DOMAIN, .domain = domain };
	sim_time due = proc_now(p), done;
	uint64_t upto, n = 0;

	proc_sync(p);
	upto = s->last;
	s->env.invalidate(s->env.ctx, p, d->iommu, &f, why);
	done = proc_now(p);
	while (!list_empty(&d->given)) {
		struct given *g = list_entry(d->given.next, struct given, link);

		if (g->number > upto)
			break;
		settle(s, p, g);
		n++;
	}
	flush_metrics_add(&s->m, why, n, due, done);
}

/* The range that was given back last under that address; NULL: another CPU's flush of the domain has
 * covered it since, which the allocator cannot know. */
static struct given *find(struct reuse_domain *d, uint64_t pfn)
{
	for (struct list *n = d->given.prev; n != &d->given; n = n->prev) {
		struct given *g = list_entry(n, struct given, link);

		if (g->range.iova.pfn == pfn)
			return g;
	}
	return NULL;
}

static void flush_range(struct on_reuse *s, struct proc *p, struct reuse_domain *d, uint16_t domain,
	const struct iova_range *r)
{
	const struct iommu_flush f = { .scope = IOMMU_FLUSH_PAGES,
		.domain = domain,
		.iova = { r->pfn << PAGE_LG2 },
		.npages = r->npages };
	sim_time due = proc_now(p);
	struct given *g;

	s->env.invalidate(s->env.ctx, p, d->iommu, &f, FLUSH_BY_unmap);
	flush_metrics_add(&s->m, FLUSH_BY_unmap, 1, due, proc_now(p));
	g = find(d, r->pfn); /* nobody has the address before the allocator's lock is released */
	if (g)
		settle(s, p, g);
}

static void reuse_reuse(void *state, struct proc *p, uint16_t domain, const struct iova_range *r)
{
	struct on_reuse *s = state;
	struct reuse_domain *d = flush_domains_at(&s->domains, domain);

	if (r)
		flush_range(s, p, d, domain, r);
	else
		flush_domain(s, p, d, domain, FLUSH_BY_reuse);
}

static void reuse_drain(void *state, struct proc *p)
{
	struct on_reuse *s = state;

	for (unsigned i = 0; i < s->domains.n; i++) {
		struct reuse_domain *d = s->domains.state[i];

		if (d && !list_empty(&d->given))
			flush_domain(s, p, d, (uint16_t)i, FLUSH_BY_drain);
	}
}

static uint64_t reuse_held(const void *state)
{
	const struct on_reuse *s = state;

	return s->m.held;
}

static sim_time reuse_window_bound(const void *state)
{
	(void)state;
	return SIM_TIME_NEVER;
}

const struct flush_policy_ops flush_on_reuse_ops = {
	.name = "flush-on-reuse",
	.summary =
		"Nothing until the round-robin allocator comes round, or a range is freed ahead of it",
	.source = "Linux 3.1 drivers/iommu/amd_iommu.c, without amd_iommu=fullflush",
	.needs = IOVA_TELLS_REUSE,
	.state_size = sizeof(struct on_reuse),
	.init = reuse_init,
	.domain_add = reuse_domain_add,
	.fini = reuse_fini,
	.unmapped = reuse_unmapped,
	.reuse = reuse_reuse,
	.drain = reuse_drain,
	.held = reuse_held,
	.window_bound = reuse_window_bound,
};
