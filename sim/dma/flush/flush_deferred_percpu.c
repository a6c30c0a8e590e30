/*
 * deferred-percpu-2016: the batched unmap of Linux 4.7, drivers/iommu/intel-iommu.c (add_unmap,
 * flush_unmaps), from commit aa4732406e12: deferred-global split into a list per CPU, each with its
 * own lock, timer and 250 entries, because the one lock was where CPUs met.
 *
 * An unmap that finds its CPU's list full flushes the lists of all CPUs, one after another, each with a
 * global invalidation of its own for every remapping unit that the list has entries of, under the
 * list's lock. So 16 CPUs under load send up to 16 global invalidations where one would do.
 *
 * The commit's text says that a time-out flushes the lists of all CPUs, too; its code flushes the list
 * whose timer it is. `timeout_flushes` chooses; the default is the code.
 */
#include "dma/flush/flush.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/bug.h"
#include "dma/flush/flush_tables.h"
#include "hw/cpu.h"
#include "hw/lock.h"

#define ENTRY_BYTES 32u

enum timeout_flushes { TIMEOUT_FLUSHES_OWN, TIMEOUT_FLUSHES_ALL }; /* words of timeout_flushes */

#define DEFERRED_PERCPU_CONF(F)                                                                    \
	F(u32, entries, "250", "1", "65536", "ranges",                                             \
		"Unmapped ranges that wait on one CPU before its next one causes a flush.")        \
	F(time, timeout, "10ms", "1us", "10s", "",                                                 \
		"Delay of each CPU's kernel timer, for a list that does not fill up.")             \
	F(choice, timeout_flushes, "own", NULL, NULL, "own|all",                                   \
		"What an expiry flushes: the CPU's own list (the code of 4.7) or the lists of "    \
		"all CPUs (the text of its commit).")                                              \
	F(bool, caching_mode, "false", NULL, NULL, "",                                             \
		"The remapping unit is virtual (CAP.CM): invalidate range by range, not globally.")

CONF_DECLARE(deferred_percpu_conf, DEFERRED_PERCPU_CONF);

#define CONF_STRUCT_ struct deferred_percpu_conf
static const struct conf_field fields[] = { DEFERRED_PERCPU_CONF(CONF_FIELD_) };
#undef CONF_STRUCT_
static const struct conf_table conf_table =
	CONF_TABLE("deferred-percpu-2016", deferred_percpu_conf, fields, NULL);

/* deferred_flush_data: size and timer_on are on the lock's line. */
struct cpu_list {
	struct lock lock;
	struct flush_tables tables;
	bool timer_on;
};

struct deferred_percpu {
	struct flush_env env;
	struct deferred_percpu_conf conf;
	struct cpu_list *list; /* by CPU */
	struct flush_metrics m;
};

static bool percpu_init(void *state, const void *conf, const struct flush_env *env, struct err *err)
{
	struct deferred_percpu *s = state;

	(void)err;
	s->env = *env;
	s->conf = *(const struct deferred_percpu_conf *)conf;
	s->list = xcalloc(env->ncpus, sizeof(*s->list));
	for (unsigned i = 0; i < env->ncpus; i++) {
		lock_init(&s->list[i].lock, env->machine, "&deferred_flush->lock",
			"deferred_flush.cpu%u", i);
		flush_tables_init(&s->list[i].tables, &s->env, &s->m, s->conf.entries, ENTRY_BYTES,
			s->conf.caching_mode);
	}
	metric_scope_add(env->scope, &flush_metric_table, &s->m);
	return true;
}

static void percpu_fini(void *state)
{
	struct deferred_percpu *s = state;

	for (unsigned i = 0; i < s->env.ncpus; i++) {
		flush_tables_fini(&s->list[i].tables);
		lock_fini(&s->list[i].lock);
	}
	free(s->list);
}

/* flush_unmaps_timeout(). Lists that turn out empty cost their lock. */
static void flush_list(struct deferred_percpu *s, struct proc *p, struct cpu_list *l, sim_time due,
	enum flush_trigger why)
{
	lock_acquire(&l->lock, p);
	l->timer_on = false;
	s->m.timers_empty += why == FLUSH_BY_timer && l->tables.size == 0;
	flush_tables_flush(&l->tables, p, due, why);
	lock_release(&l->lock, p);
}

static void flush_all_lists(
	struct deferred_percpu *s, struct proc *p, sim_time due, enum flush_trigger why)
{
	for (unsigned i = 0; i < s->env.ncpus; i++)
		flush_list(s, p, &s->list[i], due, why);
}

static void percpu_unmapped(void *state, struct proc *p, const struct dma_range *r)
{
	struct deferred_percpu *s = state;
	unsigned cpu = cpu_id(p);
	struct cpu_list *l = &s->list[cpu];
	sim_time due = proc_now(p);

	/* Looked at without the lock: others only empty this list. */
	if (l->tables.size == s->conf.entries)
		flush_all_lists(s, p, due, FLUSH_BY_batch_full);
	lock_acquire(&l->lock, p);
	flush_tables_add(&l->tables, p, r);
	if (!l->timer_on) {
		s->env.timer_mod(s->env.ctx, p, cpu, s->conf.timeout);
		l->timer_on = true;
		s->m.timers_armed++;
	}
	s->m.unmaps++;
	lock_release(&l->lock, p);
}

static void percpu_timer(void *state, struct proc *p, unsigned timer)
{
	struct deferred_percpu *s = state;
	sim_time due = proc_now(p);

	BUG_ON(timer >= s->env.ncpus);
	if (s->conf.timeout_flushes == TIMEOUT_FLUSHES_ALL)
		flush_all_lists(s, p, due, FLUSH_BY_timer);
	else
		flush_list(s, p, &s->list[timer], due, FLUSH_BY_timer);
}

static void percpu_drain(void *state, struct proc *p)
{
	flush_all_lists(state, p, proc_now(p), FLUSH_BY_drain);
}

static uint64_t percpu_held(const void *state)
{
	const struct deferred_percpu *s = state;

	return s->m.held;
}

static sim_time percpu_window_bound(const void *state)
{
	const struct deferred_percpu *s = state;

	return s->env.timer_bound(s->env.ctx, s->conf.timeout);
}

const struct flush_policy_ops flush_deferred_percpu_ops = {
	.name = "deferred-percpu-2016",
	.summary = "Per CPU 250 ranges or 10 ms; a full list flushes all CPUs' lists",
	.source = "Linux 4.7 drivers/iommu/intel-iommu.c: add_unmap, flush_unmaps",
	.state_size = sizeof(struct deferred_percpu),
	.conf = &conf_table,
	.init = percpu_init,
	.fini = percpu_fini,
	.unmapped = percpu_unmapped,
	.timer = percpu_timer,
	.drain = percpu_drain,
	.held = percpu_held,
	.window_bound = percpu_window_bound,
};
