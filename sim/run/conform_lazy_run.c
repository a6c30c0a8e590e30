#include "run/conform_lazy_run.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/alloc.h"

#define FIRST_PFN     1u
#define MSI_FIRST_PFN 0xfee00u
#define MSI_LAST_PFN  0xfeeffu

/* ---- what the policy is lent ---- */

static void on_invalidate(void *ctx, struct proc *p, unsigned iommu, const struct iommu_flush *f,
	enum flush_trigger why)
{
	struct lazy_run *run = ctx;

	(void)p;
	(void)iommu;
	(void)why;
	run->now.flushes += f->scope == run->scope;
}

static void on_flushed(void *ctx, struct proc *p, const struct dma_range *r)
{
	(void)ctx;
	(void)p;
	(void)r;
}

static void on_release(void *ctx, struct proc *p, const struct dma_range *r)
{
	struct lazy_run *run = ctx;
	struct conform_space *space = &run->space[r->domain_id];

	run->now.freed++;
	space->ops->free(space->state, p, &r->iova);
}

static void on_timer_mod(void *ctx, struct proc *p, unsigned timer, sim_time delay)
{
	struct lazy_run *run = ctx;

	(void)p;
	(void)timer;
	(void)delay;
	run->now.armed++;
}

static sim_time on_timer_bound(void *ctx, sim_time delay)
{
	(void)ctx;
	return delay;
}

/* ---- start and end ---- */

static bool start_policy(struct lazy_run *run, const struct conform_model *model, struct err *err)
{
	const struct flush_env env = { .machine = &run->bed.machine,
		.scope = metric_scope_child(metrics_root(run->bed.metrics), "flush"),
		.ncpus = run->bed.machine.ncpus,
		.niommus = run->niommus,
		.ctx = run,
		.invalidate = on_invalidate,
		.flushed = on_flushed,
		.release = on_release,
		.timer_mod = on_timer_mod,
		.timer_bound = on_timer_bound };

	run->policy = conform_policy(model);
	run->policy_state = conform_bed_alloc(&run->bed, run->policy->state_size);
	if (run->policy->init(run->policy_state, run->policy_conf, &env, err))
		return true;
	run->policy = NULL;
	return false;
}

static bool start_domain(struct lazy_run *run, const struct conform_model *model, struct err *err)
{
	struct conform_space *s = &run->space[run->ndomains];

	if (!conform_space_init(
		    s, &run->bed, conform_allocator(model), run->ndomains, FIRST_PFN, err))
		return false;
	conform_space_reserve(s, MSI_FIRST_PFN, MSI_LAST_PFN);
	if (run->policy->domain_add)
		run->policy->domain_add(run->policy_state, (uint16_t)run->ndomains);
	run->ndomains++;
	return true;
}

struct lazy_run *lazy_run_create(
	const struct lazy_run_params *params, struct conform *c, struct err *err)
{
	struct lazy_run *run = xcalloc(1, sizeof(*run));
	bool ok;

	run->engine = engine_create(1);
	run->niommus = params->niommus;
	run->policy_conf = params->policy_conf;
	run->scope = params->scope;
	conform_bed_init(&run->bed, params->ncpus, run->engine);
	run->space = xcalloc(params->ndomains, sizeof(*run->space));
	ok = start_policy(run, params->model, err);
	while (ok && run->ndomains < params->ndomains)
		ok = start_domain(run, params->model, err);
	if (ok)
		return run;
	lazy_run_destroy(run, c);
	return NULL;
}

static void drain(struct proc *p, void *arg)
{
	struct lazy_run *run = arg;

	run->policy->drain(run->policy_state, p);
}

void lazy_run_destroy(struct lazy_run *run, struct conform *c)
{
	struct err err;

	if (run->policy) {
		conform_bed_on(&run->bed, 0, drain, run);
		run->policy->fini(run->policy_state);
	}
	for (unsigned d = 0; d < run->ndomains; d++)
		if (!conform_space_fini(&run->space[d], &err))
			conform_differs(
				c, "allocator of domain %u not sound at the end: %s", d, err.text);
	conform_bed_fini(&run->bed);
	engine_destroy(run->engine);
	free(run->policy_conf);
	free(run->space);
	free(run);
}

/* ---- operations ---- */

struct call {
	struct lazy_run *run;
	struct dma_range range;
};

static void unmapped(struct proc *p, void *arg)
{
	struct call *call = arg;

	call->run->policy->unmapped(call->run->policy_state, p, &call->range);
}

bool lazy_run_unmap(struct lazy_run *run, struct conform *c, unsigned cpu, unsigned domain,
	uint64_t pfn, uint32_t *npages)
{
	struct call call = { run,
		{ .domain_id = (uint16_t)domain, .iommu = domain % run->niommus } };

	run->space[domain].cpu = cpu;
	if (!conform_space_take(&run->space[domain], pfn, &call.range.iova)) {
		conform_differs(c, "expected a live range at pfn %" PRIx64 ", got none", pfn);
		return false;
	}
	*npages = call.range.iova.npages;
	run->now = (struct lazy_effects){ 0 };
	conform_bed_on(&run->bed, cpu, unmapped, &call);
	return true;
}

static void expired(struct proc *p, void *arg)
{
	struct lazy_run *run = arg;

	run->policy->timer(run->policy_state, p, 0);
}

void lazy_run_fire(struct lazy_run *run, unsigned cpu)
{
	run->now = (struct lazy_effects){ 0 };
	conform_bed_on(&run->bed, cpu, expired, run);
}
