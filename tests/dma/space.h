/*
 * space - an address space to test an allocator in: the allocator on an untimed machine, and an oracle
 * that knows who owns each page.
 */
#ifndef TESTS_DMA_SPACE_H
#define TESTS_DMA_SPACE_H
#include "dma/iova/iova.h"
#include "run/conform_bed.h"

#define SPACE_PAGES  4096u /* the oracle's reach */
#define SPACE_RANGES 4096u

enum { SPACE_FREE, SPACE_RESERVED = UINT16_MAX };

struct space {
	struct conform_bed bed;
	const struct iova_allocator_ops *ops;
	void *state, *conf;
	uint64_t first, last; /* PFNs; at most SPACE_PAGES */
	uint16_t owner[SPACE_PAGES]; /* 1 + index of the range, by PFN - first */
	struct iova_range range[SPACE_RANGES];
	bool live[SPACE_RANGES];
	unsigned nlive;
	bool unflushed[SPACE_PAGES]; /* freed so, and not invalidated since */
	bool lazy; /* frees are unflushed, the allocator has to ask */
	unsigned flushes, stale; /* asked for; pages handed out too early */
};

void space_init(
	struct space *s, const struct iova_allocator_ops *ops, uint64_t first, uint64_t last);
/* With parameters of its own, which pass to the space; lazy: with env.flush, see above. */
void space_init_with(struct space *s, const struct iova_allocator_ops *ops, void *conf,
	uint64_t first, uint64_t last, bool lazy);
/* The parameters under which the allocator has most caps. */
void *space_best_conf(const struct iova_allocator_ops *ops);
void space_fini(struct space *s);
/* Allocate, and hold the result to the contract: inside, aligned, nobody else's. Index, or -1. */
int space_alloc(struct space *s, uint32_t npages, uint64_t limit, bool aligned);
/* By the cookie, by find(), or by the bare address. */
enum space_free { SPACE_BY_COOKIE, SPACE_BY_FIND, SPACE_BY_ADDRESS };
void space_free(struct space *s, int index, enum space_free how);
void space_reserve(struct space *s, uint64_t first, uint64_t last);
void space_check(struct space *s); /* the allocator's own check, and its count */

#endif
