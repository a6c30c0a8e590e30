#include "dma/iova/iova_tree6.h"

#include "base/bits.h"
#include "base/bug.h"

/* dma_32bit_pfn: the first PFN above 4 GiB. */
#define PFN_4G     BIT64(20)
#define ANCHOR_PFN UINT64_MAX /* of the node above all: a search always has a node to start from */

#define METRIC_STRUCT_ struct iova_tree6_metrics
static const struct metric_desc desc[] = { IOVA_TREE6_METRICS(METRIC_DESC_) };
#undef METRIC_STRUCT_
static const struct metric_table metric_table = { "iova_tree6",
	"Address tree of Linux 4.20 to 6.12.", desc, ARRAY_SIZE(desc) };

void iova_tree6_init(struct iova_tree6 *t, const struct iova_env *env)
{
	lock_init(&t->lock, env->machine, "&iovad->iova_rbtree_lock", "%s.iova_rbtree_lock",
		env->name);
	metric_scope_add(env->scope, &metric_table, &t->m);
	iova_tree_init(&t->tree, env);
	iova_tree_reserve(&t->tree, PROC_UNTIMED, ANCHOR_PFN, ANCHOR_PFN);
	t->cached = t->cached32 = iova_tree_find(&t->tree, PROC_UNTIMED, ANCHOR_PFN);
	t->max32_size = PFN_4G;
	t->start_pfn = env->first_pfn;
	t->last_pfn = env->last_pfn;
}

void iova_tree6_fini(struct iova_tree6 *t)
{
	iova_tree_fini(&t->tree);
	lock_fini(&t->lock);
}

static struct iova_node *visit(
	struct iova_tree6 *t, struct proc *p, struct rb_node *at, unsigned *visited)
{
	*visited += at != NULL;
	return iova_tree_visit(&t->tree, p, at);
}

/* A descending search: everything at or above `high` is passed, nothing below `low` will do. */
struct search {
	uint64_t size, mask;
	uint64_t high, low;
	uint64_t pfn; /* the candidate */
	struct iova_node *above; /* the range whose lower side the candidate lies at */
	unsigned visited;
};

/* From c downwards to the first gap that takes the size. False: none above s->low. */
static bool descend(struct iova_tree6 *t, struct proc *p, struct search *s, struct iova_node *c)
{
	do {
		s->high = s->high < c->lo ? s->high : c->lo;
		s->pfn = (s->high - s->size) & s->mask;
		s->above = c;
		c = visit(t, p, rb_prev(&c->rb), &s->visited);
	} while (c && s->pfn <= c->hi && s->pfn >= s->low);
	return s->high >= s->size && s->pfn >= s->low;
}

/* iova_find_limit(): the first range at or above the limit. */
static struct iova_node *find_limit(
	struct iova_tree6 *t, struct proc *p, uint64_t limit, unsigned *visited)
{
	struct iova_node *best = NULL, *c;

	if (limit > PFN_4G)
		return visit(t, p, rb_last(&t->tree.root), visited);
	for (struct rb_node *at = t->tree.root.node; (c = visit(t, p, at, visited)) != NULL;) {
		if (c->lo >= limit)
			best = c;
		at = c->lo >= limit ? c->rb.left : c->rb.right;
	}
	return best;
}

/* With the lock held. limit is exclusive. */
static bool search(struct iova_tree6 *t, struct proc *p, struct search *s, uint64_t limit)
{
	struct iova_node *start = limit <= PFN_4G ? t->cached32 : t->cached;
	uint64_t retry_pfn;
	bool found;

	start = visit(t, p, &start->rb, &s->visited);
	retry_pfn = start->hi;
	s->high = limit;
	s->low = t->start_pfn;
	found = descend(t, p, s, start);
	if (!found && retry_pfn < limit) {
		t->m.retries++;
		s->high = limit;
		s->low = retry_pfn + 1;
		found = descend(t, p, s, find_limit(t, p, limit, &s->visited));
	}
	iova_tree_charge(&t->tree, p, s->visited, 0);
	hist_add(&t->m.search_nodes, s->visited);
	return found;
}

/* With the lock held: n is linked and remembered as the place to go on. */
static void link_node(
	struct iova_tree6 *t, struct proc *p, struct iova_node *n, struct iova_node *above)
{
	iova_tree_insert(&t->tree, p, n, above);
	if (n->hi < PFN_4G)
		t->cached32 = n;
	else
		t->cached = n;
	line_write(&t->tree.head, p, CPU_iova);
	t->m.tree_allocs++;
}

