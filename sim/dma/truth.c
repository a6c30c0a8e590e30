#include "dma/truth.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/bug.h"

#define NODE_BITS 12u
#define NODE_SIZE (1u << NODE_BITS)
#define NODE_MASK (NODE_SIZE - 1)

void truth_init(struct truth *t, unsigned iova_bits)
{
	unsigned bits = iova_bits - PAGE_LG2;

	*t = (struct truth){ .levels = (bits + NODE_BITS - 1) / NODE_BITS };
}

static void free_node(void *node, unsigned level)
{
	void **child = node;

	for (unsigned i = 0; node && level > 1 && i < NODE_SIZE; i++)
		free_node(child[i], level - 1);
	free(node);
}

void truth_fini(struct truth *t)
{
	free_node(t->root, t->levels);
}

/* The leaf array that holds pfn, or NULL when it is not there and may not be made. */
static struct truth_page *leaf_of(struct truth *t, uint64_t pfn, bool make)
{
	void **at = &t->root;

	BUG_ON(pfn >> (NODE_BITS * t->levels));
	for (unsigned level = t->levels; level > 0; level--) {
		if (!*at && !make)
			return NULL;
		if (!*at)
			*at = level > 1 ? xcalloc(NODE_SIZE, sizeof(void *))
					: xcalloc(NODE_SIZE, sizeof(struct truth_page));
		if (level > 1)
			at = (void **)*at + ((pfn >> (NODE_BITS * (level - 1))) & NODE_MASK);
	}
	t->leaf = *at;
	t->leaf_base = pfn & ~(uint64_t)NODE_MASK;
	return t->leaf;
}

struct truth_page *truth_at(struct truth *t, uint64_t pfn)
{
	if (!t->leaf || t->leaf_base != (pfn & ~(uint64_t)NODE_MASK))
		leaf_of(t, pfn, true);
	return &t->leaf[pfn & NODE_MASK];
}

const struct truth_page *truth_find(struct truth *t, uint64_t pfn)
{
	if (pfn >> (NODE_BITS * t->levels))
		return NULL;
	if ((!t->leaf || t->leaf_base != (pfn & ~(uint64_t)NODE_MASK)) && !leaf_of(t, pfn, false))
		return NULL;
	return &t->leaf[pfn & NODE_MASK];
}
