/*
 * iova_tree - address ranges in a red-black tree, as the kernels' iova.c keeps them: one node a
 * range, live or reserved. Where to search is the allocator's matter; what each step costs is here:
 * cycles per node visited or written, and a line transfer for each node that another CPU wrote last.
 *
 * Nothing in here waits. The owner holds its lock around everything but iova_node_get/put.
 */
#ifndef SIM_DMA_IOVA_IOVA_TREE_H
#define SIM_DMA_IOVA_IOVA_TREE_H
#include "base/rbtree.h"
#include "dma/iova/iova.h"
#include "hw/cacheline.h"
#include "hw/cpu.h"

#define IOVA_TREE_METRICS(M)                                                                       \
	M(COUNTER, nodes_visited, "nodes", NULL, "Tree nodes read by searches and descents.")      \
	M(COUNTER, nodes_written, "nodes", NULL, "Tree nodes written by link, erase, rebalance.")  \
	M(COUNTER, node_transfers, "nodes", NULL,                                                  \
		"Nodes read or written that another CPU's cache held.")                            \
	M(GAUGE, nodes, "nodes", NULL, "Ranges in the tree, reserved ones included.")

METRIC_DECLARE(iova_tree_metrics, IOVA_TREE_METRICS);

struct iova_node {
	struct rb_node rb;
	uint64_t lo, hi; /* what it takes from the space: rounded up where the allocator rounds */
	uint32_t npages; /* as asked for; 0: reserved */
	struct line line;
	struct iova_node *next_free;
};

/* Free nodes: each CPU reuses what it freed last, as slabs do; above a bound they are shared. */
struct iova_node_list {
	struct iova_node *first;
	unsigned n;
};

struct iova_tree {
	struct rb_root root;
	struct line head; /* root pointer and cached nodes, which share a line */
	const struct cost_conf *cost;
	struct iova_node_list *own, shared; /* own: one per CPU */
	unsigned ncpus;
	struct iova_slab *slabs;
	struct iova_tree_metrics m;
};

void iova_tree_init(struct iova_tree *t, const struct iova_env *env);
void iova_tree_fini(struct iova_tree *t); /* frees every node */

/* A node from, or to, the CPU's slab. Outside the lock. */
struct iova_node *iova_node_get(struct iova_tree *t, struct proc *p);
void iova_node_put(struct iova_tree *t, struct proc *p, struct iova_node *n);

/* Read the node behind n (NULL: none). The visit is counted and its line fetched; the caller adds
 * up its visits and pays the cycles with one iova_tree_charge(). */
struct iova_node *iova_tree_visit(struct iova_tree *t, struct proc *p, struct rb_node *n);
void iova_tree_charge(struct iova_tree *t, struct proc *p, unsigned visited, unsigned written);

/* Insert by descending from `from` (a node that becomes an ancestor of n; NULL: the root). */
void iova_tree_insert(
	struct iova_tree *t, struct proc *p, struct iova_node *n, struct iova_node *from);
void iova_tree_erase(struct iova_tree *t, struct proc *p, struct iova_node *n);
/* The node that holds pfn, or NULL. */
struct iova_node *iova_tree_find(struct iova_tree *t, struct proc *p, uint64_t pfn);
/* Insert [lo, hi] as reserved, merged with the reserved ranges that it overlaps. */
void iova_tree_reserve(struct iova_tree *t, struct proc *p, uint64_t lo, uint64_t hi);

/* Shape, order, disjointness and count; *live gets the number of nodes that are not reserved. */
bool iova_tree_check(const struct iova_tree *t, uint64_t *live, struct err *err);

#endif
