/*
 * ranges - the mappings that live in a recording, by device and bus address.
 */
#ifndef SIM_TRACE_RANGES_H
#define SIM_TRACE_RANGES_H
#include "base/rbtree.h"

struct range {
	struct rb_node node;
	uint16_t device;
	uint64_t start, end; /* page-aligned; end exclusive */
	uint32_t slot;
	void *owner;
};

struct ranges {
	struct rb_root root;
	uint64_t n;
};

/* The caller has made sure that nothing overlaps. */
void ranges_add(struct ranges *s, struct range *r);
void ranges_remove(struct ranges *s, struct range *r);
/* The one that holds `at`; NULL: none. */
struct range *ranges_find(const struct ranges *s, uint16_t device, uint64_t at);
/* The first that overlaps [start, end); NULL: none. */
struct range *ranges_overlap(const struct ranges *s, uint16_t device, uint64_t start, uint64_t end);

#endif
