#include "tests/dma/stand.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "hw/lock.h"

void stand_set_up(struct stand *s, const struct stand_setup *setup)
{
	const struct iova_allocator_ops *ops = setup->ops;
	struct iova_env env;
	struct err err;

	memset(s, 0, sizeof(*s));
	s->engine = engine_create(1);
	conform_bed_init(&s->bed, setup->ncpus, s->engine);
	s->ops = ops;
	env = (struct iova_env){ .machine = &s->bed.machine,
		.scope = metric_scope_child(metrics_root(s->bed.metrics), "dom0.iova"),
		.name = "dom0",
		.first_pfn = setup->first_pfn,
		.last_pfn = setup->last_pfn,
		.ncpus = setup->ncpus,
		.flush = setup->flush,
		.flush_ctx = s };
	s->state = conform_bed_alloc(&s->bed, ops->state_size);
	s->conf = setup->conf ? setup->conf : conform_defaults(ops->conf);
	ck_assert(ops->init(s->state, s->conf, &env, &err));
}

void stand_init(struct stand *s, const struct iova_allocator_ops *ops, void *conf, unsigned ncpus,
	uint64_t last_pfn)
{
	stand_set_up(s, &(struct stand_setup){ .ops = ops,
				.conf = conf,
				.ncpus = ncpus,
				.first_pfn = 1,
				.last_pfn = last_pfn });
}

static void stop(struct proc *p, void *arg)
{
	struct stand *s = arg;

	s->ops->stop(s->state, p);
}

void stand_fini(struct stand *s)
{
	if (s->ops->stop)
		stand_on(s, 0, stop, s);
	stand_check(s, 0);
	s->ops->fini(s->state);
	conform_bed_fini(&s->bed);
	engine_destroy(s->engine);
	free(s->conf);
}

sim_time stand_on(struct stand *s, unsigned cpu, void (*fn)(struct proc *p, void *arg), void *arg)
{
	struct cpu *c = &s->bed.machine.cpus[cpu];
	sim_time before = c->m.spent[CPU_iova];

	conform_bed_on(&s->bed, cpu, fn, arg);
	return c->m.spent[CPU_iova] - before;
}

struct call {
	struct stand *s;
	struct iova_req req;
	struct iova_range range;
	bool ok;
};

static void alloc(struct proc *p, void *arg)
{
	struct call *c = arg;

	c->ok = c->s->ops->alloc(c->s->state, p, &c->req, &c->range);
}

bool stand_alloc(
	struct stand *s, unsigned cpu, uint32_t npages, uint64_t limit, struct iova_range *out)
{
	struct call c = { .s = s,
		.req = { .npages = npages, .limit_pfn = limit, .size_aligned = true } };

	stand_on(s, cpu, alloc, &c);
	*out = c.range;
	return c.ok;
}

static void release(struct proc *p, void *arg)
{
	struct call *c = arg;

	c->s->ops->free(c->s->state, p, &c->range);
}

void stand_free(struct stand *s, unsigned cpu, const struct iova_range *r)
{
	stand_on(s, cpu, release, &(struct call){ .s = s, .range = *r });
}

struct many_call {
	struct stand *s;
	struct stand_many *m;
};

static void alloc_many(struct proc *p, void *arg)
{
	const struct many_call *c = arg;
	struct stand_many *m = c->m;
	const struct iova_req req = { .npages = m->npages, .limit_pfn = m->limit };

	for (m->done = 0; m->done < m->n; m->done++)
		if (!c->s->ops->alloc(c->s->state, p, &req, &m->range[m->done]))
			break;
}

void stand_alloc_many(struct stand *s, unsigned cpu, struct stand_many *m)
{
	stand_on(s, cpu, alloc_many, &(struct many_call){ s, m });
}

static void free_many(struct proc *p, void *arg)
{
	const struct many_call *c = arg;

	for (unsigned i = 0; i < c->m->n; i++)
		c->s->ops->free(c->s->state, p, &c->m->range[i]);
}

void stand_free_many(struct stand *s, unsigned cpu, struct stand_many *m)
{
	stand_on(s, cpu, free_many, &(struct many_call){ s, m });
}

void stand_settle(struct stand *s)
{
	engine_run(s->engine, SIM_TIME_NEVER);
}

void stand_check(const struct stand *s, uint64_t live)
{
	struct err err = { .text = "" };

	ck_assert_msg(s->ops->check(s->state, &err), "%s", err.text);
	ck_assert_uint_eq(s->ops->live(s->state), live);
}

uint64_t stand_locked(const struct stand *s, const char *lock_class)
{
	uint64_t n = 0;

	list_for_each (at, &s->bed.machine.locks) {
		const struct lock *l = list_entry(at, struct lock, link);

		if (strcmp(l->lock_class, lock_class) == 0)
			n += l->m.acquisitions;
	}
	return n;
}

uint64_t stand_contended(const struct stand *s, const char *lock_class)
{
	uint64_t n = 0;

	list_for_each (at, &s->bed.machine.locks) {
		const struct lock *l = list_entry(at, struct lock, link);

		if (strcmp(l->lock_class, lock_class) == 0)
			n += l->m.contended;
	}
	return n;
}

struct wanted {
	const char *name;
	uint64_t value;
	bool found;
};

static void look_for(void *arg, const char *path, const struct metric_desc *d, const void *base)
{
	struct wanted *w = arg;

	if (strncmp(path, "dom0.iova.", 10) != 0 || strcmp(path + 10, w->name) != 0)
		return;
	w->found = true;
	w->value = d->kind == METRIC_HIST ? metric_hist(d, base)->count : metric_u64(d, base);
}

uint64_t stand_metric(struct stand *s, const char *name)
{
	struct wanted w = { name, 0, false };

	metrics_visit(s->bed.metrics, look_for, &w);
	ck_assert_msg(w.found, "no metric '%s'", name);
	return w.value;
}
