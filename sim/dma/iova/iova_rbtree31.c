/*
 * rbtree-3.1: the address allocator of Linux 3.1, drivers/iommu/iova.c: one red-black tree of ranges
 * and one spinlock a domain. Allocation walks from high addresses to low ones, beginning below the
 * range that was last allocated under the 32-bit limit: linear in the ranges on the way.
 *
 * PFN for PFN what the kernel does, with its quirks: aligned sizes are rounded up to a power of two,
 * the first PFN of the space is never handed out, and a search that begins at the cached range fails
 * without looking above it.
 *
 * Departures: interrupts are not masked by anything but the lock model; the lock word and the tree's
 * head are two lines here (one in the kernel); a range reserved from PFN 0 does not wrap the search.
 */
#include "dma/iova/iova.h"

#include "base/bits.h"
#include "base/bug.h"
#include "dma/iova/iova_tree.h"
#include "hw/lock.h"

/* DMA_32BIT_PFN: the last PFN below 4 GiB, and the limit whose allocations are cached. */
#define PFN_32BIT ((uint64_t)0xfffff)

#define RBTREE31_METRICS(M)                                                                        \
	M(COUNTER, allocs, "ranges", NULL, "Ranges handed out.")                                   \
	M(COUNTER, frees, "ranges", NULL, "Ranges taken back.")                                    \
	M(COUNTER, failures, "requests", NULL, "Requests for which no range was free.")            \
	M(COUNTER, cached32_starts, "searches", "allocs",                                          \
		"Searches that began at the range last allocated under the 32-bit limit.")         \
	M(COUNTER, pages_rounded, "pages", NULL, "Pages lost to rounding sizes up.")               \
	M(HIST, search_nodes, "nodes", NULL, "Ranges passed by the search of one allocation.")     \
	M(GAUGE, live, "ranges", NULL, "Ranges handed out and not taken back.")

METRIC_DECLARE(rbtree31_metrics, RBTREE31_METRICS);

#define METRIC_STRUCT_ struct rbtree31_metrics
static const struct metric_desc metric_desc[] = { RBTREE31_METRICS(METRIC_DESC_) };
#undef METRIC_STRUCT_
static const struct metric_table metric_table = { "rbtree-3.1", "IOVA allocator of Linux 3.1.",
	metric_desc, ARRAY_SIZE(metric_desc) };

struct rbtree31 {
	struct lock lock;
	struct iova_tree tree;
	struct iova_node *cached32; /* on the line tree.head */
	uint64_t start_pfn, last_pfn;
	struct rbtree31_metrics m;
};

static bool rbtree31_init(
	void *state, const void *conf, const struct iova_env *env, struct err *err)
{
	struct rbtree31 *s = state;

	(void)conf;
	(void)err;
	s->start_pfn = env->first_pfn;
	s->last_pfn = env->last_pfn;
	lock_init(&s->lock, env->machine, "iova_rbtree_lock", "%s.iova_rbtree_lock", env->name);
	metric_scope_add(env->scope, &metric_table, &s->m);
	iova_tree_init(&s->tree, env);
	return true;
}

static void rbtree31_fini(void *state)
{
	struct rbtree31 *s = state;

	BUG_ON(s->m.live != 0);
	iova_tree_fini(&s->tree);
	lock_fini(&s->lock);
}

static void set_cached32(struct rbtree31 *s, struct proc *p, struct iova_node *n)
{
	s->cached32 = n;
	line_write(&s->tree.head, p, CPU_iova);
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
	struct rbtree31 *s, struct proc *p, struct gap *gap, unsigned *visited)
{
	line_read(&s->tree.head, p, CPU_iova);
	if (gap->limit != PFN_32BIT || !s->cached32)
		return iova_tree_visit(&s->tree, p, rb_last(&s->tree.root));
	s->m.cached32_starts++;
	(*visited)++;
	iova_tree_visit(&s->tree, p, &s->cached32->rb);
	gap->limit = s->cached32->lo - 1;
	return iova_tree_visit(&s->tree, p, rb_prev(&s->cached32->rb));
}

/* Find the highest gap below gap->limit, by first fit from the start of the search. */
static bool search(struct rbtree31 *s, struct proc *p, uint64_t size, bool aligned, struct gap *gap)
{
	unsigned visited = 0;
	struct iova_node *c = search_start(s, p, gap, &visited);

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
		c = iova_tree_visit(&s->tree, p, rb_prev(&c->rb));
	}
	iova_tree_charge(&s->tree, p, visited, 0);
	hist_add(&s->m.search_nodes, visited);
	if (c)
		return true;
	gap->pad = pad_below(gap->limit, size, aligned);
	return s->start_pfn + size + gap->pad <= gap->limit;
}

