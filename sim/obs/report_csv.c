#include "obs/report.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

static void put_real(double v, FILE *out)
{
	if (isfinite(v))
		fprintf(out, "%.15g", v);
}

static void put_text(const char *s, FILE *out)
{
	if (!strpbrk(s, ",\"\n")) {
		fputs(s, out);
		return;
	}
	fputc('"', out);
	for (; *s; s++) {
		if (*s == '"')
			fputc('"', out);
		fputc(*s, out);
	}
	fputc('"', out);
}

static void put_rest(
	const char *unit, const char *per, const double *ratio, const char *help, FILE *out)
{
	fprintf(out, ",%s,%s,", unit, per ? per : "");
	if (ratio)
		put_real(*ratio, out);
	fputc(',', out);
	put_text(help, out);
	fputc('\n', out);
}

/* The ratio of a histogram is that of its count. */
static void hist_rows(const char *name, const struct metric_desc *d, const struct hist *h,
	const double *ratio, FILE *out)
{
	for (enum hist_stat s = 0; s < HIST_STATS; s++) {
		double v;

		fprintf(out, "%s.%s,", name, hist_stat_name(s));
		if (hist_stat(h, s, &v))
			put_real(v, out);
		if (s == HIST_STAT_COUNT)
			put_rest("values", d->per, ratio, d->help, out);
		else
			put_rest(d->unit, NULL, NULL, d->help, out);
	}
}

static void table_rows(void *arg, const char *path, const struct metric_table *t, const void *base)
{
	FILE *out = arg;

	for (size_t k = 0; k < t->n; k++) {
		const struct metric_desc *d = &t->desc[k];
		char name[512];
		double ratio;
		bool has_ratio = metric_ratio(d, t, base, &ratio);

		snprintf(name, sizeof(name), "%s%s%s", path, path[0] ? "." : "", d->name);
		if (d->kind == METRIC_HIST) {
			hist_rows(name, d, metric_hist(d, base), has_ratio ? &ratio : NULL, out);
			continue;
		}
		fprintf(out, "%s,", name);
		if (d->kind == METRIC_REAL)
			put_real(metric_real(d, base), out);
		else
			fprintf(out, "%" PRIu64, metric_u64(d, base));
		put_rest(d->unit, d->per, has_ratio ? &ratio : NULL, d->help, out);
	}
}

void report_csv(const struct metrics *m, FILE *out)
{
	fputs("path,value,unit,per,ratio,help\n", out);
	metrics_visit_tables(m, table_rows, out);
}

void report_hist_csv(const struct hist *h, FILE *out)
{
	uint64_t seen = 0;

	fputs("low,high,count,cumulative\n", out);
	for (unsigned b = 0; h->count && b < HIST_BUCKETS; b++) {
		if (!h->bucket[b])
			continue;
		seen += h->bucket[b];
		fprintf(out, "%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%.9f\n", hist_bucket_low(b),
			hist_bucket_high(b), h->bucket[b], (double)seen / (double)h->count);
	}
}

struct hist_writer {
	const char *dir;
	struct err *err;
	bool ok;
};

static void hist_file(void *arg, const char *path, const struct metric_desc *d, const void *base)
{
	struct hist_writer *w = arg;
	char *file;
	FILE *out;

	if (!w->ok || d->kind != METRIC_HIST || metric_hist(d, base)->count == 0)
		return;
	file = xasprintf("%s/%s.csv", w->dir, path);
	out = fopen(file, "w");
	if (out)
		report_hist_csv(metric_hist(d, base), out);
	if (!out || ferror(out) || fclose(out) != 0)
		w->ok = err_set(w->err, "cannot write %s: %s", file, strerror(errno));
	free(file);
}

bool report_hists(const struct metrics *m, const char *dir, struct err *err)
{
	struct hist_writer w = { dir, err, true };

	metrics_visit(m, hist_file, &w);
	return w.ok;
}
