/*
 * rbtree-3.1: the address allocator of Linux 3.1, drivers/iommu/iova.c: one red-black tree of ranges
 * and one spinlock a domain. Allocation walks from high addresses to low ones, beginning below the
 * range that was last allocated under the 32-bit limit: linear in the ranges on the way (iova_tree31.h).
 *
 * Departures: interrupts are not masked by anything but the lock model; the lock word and the tree's
 * head are two lines here (one in the kernel); a range reserved from PFN 0 does not wrap the search.
 */
#include "base/bug.h"
#include "dma/iova/iova_metrics.h"
#include "dma/iova/iova_tree31.h"

struct rbtree31 {
	struct iova_tree31 t;
	struct iova_metrics m;
};

static bool rbtree31_init(
	void *state, const void *conf, const struct iova_env *env, struct err *err)
{
	struct rbtree31 *s = state;

	(void)conf;
	(void)err;
	metric_scope_add(env->scope, &iova_metric_table, &s->m);
	iova_tree31_init(&s->t, env);
	return true;
}

static void rbtree31_fini(void *state)
{
	struct rbtree31 *s = state;

	BUG_ON(s->m.live != 0);
	iova_tree31_fini(&s->t);
}

static bool rbtree31_alloc(
	void *state, struct proc *p, const struct iova_req *req, struct iova_range *out)
{
	struct rbtree31 *s = state;
	struct iova_node *n = iova_node_get(&s->t.tree, p);
	bool ok;

	*out = (struct iova_range){ .npages = req->npages };
	lock_acquire(&s->t.lock, p);
	ok = iova_metrics_alloc(&s->m, iova_tree31_take(&s->t, p, req, n));
	lock_release(&s->t.lock, p);
	if (ok)
		*out = (struct iova_range){ .pfn = n->lo, .npages = n->npages, .cookie = n };
	else
		iova_node_put(&s->t.tree, p, n);
	return ok;
}

static void rbtree31_find(void *state, struct proc *p, uint64_t pfn, struct iova_range *out)
{
	struct rbtree31 *s = state;

	iova_tree31_find(&s->t, p, pfn, out);
}

/* __free_iova() with the cookie; free_iova(), which looks the range up under a lock hold of its own,
 * without. */
static void rbtree31_free(void *state, struct proc *p, const struct iova_range *r)
{
	struct rbtree31 *s = state;
	struct iova_range found = *r;
	struct iova_node *n;

	if (!r->cookie)
		iova_tree31_find(&s->t, p, r->pfn, &found);
	n = found.cookie;
	BUG_ON(n->lo != r->pfn || n->npages != r->npages);
	lock_acquire(&s->t.lock, p);
	iova_tree31_drop(&s->t, p, n);
	iova_metrics_free(&s->m);
	lock_release(&s->t.lock, p);
	n->npages = 0;
	iova_node_put(&s->t.tree, p, n);
}

static void rbtree31_reserve(void *state, struct proc *p, uint64_t first_pfn, uint64_t last_pfn)
{
	struct rbtree31 *s = state;

	BUG_ON(s->m.live != 0);
	iova_tree31_reserve(&s->t, p, first_pfn, last_pfn);
}

static bool rbtree31_check(const void *state, struct err *err)
{
	const struct rbtree31 *s = state;
	uint64_t live;

	if (!iova_tree31_check(&s->t, &live, err))
		return false;
	return live == s->m.live || err_set(err, "%lu ranges live in the tree, %lu counted",
					    (unsigned long)live, (unsigned long)s->m.live);
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
