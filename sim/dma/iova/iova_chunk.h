/*
 * iova_chunk - a large piece of the address space with a lock of its own, for percpu-chunk. Inside it
 * is either a tree (iova_tree6.h, whose lock is the chunk's) or a bitmap that is searched round-robin and
 * flushed before a round hands addresses out again.
 *
 * With an owner that leaves invalidations to the allocator (env->flush), both flushes of the bitmap are
 * made under the chunk's lock: that of a new round, and that of a range which is freed ahead of the
 * pointer. So nobody can get an address of the new round while it is still cached.
 */
#ifndef SIM_DMA_IOVA_IOVA_CHUNK_H
#define SIM_DMA_IOVA_IOVA_CHUNK_H
#include "dma/iova/iova_bitmap.h"
#include "dma/iova/iova_tree6.h"

enum chunk_inside { CHUNK_RBTREE, CHUNK_BITMAP }; /* words of the key `inside` */

#define IOVA_CHUNK_METRICS(M)                                                                      \
	M(COUNTER, rounds, "rounds", NULL,                                                         \
		"Bitmaps searched again from their start, with success: one flush each.")          \
	M(COUNTER, freed_ahead, "ranges", NULL,                                                    \
		"Ranges freed ahead of their bitmap's pointer before any flush: one flush each.")  \
	M(COUNTER, hopeless, "chunks", NULL,                                                       \
		"Chunks passed without their lock: a request no larger has failed since a free.")

METRIC_DECLARE(iova_chunk_metrics, IOVA_CHUNK_METRICS);
extern const struct metric_table iova_chunk_metric_table;

/* What all chunks of an allocator share. env.scope is that of the allocator. */
struct chunk_common {
	struct iova_env env;
	enum chunk_inside inside;
	struct iova_chunk_metrics m;
	struct iova_bitmap_metrics bitmap_m;
};

struct chunk {
	struct chunk_common *common;
	uint64_t first_pfn, last_pfn;
	unsigned owner; /* CPU */
	unsigned index;
	struct chunk *next; /* of the owner's */
	struct lock *lock;
	/* On the lock's line, read without it: smallest request that has failed since the last free,
	 * unaligned and aligned. */
	uint64_t refused[2];
	struct iova_tree6 tree;
	struct {
		struct lock lock;
		struct iova_bitmap bits;
		uint32_t next;
		char name[32];
	} bitmap;
	char name[32]; /* "dom0.chunk3": of its locks and metrics */
};

/* [first, last], last - first < 2^32. name: "chunk3". */
struct chunk *chunk_create(
	struct chunk_common *common, const char *name, uint64_t first_pfn, uint64_t last_pfn);
void chunk_destroy(struct chunk *c);
/* The part of [first, last] that the chunk holds. */
void chunk_reserve(struct chunk *c, struct proc *p, uint64_t first_pfn, uint64_t last_pfn);
/* Takes the lock, unless the request is hopeless. On success *pfn, and 1 in *flushes when a round began. */
bool chunk_alloc(struct chunk *c, struct proc *p, const struct iova_req *req, uint64_t *pfn,
	uint32_t *flushes);
/* Takes the lock. */
void chunk_free(struct chunk *c, struct proc *p, const struct iova_range *r);
/* Shape; *pages: pages taken (bitmap) or *ranges: ranges taken (tree), added. */
bool chunk_check(const struct chunk *c, uint64_t *ranges, uint64_t *pages, struct err *err);

#endif
