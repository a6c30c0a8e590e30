/*
 * check - hold results to the promise of their policy: no window longer than the policy's bound and
 * one flush, no reuse before the flush, no translation against the ground truth, no leak; and to what
 * the user asserts of their metrics.
 */
#ifndef SIM_RUN_CHECK_H
#define SIM_RUN_CHECK_H
#include <stdio.h>
#include "run/assertion.h"

/* RUN_OK, or RUN_BROKEN when a point breaks a promise. Prints a verdict per point, and a line for
 * each broken promise. */
int check_points(const struct points *p, FILE *out);

struct check {
	const struct assertion *assertion; /* each is held against every point */
	size_t n;
	const char *junit, *json; /* files for the verdicts; NULL: none */
};

/* check_points(), and the assertions below it. RUN_REFUSED with *err, and nothing printed or written,
 * when an assertion does not fit the metrics of a point or a file cannot be written. */
int check_results(const struct points *p, const struct check *c, FILE *out, struct err *err);

/* Longest window that the point's policy promises; SIM_TIME_NEVER: it promises none. */
sim_time check_limit(const struct run_summary *s);

#endif
