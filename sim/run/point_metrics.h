/*
 * point_metrics - the metrics of a finished point, read back from its metrics.json by their path.
 */
#ifndef SIM_RUN_POINT_METRICS_H
#define SIM_RUN_POINT_METRICS_H
#include "base/err.h"
#include "obs/report.h"

#define POINT_METRICS_FILE "metrics.json"

struct point_metrics;

/* NULL with *err. */
struct point_metrics *point_metrics_load(const char *point_dir, struct err *err);
void point_metrics_destroy(struct point_metrics *m);

/* "ps", "ops"; NULL: no metric has that path ("windows.hw_window"). Lives as long as m. */
const char *point_metrics_unit(const struct point_metrics *m, const char *path);
bool point_metrics_is_dist(const struct point_metrics *m, const char *path);
/* Of a distribution: false when it is empty (it has a count nevertheless). In the metric's unit. */
bool point_metrics_stat(
	const struct point_metrics *m, const char *path, enum hist_stat s, double *out);
/* Of any other metric: false when it has no finite value ("never"). */
bool point_metrics_value(const struct point_metrics *m, const char *path, double *out);

/* The path that a wrong one may have meant, a last part alone included; NULL when none is near. */
const char *point_metrics_nearest(const struct point_metrics *m, const char *word);

#endif
