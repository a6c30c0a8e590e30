/*
 * conform_space - an address space of a replay: an allocator on a bed, and the list of what is live in
 * it.
 */
#ifndef SIM_RUN_CONFORM_SPACE_H
#define SIM_RUN_CONFORM_SPACE_H
#include "base/rbtree.h"
#include "dma/iova/iova.h"
#include "run/conform_bed.h"

struct conform_space {
	struct conform_bed *bed;
	const struct iova_allocator_ops *ops;
	void *state;
	void *conf; /* the space frees it */
	struct rb_root live;
	bool used; /* something has been allocated: too late to reserve */
	unsigned cpu; /* that the next calls run on */
};

/* With the allocator's default configuration. */
bool conform_space_init(struct conform_space *s, struct conform_bed *bed,
	const struct iova_allocator_ops *ops, unsigned index, uint64_t first_pfn, struct err *err);
/* With conf, which passes to the space. */
bool conform_space_init_with(struct conform_space *s, struct conform_bed *bed,
	const struct iova_allocator_ops *ops, void *conf, unsigned index, uint64_t first_pfn,
	struct err *err);
/* Frees what is live, and checks the allocator one last time: false and *err if it is not sound. */
bool conform_space_fini(struct conform_space *s, struct err *err);

void conform_space_reserve(struct conform_space *s, uint64_t first_pfn, uint64_t last_pfn);
/* False: no space. The range is live until conform_space_take(). */
bool conform_space_alloc(struct conform_space *s, const struct iova_req *req, uint64_t *pfn);
/* The same with all that the allocator said, also when it failed. */
bool conform_space_alloc_range(
	struct conform_space *s, const struct iova_req *req, struct iova_range *out);
/* The live range that begins at pfn, looked up as a driver does; false when there is none. */
bool conform_space_take(struct conform_space *s, uint64_t pfn, struct iova_range *out);
/* Give it back to the allocator. */
void conform_space_free(struct conform_space *s, const struct iova_range *range);
/* One run of what the allocator has put off; nothing when it puts nothing off. */
void conform_space_work(struct conform_space *s);

#endif
