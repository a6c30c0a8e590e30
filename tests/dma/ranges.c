#include "tests/dma/ranges.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static bool covers(const struct iommu_flush *f, unsigned iommu, const struct dma_range *r)
{
	uint64_t first = f->iova.a >> PAGE_LG2;

	if (iommu != r->iommu)
		return false;
	if (f->scope == IOMMU_FLUSH_ALL)
		return true;
	if (f->domain != r->domain_id)
		return false;
	return f->scope == IOMMU_FLUSH_DOMAIN ||
	       (first <= r->iova.pfn && r->iova.pfn + r->iova.npages <= first + f->npages &&
		       (!f->leaf_only || r->tables.n == 0));
}

/* Covers what was unmapped when it was sent, not what came while it was under way. */
static void on_invalidate(void *ctx, struct proc *p, unsigned iommu, const struct iommu_flush *f,
	enum flush_trigger why)
{
	struct ranges *r = ctx;
	unsigned sent_at = r->n;

	ck_assert_uint_lt(iommu, r->env.niommus);
	r->invalidations[f->scope]++;
	r->triggers[why]++;
	r->leaf_only += f->leaf_only;
	r->last = *f;
	if (p)
		proc_sleep_until(p, proc_now(p) + r->invalidate_time);
	while (r->settled < sent_at && r->t[r->settled].state == RANGE_RELEASED)
		r->settled++;
	for (unsigned i = r->settled; i < sent_at; i++)
		if (r->t[i].state == RANGE_UNMAPPED && covers(f, iommu, &r->t[i].range))
			r->t[i].state = RANGE_COVERED;
}

static struct tracked *tracked_of(struct ranges *r, const struct dma_range *range)
{
	struct tracked *t = &r->t[range->window];

	ck_assert_uint_lt(range->window, r->n);
	ck_assert_int_eq(memcmp(&t->range, range, sizeof(*range)), 0); /* copied, not changed */
	return t;
}

static void on_flushed(void *ctx, struct proc *p, const struct dma_range *range)
{
	struct ranges *r = ctx;
	struct tracked *t = tracked_of(r, range);

	ck_assert_int_eq(t->state, RANGE_COVERED);
	t->state = t->released ? RANGE_RELEASED : RANGE_FLUSHED;
	r->done += t->released;
	t->t_flushed = proc_now(p);
	if (t->t_return != SIM_TIME_NEVER && t->t_flushed > t->t_return &&
		t->t_flushed - t->t_return > r->worst_window)
		r->worst_window = t->t_flushed - t->t_return;
}

static void on_release(void *ctx, struct proc *p, const struct dma_range *range)
{
	struct ranges *r = ctx;
	struct tracked *t = tracked_of(r, range);

	(void)p;
	ck_assert(!t->released && !t->given_back);
	t->released = true;
	r->released++;
	if (r->ops->unsafe && t->state == RANGE_UNMAPPED)
		return; /* its invalidation may come later */
	ck_assert_int_eq(t->state, RANGE_FLUSHED);
	t->state = RANGE_RELEASED;
	r->done++;
}

/* An allocator that asks for the range at once now and then, and now and then for everything. */
static void on_give_back(void *ctx, struct proc *p, const struct dma_range *range)
{
	struct ranges *r = ctx;
	struct tracked *t = tracked_of(r, range);

	ck_assert(r->ops->needs & IOVA_TELLS_REUSE);
	ck_assert(!t->given_back);
	t->given_back = true;
	if (range->window % 7 == 3)
		r->ops->reuse(r->state, p, range->domain_id, &range->iova);
	if (range->window % 50 == 11)
		r->ops->reuse(r->state, p, range->domain_id, NULL);
}

static void on_release_tables(void *ctx, struct proc *p, const struct dma_range *range)
{
	struct ranges *r = ctx;
	struct tracked *t = tracked_of(r, range);

	(void)p;
	ck_assert(t->given_back && !t->released);
	ck_assert_int_eq(t->state, RANGE_FLUSHED);
	t->released = true;
	t->state = RANGE_RELEASED;
	r->released++;
	r->done++;
}

static void on_timer_mod(void *ctx, struct proc *p, unsigned timer, sim_time delay)
{
	struct ranges *r = ctx;

	ck_assert_uint_lt(timer, RANGES_TIMERS);
	r->timer_mods++;
	r->armed |= UINT64_C(1) << timer;
	if (p)
		ktimer_mod(&r->timer[timer].ktimer, p, delay);
}

