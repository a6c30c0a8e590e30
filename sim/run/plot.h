/*
 * plot - the figures of an experiment: numbers from its result files into plots/data, then gnuplot
 * on the program's own scripts, each to PNG and SVG.
 */
#ifndef SIM_RUN_PLOT_H
#define SIM_RUN_PLOT_H
#include <stdio.h>
#include "run/points.h"

/* Into ROOT/plots. Names the files that it wrote on `out`. */
bool plot_points(const struct points *p, FILE *out, struct err *err);

#endif
