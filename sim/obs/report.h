/*
 * report - the metrics of a finished run as files that people and scripts read.
 *
 *   metrics.json  {"metrics": {"iommu0": {"iotlb": {"hits": 123, ...}}}, "units": {...}}
 *                 a histogram is {count, min, mean, p50, p90, p99, p999, max, unit}
 *   metrics.csv   path,value,unit,per,ratio,help: one row per number
 *   hist/PATH.csv low,high,count,cumulative: the buckets of a histogram that are not empty
 *
 * A number that does not exist (the p99 of nothing, a share of nothing) is null, an empty field in
 * CSV. Same metrics, same bytes.
 */
#ifndef SIM_OBS_REPORT_H
#define SIM_OBS_REPORT_H
#include <stdio.h>
#include "base/err.h"
#include "obs/metrics.h"

/* The numbers that describe a histogram, in this order, in every file. */
enum hist_stat {
	HIST_STAT_COUNT,
	HIST_STAT_MIN,
	HIST_STAT_MEAN,
	HIST_STAT_P50,
	HIST_STAT_P90,
	HIST_STAT_P99,
	HIST_STAT_P999,
	HIST_STAT_MAX,
	HIST_STATS,
};
const char *hist_stat_name(enum hist_stat s); /* "p999" */
/* False: an empty histogram has only a count. */
bool hist_stat(const struct hist *h, enum hist_stat s, double *out);

void report_json(const struct metrics *m, FILE *out);
void report_csv(const struct metrics *m, FILE *out);
/* One file per histogram that has values, into the existing folder dir. */
bool report_hists(const struct metrics *m, const char *dir, struct err *err);
void report_hist_csv(const struct hist *h, FILE *out);

#endif
