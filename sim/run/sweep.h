/*
 * sweep - run the points of a plan, each in a process of its own, some at once. What a point writes
 * depends on its configuration alone, so the number of jobs changes nothing but the time.
 */
#ifndef SIM_RUN_SWEEP_H
#define SIM_RUN_SWEEP_H
#include "conf/conf.h"
#include "run/interrupt.h"
#include "run/plan.h"
#include "run/run.h"

/* As run_point(); in the child. */
typedef int sweep_point_fn(const struct conf *conf, const char *point_dir, struct err *err);

struct sweep {
	const struct plan *plan;
	unsigned jobs; /* > 0 */
	sweep_point_fn *run;
	bool progress; /* a line that rewrites itself, on standard error */
	const struct interrupt *interrupt; /* blocked by the caller */
};

/* The folders of the points are made here. RUN_OK, RUN_BROKEN (at least one point), or the first
 * failure: RUN_REFUSED, EXIT_BUG, 128 + signal; then the others are stopped. What went wrong is on
 * standard error already. */
int sweep_run(const struct sweep *s);

unsigned sweep_default_jobs(void); /* CPUs that we may use */

#endif
