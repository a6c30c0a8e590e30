/*
 * iova_tree31 - ranges in the tree of Linux 3.1, drivers/iommu/iova.c, PFN for PFN what that kernel finds,
 * with its quirks: aligned sizes are rounded up to a power of two, the first PFN of the space is never
 * handed out, and a search that begins at the cached range fails without looking above it.
 *
 * The lock belongs to the tree and is taken by its user: around everything but init and fini.
 */
#ifndef SIM_DMA_IOVA_IOVA_TREE31_H
#define SIM_DMA_IOVA_IOVA_TREE31_H
#include "dma/iova/iova.h"
#include "dma/iova/iova_tree.h"
#include "hw/lock.h"

#define IOVA_TREE31_METRICS(M)                                                                     \
	M(COUNTER, cached32_starts, "searches", "allocs",                                          \
		"Searches that began at the range last allocated under the 32-bit limit.")         \
	M(COUNTER, pages_rounded, "pages", NULL, "Pages lost to rounding sizes up.")               \
	M(HIST, search_nodes, "nodes", NULL, "Ranges passed by the search of one allocation.")

METRIC_DECLARE(iova_tree31_metrics, IOVA_TREE31_METRICS);

struct iova_tree31 {
	struct lock lock;
	struct iova_tree tree;
	struct iova_node *cached32; /* on the line tree.head */
	uint64_t start_pfn, last_pfn;
	struct iova_tree31_metrics m;
};

void iova_tree31_init(struct iova_tree31 *t, const struct iova_env *env);
void iova_tree31_fini(struct iova_tree31 *t);
/* Pages that a request takes from the space. */
uint64_t iova_tree31_size(const struct iova_req *req);
/* Find a gap and insert n (from iova_node_get) there. False: none; n is still the caller's. */
bool iova_tree31_take(
	struct iova_tree31 *t, struct proc *p, const struct iova_req *req, struct iova_node *n);
/* The range that holds pfn, which must be live. Takes the lock. */
void iova_tree31_find(struct iova_tree31 *t, struct proc *p, uint64_t pfn, struct iova_range *out);
/* n leaves the tree; it is the caller's, for iova_node_put. */
void iova_tree31_drop(struct iova_tree31 *t, struct proc *p, struct iova_node *n);
/* Takes the lock. */
void iova_tree31_reserve(struct iova_tree31 *t, struct proc *p, uint64_t first, uint64_t last);
/* *live: ranges that are not reserved. */
bool iova_tree31_check(const struct iova_tree31 *t, uint64_t *live, struct err *err);

#endif
