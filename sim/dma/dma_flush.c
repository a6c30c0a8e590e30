/* What the DMA layer lends to the flush policy: invalidation, release, timers. */
#include "dma/dma_priv.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/bug.h"
#include "hw/cpu.h"
#include "hw/mem.h"
#include "hw/pages.h"

static void count(struct dma_system *s, const struct iommu_flush *f, enum flush_trigger why)
{
	uint64_t *const by_scope[] = {
		[IOMMU_FLUSH_PAGES] = &s->m.pages,
		[IOMMU_FLUSH_DOMAIN] = &s->m.domain,
		[IOMMU_FLUSH_ALL] = &s->m.global,
	};
	uint64_t *const by_trigger[] = {
#define BY_TRIGGER_(id, help) [FLUSH_BY_##id] = &s->m.by_##id,
		FLUSH_TRIGGERS(BY_TRIGGER_)
#undef BY_TRIGGER_
	};

	s->m.invalidations++;
	++*by_scope[f->scope];
	++*by_trigger[why];
}

void dma_flush_units(
	struct dma_system *s, struct proc *p, uint32_t units, const struct iommu_flush *f)
{
	for (unsigned i = 0; i < s->units->n; i++)
		if (units & 1u << i)
			s->model->drv_flush(s->units->state[i], p, f);
}

/* Wherever the domain lives; a global one: wherever the domains of that unit do. */
static void invalidate(void *ctx, struct proc *p, unsigned iommu, const struct iommu_flush *f,
	enum flush_trigger why)
{
	struct dma_system *s = ctx;
	sim_time from = proc_now(p);

	count(s, f, why);
	dma_flush_units(s, p,
		f->scope == IOMMU_FLUSH_ALL ? s->reach[iommu] | 1u << iommu
					    : s->domains[f->domain]->units,
		f);
	hist_add(&s->m.invalidate_time, proc_now(p) - from);
	cpu_tell(p, "invalidate", from);
	hist_add(&s->m.flush_time, proc_now(p) - s->due[cpu_id(p)]);
}

void dma_policy_unmapped(struct dma_system *s, struct proc *p, const struct dma_range *r)
{
	s->due[cpu_id(p)] = proc_now(p);
	s->policy->unmapped(s->policy_state, p, r);
}

void dma_system_drain(struct dma_system *s, struct proc *p)
{
	if (!s->model)
		return;
	s->due[cpu_id(p)] = proc_now(p);
	s->policy->drain(s->policy_state, p);
}

static void flushed(void *ctx, struct proc *p, const struct dma_range *r)
{
	struct dma_system *s = ctx;

	window_flushed(s->windows, r->window, proc_now(p));
}

/* Page-table pages are chained through their first word, as the driver took them out. */
void dma_free_tables(struct dma_system *s, struct proc *p, const struct iommu_freelist *l)
{
	hpa_t page = l->head;

	for (uint32_t i = 0; i < l->n; i++) {
		hpa_t next = { mem_read64(s->machine->mem, page) };

		pages_free(s->machine->pages, p, page);
		page = next;
	}
}

static void release(void *ctx, struct proc *p, const struct dma_range *r)
{
	struct dma_system *s = ctx;

	dma_free_tables(s, p, &r->tables);
	if (!r->keeps_iova)
		r->domain->allocator->free(r->domain->iova, p, &r->iova);
}

static void give_back(void *ctx, struct proc *p, const struct dma_range *r)
{
	struct iova_range range = r->iova;

	(void)ctx;
	range.unflushed = true;
	r->domain->allocator->free(r->domain->iova, p, &range);
}

static void release_tables(void *ctx, struct proc *p, const struct dma_range *r)
{
	dma_free_tables(ctx, p, &r->tables);
}

void dma_policy_reuse(void *ctx, struct proc *p, const struct iova_range *r)
{
	struct dma_domain *d = ctx;
	struct dma_system *s = d->system;
	sim_time due = s->due[cpu_id(p)];

	s->due[cpu_id(p)] = proc_now(p);
	s->policy->reuse(s->policy_state, p, d->id, r);
	s->due[cpu_id(p)] = due;
}

static void timer_work(struct proc *p, void *arg)
{
	struct dma_timer *t = arg;
	struct dma_system *s = t->system;

	s->due[cpu_id(p)] = t->timer.expires;
	cpu_run(p, s->machine->conf->cpu->irq_entry, CPU_irq);
	s->policy->timer(s->policy_state, p, t->number);
}

static void add_timer(struct dma_system *s)
{
	struct dma_timer *t = xcalloc(1, sizeof(*t));

	t->system = s;
	t->number = s->ntimers++;
	ktimer_init(&t->timer, s->machine, timer_work, t);
	s->timers = xrealloc(s->timers, s->ntimers, sizeof(struct dma_timer *));
	s->timers[t->number] = t;
}

static void timer_mod(void *ctx, struct proc *p, unsigned timer, sim_time delay)
{
	struct dma_system *s = ctx;

	BUG_ON(timer >= s->ntimers);
	ktimer_mod(&s->timers[timer]->timer, p, delay);
}

static sim_time timer_bound(void *ctx, sim_time delay)
{
	const struct dma_system *s = ctx;

	return ktimer_bound(s->machine, delay);
}

void dma_policy_domain_add(struct dma_system *s, uint16_t domain)
{
	while (s->ntimers <= domain)
		add_timer(s);
	if (s->policy->domain_add)
		s->policy->domain_add(s->policy_state, domain);
}

void dma_policy_create(struct dma_system *s)
{
	const struct flush_env env = {
		.machine = s->machine,
		.scope = metric_scope_child(metrics_root(s->machine->metrics), "flush"),
		.ncpus = s->machine->ncpus,
		.niommus = s->units->n,
		.ctx = s,
		.invalidate = invalidate,
		.flushed = flushed,
		.release = release,
		.give_back = give_back,
		.release_tables = release_tables,
		.timer_mod = timer_mod,
		.timer_bound = timer_bound,
	};

	s->due = xcalloc(s->machine->ncpus, sizeof(*s->due));
	while (s->ntimers < s->machine->ncpus)
		add_timer(s);
	s->policy = s->conf->policy;
	s->policy_state = xcalloc(1, s->policy->state_size);
	s->policy->init(s->policy_state, s->conf->policy_conf, &env, NULL);
}

void dma_policy_destroy(struct dma_system *s)
{
	for (unsigned i = 0; i < s->ntimers; i++) {
		ktimer_fini(&s->timers[i]->timer);
		free(s->timers[i]);
	}
	free(s->timers);
	free(s->due);
	s->policy->fini(s->policy_state);
	free(s->policy_state);
}
