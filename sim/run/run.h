/*
 * run - one point of an experiment, from a bound configuration to its folder of results: builds the
 * system, warms up, measures, drains, tears down. Called in a process of its own (sweep.c).
 */
#ifndef SIM_RUN_RUN_H
#define SIM_RUN_RUN_H
#include "run/system.h"

/* What a point comes to; also the exit status of its process and of `iommusim run`. */
enum run_status {
	RUN_OK = 0,
	RUN_BROKEN = 1, /* results are written, but the ground truth or the leak check failed */
	RUN_REFUSED = 2, /* user error, in *err */
};

int run_point(const struct conf *conf, const char *point_dir, struct err *err);

/* Who looks on. */
struct run_watcher {
	const struct dma_observer *observer; /* from before the devices are attached; or NULL */
	void (*built)(void *arg, struct system *s); /* nothing has happened yet */
	void *arg;
};
/* The same with a watcher. point_dir NULL: no results are written. */
int run_point_watched(const struct conf *conf, const char *point_dir,
	const struct run_watcher *watcher, struct err *err);

#endif
