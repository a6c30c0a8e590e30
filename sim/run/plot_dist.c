#include "run/plot_dist.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/types.h"

/* The axis when every value is 0. */
#define EMPTY_SPAN_MIN_US 0.1
#define EMPTY_SPAN_MAX_US 10000

bool plot_dist_read(struct plot_dist *d, const char *point_dir, const char *path, struct err *err)
{
	char *file = xasprintf("%s/hist/%s.csv", point_dir, path), line[256];
	FILE *in = fopen(file, "r");
	bool ok = true;

	*d = (struct plot_dist){ 0 };
	if (!in && errno != ENOENT)
		ok = err_set(err, "cannot read %s: %s", file, strerror(errno));
	if (in && !fgets(line, sizeof(line), in))
		ok = err_set(err, "%s is empty", file);
	while (in && ok && fgets(line, sizeof(line), in)) {
		uint64_t low, high, count;
		struct plot_bucket b;

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

void plot_dist_fini(struct plot_dist *d)
{
	free(d->bucket);
}

void plot_span_add(struct plot_span *s, const struct plot_dist *d)
{
	for (size_t i = 0; i < d->n; i++) {
		if (d->bucket[i].low_us <= 0)
			continue;
		if (s->max_us <= 0 || d->bucket[i].low_us < s->min_us)
			s->min_us = d->bucket[i].low_us;
		if (d->bucket[i].high_us > s->max_us)
			s->max_us = d->bucket[i].high_us;
	}
}

/* The share of 0 at first, then it rises over each bucket. */
void plot_dist_put_cdf(const struct plot_dist *d, const struct plot_span *span, FILE *out)
{
	const bool any = span->max_us > 0;
	double share = d->zero;

	fprintf(out, "%.9g\t%.6g\n", any ? span->min_us : EMPTY_SPAN_MIN_US, 100 * share);
	for (size_t i = 0; i < d->n; i++) {
		const struct plot_bucket *b = &d->bucket[i];

		if (b->low_us <= 0)
			continue;
		fprintf(out, "%.9g\t%.6g\n", b->low_us, 100 * share);
		share = b->cumulative;
		fprintf(out, "%.9g\t%.6g\n", b->high_us, 100 * share);
	}
	fprintf(out, "%.9g\t%.6g\n", any ? span->max_us : EMPTY_SPAN_MAX_US, 100 * share);
}
