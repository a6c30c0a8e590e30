#include "run/conform_space.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/bug.h"

struct live_range {
	struct rb_node rb;
	struct iova_range range;
};

static struct live_range *live_of(struct rb_node *n)
{
	return rb_entry(n, struct live_range, rb);
}

static void live_add(struct rb_root *root, const struct iova_range *range)
{
	struct live_range *l = xcalloc(1, sizeof(*l));
	struct rb_node **link = &root->node, *parent = NULL;

	l->range = *range;
	while (*link) {
		parent = *link;
		BUG_ON(live_of(parent)->range.pfn == range->pfn);
		link = range->pfn < live_of(parent)->range.pfn ? &parent->left : &parent->right;
	}
	rb_insert(root, &l->rb, parent, link);
}

static bool live_take(struct rb_root *root, uint64_t pfn, struct iova_range *out)
{
	struct rb_node *at = root->node;

	while (at && live_of(at)->range.pfn != pfn)
		at = pfn < live_of(at)->range.pfn ? at->left : at->right;
	if (!at)
		return false;
	*out = live_of(at)->range;
	rb_erase(root, at);
	free(live_of(at));
	return true;
}

bool conform_space_init(struct conform_space *s, struct conform_bed *bed,
	const struct iova_allocator_ops *ops, unsigned index, uint64_t first_pfn, struct err *err)
{
	return conform_space_init_with(
		s, bed, ops, conform_defaults(ops->conf), index, first_pfn, err);
}

bool conform_space_init_with(struct conform_space *s, struct conform_bed *bed,
	const struct iova_allocator_ops *ops, void *conf, unsigned index, uint64_t first_pfn,
	struct err *err)
{
	char name[16];
	struct iova_env env = { .machine = &bed->machine,
		.name = name,
		.first_pfn = first_pfn,
		.last_pfn = CONFORM_LAST_PFN,
		.ncpus = bed->machine.ncpus,
		.owner_runs_work = true };

	snprintf(name, sizeof(name), "dom%u", index);
	env.scope = metric_scope_child(metrics_root(bed->metrics), "dom%u.iova", index);
	*s = (struct conform_space){ .bed = bed, .ops = ops, .conf = conf };
	s->state = conform_bed_alloc(bed, ops->state_size);
	if (ops->init(s->state, s->conf, &env, err))
		return true;
	free(s->conf);
	return false;
}

bool conform_space_fini(struct conform_space *s, struct err *err)
{
	struct iova_range range;
	bool sound = s->ops->check(s->state, err);

	while (s->live.node) {
		conform_space_take(s, live_of(s->live.node)->range.pfn, &range);
		conform_space_free(s, &range);
	}
	sound = sound && s->ops->check(s->state, err);
	s->ops->fini(s->state);
	free(s->conf);
	return sound;
}

/* One call of the allocator, on its way to the CPU. */
struct call {
	struct conform_space *space;
	const struct iova_req *req;
	struct iova_range range;
	uint64_t first, last;
	bool ok;
};

static void call(struct conform_space *s, void (*fn)(struct proc *p, void *arg), struct call *c)
{
	c->space = s;
	conform_bed_on(s->bed, s->cpu, fn, c);
}

static void call_reserve(struct proc *p, void *arg)
{
	const struct call *c = arg;

	c->space->ops->reserve(c->space->state, p, c->first, c->last);
}

void conform_space_reserve(struct conform_space *s, uint64_t first_pfn, uint64_t last_pfn)
{
	call(s, call_reserve, &(struct call){ .first = first_pfn, .last = last_pfn });
}

static void call_alloc(struct proc *p, void *arg)
{
	struct call *c = arg;

	c->ok = c->space->ops->alloc(c->space->state, p, c->req, &c->range);
}

bool conform_space_alloc_range(
	struct conform_space *s, const struct iova_req *req, struct iova_range *out)
{
	struct call c = { .req = req };

	s->used = true;
	call(s, call_alloc, &c);
	*out = c.range;
	if (c.ok)
		live_add(&s->live, &c.range);
	return c.ok;
}

bool conform_space_alloc(struct conform_space *s, const struct iova_req *req, uint64_t *pfn)
{
	struct iova_range range;

	if (!conform_space_alloc_range(s, req, &range))
		return false;
	*pfn = range.pfn;
	return true;
}

static void call_find(struct proc *p, void *arg)
{
	struct call *c = arg;

	c->space->ops->find(c->space->state, p, c->range.pfn, &c->range);
}

bool conform_space_take(struct conform_space *s, uint64_t pfn, struct iova_range *out)
{
	struct call c = { .space = s };

	if (!live_take(&s->live, pfn, &c.range))
		return false;
	c.range.cookie = NULL;
	if (s->ops->find)
		call(s, call_find, &c);
	*out = c.range;
	return true;
}

static void call_free(struct proc *p, void *arg)
{
	const struct call *c = arg;

	c->space->ops->free(c->space->state, p, &c->range);
}

void conform_space_free(struct conform_space *s, const struct iova_range *range)
{
	call(s, call_free, &(struct call){ .range = *range });
}

static void call_work(struct proc *p, void *arg)
{
	const struct call *c = arg;

	c->space->ops->work(c->space->state, p);
}

void conform_space_work(struct conform_space *s)
{
	if (s->ops->work)
		call(s, call_work, &(struct call){ .range = { 0 } });
}
