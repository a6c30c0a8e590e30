/*
 * plot_data - the numbers behind the figures, as tab-separated blocks for gnuplot (one block per
 * curve, its label first), from result files only.
 */
#ifndef SIM_RUN_PLOT_DATA_H
#define SIM_RUN_PLOT_DATA_H
#include <stdio.h>
#include "run/plot_axes.h"

#define PLOT_CURVES_MAX 8 /* of a distribution figure: as many colours as the palette has */

struct plot_data {
	size_t ncurves; /* 0: there is nothing to draw */
	size_t npromises; /* vertical lines after the curves: the longest window of a policy */
};

typedef bool plot_data_fn(
	const struct plot_axes *a, struct plot_data *data, FILE *out, struct err *err);
plot_data_fn plot_data_series; /* x and every number of a point */
plot_data_fn plot_data_latency; /* microseconds, share of DMAs up to that (%) */
/* Microseconds, share of windows up to that (%): hw_window of every curve, then policy_window of every
 * curve, then promises. */
plot_data_fn plot_data_windows;

#endif
