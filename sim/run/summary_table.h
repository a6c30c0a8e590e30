/*
 * summary_table - what `iommusim run` shows in the end, and summary.txt: per point, traffic and
 * contention, then flushes and stale windows; at most 100 columns wide.
 */
#ifndef SIM_RUN_SUMMARY_TABLE_H
#define SIM_RUN_SUMMARY_TABLE_H
#include <stdio.h>
#include "run/points.h"

/* After points_read_summaries(). */
void summary_table_print(const struct points *p, FILE *out);

#endif
