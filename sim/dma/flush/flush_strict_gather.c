/*
 * strict-gather: the strict unmap of Linux 6.12: drivers/iommu/dma-iommu.c (__iommu_dma_unmap with
 * iommu_iotlb_sync), intel/cache.c (cache_tag_flush_range), amd/iommu.c. Unlike 3.1's, the
 * invalidation says when the unmap freed no page-table page, so that walk caches stay (IH on VT-d);
 * and the domain's lock is held, interrupts off, until it is complete (Intel: cache_lock, AMD: lock):
 * CPUs that unmap in one domain do so one after another.
 *
 * Departures: what is gathered is one range, because a DMA unmap is one; the 16 descriptors that go
 * out with one wait are those of a domain's several units and device TLBs, and here it has one unit.
 */
#include "dma/flush/flush.h"

#include "dma/flush/flush_domains.h"
#include "dma/flush/flush_metrics.h"
#include "hw/lock.h"

#define STRICT_GATHER_CONF(F)                                                                      \
	F(bool, leaf_hint, "true", NULL, NULL, "",                                                 \
		"Keep walk caches when the unmap freed no page-table page.")                       \
	F(bool, domain_lock, "true", NULL, NULL, "",                                               \
		"Hold the domain's lock until the invalidation is complete.")

CONF_DECLARE(strict_gather_conf, STRICT_GATHER_CONF);

#define CONF_STRUCT_ struct strict_gather_conf
static const struct conf_field fields[] = { STRICT_GATHER_CONF(CONF_FIELD_) };
#undef CONF_STRUCT_
static const struct conf_table conf_table =
	CONF_TABLE("strict-gather", strict_gather_conf, fields, NULL);

struct gather_domain {
	struct lock lock;
};

struct strict_gather {
	struct flush_env env;
	struct strict_gather_conf conf;
	struct flush_domains domains; /* of struct gather_domain */
	struct flush_metrics m;
};

static bool gather_init(void *state, const void *conf, const struct flush_env *env, struct err *err)
{
	struct strict_gather *s = state;

	(void)err;
	s->env = *env;
	s->conf = *(const struct strict_gather_conf *)conf;
	metric_scope_add(env->scope, &flush_metric_table, &s->m);
	return true;
}

static void gather_domain_add(void *state, uint16_t domain)
{
	struct strict_gather *s = state;
	struct gather_domain *d = flush_domains_add(&s->domains, domain, sizeof(*d));

	lock_init(&d->lock, s->env.machine, "&domain->cache_lock", "dom%u.cache_lock", domain);
}

static void gather_fini(void *state)
{
	struct strict_gather *s = state;

	for (unsigned i = 0; i < s->domains.n; i++)
		if (s->domains.state[i])
			lock_fini(&((struct gather_domain *)s->domains.state[i])->lock);
	flush_domains_fini(&s->domains);
}

static void gather_unmapped(void *state, struct proc *p, const struct dma_range *r)
{
	struct strict_gather *s = state;
	const struct flush_env *env = &s->env;
	struct gather_domain *d = flush_domains_at(&s->domains, r->domain_id);
	const struct iommu_flush f = { .scope = IOMMU_FLUSH_PAGES,
		.domain = r->domain_id,
		.iova = { r->iova.pfn << PAGE_LG2 },
		.npages = r->iova.npages,
		.leaf_only = s->conf.leaf_hint && r->tables.n == 0 };
	sim_time due = proc_now(p);

	s->m.unmaps++;
	if (s->conf.domain_lock)
		lock_acquire(&d->lock, p);
	env->invalidate(env->ctx, p, r->iommu, &f, FLUSH_BY_unmap);
	flush_metrics_add(&s->m, FLUSH_BY_unmap, 1, due, proc_now(p));
	env->flushed(env->ctx, p, r);
	if (s->conf.domain_lock)
		lock_release(&d->lock, p);
	env->release(env->ctx, p, r);
}

static void gather_drain(void *state, struct proc *p)
{
	(void)state;
	(void)p;
}

static uint64_t gather_held(const void *state)
{
	(void)state;
	return 0;
}

static sim_time gather_window_bound(const void *state)
{
	(void)state;
	return 0;
}

const struct flush_policy_ops flush_strict_gather_ops = {
	.name = "strict-gather",
	.summary = "Each unmap invalidates its range; walk caches stay when no table went",
	.source = "Linux 6.12 dma-iommu.c: iommu_iotlb_sync; intel/cache.c: cache_tag_flush_range",
	.state_size = sizeof(struct strict_gather),
	.conf = &conf_table,
	.init = gather_init,
	.domain_add = gather_domain_add,
	.fini = gather_fini,
	.unmapped = gather_unmapped,
	.drain = gather_drain,
	.held = gather_held,
	.window_bound = gather_window_bound,
};
