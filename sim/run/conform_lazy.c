/*
 * Deferred-flush vectors of the 3.1 Intel driver:
 *   #run,id,kernel,code,ndomains,niommus,name
 *   a,dom,size,limit_pfn,1,pfn                       allocate in a domain; pfn 0: failed
 *   q,dom,pfn,global_flushes,freed,timer_armed       unmap: what it caused before being queued
 *   T,global_flushes,freed                           the timer fires
 * Domain d is on remapping unit d % niommus; the MSI window is reserved in each.
 * PFNs, limits: hex. The rest: decimal.
 */
#include "run/conform_priv.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "dma/flush/flush.h"
#include "run/conform_models.h"
#include "run/conform_space.h"

#define MSI_FIRST_PFN 0xfee00u
#define MSI_LAST_PFN  0xfeeffu

static const struct conform_model models[] = {
	{ "v3.1-intel", "lazy", "rbtree-3.1", "deferred-global" },
};

/* What one call of the policy caused. */
struct effects {
	uint64_t flushes, freed, armed;
};

struct lazy_run {
	struct conform_bed bed;
	unsigned ndomains, niommus;
	struct conform_space *space; /* ndomains */
	const struct flush_policy_ops *policy;
	void *policy_state, *policy_conf;
	struct effects now;
};

static void on_invalidate(void *ctx, struct proc *p, unsigned iommu, const struct iommu_flush *f,
	enum flush_trigger why)
{
	struct lazy_run *run = ctx;

	(void)p;
	(void)iommu;
	(void)why;
	run->now.flushes += f->scope == IOMMU_FLUSH_ALL;
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
	run->policy_conf = conform_defaults(run->policy->conf);
	if (run->policy->init(run->policy_state, run->policy_conf, &env, err))
		return true;
	run->policy = NULL;
	return false;
}

static bool start_space(struct lazy_run *run, const struct conform_model *model, struct err *err)
{
	struct conform_space *s = &run->space[run->ndomains];

	if (!conform_space_init(s, &run->bed, conform_allocator(model), run->ndomains, 1, err))
		return false;
	s->ops->reserve(s->state, PROC_UNTIMED, MSI_FIRST_PFN, MSI_LAST_PFN);
	run->ndomains++;
	return true;
}

static void lazy_end(void *state, struct conform *c)
{
	struct lazy_run *run = state;
	struct err err;

	if (run->policy) {
		run->policy->drain(run->policy_state, PROC_UNTIMED);
		run->policy->fini(run->policy_state);
	}
	for (unsigned d = 0; d < run->ndomains; d++)
		if (!conform_space_fini(&run->space[d], &err))
			conform_differs(
				c, "allocator of domain %u not sound at the end: %s", d, err.text);
	conform_bed_fini(&run->bed);
	free(run->policy_conf);
	free(run->space);
	free(run);
}

static void *lazy_begin(struct conform *c, struct err *err)
{
	struct lazy_run *run;
	uint64_t ndomains, niommus;
	bool ok;

	if (!conform_row_has(&c->row, 7, err) ||
		!conform_row_dec(&c->row, 4, "the number of domains", 1, 1024, &ndomains, err) ||
		!conform_row_dec(&c->row, 5, "the number of IOMMUs", 1, 1024, &niommus, err))
		return NULL;
	run = xcalloc(1, sizeof(*run));
	run->niommus = (unsigned)niommus;
	conform_bed_init(&run->bed, 1, NULL);
	run->space = xcalloc(ndomains, sizeof(*run->space));
	ok = start_policy(run, c->model, err);
	while (ok && run->ndomains < ndomains)
		ok = start_space(run, c->model, err);
	if (ok)
		return run;
	lazy_end(run, c);
	return NULL;
}

static bool domain_of(struct lazy_run *run, struct conform *c, uint64_t *domain, struct err *err)
{
	return conform_row_dec(&c->row, 1, "the domain", 0, run->ndomains - 1, domain, err);
}

