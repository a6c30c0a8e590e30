/*
 * deferred-global: the batched unmap of Linux 3.1, drivers/iommu/intel-iommu.c (add_unmap,
 * flush_unmaps), from commit 5e0d2a6fc094: unmapped ranges of all domains gather in one list per
 * remapping unit; when 250 wait in all, or 10 ms after the first, one global invalidation per unit
 * covers them and their addresses go back. One spinlock guards all lists and is held, interrupts
 * off, through the invalidations and the frees.
 *
 * The batch is flushed before the entry that finds it full is queued, so that entry waits on. A flush
 * for fullness leaves the timer pending; the next entry moves it.
 *
 * Departures: the two parallel arrays of the kernel (range, domain) are one array of 16-byte entries,
 * four a cache line; freed page-table pages wait for the flush (3.1 frees them before it) - whoever
 * gives the policy its ranges decides by leaving `tables` empty.
 */
#include "dma/flush/flush.h"

#include "base/bug.h"
#include "dma/flush/flush_tables.h"
#include "hw/cpu.h"
#include "hw/lock.h"

#define ENTRY_BYTES 16u
#define TIMER       0u

#define DEFERRED_GLOBAL_CONF(F)                                                                    \
	F(u32, entries, "250", "1", "65536", "ranges",                                             \
		"Unmapped ranges, of all domains, that wait before the next one causes a flush.")  \
	F(time, timeout, "10ms", "1us", "10s", "",                                                 \
		"Delay of the kernel timer that flushes a batch that does not fill up.")           \
	F(bool, caching_mode, "false", NULL, NULL, "",                                             \
		"The remapping unit is virtual (CAP.CM): invalidate range by range, not globally.")

CONF_DECLARE(deferred_global_conf, DEFERRED_GLOBAL_CONF);

#define CONF_STRUCT_ struct deferred_global_conf
static const struct conf_field fields[] = { DEFERRED_GLOBAL_CONF(CONF_FIELD_) };
#undef CONF_STRUCT_
static const struct conf_table conf_table =
	CONF_TABLE("deferred-global", deferred_global_conf, fields, NULL);

struct deferred_global {
	struct flush_env env;
	struct deferred_global_conf conf;
	struct lock lock;
	struct line head; /* list_size and timer_on */
	struct flush_tables tables;
	bool timer_on;
	struct flush_metrics m;
};

static bool deferred_init(
	void *state, const void *conf, const struct flush_env *env, struct err *err)
{
	struct deferred_global *s = state;

	(void)err;
	s->env = *env;
	s->conf = *(const struct deferred_global_conf *)conf;
	lock_init(&s->lock, env->machine, "async_umap_flush_lock", "async_umap_flush_lock");
	line_init(&s->head);
	flush_tables_init(
		&s->tables, &s->env, &s->m, s->conf.entries, ENTRY_BYTES, s->conf.caching_mode);
	metric_scope_add(env->scope, &flush_metric_table, &s->m);
	return true;
}

static void deferred_fini(void *state)
{
	struct deferred_global *s = state;

	flush_tables_fini(&s->tables);
	lock_fini(&s->lock);
}

/* With the lock held. `due`: when the caller was called, before it waited for the lock. */
static void flush_all(
	struct deferred_global *s, struct proc *p, sim_time due, enum flush_trigger why)
{
	s->timer_on = false;
	flush_tables_flush(&s->tables, p, due, why);
	line_write(&s->head, p, CPU_flush_queue);
}

static void deferred_unmapped(void *state, struct proc *p, const struct dma_range *r)
{
	struct deferred_global *s = state;
	sim_time due = proc_now(p);

	lock_acquire(&s->lock, p);
	line_write(&s->head, p, CPU_flush_queue);
	if (s->tables.size == s->conf.entries)
		flush_all(s, p, due, FLUSH_BY_batch_full);
	flush_tables_add(&s->tables, p, r);
	if (!s->timer_on) {
		s->env.timer_mod(s->env.ctx, p, TIMER, s->conf.timeout);
		s->timer_on = true;
		s->m.timers_armed++;
	}
	s->m.unmaps++;
	lock_release(&s->lock, p);
}

static void deferred_timer(void *state, struct proc *p, unsigned timer)
{
	struct deferred_global *s = state;
	sim_time due = proc_now(p);

	BUG_ON(timer != TIMER);
	lock_acquire(&s->lock, p);
	s->m.timers_empty += s->tables.size == 0;
	flush_all(s, p, due, FLUSH_BY_timer);
	lock_release(&s->lock, p);
}

static void deferred_drain(void *state, struct proc *p)
{
	struct deferred_global *s = state;
	sim_time due = proc_now(p);

	lock_acquire(&s->lock, p);
	flush_all(s, p, due, FLUSH_BY_drain);
	lock_release(&s->lock, p);
}

static uint64_t deferred_held(const void *state)
{
	const struct deferred_global *s = state;

	return s->m.held;
}

static sim_time deferred_window_bound(const void *state)
{
	const struct deferred_global *s = state;

	return s->env.timer_bound(s->env.ctx, s->conf.timeout);
}

const struct flush_policy_ops flush_deferred_global_ops = {
	.name = "deferred-global",
	.summary = "Batch of 250 ranges or 10 ms, global flush, one lock for all",
	.source = "Linux 3.1 drivers/iommu/intel-iommu.c: add_unmap, flush_unmaps",
	.state_size = sizeof(struct deferred_global),
	.conf = &conf_table,
	.init = deferred_init,
	.fini = deferred_fini,
	.unmapped = deferred_unmapped,
	.timer = deferred_timer,
	.drain = deferred_drain,
	.held = deferred_held,
	.window_bound = deferred_window_bound,
};
