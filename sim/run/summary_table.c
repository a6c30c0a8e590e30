#include "run/summary_table.h"

#include <inttypes.h>
#include <string.h>

#include "conf/units.h"
#include "run/points_table.h"

static double seconds(const struct run_summary *s)
{
	return (double)s->measured / (double)SEC;
}

static double per_second(uint64_t count, const struct run_summary *s)
{
	return s->measured ? (double)count / seconds(s) : 0;
}

static double percent_of(uint64_t part, uint64_t whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 0;
}

/* What network people write for "million packets per second"; "Mrequests/s" in general. */
static void rate_column(struct table *t, const struct points *p)
{
	const char *unit = p->point[0].summary.unit.s;
	char title[SUMMARY_TEXT_MAX + 4];

	snprintf(title, sizeof(title), "M%s/s", unit);
	table_number_column(t, strcmp(unit, "packets") == 0 ? "Mpps" : title);
}

static void print_traffic(const struct points *p, FILE *out)
{
	struct table *t = table_create();

	points_table_columns(t, p);
	table_number_column(t, "Gb/s");
	rate_column(t, p);
	table_number_column(t, "drops %");
	table_number_column(t, "CPU %");
	table_number_column(t, "spin %");
	table_text_column(t, "worst lock");
	table_number_column(t, "spin %");
	for (size_t i = 0; i < p->n; i++) {
		const struct run_summary *s = &p->point[i].summary;

		points_table_row(t, p, i);
		table_cell(t, "%.2f", 8 * per_second(s->bytes, s) / 1e9);
		table_cell(t, "%.3f", per_second(s->units, s) / 1e6);
		table_cell(t, "%.2f", percent_of(s->dropped, s->offered));
		table_cell(t, "%.1f", 100 * s->cpu_busy_share);
		table_cell(t, "%.1f", 100 * s->spin_share);
		table_cell(t, "%s", s->worst_lock.s[0] ? s->worst_lock.s : "-");
		table_cell(t, "%.1f", 100 * s->worst_lock_spin_share);
	}
	table_print(t, TABLE_WIDTH, out);
	table_destroy(t);
}

static void print_windows(const struct points *p, FILE *out)
{
	struct table *t = table_create();

	points_table_columns(t, p);
	table_number_column(t, "unmaps/s");
	table_number_column(t, "flushes/s");
	table_number_column(t, "hw window p50");
	table_number_column(t, "p99");
	table_number_column(t, "max");
	table_number_column(t, "open");
	table_number_column(t, "stale DMAs");
	for (size_t i = 0; i < p->n; i++) {
		const struct run_summary *s = &p->point[i].summary;
		char text[32];

		points_table_row(t, p, i);
		table_cell(t, "%s", units_human(per_second(s->unmaps, s), "", text, sizeof(text)));
		table_cell(t, "%s", units_human(per_second(s->flushes, s), "", text, sizeof(text)));
		points_table_time(t, s->hw_window_p50);
		points_table_time(t, s->hw_window_p99);
		points_table_time(t, s->hw_window_max);
		table_cell(t, "%" PRIu64, s->never_closed);
		table_cell(t, "%" PRIu64, s->stale_accesses);
	}
	table_print(t, TABLE_WIDTH, out);
	table_destroy(t);
}

/* Words of the text in lines of the page. */
static void print_wrapped(const char *text, FILE *out)
{
	size_t column = 0;

	for (text += strspn(text, " \n"); *text; text += strspn(text, " \n")) {
		size_t len = strcspn(text, " \n");

		if (column > 0 && column + 1 + len > TABLE_WIDTH) {
			fputc('\n', out);
			column = 0;
		}
		column += (size_t)fprintf(out, "%s%.*s", column ? " " : "", (int)len, text);
		text += len;
	}
	if (column > 0)
		fputs("\n\n", out);
}

void summary_table_print(const struct points *p, FILE *out)
{
	print_wrapped(p->description, out);
	fputs("Traffic and contention (CPU: time not idle; spin: CPU time waiting for locks, of all and of the\n"
	      "worst one)\n\n",
		out);
	print_traffic(p, out);
	fputs("\nFlushes and stale windows (hw window: from the return of unmap until no cache can\n"
	      "translate the range; open: still cached at the end of the run)\n\n",
		out);
	print_windows(p, out);
}