static bool allocate(struct lazy_run *run, struct conform *c, struct err *err)
{
	uint64_t domain, size, limit, aligned, expected, got = 0;
	struct iova_req req;

	if (!conform_row_has(&c->row, 6, err) || !domain_of(run, c, &domain, err) ||
		!conform_row_dec(&c->row, 2, "the size", 1, UINT32_MAX / 2, &size, err) ||
		!conform_row_hex(&c->row, 3, "the limit", 1, CONFORM_LAST_PFN, &limit, err) ||
		!conform_row_dec(&c->row, 4, "the alignment flag", 0, 1, &aligned, err) ||
		!conform_row_hex(&c->row, 5, "the PFN", 0, CONFORM_LAST_PFN, &expected, err))
		return false;
	req = (struct iova_req){
		.npages = (uint32_t)size, .limit_pfn = limit, .size_aligned = aligned != 0
	};
	conform_space_alloc(&run->space[domain], &req, &got);
	if (got != expected)
		conform_differs(c, "expected pfn %" PRIx64 ", got %" PRIx64, expected, got);
	return true;
}

static bool parse_effects(struct conform *c, unsigned first, struct effects *e, struct err *err)
{
	return conform_row_dec(
		       &c->row, first, "the number of flushes", 0, UINT32_MAX, &e->flushes, err) &&
	       conform_row_dec(
		       &c->row, first + 1, "the number of frees", 0, UINT32_MAX, &e->freed, err);
}

static void compare(struct conform *c, const struct effects *want, const struct effects *got)
{
	if (want->flushes != got->flushes || want->freed != got->freed || want->armed != got->armed)
		conform_differs(c,
			"expected %" PRIu64 " flushes, %" PRIu64 " freed, timer armed %" PRIu64
			"; got %" PRIu64 ", %" PRIu64 ", %" PRIu64,
			want->flushes, want->freed, want->armed, got->flushes, got->freed,
			got->armed);
}

static bool unmap(struct lazy_run *run, struct conform *c, struct err *err)
{
	struct dma_range r = { .domain = NULL };
	struct effects want;
	uint64_t domain, pfn;

	if (!conform_row_has(&c->row, 6, err) || !domain_of(run, c, &domain, err) ||
		!conform_row_hex(&c->row, 2, "the PFN", 0, CONFORM_LAST_PFN, &pfn, err) ||
		!parse_effects(c, 3, &want, err) ||
		!conform_row_dec(&c->row, 5, "the timer flag", 0, 1, &want.armed, err))
		return false;
	if (!conform_space_take(&run->space[domain], pfn, &r.iova)) {
		conform_differs(c, "expected a live range at pfn %" PRIx64 ", got none", pfn);
		return true;
	}
	r.domain_id = (uint16_t)domain;
	r.iommu = (unsigned)domain % run->niommus;
	run->now = (struct effects){ 0 };
	run->policy->unmapped(run->policy_state, PROC_UNTIMED, &r);
	compare(c, &want, &run->now);
	return true;
}

static bool fire(struct lazy_run *run, struct conform *c, struct err *err)
{
	struct effects want = { 0 };

	if (!conform_row_has(&c->row, 3, err) || !parse_effects(c, 1, &want, err))
		return false;
	run->now = (struct effects){ 0 };
	run->policy->timer(run->policy_state, PROC_UNTIMED, 0);
	compare(c, &want, &run->now);
	return true;
}

static bool lazy_row(void *state, struct conform *c, struct err *err)
{
	const char *op = c->row.field[0];

	if (strcmp(op, "a") == 0)
		return allocate(state, c, err);
	if (strcmp(op, "q") == 0)
		return unmap(state, c, err);
	if (strcmp(op, "T") == 0)
		return fire(state, c, err);
	return conform_row_refuse(&c->row, 0, err, "no operation '%s' in runs of %s", op, c->label);
}

const struct conform_kind conform_lazy = {
	.name = "lazy",
	.summary = "Deferred flushing: what an unmap or the timer flushes and frees",
	.models = models,
	.nmodels = ARRAY_SIZE(models),
	.begin = lazy_begin,
	.row = lazy_row,
	.end = lazy_end,
};
