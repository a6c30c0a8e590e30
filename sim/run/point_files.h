/*
 * point_files - everything that a finished point leaves in its folder: config.yaml metrics.json
 * metrics.csv hist/ locks.txt windows.csv summary.json.
 */
#ifndef SIM_RUN_POINT_FILES_H
#define SIM_RUN_POINT_FILES_H
#include "conf/conf.h"
#include "hw/machine.h"
#include "obs/window.h"
#include "run/summary.h"

/* After metrics_collect(). windows NULL: no IOMMU. */
bool point_files_write(const char *dir, const struct conf *conf, const struct machine *m,
	const struct windows *windows, const struct run_summary *summary, struct err *err);

#endif
