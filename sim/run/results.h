/*
 * results - the folder that an experiment leaves behind, written aside and renamed when complete, so
 * that a folder of that name is always whole:
 *
 *   OUT/NAME/config.yaml   the effective experiment, sweep included
 *            points.json   the axes and the points' folders: what readers start from
 *            metrics.csv   one row per point: axes, then every scalar metric
 *            summary.txt   what the terminal showed
 *            host.txt      where, when, how long: the only file that may differ between runs
 *            points/NNN-AXIS=VALUE,.../   see point_files.h
 */
#ifndef SIM_RUN_RESULTS_H
#define SIM_RUN_RESULTS_H
#include <time.h>
#include "base/err.h"

struct results;

/* Refuses early what could not be renamed later: a name that is no plain file name, a folder that
 * exists (force: and is not one of results). */
struct results *results_begin(const char *out, const char *name, bool force, struct err *err);
const char *results_dir(const struct results *r); /* where to write until the commit */
const char *results_final(const struct results *r); /* where it will be */
/* One rename; an old folder of the name is exchanged in one step and then removed. */
bool results_commit(struct results *r, struct err *err);
/* Removes what was not committed. */
void results_destroy(struct results *r);

/* host.txt */
bool results_write_host(
	const struct results *r, unsigned jobs, time_t started, double wall_s, struct err *err);

#endif
