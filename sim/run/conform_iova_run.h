/*
 * conform_iova_run - a run of allocator vectors in progress: conform_iova.c opens it and replays rows of
 * trees and caches, conform_bitmap.c those of bitmaps, conform_history.c histories.
 */
#ifndef SIM_RUN_CONFORM_IOVA_RUN_H
#define SIM_RUN_CONFORM_IOVA_RUN_H
#include "run/conform_priv.h"
#include "run/conform_space.h"

struct iova_run {
	struct engine *engine;
	struct conform_bed bed;
	struct conform_space space;
	/* of bitmap runs */
	uint64_t limit_pfn;
	bool strict; /* every unmap flushes: the driver's fullflush */
	uint64_t flushes, need_flush; /* what the present row has caused */
};

/* A machine with so many CPUs, and an empty address space. conf (or NULL) passes to the run. */
struct iova_run *iova_run_create(const struct iova_allocator_ops *ops, void *conf, unsigned ncpus,
	uint64_t first_pfn, struct err *err);
/* Reports an allocator that is not sound at the end. */
void iova_run_destroy(struct iova_run *run, struct conform *c);

/* Field i as the CPU that the row's operation runs on. */
bool iova_run_cpu(struct iova_run *run, struct conform *c, unsigned i, struct err *err);
bool iova_run_expect_pfn(struct conform *c, uint64_t expected, uint64_t got);
/* Take the live range at pfn off the list; a mismatch is reported when there is none. */
bool iova_run_take(struct iova_run *run, struct conform *c, uint64_t pfn, struct iova_range *out);

/* #run,id,kernel,bitmap,ncpus,mask_bits,strict,apertures,name */
struct iova_run *bitmap_begin(struct conform *c, struct err *err);
/* M and U; c->model tells the forms of 3.1 and 4.5 apart. */
bool bitmap_row(struct iova_run *run, struct conform *c, struct err *err);

#endif
