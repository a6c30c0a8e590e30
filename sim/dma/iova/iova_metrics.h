/*
 * iova_metrics - what every allocator reports about itself, under the same names. What its searches,
 * caches and locks cost is counted where it happens.
 */
#ifndef SIM_DMA_IOVA_IOVA_METRICS_H
#define SIM_DMA_IOVA_IOVA_METRICS_H
#include "obs/metrics.h"

#define IOVA_METRICS(M)                                                                            \
	M(COUNTER, allocs, "ranges", NULL, "Ranges handed out.")                                   \
	M(COUNTER, frees, "ranges", NULL, "Ranges taken back.")                                    \
	M(COUNTER, failures, "requests", NULL, "Requests for which no range was free.")            \
	M(GAUGE, live, "ranges", NULL, "Ranges handed out and not taken back.")

METRIC_DECLARE(iova_metrics, IOVA_METRICS);
extern const struct metric_table iova_metric_table;

/* One request, answered or not; one free. */
static inline bool iova_metrics_alloc(struct iova_metrics *m, bool ok)
{
	m->allocs += ok;
	m->live += ok;
	m->failures += !ok;
	return ok;
}

static inline void iova_metrics_free(struct iova_metrics *m)
{
	m->frees++;
	m->live--;
}

#endif
