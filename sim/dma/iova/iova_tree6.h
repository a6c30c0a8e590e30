/*
 * iova_tree6 - the address tree of Linux 4.20 to 6.12, drivers/iommu/iova.c (6.1 and 6.12 give the same
 * addresses): rbtree-6.x is nothing but this, the rcache allocators keep magazines above it.
 *
 * One red-black tree and one spinlock. Searches go down from the range that was last allocated, above
 * or below 4 GiB; if nothing is free below it, once more from the limit down to it. A size that failed
 * below 4 GiB is refused at once until something below 4 GiB is freed.
 */
#ifndef SIM_DMA_IOVA_IOVA_TREE6_H
#define SIM_DMA_IOVA_IOVA_TREE6_H
#include "dma/iova/iova_tree.h"
#include "hw/lock.h"

#define IOVA_TREE6_METRICS(M)                                                                       \
	M(COUNTER, tree_allocs, "ranges", NULL, "Ranges taken from the tree.")                      \
	M(COUNTER, tree_frees, "ranges", NULL, "Ranges given back to the tree.")                    \
	M(COUNTER, tree_failures, "requests", "tree_allocs", "Requests that the tree refused.")     \
	M(COUNTER, retries, "searches", "tree_allocs",                                              \
		"Searches that began again at the limit: nothing was free below the cached range.") \
	M(COUNTER, max32_refusals, "requests", "tree_failures",                                     \
		"Of the refused, without a search: no smaller size has fitted below 4 GiB.")        \
	M(HIST, search_nodes, "nodes", NULL, "Ranges passed by one search.")

METRIC_DECLARE(iova_tree6_metrics, IOVA_TREE6_METRICS);

struct iova_tree6 {
	struct lock lock;
	struct iova_tree tree;
	struct iova_node *cached,
		*cached32; /* never NULL; on the line tree.head, like max32_size */
	uint64_t max32_size; /* this and larger do not fit below 4 GiB */
	uint64_t start_pfn, last_pfn;
	struct iova_tree6_metrics m;
};

struct iova_tree6_req {
	uint64_t size; /* pages to take */
	uint32_t npages; /* to note in the range */
	uint64_t limit_pfn; /* inclusive */
	bool aligned; /* to the size rounded up to a power of two; the size itself is not */
};

void iova_tree6_init(struct iova_tree6 *t, const struct iova_env *env);
void iova_tree6_fini(struct iova_tree6 *t);
/* alloc_iova(): false when nothing is free. May wait. */
bool iova_tree6_alloc(
	struct iova_tree6 *t, struct proc *p, const struct iova_tree6_req *req, uint64_t *pfn);
/* free_iova() of n ranges, looked up and removed under one hold of the lock. May wait. */
void iova_tree6_free(struct iova_tree6 *t, struct proc *p, const uint64_t *pfns, uint32_t n);
void iova_tree6_reserve(struct iova_tree6 *t, struct proc *p, uint64_t first, uint64_t last);
/* *live: ranges in the tree that are not reserved. */
bool iova_tree6_check(const struct iova_tree6 *t, uint64_t *live, struct err *err);

#endif
