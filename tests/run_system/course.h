/*
 * course - a whole system under its workload, step by step as sim/run/run.c takes it, with its inner
 * state in reach: for tests of what must hold in every run.
 */
#ifndef TESTS_RUN_SYSTEM_COURSE_H
#define TESTS_RUN_SYSTEM_COURSE_H
#include "run/run.h"
#include "run/system.h"
#include "workloads/nic.h"

struct course {
	struct system system;
	struct conf *conf;
	struct err err;
	bool ready; /* set up */
	sim_time measured_from, measured;
};

/* Settings are "key=value", ended by NULL, on top of each other. With a system built and set up. */
void course_start(struct course *c, const char *const *common, const char *const *more);
/* The same with someone who looks on, or NULL. */
void course_start_watched(struct course *c, const char *const *common, const char *const *more,
	const struct run_watcher *watcher);
/* Start the traffic, run the warm-up, forget it, measure, and bring the metrics up to date. */
void course_measure(struct course *c, sim_time warmup, sim_time measure);
/* Stop, drain, take down; what is left, which must be nothing. */
uint64_t course_end(struct course *c);
/* The same after a set-up that failed. */
uint64_t course_give_up(struct course *c);
/* After either. */
void course_fini(struct course *c);

/* The workload, which is nic_rx. */
struct nic *course_nic(struct course *c);

/* A metric by its path; fails the test when there is none. */
uint64_t course_u64(const struct course *c, const char *path);
double course_real(const struct course *c, const char *path);
const struct hist *course_hist(const struct course *c, const char *path);
/* Every metric as text; free() it. */
char *course_metrics_text(const struct course *c);

#endif
