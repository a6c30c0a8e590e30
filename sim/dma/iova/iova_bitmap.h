/*
 * iova_bitmap - a bitmap of pages, as drivers keep them: one bit a page, searched word by word for a
 * run of zeros. What a search costs is here: cycles for each word it looks at, a line transfer for each
 * 64 bytes that another CPU has written.
 *
 * Nothing in here waits. The owner holds its lock around every call; one that has none may search, and
 * must make sure of what it has found by itself (iova_bitmap_lockless.c).
 */
#ifndef SIM_DMA_IOVA_IOVA_BITMAP_H
#define SIM_DMA_IOVA_IOVA_BITMAP_H
#include "hw/cacheline.h"
#include "hw/cpu.h"
#include "hw/machine.h"
#include "obs/metrics.h"

#define IOVA_BITMAP_METRICS(M)                                                                     \
	M(COUNTER, words_scanned, "words", NULL, "Bitmap words of 64 pages looked at.")            \
	M(COUNTER, line_transfers, "lines", NULL,                                                  \
		"Lines of bitmaps that another CPU's cache held.")                                 \
	M(HIST, search_words, "words", NULL, "Words looked at by one search of one bitmap.")       \
	M(GAUGE, pages, "pages", NULL, "Pages of the ranges handed out.")

#define IOVA_BITMAP_WORDS_PER_LINE 8u

METRIC_DECLARE(iova_bitmap_metrics, IOVA_BITMAP_METRICS);
extern const struct metric_table iova_bitmap_metric_table;

struct iova_bitmap {
	uint64_t *word;
	struct line *line; /* of 8 words */
	uint32_t nbits;
	uint32_t blocked; /* bits that no range has: reserved, outside */
	const struct cost_conf *cost;
	struct iova_bitmap_metrics *m; /* of all bitmaps of an allocator */
};

void iova_bitmap_init(struct iova_bitmap *b, uint32_t nbits, const struct cost_conf *cost,
	struct iova_bitmap_metrics *m);
void iova_bitmap_fini(struct iova_bitmap *b);

/* n zeros in a row within [start, end), beginning at a multiple of 2^align_lg2. */
struct iova_bitmap_want {
	uint32_t start, end;
	uint32_t n;
	unsigned align_lg2;
};

/* The first that fits. */
bool iova_bitmap_find(
	struct iova_bitmap *b, struct proc *p, const struct iova_bitmap_want *want, uint32_t *at);
/* The bits must all be clear (set) before. */
void iova_bitmap_set(struct iova_bitmap *b, struct proc *p, uint32_t at, uint32_t n);
void iova_bitmap_clear(struct iova_bitmap *b, struct proc *p, uint32_t at, uint32_t n);
/* Set what is clear of the bits, for good. */
void iova_bitmap_block(struct iova_bitmap *b, uint32_t at, uint32_t n);
/* The part of [at, at + n) that lies in the word of that index; not empty. */
uint64_t iova_bitmap_mask(uint32_t word, uint32_t at, uint32_t n);
/* Bits set that are not blocked. */
uint64_t iova_bitmap_count(const struct iova_bitmap *b);

#endif
