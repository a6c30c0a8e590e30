#include "dma/iova/iova_tree31.h"

#include "base/bits.h"
#include "base/bug.h"

/* DMA_32BIT_PFN: the last PFN below 4 GiB, and the limit whose allocations are cached. */
#define PFN_32BIT ((uint64_t)0xfffff)

#define METRIC_STRUCT_ struct iova_tree31_metrics
static const struct metric_desc desc[] = { IOVA_TREE31_METRICS(METRIC_DESC_) };
#undef METRIC_STRUCT_
static const struct metric_table metric_table = { "iova_tree31", "Address tree of Linux 3.1.", desc,
	ARRAY_SIZE(desc) };

void iova_tree31_init(struct iova_tree31 *t, const struct iova_env *env)
{
	t->start_pfn = env->first_pfn;
	t->last_pfn = env->last_pfn;
	lock_init(&t->lock, env->machine, "iova_rbtree_lock", "%s.iova_rbtree_lock", env->name);
	metric_scope_add(env->scope, &metric_table, &t->m);
	iova_tree_init(&t->tree, env);
}

void iova_tree31_fini(struct iova_tree31 *t)
{
	iova_tree_fini(&t->tree);
	lock_fini(&t->lock);
}

static void set_cached32(struct iova_tree31 *t, struct proc *p, struct iova_node *n)
{
	t->cached32 = n;
	line_write(&t->tree.head, p, CPU_iova);
}

/* A free stretch that a search has found. */
struct gap {
	uint64_t limit; /* last free PFN of it */
	uint64_t pad; /* pages left unused below the limit, for alignment */
	struct iova_node *near; /* neighbour below which the new node belongs; NULL: the root */
};

static uint64_t pad_below(uint64_t limit, uint64_t size, bool aligned)
{
	return aligned ? (limit + 1) & (BIT64(ilog2_floor(size)) - 1) : 0;
}

/* The first range to look at, from the top; may lower gap->limit. */
static struct iova_node *search_start(
	struct iova_tree31 *t, struct proc *p, struct gap *gap, unsigned *visited)
{
	line_read(&t->tree.head, p, CPU_iova);
	if (gap->limit != PFN_32BIT || !t->cached32)
		return iova_tree_visit(&t->tree, p, rb_last(&t->tree.root));
	t->m.cached32_starts++;
	(*visited)++;
	iova_tree_visit(&t->tree, p, &t->cached32->rb);
	gap->limit = t->cached32->lo - 1;
	return iova_tree_visit(&t->tree, p, rb_prev(&t->cached32->rb));
}

/* Find the highest gap below gap->limit, by first fit from the start of the search. */
static bool search(
	struct iova_tree31 *t, struct proc *p, uint64_t size, bool aligned, struct gap *gap)
{
	unsigned visited = 0;
	struct iova_node *c = search_start(t, p, gap, &visited);

	gap->near = c;
	while (c) {
		visited++;
		if (gap->limit >= c->hi) {
			gap->pad = pad_below(gap->limit, size, aligned);
			if (c->hi + size + gap->pad <= gap->limit)
				break;
		}
		if (gap->limit >= c->lo)
			gap->limit = c->lo ? c->lo - 1 : 0;
		gap->near = c;
		c = iova_tree_visit(&t->tree, p, rb_prev(&c->rb));
	}
	iova_tree_charge(&t->tree, p, visited, 0);
	hist_add(&t->m.search_nodes, visited);
	if (c)
		return true;
	gap->pad = pad_below(gap->limit, size, aligned);
	return t->start_pfn + size + gap->pad <= gap->limit;
}

uint64_t iova_tree31_size(const struct iova_req *req)
{
	return req->size_aligned ? BIT64(ilog2_ceil(req->npages)) : req->npages;
}

bool iova_tree31_take(
	struct iova_tree31 *t, struct proc *p, const struct iova_req *req, struct iova_node *n)
{
	uint64_t limit = req->limit_pfn < t->last_pfn ? req->limit_pfn : t->last_pfn;
	uint64_t size = iova_tree31_size(req);
	struct gap gap = { .limit = limit };

	if (!search(t, p, size, req->size_aligned, &gap))
		return false;
	n->lo = gap.limit - (size + gap.pad) + 1;
	n->hi = n->lo + size - 1;
	n->npages = req->npages;
	iova_tree_insert(&t->tree, p, n, gap.near);
	if (limit == PFN_32BIT)
		set_cached32(t, p, n);
	t->m.pages_rounded += size - req->npages;
	return true;
}

/* find_iova(): the lock is dropped before the range is used; its owner is the only one to free it. */
void iova_tree31_find(struct iova_tree31 *t, struct proc *p, uint64_t pfn, struct iova_range *out)
{
	struct iova_node *n;

	lock_acquire(&t->lock, p);
	n = iova_tree_find(&t->tree, p, pfn);
	lock_release(&t->lock, p);
	BUG_ON(!n || n->npages == 0);
	*out = (struct iova_range){ .pfn = n->lo, .npages = n->npages, .cookie = n };
}

/* Freeing at or above the cached range moves it up to the next one, if that is below 4 GiB: the
 * next search then sees the gap. */
static void uncache(struct iova_tree31 *t, struct proc *p, struct iova_node *n)
{
	struct iova_node *next;

	line_read(&t->tree.head, p, CPU_iova);
	if (!t->cached32)
		return;
	iova_tree_visit(&t->tree, p, &t->cached32->rb);
	if (n->lo < t->cached32->lo) {
		iova_tree_charge(&t->tree, p, 1, 0);
		return;
	}
	next = iova_tree_visit(&t->tree, p, rb_next(&n->rb));
	iova_tree_charge(&t->tree, p, next ? 2 : 1, 0);
	set_cached32(t, p, next && next->lo < PFN_32BIT ? next : NULL);
}

void iova_tree31_drop(struct iova_tree31 *t, struct proc *p, struct iova_node *n)
{
	uncache(t, p, n);
	iova_tree_erase(&t->tree, p, n);
}

void iova_tree31_reserve(struct iova_tree31 *t, struct proc *p, uint64_t first, uint64_t last)
{
	lock_acquire(&t->lock, p);
	iova_tree_reserve(&t->tree, p, first, last);
	lock_release(&t->lock, p);
}

bool iova_tree31_check(const struct iova_tree31 *t, uint64_t *live, struct err *err)
{
	bool cached_found = !t->cached32;

	if (!iova_tree_check(&t->tree, live, err))
		return false;
	for (struct rb_node *at = rb_first(&t->tree.root); at && !cached_found; at = rb_next(at))
		cached_found = at == &t->cached32->rb;
	return cached_found || err_set(err, "the cached range is not in the tree");
}
