/*
 * flush_ring - the ring of Linux's flush queue (struct iova_fq): ranges in the order of their unmaps,
 * each with the number of flushes that had been started when it came. Once more than that have
 * finished, one of them started later: the range is covered. Full with one entry less than its size.
 */
#ifndef SIM_DMA_FLUSH_FLUSH_RING_H
#define SIM_DMA_FLUSH_FLUSH_RING_H
#include "dma/flush/flush.h"
#include "hw/lock.h"

struct flush_ring_entry {
	struct dma_range range;
	uint64_t started;
};

/* Its lock belongs to the ring, whose head and tail are on the lock's line, but the owner initialises
 * and takes it. */
struct flush_ring {
	struct lock lock;
	uint32_t head, tail, mask;
	uint32_t covered; /* up to here flush_ring_cover() has been */
	uint32_t entry_cost; /* cycles */
	struct flush_ring_entry *entry;
	struct line *line;
};

/* size: a power of two. */
void flush_ring_init(struct flush_ring *q, const struct machine *m, uint32_t size);
void flush_ring_fini(struct flush_ring *q);
/* With the lock held. */
bool flush_ring_is_full(const struct flush_ring *q);
void flush_ring_add(
	struct flush_ring *q, struct proc *p, const struct dma_range *r, uint64_t started);
/* Take the range at the head out, if it is covered. */
bool flush_ring_pop(struct flush_ring *q, struct proc *p, uint64_t finished, struct dma_range *out);

/* The simulator's eye on the ring, without lock or time: each range once when it is covered; NULL: no
 * more. */
const struct dma_range *flush_ring_cover(struct flush_ring *q, uint64_t finished);
/* A range is in it that is not covered. */
bool flush_ring_waits(const struct flush_ring *q);

#endif
