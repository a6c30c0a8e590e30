#include "dma/iova/iova_tree.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/bug.h"

/* Nodes a CPU keeps to itself: about what a slab page of 64-byte objects holds. */
#define OWN_NODES_MAX 64u
#define SLAB_NODES    256u

struct iova_slab {
	struct iova_slab *next;
	struct iova_node nodes[SLAB_NODES];
};

#define METRIC_STRUCT_ struct iova_tree_metrics
static const struct metric_desc tree_metric_desc[] = { IOVA_TREE_METRICS(METRIC_DESC_) };
#undef METRIC_STRUCT_
static const struct metric_table tree_metric_table = { "iova_tree",
	"Red-black tree of address ranges.", tree_metric_desc, ARRAY_SIZE(tree_metric_desc) };

void iova_tree_init(struct iova_tree *t, const struct iova_env *env)
{
	*t = (struct iova_tree){ .cost = env->machine->conf->cost, .ncpus = env->ncpus };
	line_init(&t->head);
	t->own = xcalloc(t->ncpus, sizeof(*t->own));
	metric_scope_add(env->scope, &tree_metric_table, &t->m);
}

void iova_tree_fini(struct iova_tree *t)
{
	struct iova_slab *next;

	for (struct iova_slab *s = t->slabs; s; s = next) {
		next = s->next;
		free(s);
	}
	free(t->own);
}

static void push(struct iova_node_list *l, struct iova_node *n)
{
	n->next_free = l->first;
	l->first = n;
	l->n++;
}

static struct iova_node *pop(struct iova_node_list *l)
{
	struct iova_node *n = l->first;

	if (n) {
		l->first = n->next_free;
		l->n--;
	}
	return n;
}

static void grow(struct iova_tree *t)
{
	struct iova_slab *s = xcalloc(1, sizeof(*s));

	s->next = t->slabs;
	t->slabs = s;
	for (unsigned i = SLAB_NODES; i-- > 0;) {
		line_init(&s->nodes[i].line);
		push(&t->shared, &s->nodes[i]);
	}
}

static struct iova_node_list *own_list(struct iova_tree *t, const struct proc *p)
{
	unsigned cpu = cpu_id(p);

	BUG_ON(cpu >= t->ncpus);
	return &t->own[cpu];
}

struct iova_node *iova_node_get(struct iova_tree *t, struct proc *p)
{
	struct iova_node *n = pop(own_list(t, p));

	if (!n)
		n = pop(&t->shared);
	if (!n) {
		grow(t);
		n = pop(&t->shared);
	}
	cpu_run(p, t->cost->object_alloc, CPU_iova);
	line_write(&n->line, p, CPU_iova);
	return n;
}

void iova_node_put(struct iova_tree *t, struct proc *p, struct iova_node *n)
{
	struct iova_node_list *own = own_list(t, p);

	cpu_run(p, t->cost->object_alloc, CPU_iova);
	line_write(&n->line, p, CPU_iova);
	push(own->n < OWN_NODES_MAX ? own : &t->shared, n);
}

struct iova_node *iova_tree_visit(struct iova_tree *t, struct proc *p, struct rb_node *rb)
{
	struct iova_node *n;

	if (!rb)
		return NULL;
	n = rb_entry(rb, struct iova_node, rb);
	t->m.nodes_visited++;
	t->m.node_transfers += line_read(&n->line, p, CPU_iova);
	return n;
}

void iova_tree_charge(struct iova_tree *t, struct proc *p, unsigned visited, unsigned written)
{
	cpu_run(p, (uint64_t)visited * t->cost->tree_node + (uint64_t)written * t->cost->tree_write,
		CPU_iova);
}

static void charge_written(struct iova_tree *t, struct proc *p, const struct rb_written *w)
{
	for (unsigned i = 0; i < w->n; i++) {
		struct line *l = &rb_entry(w->node[i], struct iova_node, rb)->line;

		t->m.node_transfers += line_write(l, p, CPU_iova);
	}
	t->m.nodes_written += w->n;
}

