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
/* Its one point, as a DMA trace in the file `out`; no results. Of *e: file, sets, schema. */
int experiment_record(const struct experiment *e, const char *out);

#endif
