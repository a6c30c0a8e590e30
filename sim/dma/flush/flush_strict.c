/*
 * strict: every unmap waits for the invalidation of its own range before it returns
 * (intel_iommu=strict, iommu.strict=1). The driver of 3.1 never sets the hint that only leaf entries
 * changed, so walk caches of the range go too.
 */
#include "dma/flush/flush_strict.h"

bool flush_strict_init(void *state, const void *conf, const struct flush_env *env, struct err *err)
{
	struct flush_strict *s = state;

	(void)conf;
	(void)err;
	s->env = *env;
	metric_scope_add(env->scope, &flush_metric_table, &s->m);
	return true;
}

void flush_strict_fini(void *state)
{
	(void)state; /* holds nothing between calls */
}

void flush_strict_unmapped(void *state, struct proc *p, const struct dma_range *r)
{
	struct flush_strict *s = state;
	const struct flush_env *env = &s->env;
	const struct iommu_flush f = { .scope = IOMMU_FLUSH_PAGES,
		.domain = r->domain_id,
		.iova = { r->iova.pfn << PAGE_LG2 },
		.npages = r->iova.npages };
	sim_time due = proc_now(p);

	s->m.unmaps++;
	env->invalidate(env->ctx, p, r->iommu, &f, FLUSH_BY_unmap);
	flush_metrics_add(&s->m, FLUSH_BY_unmap, 1, due, proc_now(p));
	env->flushed(env->ctx, p, r);
	env->release(env->ctx, p, r);
}

void flush_strict_drain(void *state, struct proc *p)
{
	(void)state;
	(void)p;
}

uint64_t flush_strict_held(const void *state)
{
	(void)state;
	return 0;
}

sim_time flush_strict_window_bound(const void *state)
{
	(void)state;
	return 0;
}

const struct flush_policy_ops flush_strict_ops = {
	.name = "strict",
	.summary = "Each unmap invalidates its range and waits",
	.source = "Linux 3.1 intel_iommu=strict",
	.state_size = sizeof(struct flush_strict),
	.init = flush_strict_init,
	.fini = flush_strict_fini,
	.unmapped = flush_strict_unmapped,
	.drain = flush_strict_drain,
	.held = flush_strict_held,
	.window_bound = flush_strict_window_bound,
};
