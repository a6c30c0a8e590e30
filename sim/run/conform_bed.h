/*
 * conform_bed - what a replay stands on: a machine with the default configuration, and address spaces,
 * each with an allocator and the list of what is live in it.
 */
#ifndef SIM_RUN_CONFORM_BED_H
#define SIM_RUN_CONFORM_BED_H
#include "base/rbtree.h"
#include "dma/iova/iova.h"

#define CONFORM_LAST_PFN (UINT64_MAX >> PAGE_LG2)

struct conform_bed {
	struct cpu_conf cpu;
	struct cost_conf cost;
	struct lock_conf lock;
	struct mem_conf mem;
	struct machine_conf conf;
	struct metrics *metrics;
	struct machine machine;
	struct conform_block *blocks;
};

/* engine NULL: an untimed machine, which is what a replay needs. Tests also use timed ones. */
void conform_bed_init(struct conform_bed *bed, unsigned ncpus, struct engine *engine);
void conform_bed_fini(struct conform_bed *bed);
/* Zeroed memory for a component's state: lives as long as the metrics that point into it. */
void *conform_bed_alloc(struct conform_bed *bed, size_t size);
/* A component's conf struct filled with its defaults, or NULL for no table; free() it. */
void *conform_defaults(const struct conf_table *table);

struct conform_space {
	const struct iova_allocator_ops *ops;
	void *state, *conf;
	struct rb_root live;
	bool used; /* something has been allocated: too late to reserve */
};

bool conform_space_init(struct conform_space *s, struct conform_bed *bed,
	const struct iova_allocator_ops *ops, unsigned index, uint64_t first_pfn, struct err *err);
/* Frees what is live, and checks the allocator one last time: false and *err if it is not sound. */
bool conform_space_fini(struct conform_space *s, struct err *err);

/* False: no space. The range is live until conform_space_take(). */
bool conform_space_alloc(struct conform_space *s, const struct iova_req *req, uint64_t *pfn);
/* The live range that begins at pfn, looked up as a driver does; false when there is none. */
bool conform_space_take(struct conform_space *s, uint64_t pfn, struct iova_range *out);

#endif
