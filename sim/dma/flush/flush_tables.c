#include "dma/flush/flush_tables.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/bug.h"
#include "hw/cpu.h"

#define LINE_BYTES 64u

void flush_tables_init(struct flush_tables *t, const struct flush_env *env, struct flush_metrics *m,
	uint32_t room, uint32_t entry_bytes, bool caching_mode)
{
	uint32_t nlines;

	*t = (struct flush_tables){ .env = env,
		.m = m,
		.room = room,
		.per_line = LINE_BYTES / entry_bytes,
		.caching_mode = caching_mode };
	nlines = (room + t->per_line - 1) / t->per_line;
	t->units = xcalloc(env->niommus, sizeof(*t->units));
	for (unsigned i = 0; i < env->niommus; i++) {
		t->units[i].range = xcalloc(room, sizeof(*t->units[i].range));
		t->units[i].line = xcalloc(nlines, sizeof(*t->units[i].line));
		for (uint32_t l = 0; l < nlines; l++)
			line_init(&t->units[i].line[l]);
	}
}

void flush_tables_fini(struct flush_tables *t)
{
	BUG_ON(t->size != 0);
	for (unsigned i = 0; i < t->env->niommus; i++) {
		free(t->units[i].range);
		free(t->units[i].line);
	}
	free(t->units);
}

/* Read entry i on its way out, or write it on its way in. */
static void touch_entry(
	struct flush_tables *t, struct proc *p, struct flush_unit *u, uint32_t i, bool write)
{
	struct line *l = &u->line[i / t->per_line];

	if (write)
		line_write(l, p, CPU_flush_queue);
	else
		line_read(l, p, CPU_flush_queue);
	cpu_run(p, t->env->machine->conf->cost->list_entry, CPU_flush_queue);
}

void flush_tables_add(struct flush_tables *t, struct proc *p, const struct dma_range *r)
{
	struct flush_unit *u;

	BUG_ON(r->iommu >= t->env->niommus || t->size == t->room);
	u = &t->units[r->iommu];
	u->range[u->n] = *r;
	touch_entry(t, p, u, u->n++, true);
	t->size++;
	t->m->held++;
}

static void release_entry(struct flush_tables *t, struct proc *p, struct flush_unit *u, uint32_t i)
{
	touch_entry(t, p, u, i, false);
	t->m->held--;
	t->env->release(t->env->ctx, p, &u->range[i]);
}

/* One global invalidation closes the windows of all entries at once; then each goes back. Returns
 * when the invalidation was complete. */
static sim_time flush_unit(
	struct flush_tables *t, struct proc *p, unsigned iommu, enum flush_trigger why)
{
	const struct flush_env *env = t->env;
	const struct iommu_flush all = { .scope = IOMMU_FLUSH_ALL };
	struct flush_unit *u = &t->units[iommu];
	sim_time done;

	env->invalidate(env->ctx, p, iommu, &all, why);
	done = proc_now(p);
	for (uint32_t i = 0; i < u->n; i++)
		env->flushed(env->ctx, p, &u->range[i]);
	for (uint32_t i = 0; i < u->n; i++)
		release_entry(t, p, u, i);
	u->n = 0;
	return done;
}

/* In caching mode: range by range, each released before the next is invalidated. */
static sim_time flush_unit_by_range(
	struct flush_tables *t, struct proc *p, unsigned iommu, enum flush_trigger why)
{
	const struct flush_env *env = t->env;
	struct flush_unit *u = &t->units[iommu];
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
		release_entry(t, p, u, i);
	}
	u->n = 0;
	return done;
}

void flush_tables_flush(
	struct flush_tables *t, struct proc *p, sim_time due, enum flush_trigger why)
{
	uint32_t n = t->size;
	sim_time done = due;

	for (unsigned i = 0; i < t->env->niommus; i++) {
		if (t->units[i].n == 0)
			continue;
		done = t->caching_mode ? flush_unit_by_range(t, p, i, why)
				       : flush_unit(t, p, i, why);
	}
	t->size = 0;
	if (n > 0)
		flush_metrics_add(t->m, why, n, due, done);
}
