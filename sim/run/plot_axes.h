/*
 * plot_axes - how the points of a sweep become curves: one axis is x, every combination of the
 * others is a series.
 */
#ifndef SIM_RUN_PLOT_AXES_H
#define SIM_RUN_PLOT_AXES_H
#include "run/points.h"

#define PLOT_LABEL_MAX 256
#define PLOT_NO_AXIS   SIZE_MAX

struct plot_series {
	char label[PLOT_LABEL_MAX]; /* "policy=strict", or the experiment's name */
	size_t n;
	size_t *point; /* indexes into points, by rising x */
};

struct plot_axes {
	const struct points *points;
	char x_label[PLOT_LABEL_MAX]; /* with its unit */
	size_t x_axis; /* of points; PLOT_NO_AXIS: none of them */
	double *x; /* of every point */
	size_t nseries;
	struct plot_series *series;
};

/* x is cpu.count when it is swept, otherwise the first axis of numbers, otherwise the point's index
 * (without any axis: its CPUs). */
void plot_axes_init(struct plot_axes *a, const struct points *p);
void plot_axes_fini(struct plot_axes *a);

/* How a point's x stands in a legend: "4 CPUs", "rate 10Mbps". */
char *plot_x_text(const struct plot_axes *a, size_t point, char *buf, size_t size);

/* What all points have in common: "vtd, rbtree-3.1, strict, nic_rx, 20 ms measured". */
char *plot_subtitle(const struct points *p, char *buf, size_t size);

#endif