static sim_time on_timer_bound(void *ctx, sim_time delay)
{
	struct ranges *r = ctx;

	return ktimer_bound(r->machine, delay);
}

static void on_expiry(struct proc *p, void *arg)
{
	struct ranges_timer *t = arg;

	t->ranges->armed &= ~(UINT64_C(1) << t->number);
	t->ranges->ops->timer(t->ranges->state, p, t->number);
}

bool ranges_fire(struct ranges *r)
{
	if (!r->armed)
		return false;
	on_expiry(PROC_UNTIMED, &r->timer[__builtin_ctzll(r->armed)]);
	return true;
}

void *ranges_conf(const struct flush_policy_ops *ops, const char *field, uint64_t value)
{
	void *conf = conform_defaults(ops->conf);

	for (size_t i = 0; i < ops->conf->nfields; i++) {
		const struct conf_field *f = &ops->conf->fields[i];
		char *at = (char *)conf + f->off;

		if (strcmp(f->name, field) != 0)
			continue;
		if (f->type == CONF_bool)
			*(bool *)(void *)at = value != 0;
		else if (f->type == CONF_u32 || f->type == CONF_choice)
			*(uint32_t *)(void *)at = (uint32_t)value;
		else
			*(uint64_t *)(void *)at = value;
		return conf;
	}
	ck_abort_msg("no field %s", field);
	return NULL;
}

void ranges_init(struct ranges *r, struct conform_bed *bed, const struct flush_policy_ops *ops,
	const void *conf, unsigned niommus)
{
	struct machine *m = &bed->machine;
	struct err err;

	memset(r, 0, sizeof(*r));
	r->machine = m;
	r->ops = ops;
	r->env = (struct flush_env){ .machine = m,
		.scope = metric_scope_child(metrics_root(bed->metrics), "flush"),
		.ncpus = m->ncpus,
		.niommus = niommus,
		.ctx = r,
		.invalidate = on_invalidate,
		.flushed = on_flushed,
		.release = on_release,
		.give_back = on_give_back,
		.release_tables = on_release_tables,
		.timer_mod = on_timer_mod,
		.timer_bound = on_timer_bound };
	for (unsigned i = 0; i < RANGES_TIMERS; i++) {
		r->timer[i].ranges = r;
		r->timer[i].number = i;
		ktimer_init(&r->timer[i].ktimer, m, on_expiry, &r->timer[i]);
	}
	r->state = conform_bed_alloc(bed, ops->state_size);
	r->conf = conf ? NULL : conform_defaults(ops->conf);
	ck_assert(ops->init(r->state, conf ? conf : r->conf, &r->env, &err));
}

void ranges_fini(struct ranges *r, struct proc *p)
{
	r->ops->drain(r->state, p);
	ck_assert_uint_eq(r->ops->held(r->state), 0);
	ck_assert_uint_eq(r->released, r->n);
	ck_assert_uint_eq(ranges_count(r, RANGE_RELEASED), r->n);
	if (r->machine->engine)
		for (unsigned i = 0; i < RANGES_TIMERS; i++)
			ktimer_fini(&r->timer[i].ktimer);
	r->ops->fini(r->state);
	free(r->conf);
}

void ranges_unmap(struct ranges *r, struct proc *p, uint16_t domain, uint32_t npages)
{
	unsigned i = r->n++;
	struct tracked *t = &r->t[i];

	ck_assert_uint_lt(i, RANGES_MAX);
	if (!r->domain_known[domain] && r->ops->domain_add)
		r->ops->domain_add(r->state, domain);
	r->domain_known[domain] = true;
	t->range = (struct dma_range){ .domain_id = domain,
		.iommu = domain % r->env.niommus,
		.iova = { .pfn = 64 * (uint64_t)(i + 1), .npages = npages },
		.tables = { .n = i % 8 == 7 },
		.window = i };
	t->state = RANGE_UNMAPPED;
	t->t_return = SIM_TIME_NEVER;
	r->ops->unmapped(r->state, p, &t->range);
	t->t_return = proc_now(p);
	if (t->state == RANGE_UNMAPPED)
		ck_assert_uint_gt(r->ops->held(r->state), 0);
}

unsigned ranges_count(const struct ranges *r, enum range_state state)
{
	unsigned n = 0;

	for (unsigned i = 0; i < r->n; i++)
		n += r->t[i].state == state;
	return n;
}
