/*
 * rbtree - intrusive red-black tree in the manner of the kernel's: the caller descends by itself
 * (and so can count the nodes it visits), then links the node and asks for rebalancing.
 * Nodes have parent pointers; rb_prev/rb_next walk in order.
 *
 * Insertion and removal can report which nodes they wrote, because a simulated CPU pays for each.
 */
#ifndef SIM_BASE_RBTREE_H
#define SIM_BASE_RBTREE_H
#include <stdbool.h>
#include <stddef.h>
#include "base/types.h"

struct rb_node {
	struct rb_node *parent, *left, *right;
	bool red;
};

struct rb_root {
	struct rb_node *node;
};

/* Enough for every tree that fits in memory: at most two nodes per level and a few for rotations. */
#define RB_WRITTEN_MAX 160

/* The distinct nodes that an operation wrote. */
struct rb_written {
	unsigned n;
	struct rb_node *node[RB_WRITTEN_MAX];
};

/* Link n at *link below parent, both found by the caller's descent, and rebalance.
 * Returns the number of existing nodes that were written: the parent and what rebalancing touched. */
unsigned rb_insert(
	struct rb_root *root, struct rb_node *n, struct rb_node *parent, struct rb_node **link);
/* Unlink n and rebalance. Returns the number of other nodes that were written. */
unsigned rb_erase(struct rb_root *root, struct rb_node *n);

/* The same, with the nodes that were written in *w (overwritten). */
void rb_insert_report(struct rb_root *root, struct rb_node *n, struct rb_node *parent,
	struct rb_node **link, struct rb_written *w);
void rb_erase_report(struct rb_root *root, struct rb_node *n, struct rb_written *w);

struct rb_node *rb_first(const struct rb_root *root);
struct rb_node *rb_last(const struct rb_root *root);
struct rb_node *rb_next(const struct rb_node *n);
struct rb_node *rb_prev(const struct rb_node *n);

/* True when the tree is a valid red-black tree (colours, black heights, parent links). */
bool rb_check(const struct rb_root *root);

#define rb_entry(ptr, type, member) container_of(ptr, type, member)

#endif
