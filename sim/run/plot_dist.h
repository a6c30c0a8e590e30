/*
 * plot_dist - a distribution as a point's hist/ file has it, and as the curve that figures draw.
 */
#ifndef SIM_RUN_PLOT_DIST_H
#define SIM_RUN_PLOT_DIST_H
#include <stdio.h>
#include "base/err.h"

struct plot_bucket {
	double low_us, high_us;
	double cumulative; /* share of values up to high_us */
};

struct plot_dist {
	struct plot_bucket *bucket;
	size_t n; /* 0: no values */
	double zero; /* share of values that are 0 */
};

/* POINT_DIR/hist/PATH.csv; a histogram without values has no file. */
bool plot_dist_read(struct plot_dist *d, const char *point_dir, const char *path, struct err *err);
void plot_dist_fini(struct plot_dist *d);

/* What a logarithmic axis has to show of some distributions: their values above 0. */
struct plot_span {
	double min_us, max_us; /* max 0: none */
};
void plot_span_add(struct plot_span *s, const struct plot_dist *d);

/* Rows of microseconds and the share (%) of values up to that, over the whole span. */
void plot_dist_put_cdf(const struct plot_dist *d, const struct plot_span *span, FILE *out);

#endif