void iova_tree_insert(
	struct iova_tree *t, struct proc *p, struct iova_node *n, struct iova_node *from)
{
	struct rb_node *parent = from ? from->rb.parent : NULL, *root = t->root.node;
	struct rb_node *at = from ? &from->rb : root, **link = &t->root.node;
	struct rb_written w;
	unsigned visited = 0;

	while (at) {
		struct iova_node *c = iova_tree_visit(t, p, at);

		visited++;
		BUG_ON(n->lo <= c->hi && c->lo <= n->hi);
		parent = at;
		link = n->lo < c->lo ? &at->left : &at->right;
		at = *link;
	}
	rb_insert_report(&t->root, &n->rb, parent, link, &w);
	line_write(&n->line, p, CPU_iova);
	charge_written(t, p, &w);
	if (t->root.node != root)
		line_write(&t->head, p, CPU_iova);
	t->m.nodes_written++;
	t->m.nodes++;
	iova_tree_charge(t, p, visited, w.n + 1);
}

void iova_tree_erase(struct iova_tree *t, struct proc *p, struct iova_node *n)
{
	struct rb_node *root = t->root.node;
	struct rb_written w;

	rb_erase_report(&t->root, &n->rb, &w);
	charge_written(t, p, &w);
	if (t->root.node != root)
		line_write(&t->head, p, CPU_iova);
	t->m.nodes--;
	iova_tree_charge(t, p, 0, w.n);
}

struct iova_node *iova_tree_find(struct iova_tree *t, struct proc *p, uint64_t pfn)
{
	struct iova_node *n;
	unsigned visited = 0;

	line_read(&t->head, p, CPU_iova);
	for (struct rb_node *at = t->root.node; (n = iova_tree_visit(t, p, at)) != NULL;) {
		visited++;
		if (pfn < n->lo)
			at = n->rb.left;
		else if (pfn > n->hi)
			at = n->rb.right;
		else
			break;
	}
	iova_tree_charge(t, p, visited, 0);
	return n;
}

/* Any range that has a page in [lo, hi]. */
static struct iova_node *overlapping(const struct iova_tree *t, uint64_t lo, uint64_t hi)
{
	struct rb_node *at = t->root.node;

	while (at) {
		struct iova_node *n = rb_entry(at, struct iova_node, rb);

		if (hi < n->lo)
			at = at->left;
		else if (lo > n->hi)
			at = at->right;
		else
			return n;
	}
	return NULL;
}

void iova_tree_reserve(struct iova_tree *t, struct proc *p, uint64_t lo, uint64_t hi)
{
	struct iova_node *n;

	BUG_ON(lo > hi);
	while ((n = overlapping(t, lo, hi)) != NULL) {
		BUG_ON(n->npages != 0);
		lo = n->lo < lo ? n->lo : lo;
		hi = n->hi > hi ? n->hi : hi;
		iova_tree_erase(t, p, n);
		iova_node_put(t, p, n);
	}
	n = iova_node_get(t, p);
	n->lo = lo;
	n->hi = hi;
	n->npages = 0;
	iova_tree_insert(t, p, n, NULL);
}

bool iova_tree_check(const struct iova_tree *t, uint64_t *live, struct err *err)
{
	const struct iova_node *prev = NULL;
	uint64_t nodes = 0;

	*live = 0;
	if (!rb_check(&t->root))
		return err_set(err, "not a red-black tree");
	for (struct rb_node *at = rb_first(&t->root); at; at = rb_next(at)) {
		const struct iova_node *n = rb_entry(at, struct iova_node, rb);

		if (n->lo > n->hi)
			return err_set(
				err, "range %#lx ends before it begins", (unsigned long)n->lo);
		if (prev && prev->hi >= n->lo)
			return err_set(err, "ranges %#lx and %#lx overlap or are out of order",
				(unsigned long)prev->lo, (unsigned long)n->lo);
		if (n->npages > n->hi - n->lo + 1)
			return err_set(err, "range %#lx is smaller than was asked for",
				(unsigned long)n->lo);
		prev = n;
		nodes++;
		*live += n->npages != 0;
	}
	if (nodes != t->m.nodes)
		return err_set(err, "%lu ranges in the tree, %lu counted", (unsigned long)nodes,
			(unsigned long)t->m.nodes);
	return true;
}
