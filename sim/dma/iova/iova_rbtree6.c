/*
 * rbtree-6.x: the address allocator of Linux 4.20 to 6.12 without its per-CPU caches: iova_tree6.h says
 * what it does. PFN for PFN what alloc_iova() and free_iova() of 6.1 and 6.12 do.
 *
 * A free looks the range up from its address and removes it under one hold of the lock.
 *
 * Departures: interrupts are not masked by anything but the lock model; the lock word and the tree's
 * head are two lines here (one in the kernel); range objects are freed inside the lock.
 */
#include "dma/iova/iova.h"

#include "base/bug.h"
#include "dma/iova/iova_metrics.h"
#include "dma/iova/iova_tree6.h"

struct rbtree6 {
	struct iova_tree6 tree;
	struct iova_metrics m;
};

static bool rbtree6_init(void *state, const void *conf, const struct iova_env *env, struct err *err)
{
	struct rbtree6 *s = state;

	(void)conf;
	(void)err;
	metric_scope_add(env->scope, &iova_metric_table, &s->m);
	iova_tree6_init(&s->tree, env);
	return true;
}

static void rbtree6_fini(void *state)
{
	struct rbtree6 *s = state;

	BUG_ON(s->m.live != 0);
	iova_tree6_fini(&s->tree);
}

static bool rbtree6_alloc(
	void *state, struct proc *p, const struct iova_req *req, struct iova_range *out)
{
	struct rbtree6 *s = state;
	const struct iova_tree6_req r = { .size = req->npages,
		.npages = req->npages,
		.limit_pfn = req->limit_pfn,
		.aligned = req->size_aligned };

	*out = (struct iova_range){ .npages = req->npages };
	return iova_metrics_alloc(&s->m, iova_tree6_alloc(&s->tree, p, &r, &out->pfn));
}

static void rbtree6_free(void *state, struct proc *p, const struct iova_range *r)
{
	struct rbtree6 *s = state;

	iova_tree6_free(&s->tree, p, &r->pfn, 1);
	iova_metrics_free(&s->m);
}

static void rbtree6_reserve(void *state, struct proc *p, uint64_t first_pfn, uint64_t last_pfn)
{
	struct rbtree6 *s = state;

	iova_tree6_reserve(&s->tree, p, first_pfn, last_pfn);
}

static bool rbtree6_check(const void *state, struct err *err)
{
	const struct rbtree6 *s = state;
	uint64_t live;

	if (!iova_tree6_check(&s->tree, &live, err))
		return false;
	return live == s->m.live || err_set(err, "%lu ranges live in the tree, %lu counted",
					    (unsigned long)live, (unsigned long)s->m.live);
}

static uint64_t rbtree6_live(const void *state)
{
	const struct rbtree6 *s = state;

	return s->m.live;
}

const struct iova_allocator_ops iova_rbtree6_ops = {
	.name = "rbtree-6.x",
	.summary =
		"The tree of today: two starting points, one retry, refusal of sizes known to fail",
	.source = "Linux 4.20-6.12 drivers/iommu/iova.c: alloc_iova, free_iova",
	.state_size = sizeof(struct rbtree6),
	.init = rbtree6_init,
	.fini = rbtree6_fini,
	.alloc = rbtree6_alloc,
	.free = rbtree6_free,
	.reserve = rbtree6_reserve,
	.check = rbtree6_check,
	.live = rbtree6_live,
};
