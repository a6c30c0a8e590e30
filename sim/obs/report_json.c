#include "obs/report.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "base/bug.h"

/* As many digits as every double can keep through decimal text and back. */
#define REAL_DIGITS 15

/* 64-bit counters are exact up to 2^63; what is larger stands for "never". */
static json_t *integer(uint64_t v)
{
	return v <= INT64_MAX ? json_integer((json_int_t)v) : json_null();
}

static json_t *real(double v)
{
	return isfinite(v) ? json_real(v) : json_null();
}

static json_t *histogram(const struct hist *h, const char *unit)
{
	json_t *o = json_object();

	for (enum hist_stat s = 0; s < HIST_STATS; s++) {
		json_t *j;
		double v;

		if (!hist_stat(h, s, &v))
			j = json_null();
		else
			j = s == HIST_STAT_MEAN ? real(v) : integer((uint64_t)v);
		json_object_set_new(o, hist_stat_name(s), j);
	}
	json_object_set_new(o, "unit", json_string(unit));
	return o;
}

static json_t *value(const struct metric_desc *d, const void *base)
{
	switch (d->kind) {
	case METRIC_REAL:
		return real(metric_real(d, base));
	case METRIC_HIST:
		return histogram(metric_hist(d, base), d->unit);
	default:
		return integer(metric_u64(d, base));
	}
}

/* The object of a scope, made on the way down. */
static json_t *object_at(json_t *o, const char *path)
{
	char buf[512], *rest = buf, *part;

	BUG_ON(strlen(path) >= sizeof(buf));
	strcpy(buf, path);
	while (path[0] && (part = strsep(&rest, ".")) != NULL) {
		json_t *child = json_object_get(o, part);

		if (!child) {
			child = json_object();
			json_object_set_new(o, part, child);
		}
		o = child;
	}
	return o;
}

struct writer {
	json_t *metrics, *units;
};

static void add_table(void *arg, const char *path, const struct metric_table *t, const void *base)
{
	struct writer *w = arg;
	json_t *o = object_at(w->metrics, path);

	for (size_t k = 0; k < t->n; k++) {
		const struct metric_desc *d = &t->desc[k];
		char full[512];

		snprintf(full, sizeof(full), "%s%s%s", path, path[0] ? "." : "", d->name);
		json_object_set_new(o, d->name, value(d, base));
		json_object_set_new(w->units, full, json_string(d->unit));
	}
}

void report_json(const struct metrics *m, FILE *out)
{
	json_t *root = json_object();
	struct writer w = { json_object(), json_object() };

	metrics_visit_tables(m, add_table, &w);
	json_object_set_new(root, "metrics", w.metrics);
	json_object_set_new(root, "units", w.units);
	json_dumpf(root, out, JSON_INDENT(1) | JSON_REAL_PRECISION(REAL_DIGITS));
	fputc('\n', out);
	json_decref(root);
}
