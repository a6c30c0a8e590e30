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

#include <stdlib.h>

#include "base/alloc.h"
#include "base/bug.h"
#include "dma/flush/flush_metrics.h"
#include "hw/cpu.h"
#include "hw/lock.h"

#define ENTRIES_PER_LINE 4u
#define TIMER            0u

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

/* The ranges that wait on one remapping unit. */
struct unit {
	uint32_t n;
	struct dma_range *range;
	struct line *line; /* of ENTRIES_PER_LINE ranges each */
};

struct deferred_global {
	struct flush_env env;
	struct deferred_global_conf conf;
	const struct cost_conf *cost;
	struct lock lock;
	struct line head; /* list_size and timer_on */
	struct unit *units;
	uint32_t list_size; /* over all units */
	bool timer_on;
	struct flush_metrics m;
};

static bool deferred_init(
	void *state, const void *conf, const struct flush_env *env, struct err *err)
{
	struct deferred_global *s = state;
	uint32_t nlines;

	(void)err;
	s->env = *env;
	s->conf = *(const struct deferred_global_conf *)conf;
	s->cost = env->machine->conf->cost;
	nlines = (s->conf.entries + ENTRIES_PER_LINE - 1) / ENTRIES_PER_LINE;
	lock_init(&s->lock, env->machine, "async_umap_flush_lock", "async_umap_flush_lock");
	line_init(&s->head);
	s->units = xcalloc(env->niommus, sizeof(*s->units));
	for (unsigned i = 0; i < env->niommus; i++) {
		s->units[i].range = xcalloc(s->conf.entries, sizeof(*s->units[i].range));
		s->units[i].line = xcalloc(nlines, sizeof(*s->units[i].line));
		for (uint32_t l = 0; l < nlines; l++)
			line_init(&s->units[i].line[l]);
	}
	metric_scope_add(env->scope, &flush_metric_table, &s->m);
	return true;
}

static void deferred_fini(void *state)
{
	struct deferred_global *s = state;

	BUG_ON(s->list_size != 0);
	for (unsigned i = 0; i < s->env.niommus; i++) {
		free(s->units[i].range);
		free(s->units[i].line);
	}
	free(s->units);
	lock_fini(&s->lock);
}

/* Read entry i on its way out, or write it on its way in. */
static void touch_entry(
	struct deferred_global *s, struct proc *p, struct unit *u, uint32_t i, bool write)
{
	struct line *l = &u->line[i / ENTRIES_PER_LINE];

	if (write)
		line_write(l, p, CPU_flush_queue);
	else
		line_read(l, p, CPU_flush_queue);
	cpu_run(p, s->cost->list_entry, CPU_flush_queue);
}

static void release_entry(struct deferred_global *s, struct proc *p, struct unit *u, uint32_t i)
{
	touch_entry(s, p, u, i, false);
	s->m.held--;
	s->env.release(s->env.ctx, p, &u->range[i]);
}

/* One global invalidation closes the windows of all entries at once; then each goes back. Returns
 * when the invalidation was complete. */
static sim_time flush_unit(
	struct deferred_global *s, struct proc *p, unsigned iommu, enum flush_trigger why)
{
	const struct flush_env *env = &s->env;
	const struct iommu_flush all = { .scope = IOMMU_FLUSH_ALL };
	struct unit *u = &s->units[iommu];
	sim_time done;

	env->invalidate(env->ctx, p, iommu, &all, why);
	done = proc_now(p);
	for (uint32_t i = 0; i < u->n; i++)
		env->flushed(env->ctx, p, &u->range[i]);
	for (uint32_t i = 0; i < u->n; i++)
		release_entry(s, p, u, i);
	u->n = 0;
	return done;
}

/* In caching mode: range by range, each released before the next is invalidated. */
static sim_time flush_unit_by_range(
	struct deferred_global *s, struct proc *p, unsigned iommu, enum flush_trigger why)
{
	const struct flush_env *env = &s->env;
	struct unit *u = &s->units[iommu];
	sim_time done = 0;

	for (uint32_t i = 0; i < u->n; i++) {
		const struct dma_range *r = &u->range[i];
		const struct iommu_flush f = { .scope = IOMMU_FLUSH_PAGES,
			.domain = r->domain_id,
			.iova = { r->iova.pfn << PAGE_LG2 },
			.npages = r->iova.npages };

		env->invalidate(env->ctx, p, iommu, &f, why);
		done = proc_now(p);
		env->flushed(env->ctx, p, r);
		release_entry(s, p, u, i);
	}
	u->n = 0;
	return done;
}

/* With the lock held. `due`: when the caller was called, before it waited for the lock. */
static void flush_all(
	struct deferred_global *s, struct proc *p, sim_time due, enum flush_trigger why)
{
	uint32_t n = s->list_size;
	sim_time done = due;

	s->timer_on = false;
	for (unsigned i = 0; i < s->env.niommus; i++) {
		if (s->units[i].n == 0)
			continue;
		done = s->conf.caching_mode ? flush_unit_by_range(s, p, i, why)
					    : flush_unit(s, p, i, why);
	}
	s->list_size = 0;
	line_write(&s->head, p, CPU_flush_queue);
	if (n > 0)
		flush_metrics_add(&s->m, why, n, due, done);
}

static void deferred_unmapped(void *state, struct proc *p, const struct dma_range *r)
{
	struct deferred_global *s = state;
	sim_time due = proc_now(p);
	struct unit *u;

	BUG_ON(r->iommu >= s->env.niommus);
	u = &s->units[r->iommu];
	lock_acquire(&s->lock, p);
	line_write(&s->head, p, CPU_flush_queue);
	if (s->list_size == s->conf.entries)
		flush_all(s, p, due, FLUSH_BY_batch_full);
	u->range[u->n] = *r;
	touch_entry(s, p, u, u->n++, true);
	if (!s->timer_on) {
		s->env.timer_mod(s->env.ctx, p, TIMER, s->conf.timeout);
		s->timer_on = true;
		s->m.timers_armed++;
	}
	s->list_size++;
	s->m.held++;
	s->m.unmaps++;
	lock_release(&s->lock, p);
}

static void deferred_timer(void *state, struct proc *p, unsigned timer)
{
	struct deferred_global *s = state;
	sim_time due = proc_now(p);

	BUG_ON(timer != TIMER);
	lock_acquire(&s->lock, p);
	s->m.timers_empty += s->list_size == 0;
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
