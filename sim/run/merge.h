/*
 * merge - the experiment's metrics.csv: one row per point, its axes and then every scalar metric of
 * every point, in the order in which they first appear.
 */
#ifndef SIM_RUN_MERGE_H
#define SIM_RUN_MERGE_H
#include "run/points.h"

/* Reads the points' metrics.csv under p->root. */
bool merge_metrics(const struct points *p, struct err *err);

#endif
