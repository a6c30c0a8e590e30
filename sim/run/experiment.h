/*
 * experiment - `iommusim run` from the file to the results: load, plan, run every point, gather,
 * rename into place.
 */
#ifndef SIM_RUN_EXPERIMENT_H
#define SIM_RUN_EXPERIMENT_H
#include "conf/conf.h"
#include "run/sweep.h"

struct experiment {
	const char *file;
	const char *out; /* folder of results folders */
	const char *const *sets; /* "key=value", NULL-terminated */
	bool force, dry_run, quiet;
	unsigned jobs; /* 0: as many as CPUs */
	const struct conf_schema *schema;
	sweep_point_fn *run_point;
};

/* The program's exit status. Reports its errors itself. */
int experiment_run(const struct experiment *e);
/* Its one point, given to fn, which returns an exit status (RUN_REFUSED with *err); no results. Of *e:
 * file, sets, schema. */
typedef int experiment_point_fn(void *arg, const struct conf *conf, struct err *err);
int experiment_point(const struct experiment *e, experiment_point_fn *fn, void *arg);

#endif
