#include "obs/metrics.h"

static const char *kind_name(enum metric_kind k)
{
	static const char *const names[] = {
		[METRIC_COUNTER] = "count",
		[METRIC_TIME] = "time",
		[METRIC_GAUGE] = "level",
		[METRIC_REAL] = "computed",
		[METRIC_HIST] = "distribution",
	};

	return names[k];
}

/* A bar would end the cell. */
static void cell(const char *s, FILE *out)
{
	fputs(" ", out);
	for (; *s; s++) {
		if (*s == '|')
			fputc('\\', out);
		fputc(*s, out);
	}
	fputs(" |", out);
}

static void write_table(const struct metric_table *t, FILE *out)
{
	fprintf(out, "\n## %s\n\n%s\n\n", t->name, t->help);
	fputs("| name | kind | unit | relative to | meaning |\n", out);
	fputs("| --- | --- | --- | --- | --- |\n", out);
	for (size_t k = 0; k < t->n; k++) {
		const struct metric_desc *d = &t->desc[k];

		fprintf(out, "| `%s` |", d->name);
		cell(kind_name(d->kind), out);
		cell(d->unit, out);
		cell(d->per ? d->per : "", out);
		cell(d->help, out);
		fputc('\n', out);
	}
}

void metrics_write_markdown(const struct metric_table *const *tables, size_t n, FILE *out)
{
	fputs("# Metrics\n\n"
	      "Written by `iommusim help --metrics-markdown` from the tables of the program.\n\n"
	      "Counts, times and distributions start at the end of the warm-up; a level goes on.\n"
	      "`metrics.csv` shows a metric also divided by the one it is relative to.\n"
	      "A distribution is reported by its count, min, mean, p50, p90, p99, p999 and max, and\n"
	      "in full in `hist/`.\n",
		out);
	for (size_t i = 0; i < n; i++)
		write_table(tables[i], out);
}
