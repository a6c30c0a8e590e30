/*
 * none: no invalidation, ever: addresses and page-table pages go back as soon as the tables are
 * cleared. Nobody ships this; it is the lower end of every comparison, what an unmap costs when nothing
 * is done for safety, and what is then exposed. drain() invalidates everything, so that the hardware
 * can be taken down.
 */
#include "dma/flush/flush.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/bug.h"
#include "dma/flush/flush_metrics.h"

/* Ranges never invalidated: only remembered so that their windows can be closed at the end. */
struct none {
	struct flush_env env;
	struct dma_range *range;
	uint64_t room;
	struct flush_metrics m; /* held: how many */
};

static bool none_init(void *state, const void *conf, const struct flush_env *env, struct err *err)
{
	struct none *s = state;

	(void)conf;
	(void)err;
	s->env = *env;
	metric_scope_add(env->scope, &flush_metric_table, &s->m);
	return true;
}

static void none_fini(void *state)
{
	struct none *s = state;

	BUG_ON(s->m.held != 0);
	free(s->range);
}

static void none_unmapped(void *state, struct proc *p, const struct dma_range *r)
{
	struct none *s = state;

	if (s->m.held == s->room) {
		s->room = s->room ? 2 * s->room : 1024;
		s->range = xrealloc(s->range, s->room, sizeof(*s->range));
	}
	s->range[s->m.held++] = *r;
	s->m.unmaps++;
	s->env.release(s->env.ctx, p, r);
}

static void none_drain(void *state, struct proc *p)
{
	struct none *s = state;
	const struct iommu_flush all = { .scope = IOMMU_FLUSH_ALL };
	sim_time due = proc_now(p);

	if (s->m.held == 0)
		return;
	for (unsigned i = 0; i < s->env.niommus; i++)
		s->env.invalidate(s->env.ctx, p, i, &all, FLUSH_BY_drain);
	flush_metrics_add(&s->m, FLUSH_BY_drain, s->m.held, due, proc_now(p));
	for (uint64_t i = 0; i < s->m.held; i++)
		s->env.flushed(s->env.ctx, p, &s->range[i]);
	s->m.held = 0;
}

static uint64_t none_held(const void *state)
{
	const struct none *s = state;

	return s->m.held;
}

static sim_time none_window_bound(const void *state)
{
	(void)state;
	return SIM_TIME_NEVER;
}

const struct flush_policy_ops flush_none_ops = {
	.name = "none",
	.summary = "Unsafe: never invalidates; what unmap costs without safety",
	.source = "no kernel: the baseline",
	.unsafe = true,
	.state_size = sizeof(struct none),
	.init = none_init,
	.fini = none_fini,
	.unmapped = none_unmapped,
	.drain = none_drain,
	.held = none_held,
	.window_bound = none_window_bound,
};