static bool rbtree31_alloc(
	void *state, struct proc *p, const struct iova_req *req, struct iova_range *out)
{
	struct rbtree31 *s = state;
	uint64_t limit = req->limit_pfn < s->last_pfn ? req->limit_pfn : s->last_pfn;
	uint64_t size = req->size_aligned ? BIT64(ilog2_ceil(req->npages)) : req->npages;
	struct gap gap = { .limit = limit };
	struct iova_node *n = iova_node_get(&s->tree, p);

	lock_acquire(&s->lock, p);
	if (!search(s, p, size, req->size_aligned, &gap)) {
		s->m.failures++;
		lock_release(&s->lock, p);
		iova_node_put(&s->tree, p, n);
		return false;
	}
	n->lo = gap.limit - (size + gap.pad) + 1;
	n->hi = n->lo + size - 1;
	n->npages = req->npages;
	iova_tree_insert(&s->tree, p, n, gap.near);
	if (limit == PFN_32BIT)
		set_cached32(s, p, n);
	s->m.allocs++;
	s->m.live++;
	s->m.pages_rounded += size - req->npages;
	lock_release(&s->lock, p);
	*out = (struct iova_range){ .pfn = n->lo, .npages = n->npages, .cookie = n };
	return true;
}

/* find_iova(): the lock is dropped before the range is used; its owner is the only one to free it. */
static void rbtree31_find(void *state, struct proc *p, uint64_t pfn, struct iova_range *out)
{
	struct rbtree31 *s = state;
	struct iova_node *n;

	lock_acquire(&s->lock, p);
	n = iova_tree_find(&s->tree, p, pfn);
	lock_release(&s->lock, p);
	BUG_ON(!n || n->npages == 0);
	*out = (struct iova_range){ .pfn = n->lo, .npages = n->npages, .cookie = n };
}

/* Freeing at or above the cached range moves it up to the next one, if that is below 4 GiB: the
 * next search then sees the gap. */
static void uncache(struct rbtree31 *s, struct proc *p, struct iova_node *n)
{
	struct iova_node *next;

	line_read(&s->tree.head, p, CPU_iova);
	if (!s->cached32)
		return;
	iova_tree_visit(&s->tree, p, &s->cached32->rb);
	if (n->lo < s->cached32->lo) {
		iova_tree_charge(&s->tree, p, 1, 0);
		return;
	}
	next = iova_tree_visit(&s->tree, p, rb_next(&n->rb));
	iova_tree_charge(&s->tree, p, next ? 2 : 1, 0);
	set_cached32(s, p, next && next->lo < PFN_32BIT ? next : NULL);
}

/* __free_iova() with the cookie; free_iova(), which looks the range up under a lock hold of its own,
 * without. */
static void rbtree31_free(void *state, struct proc *p, const struct iova_range *r)
{
	struct rbtree31 *s = state;
	struct iova_range found = *r;
	struct iova_node *n;

	if (!r->cookie)
		rbtree31_find(s, p, r->pfn, &found);
	n = found.cookie;
	BUG_ON(n->lo != r->pfn || n->npages != r->npages);
	lock_acquire(&s->lock, p);
	uncache(s, p, n);
	iova_tree_erase(&s->tree, p, n);
	s->m.frees++;
	s->m.live--;
	lock_release(&s->lock, p);
	n->npages = 0;
	iova_node_put(&s->tree, p, n);
}

static void rbtree31_reserve(void *state, struct proc *p, uint64_t first_pfn, uint64_t last_pfn)
{
	struct rbtree31 *s = state;

	BUG_ON(s->m.live != 0);
	lock_acquire(&s->lock, p);
	iova_tree_reserve(&s->tree, p, first_pfn, last_pfn);
	lock_release(&s->lock, p);
}

static bool rbtree31_check(const void *state, struct err *err)
{
	const struct rbtree31 *s = state;
	bool cached_found = !s->cached32;
	uint64_t live;

	if (!iova_tree_check(&s->tree, &live, err))
		return false;
	if (live != s->m.live)
		return err_set(err, "%lu ranges live in the tree, %lu counted", (unsigned long)live,
			(unsigned long)s->m.live);
	for (struct rb_node *at = rb_first(&s->tree.root); at && !cached_found; at = rb_next(at))
		cached_found = at == &s->cached32->rb;
	return cached_found || err_set(err, "the cached range is not in the tree");
}

static uint64_t rbtree31_live(const void *state)
{
	const struct rbtree31 *s = state;

	return s->m.live;
}

const struct iova_allocator_ops iova_rbtree31_ops = {
	.name = "rbtree-3.1",
	.summary = "One red-black tree and one lock a domain, linear top-down search",
	.source = "Linux 3.1 drivers/iommu/iova.c",
	.state_size = sizeof(struct rbtree31),
	.init = rbtree31_init,
	.fini = rbtree31_fini,
	.alloc = rbtree31_alloc,
	.find = rbtree31_find,
	.free = rbtree31_free,
	.reserve = rbtree31_reserve,
	.check = rbtree31_check,
	.live = rbtree31_live,
};
