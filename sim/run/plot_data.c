#include "run/plot_data.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "conf/units.h"
#include "run/check.h"
#include "run/plot_dist.h"

static void put_label(const char *label, FILE *out)
{
	fputc('"', out);
	for (; *label; label++)
		fputc(*label == '"' ? '\'' : *label, out);
	fputs("\"\n", out);
}

/* ---- one row per point ---- */

static void put_point(const struct run_summary *s, double x, FILE *out)
{
	double seconds = s->measured ? (double)s->measured / (double)SEC : 1;

	fprintf(out, "%.9g\t%.6g\t%.6g\t%.6g\t%.6g\t%.6g\n", x, 100 * s->spin_share,
		(double)s->worst_lock_wait / (double)US, 8 * (double)s->bytes / seconds / 1e9,
		(double)s->units / seconds / 1e6,
		s->offered ? 100 * (double)s->dropped / (double)s->offered : 0);
}

static void put_series(const struct plot_axes *a, FILE *out)
{
	fputs("# x, lock spin %, wait per acquisition of the worst lock in us, Gb/s, million/s, "
	      "drops %\n",
		out);
	for (size_t k = 0; k < a->nseries; k++) {
		const struct plot_series *s = &a->series[k];

		fputs(k ? "\n\n" : "", out);
		put_label(s->label, out);
		for (size_t i = 0; i < s->n; i++)
			put_point(&a->points->point[s->point[i]].summary, a->x[s->point[i]], out);
	}
}

/* ---- distributions ---- */

#define DISTS_MAX 2 /* of a point in one figure */

struct curve {
	char label[PLOT_LABEL_MAX + 64];
	struct plot_dist dist[DISTS_MAX];
};

/* The curves of a distribution figure: of each chosen point the same distributions. */
struct curves {
	const struct plot_axes *axes;
	bool windows; /* hw_window and policy_window; otherwise the latency */
	size_t ndists;
	size_t n;
	struct curve curve[PLOT_CURVES_MAX];
	struct plot_span span;
};

static void curve_label(
	const struct curves *c, struct curve *curve, const struct plot_series *s, size_t point)
{
	const size_t size = sizeof(curve->label);
	bool alone = c->axes->nseries == 1 && s->n > 1; /* its name would say nothing */
	char x[PLOT_LABEL_MAX] = "";
	size_t len;

	if (s->n > 1)
		plot_x_text(c->axes, point, x, sizeof(x));
	len = (size_t)snprintf(
		curve->label, size, "%s%s%s", alone ? "" : s->label, x[0] && !alone ? ", " : "", x);
	if (c->windows && len < size)
		snprintf(curve->label + len, size - len, " (hw windows of 0: %.3g%%)",
			100 * curve->dist[0].zero);
}

static bool read_dists(const struct curves *c, struct curve *curve, size_t point, struct err *err)
{
	static const char *const windows[] = { "hw_window", "policy_window" };
	const struct run_summary *sum = &c->axes->points->point[point].summary;
	char *dir = point_path(c->axes->points, point);
	bool ok = true;

	*curve = (struct curve){ 0 };
	for (size_t k = 0; ok && k < c->ndists && k < ARRAY_SIZE(windows); k++) {
		char *path = c->windows ? xasprintf("%s.%s", sum->windows_scope.s, windows[k])
					: xstrdup(sum->latency_hist.s);

		ok = plot_dist_read(&curve->dist[k], dir, path, err);
		free(path);
	}
	free(dir);
	return ok;
}

static void curve_fini(struct curve *curve)
{
	for (size_t k = 0; k < DISTS_MAX; k++)
		plot_dist_fini(&curve->dist[k]);
}

/* A point that lacks one of the distributions (no IOMMU, say) has no curve. */
static bool add_curve(struct curves *c, const struct plot_series *s, size_t point, struct err *err)
{
	struct curve *curve = &c->curve[c->n];
	bool ok = read_dists(c, curve, point, err), complete = ok;

	for (size_t k = 0; k < c->ndists; k++)
		complete = complete && curve->dist[k].n > 0;
	if (!complete) {
		curve_fini(curve);
		return ok;
	}
	for (size_t k = 0; k < c->ndists; k++)
		plot_span_add(&c->span, &curve->dist[k]);
	curve_label(c, curve, s, point);
	c->n++;
	return true;
}

/* As many points of each series as there are colours for, its ends first, the others evenly; of too many
 * series, some evenly. */
static bool add_curves(struct curves *c, struct err *err)
{
	size_t nseries = c->axes->nseries;
	size_t taken = nseries < PLOT_CURVES_MAX ? nseries : PLOT_CURVES_MAX;
	bool ok = true;

	for (size_t k = 0; ok && k < taken; k++) {
		const struct plot_series *s = &c->axes->series[k * nseries / taken];
		size_t share = PLOT_CURVES_MAX / taken, n = s->n < share ? s->n : share;

		for (size_t i = 0; ok && i < n && c->n < PLOT_CURVES_MAX; i++) {
			size_t at = n > 1 ? (i * (s->n - 1) + (n - 1) / 2) / (n - 1) : 0;

			ok = add_curve(c, s, s->point[at], err);
		}
	}
	return ok;
}

/* Every curve's first distribution, then every curve's second. */
static bool write_curves(struct curves *c, struct plot_data *data, FILE *out, struct err *err)
{
	bool ok = add_curves(c, err);

	for (size_t k = 0; k < c->ndists; k++) {
		for (size_t i = 0; i < c->n; i++) {
			fputs(k || i ? "\n\n" : "", out);
			put_label(c->curve[i].label, out);
			plot_dist_put_cdf(&c->curve[i].dist[k], &c->span, out);
		}
	}
	for (size_t i = 0; i < c->n; i++)
		curve_fini(&c->curve[i]);
	data->ncurves = c->n;
	return ok;
}

/* ---- what the figures are drawn from ---- */

bool plot_data_series(const struct plot_axes *a, struct plot_data *data, FILE *out, struct err *err)
{
	(void)err;
	put_series(a, out);
	data->ncurves = a->nseries;
	return true;
}

bool plot_data_latency(
	const struct plot_axes *a, struct plot_data *data, FILE *out, struct err *err)
{
	struct curves c = { .axes = a, .ndists = 1 };

	return write_curves(&c, data, out, err);
}

/* Each different limit once, as a vertical line. */
static void put_promises(const struct plot_axes *a, struct plot_data *data, FILE *out)
{
	for (size_t i = 0; i < a->points->n; i++) {
		const struct run_summary *s = &a->points->point[i].summary;
		bool skip = s->window_bound == 0 || s->window_bound == SIM_TIME_NEVER;
		char label[PLOT_LABEL_MAX];
		double us = (double)check_limit(s) / (double)US;

		for (size_t k = 0; k < i && !skip; k++)
			skip = a->points->point[k].summary.window_bound == s->window_bound;
		if (skip)
			continue;
		fputs("\n\n", out);
		snprintf(label, sizeof(label), "promise of %s", s->policy.s);
		put_label(label, out);
		fprintf(out, "%.9g\t0\n%.9g\t100\n", us, us);
		data->npromises++;
	}
}

bool plot_data_windows(
	const struct plot_axes *a, struct plot_data *data, FILE *out, struct err *err)
{
	struct curves c = { .axes = a, .ndists = 2, .windows = true };

	if (!write_curves(&c, data, out, err))
		return false;
	if (data->ncurves > 0)
		put_promises(a, data, out);
	return true;
}
