/*
 * flush_metrics - what every flush policy reports about itself, under the same names: how many
 * flushes, why, how many ranges each covered, how long one took. What the flushes cost the caches
 * (granularity, evictions) is counted where it happens.
 */
#ifndef SIM_DMA_FLUSH_FLUSH_METRICS_H
#define SIM_DMA_FLUSH_FLUSH_METRICS_H
#include "dma/flush/flush.h"

#define FLUSH_METRICS(M)                                                                           \
	M(COUNTER, unmaps, "ranges", NULL, "Unmapped ranges given to the policy.")                 \
	M(COUNTER, flushes, "flushes", "unmaps", "Flushes, each of one range or one batch.")       \
	M(COUNTER, flushes_unmap, "flushes", "flushes", "Flushes that an unmap waited for.")       \
	M(COUNTER, flushes_batch_full, "flushes", "flushes",                                       \
		"Flushes because the batch was full.")                                             \
	M(COUNTER, flushes_timer, "flushes", "flushes", "Flushes because the timer fired.")        \
	M(COUNTER, flushes_reuse, "flushes", "flushes",                                            \
		"Flushes before the allocator hands addresses out again.")                         \
	M(COUNTER, flushes_drain, "flushes", "flushes", "Flushes of what was left at the end.")    \
	M(COUNTER, timers_armed, "ops", NULL, "Times the flush timer was armed or moved.")         \
	M(COUNTER, timers_empty, "ops", NULL, "Expiries that found nothing to flush.")             \
	M(GAUGE, held, "ranges", NULL, "Ranges that wait for their flush.")                        \
	M(HIST, entries_per_flush, "ranges", NULL, "Ranges covered by one flush.")                 \
	M(HIST, flush_time, "ps", NULL,                                                            \
		"From when a flush is due, the wait for locks included, until its invalidations "  \
		"are complete.")

METRIC_DECLARE(flush_metrics, FLUSH_METRICS);
extern const struct metric_table flush_metric_table;

/* One flush of n ranges: due when the policy was called, its last invalidation complete at `done`. */
void flush_metrics_add(
	struct flush_metrics *m, enum flush_trigger why, uint64_t n, sim_time due, sim_time done);

#endif
