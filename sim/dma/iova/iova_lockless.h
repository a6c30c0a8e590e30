/*
 * iova_lockless - the state of bitmap-lockless, in a header for the test that tries every order of its
 * steps and has to tell one state from another. The algorithm is told in iova_bitmap_lockless.c.
 */
#ifndef SIM_DMA_IOVA_IOVA_LOCKLESS_H
#define SIM_DMA_IOVA_IOVA_LOCKLESS_H
#include "dma/iova/iova.h"
#include "dma/iova/iova_bitmap.h"
#include "dma/iova/iova_metrics.h"

#define LOCKLESS_METRICS(M)                                                                        \
	M(COUNTER, claimed_words, "words", NULL, "Words of ranges claimed by a swap.")             \
	M(COUNTER, retries, "swaps", "claimed_words",                                              \
		"Swaps that failed because other bits of the word had changed.")                   \
	M(COUNTER, conflicts, "claims", NULL,                                                      \
		"Claims given up because a page of the run had been taken.")                       \
	M(COUNTER, words_given_back, "words", "conflicts", "Words cleared again by those.")        \
	M(COUNTER, rounds, "rounds", NULL, "Searches that began again at the start.")              \
	M(COUNTER, flushes, "flushes", "rounds", "Rounds that found dirty pages to flush.")        \
	M(COUNTER, cursor_lost, "swaps", NULL,                                                     \
		"Moves of the one cursor that another CPU's had overtaken.")                       \
	M(COUNTER, cursor_transfers, "lines", NULL,                                                \
		"Transfers of a cursor's line from another CPU's cache.")                          \
	M(GAUGE, dirty, "pages", NULL, "Pages freed that wait for the flush of a round.")

METRIC_DECLARE(lockless_metrics, LOCKLESS_METRICS);

struct cursor {
	uint64_t bit;
	struct line line;
};

struct lockless {
	struct iova_env env;
	struct iova_bitmap used, dirty;
	uint64_t base_pfn, last_pfn;
	struct cursor *cursor;
	unsigned ncursors; /* 1 for all CPUs, or one per CPU */
	bool own_cursors;
	struct iova_metrics m;
	struct iova_bitmap_metrics bitmap_m;
	struct lockless_metrics lockless_m;
};

#endif
