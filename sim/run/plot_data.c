#include "run/plot_data.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "conf/units.h"
#include "run/check.h"

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

struct bucket {
	double low_us, high_us, cumulative;
};

struct dist {
	struct bucket *bucket;
	size_t n;
	double zero; /* share of values that are 0 */
};

/* hist/PATH.csv; a histogram without values has no file. */
static bool dist_read(struct dist *d, const char *point_dir, const char *path, struct err *err)
{
	char *file = xasprintf("%s/hist/%s.csv", point_dir, path), line[256];
	FILE *in = fopen(file, "r");
	bool ok = true;

	*d = (struct dist){ 0 };
	if (!in && errno != ENOENT)
		ok = err_set(err, "cannot read %s: %s", file, strerror(errno));
	if (in && !fgets(line, sizeof(line), in))
		ok = err_set(err, "%s is empty", file);
	while (in && ok && fgets(line, sizeof(line), in)) {
		uint64_t low, high, count;
		struct bucket b;

		if (sscanf(line, "%" SCNu64 ",%" SCNu64 ",%" SCNu64 ",%lf", &low, &high, &count,
			    &b.cumulative) != 4) {
			ok = err_set(err, "%s: not a row of a histogram", file);
			break;
		}
		b.low_us = (double)low / (double)US;
		b.high_us = (double)(high + 1) / (double)US;
		if (high == 0)
			d->zero = b.cumulative;
		d->bucket = xrealloc(d->bucket, d->n + 1, sizeof(*d->bucket));
		d->bucket[d->n++] = b;
	}
	if (in)
		fclose(in);
	free(file);
	return ok;
}

struct curve {
	char label[PLOT_LABEL_MAX + 64];
	struct dist dist;
};

/* The curves of a distribution figure, and the values above 0 that they span. */
struct curves {
	const struct plot_axes *axes;
	const char *metric; /* of windows: under windows_scope; NULL: the latency */
	size_t n;
	struct curve curve[PLOT_CURVES_MAX];
	double min_us, max_us;
};

static void curve_label(const struct curves *c, struct curve *curve, const struct plot_series *s,
	size_t point)
{
	const size_t size = sizeof(curve->label);
	size_t len = (size_t)snprintf(curve->label, size, "%s", s->label);

	if (s->n > 1 && len < size)
		len += (size_t)snprintf(curve->label + len, size - len, ", %.6g %s",
			c->axes->x[point], c->axes->x_name);
	if (c->metric && len < size)
		snprintf(curve->label + len, size - len, " (%.3g%% are 0)", 100 * curve->dist.zero);
}

static void span(struct curves *c, const struct dist *d)
{
	for (size_t i = 0; i < d->n; i++) {
		if (d->bucket[i].low_us <= 0)
			continue;
		if (c->max_us <= 0 || d->bucket[i].low_us < c->min_us)
			c->min_us = d->bucket[i].low_us;
		if (d->bucket[i].high_us > c->max_us)
			c->max_us = d->bucket[i].high_us;
	}
}

static bool add_curve(struct curves *c, const struct plot_series *s, size_t point, struct err *err)
{
	const struct run_summary *sum = &c->axes->points->point[point].summary;
	struct curve *curve = &c->curve[c->n];
	char *dir = point_path(c->axes->points, point);
	char *path = c->metric ? xasprintf("%s.%s", sum->windows_scope.s, c->metric) :
				 xstrdup(sum->latency_hist.s);
	bool ok = dist_read(&curve->dist, dir, path, err);

	if (ok && curve->dist.n > 0) {
		curve_label(c, curve, s, point);
		span(c, &curve->dist);
		c->n++;
	} else {
		free(curve->dist.bucket);
	}
	free(path);
	free(dir);
	return ok;
}

/* All points, or of each series the first and the last, as many as there are colours. */
static bool add_curves(struct curves *c, bool all, struct err *err)
{
	bool ok = true;

	for (size_t k = 0; ok && k < c->axes->nseries; k++) {
		const struct plot_series *s = &c->axes->series[k];

		for (size_t i = 0; ok && i < s->n && c->n < PLOT_CURVES_MAX; i++) {
			if (all || i == 0 || i + 1 == s->n)
				ok = add_curve(c, s, s->point[i], err);
		}
	}
	return ok;
}

/* Share of values up to t over the whole span: that of 0 at first, then it rises at the upper end
 * of each bucket. */
static void put_cdf(const struct curves *c, const struct dist *d, FILE *out)
{
	double from = c->max_us > 0 ? c->min_us : 0.1, to = c->max_us > 0 ? c->max_us : 10000;
	double share = d->zero;

	fprintf(out, "%.9g\t%.6g\n", from, 100 * share);
	for (size_t i = 0; i < d->n; i++) {
		const struct bucket *b = &d->bucket[i];

		if (b->low_us <= 0)
			continue;
		fprintf(out, "%.9g\t%.6g\n", b->low_us, 100 * share);
		share = b->cumulative;
		fprintf(out, "%.9g\t%.6g\n", b->high_us, 100 * share);
	}
	fprintf(out, "%.9g\t%.6g\n", to, 100 * share);
}

static bool write_curves(const struct plot_axes *a, struct plot_data *data, const char *metric,
	FILE *out, struct err *err)
{
	struct curves c = { .axes = a, .metric = metric };
	bool ok = add_curves(&c, data->all_curves, err);

	for (size_t i = 0; i < c.n; i++) {
		fputs(i ? "\n\n" : "", out);
		put_label(c.curve[i].label, out);
		put_cdf(&c, &c.curve[i].dist, out);
		free(c.curve[i].dist.bucket);
	}
	data->ncurves = c.n;
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

bool plot_data_latency(const struct plot_axes *a, struct plot_data *data, FILE *out,
	struct err *err)
{
	return write_curves(a, data, NULL, out, err);
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

bool plot_data_windows(const struct plot_axes *a, struct plot_data *data, FILE *out,
	struct err *err)
{
	if (!write_curves(a, data, "hw_window", out, err))
		return false;
	if (data->ncurves > 0)
		put_promises(a, data, out);
	return true;
}
