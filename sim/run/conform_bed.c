#include "run/conform_bed.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/bug.h"

void conform_bed_init(struct conform_bed *bed, unsigned ncpus, struct engine *engine)
{
	*bed = (struct conform_bed){ .conf = { &bed->cpu, &bed->cost, &bed->lock, &bed->mem } };
	conf_defaults(&cpu_conf_table, &bed->cpu);
	conf_defaults(&cost_conf_table, &bed->cost);
	conf_defaults(&lock_conf_table, &bed->lock);
	conf_defaults(&mem_conf_table, &bed->mem);
	bed->cpu.count = ncpus;
	bed->metrics = metrics_create();
	machine_init(&bed->machine, &bed->conf, engine, bed->metrics);
}

struct conform_block {
	struct conform_block *next;
	max_align_t memory[];
};

void *conform_bed_alloc(struct conform_bed *bed, size_t size)
{
	struct conform_block *b = xcalloc(1, sizeof(*b) + size);

	b->next = bed->blocks;
	bed->blocks = b;
	return b->memory;
}

void conform_bed_fini(struct conform_bed *bed)
{
	struct conform_block *next;

	metrics_destroy(bed->metrics);
	machine_fini(&bed->machine);
	for (struct conform_block *b = bed->blocks; b; b = next) {
		next = b->next;
		free(b);
	}
}

void *conform_defaults(const struct conf_table *table)
{
	void *conf;

	if (!table)
		return NULL;
	conf = xcalloc(1, table->size);
	conf_defaults(table, conf);
	return conf;
}

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
	char name[16];
	struct iova_env env = { .machine = &bed->machine,
		.name = name,
		.first_pfn = first_pfn,
		.last_pfn = CONFORM_LAST_PFN,
		.ncpus = bed->machine.ncpus };

	snprintf(name, sizeof(name), "dom%u", index);
	env.scope = metric_scope_child(metrics_root(bed->metrics), "dom%u.iova", index);
	*s = (struct conform_space){ .ops = ops };
	s->state = conform_bed_alloc(bed, ops->state_size);
	s->conf = conform_defaults(ops->conf);
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
		s->ops->free(s->state, PROC_UNTIMED, &range);
	}
	sound = sound && s->ops->check(s->state, err);
	s->ops->fini(s->state);
	free(s->conf);
	return sound;
}

bool conform_space_alloc(struct conform_space *s, const struct iova_req *req, uint64_t *pfn)
{
	struct iova_range range;

	s->used = true;
	if (!s->ops->alloc(s->state, PROC_UNTIMED, req, &range))
		return false;
	live_add(&s->live, &range);
	*pfn = range.pfn;
	return true;
}

bool conform_space_take(struct conform_space *s, uint64_t pfn, struct iova_range *out)
{
	if (!live_take(&s->live, pfn, out))
		return false;
	if (s->ops->find)
		s->ops->find(s->state, PROC_UNTIMED, pfn, out);
	else
		out->cookie = NULL;
	return true;
}
