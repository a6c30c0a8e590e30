/*
 * plot_axes - how the points of a sweep become curves: one axis is x, every combination of the
 * others is a series.
 */
#ifndef SIM_RUN_PLOT_AXES_H
#define SIM_RUN_PLOT_AXES_H
#include "run/points.h"

#define PLOT_LABEL_MAX 256

struct plot_series {
	char label[PLOT_LABEL_MAX]; /* "policy=strict", or the experiment's name */
	size_t n;
	size_t *point; /* indexes into points, by rising x */
};

struct plot_axes {
	const struct points *points;
	char x_label[PLOT_LABEL_MAX]; /* with its unit */
	const char *x_name; /* short, for legends: "CPUs" */
	double *x; /* of every point */
	size_t nseries;
	struct plot_series *series;
};

/* x is cpu.count when it is swept, otherwise the first axis of numbers, otherwise the point's index
 * (without any axis: its CPUs). */
void plot_axes_init(struct plot_axes *a, const struct points *p);
void plot_axes_fini(struct plot_axes *a);

/* What all points have in common: "vtd, rbtree-3.1, strict, nic_rx, 20 ms measured". */
char *plot_subtitle(const struct points *p, char *buf, size_t size);

#endif
