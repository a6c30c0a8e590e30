/*
 * stand - an allocator on a timed machine with CPUs: for tests of what it costs, which locks it takes,
 * and what it does when others are at it.
 */
#ifndef TESTS_DMA_STAND_H
#define TESTS_DMA_STAND_H
#include "dma/iova/iova.h"
#include "run/conform_bed.h"

#define STAND_LIMIT_32 UINT64_C(0xfffff)

struct stand {
	struct engine *engine;
	struct conform_bed bed;
	const struct iova_allocator_ops *ops;
	void *state, *conf;
};

struct stand_setup {
	const struct iova_allocator_ops *ops;
	void *conf; /* NULL: the defaults; passes to the stand */
	unsigned ncpus;
	uint64_t first_pfn, last_pfn;
	void (*flush)(void *ctx, struct proc *p, const struct iova_range *r); /* or NULL */
};
void stand_set_up(struct stand *s, const struct stand_setup *setup);
/* PFNs 1 to last_pfn. conf as above. */
void stand_init(struct stand *s, const struct iova_allocator_ops *ops, void *conf, unsigned ncpus,
	uint64_t last_pfn);
/* Stops what the allocator has put off; checks it, and that nothing is live. */
void stand_fini(struct stand *s);

/* Run fn on the CPU to its end; the CPU time that it took in the allocator. */
sim_time stand_on(struct stand *s, unsigned cpu, void (*fn)(struct proc *p, void *arg), void *arg);
/* One call, aligned, on the CPU. */
bool stand_alloc(
	struct stand *s, unsigned cpu, uint32_t npages, uint64_t limit, struct iova_range *out);
void stand_free(struct stand *s, unsigned cpu, const struct iova_range *r);
/* Many in one job, unaligned, until one is refused: `done` of n from range[0] on. */
struct stand_many {
	struct iova_range *range;
	unsigned n;
	uint32_t npages;
	uint64_t limit;
	unsigned done;
};
void stand_alloc_many(struct stand *s, unsigned cpu, struct stand_many *m);
void stand_free_many(struct stand *s, unsigned cpu, struct stand_many *m); /* n */
/* What may run, runs: timers too. */
void stand_settle(struct stand *s);
void stand_check(const struct stand *s, uint64_t live);

/* Acquisitions of all locks of the class. */
uint64_t stand_locked(const struct stand *s, const char *lock_class);
uint64_t stand_contended(const struct stand *s, const char *lock_class);
/* The allocator's metric of that name; a histogram's count. */
uint64_t stand_metric(struct stand *s, const char *name);

#endif
