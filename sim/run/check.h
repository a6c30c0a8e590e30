/*
 * check - hold results to the promise of their policy: no window longer than the policy's bound and
 * one flush, no reuse before the flush, no translation against the ground truth, no leak.
 */
#ifndef SIM_RUN_CHECK_H
#define SIM_RUN_CHECK_H
#include <stdio.h>
#include "run/points.h"

/* RUN_OK, or RUN_BROKEN when a point breaks a promise. Prints a verdict per point, and a line for
 * each broken promise. */
int check_points(const struct points *p, FILE *out);

/* Longest window that the point's policy promises; SIM_TIME_NEVER: it promises none. */
sim_time check_limit(const struct run_summary *s);

#endif
