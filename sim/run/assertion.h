/*
 * assertion - what a user demands of the metrics of every point, as text:
 *
 *   assertion = value op number
 *   value     = metric | function "(" metric ")"
 *   function  = "count" | "mean" | "min" | "p50" | "p90" | "p99" | "p999" | "max"
 *   op        = "==" | "!=" | "<" | "<=" | ">" | ">="
 *
 * A metric is a path of docs/metrics.md ("windows.hw_window"); a name without a dot is one of
 * "windows". Distributions take a function, everything else none. Times and sizes have a unit ("10ms",
 * "64KiB"), other numbers none.
 */
#ifndef SIM_RUN_ASSERTION_H
#define SIM_RUN_ASSERTION_H
#include "run/point_metrics.h"
#include "run/verdict.h"

#define ASSERTION_WORD_MAX 160

struct assertion {
	const char *text; /* as the user wrote it; not owned */
	bool has_function;
	enum hist_stat function;
	char metric[ASSERTION_WORD_MAX];
	unsigned op; /* index of a table in assertion.c */
	char number[ASSERTION_WORD_MAX];
	unsigned metric_column, number_column; /* from 1 */
};

/* Grammar only. False with *err, which names the column. */
bool assertion_parse(struct assertion *a, const char *text, struct err *err);

/* Of one point. False with *err when the assertion says nothing about these metrics: no such metric,
 * a distribution without a function, a wrong unit. A distribution without values breaks nothing;
 * a metric that is "never" fulfils nothing.
 * max() of windows.hw_window and windows.policy_window counts those still open by their age. */
bool assertion_judge(const struct assertion *a, const struct point_metrics *m, struct verdict *v,
	struct err *err);

#endif