/* The search itself, with the lock held; a failure is remembered, whatever its limit. */
static bool find_gap(struct iova_tree6 *t, struct proc *p, struct search *s, uint64_t limit)
{
	line_read(&t->tree.head, p, CPU_iova);
	if (limit <= PFN_4G && s->size >= t->max32_size) {
		t->m.max32_refusals++;
		return false;
	}
	if (search(t, p, s, limit))
		return true;
	t->max32_size = s->size;
	line_write(&t->tree.head, p, CPU_iova);
	return false;
}

bool iova_tree6_alloc(
	struct iova_tree6 *t, struct proc *p, const struct iova_tree6_req *req, uint64_t *pfn)
{
	uint64_t last = req->limit_pfn < t->last_pfn ? req->limit_pfn : t->last_pfn;
	struct search s = { .size = req->size,
		.mask = req->aligned ? ~(BIT64(ilog2_ceil(req->size)) - 1) : UINT64_MAX };
	struct iova_node *n = iova_node_get(&t->tree, p);

	lock_acquire(&t->lock, p);
	if (!find_gap(t, p, &s, last + 1)) {
		t->m.tree_failures++;
		lock_release(&t->lock, p);
		iova_node_put(&t->tree, p, n);
		return false;
	}
	n->lo = s.pfn;
	n->hi = n->lo + req->size - 1;
	n->npages = req->npages;
	*pfn = n->lo;
	link_node(t, p, n, s.above);
	lock_release(&t->lock, p);
	return true;
}

/* __cached_rbnode_delete_update(): where the searches start after n is gone. */
static void uncache(struct iova_tree6 *t, struct proc *p, struct iova_node *n)
{
	struct iova_node *next = iova_tree_visit(&t->tree, p, rb_next(&n->rb));
	bool below = n->hi < PFN_4G;

	line_read(&t->tree.head, p, CPU_iova);
	iova_tree_visit(&t->tree, p, &t->cached32->rb);
	iova_tree_visit(&t->tree, p, &t->cached->rb);
	iova_tree_charge(&t->tree, p, 3, 0);
	if (n == t->cached32 || (below && n->lo >= t->cached32->lo)) {
		t->cached32 = next;
		line_write(&t->tree.head, p, CPU_iova);
	}
	if (n->lo < PFN_4G && t->max32_size != PFN_4G) {
		t->max32_size = PFN_4G;
		line_write(&t->tree.head, p, CPU_iova);
	}
	if (n->lo >= t->cached->lo) {
		t->cached = next;
		line_write(&t->tree.head, p, CPU_iova);
	}
}

void iova_tree6_free(struct iova_tree6 *t, struct proc *p, const uint64_t *pfns, uint32_t n)
{
	lock_acquire(&t->lock, p);
	for (uint32_t i = 0; i < n; i++) {
		struct iova_node *found = iova_tree_find(&t->tree, p, pfns[i]);

		BUG_ON(!found || found->lo != pfns[i] || found->npages == 0);
		uncache(t, p, found);
		iova_tree_erase(&t->tree, p, found);
		found->npages = 0;
		iova_node_put(&t->tree, p, found);
		t->m.tree_frees++;
	}
	lock_release(&t->lock, p);
}

void iova_tree6_reserve(struct iova_tree6 *t, struct proc *p, uint64_t first, uint64_t last)
{
	BUG_ON(last >= ANCHOR_PFN);
	lock_acquire(&t->lock, p);
	iova_tree_reserve(&t->tree, p, first, last);
	lock_release(&t->lock, p);
}

static bool in_tree(const struct iova_tree6 *t, const struct iova_node *n)
{
	for (struct rb_node *at = rb_first(&t->tree.root); at; at = rb_next(at))
		if (at == &n->rb)
			return true;
	return false;
}

bool iova_tree6_check(const struct iova_tree6 *t, uint64_t *live, struct err *err)
{
	if (!iova_tree_check(&t->tree, live, err))
		return false;
	if (!in_tree(t, t->cached) || !in_tree(t, t->cached32))
		return err_set(err, "a range that searches start from is not in the tree");
	return true;
}
