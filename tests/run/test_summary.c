/* summary.json reads back as it was written; the terminal tables keep to their width. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "run/summary_table.h"
#include "run/table.h"
#include "tests/run/fake_point.h"
#include "tests/run/fixture.h"
#include "tests/unit/unit.h"

static char *dir;
static struct err err;

static void set_up(void)
{
	dir = fixture_dir();
}

static void tear_down(void)
{
	fixture_clean(dir);
}

START_TEST(every_field_reads_back)
{
	struct run_summary w = { 0 }, r;

	summary_set_text(&w.policy, "deferred-global");
	w.spin_share = 0.1 + 0.2;
	w.window_bound = SIM_TIME_NEVER;
	w.flush_max = 123456789012;
	w.worst_hw_iova = 0xfffffffff000;
	w.leaks = 3;
	ck_assert(summary_write(&w, dir, &err));
	ck_assert(summary_read(&r, dir, &err));
	ck_assert_int_eq(memcmp(&r.policy, &w.policy, sizeof(r.policy)), 0);
	ck_assert(r.spin_share - w.spin_share < 1e-15 && w.spin_share - r.spin_share < 1e-15);
	ck_assert(r.window_bound == SIM_TIME_NEVER);
	ck_assert_uint_eq(r.flush_max, w.flush_max);
	ck_assert_uint_eq(r.worst_hw_iova, w.worst_hw_iova);
	ck_assert_uint_eq(r.leaks, 3);
}
END_TEST

/* A reader must not take a missing number for 0: the check would pass. */
START_TEST(a_missing_or_wrong_key_is_refused_by_name)
{
	struct run_summary s = { 0 };
	char *text, *at;

	ck_assert(summary_write(&s, dir, &err));
	text = fixture_text(dir, SUMMARY_FILE);
	at = strstr(text, "\"leaks\"");
	memcpy(at, "\"leakz\"", 7);
	fixture_put(dir, SUMMARY_FILE, text);
	ck_assert(!summary_read(&s, dir, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "'leaks' is missing"));
	memcpy(at, "\"leaks\": -5", 11);
	memmove(at + 11, strchr(at + 8, ','), strlen(strchr(at + 8, ',')) + 1);
	fixture_put(dir, SUMMARY_FILE, text);
	ck_assert(!summary_read(&s, dir, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "'leaks' has a value of the wrong kind"));
	free(text);
}
END_TEST

START_TEST(windows_fill_what_the_check_needs)
{
	struct points *p;
	static const char *const cpus[] = { "4" }, *const policies[] = { "deferred-global" };
	const struct run_summary *s;

	p = fake_results(dir, cpus, 1, policies, 1);
	s = &p->point[0].summary;
	ck_assert_uint_eq(s->unmaps, 2000);
	ck_assert_str_eq(s->windows_scope.s, "windows");
	ck_assert_uint_gt(s->worst_hw_window, 9 * MS);
	ck_assert_uint_eq(s->worst_hw_window, s->hw_window_max);
	ck_assert_uint_ge(s->policy_window_max, s->hw_window_max);
	points_destroy(p);
}
END_TEST

static void expect_width(const char *text, size_t width)
{
	for (const char *line = text; *line;) {
		size_t len = strcspn(line, "\n");

		ck_assert_msg(len <= width, "%zu columns: %.*s", len, (int)len, line);
		ck_assert_msg(
			len == 0 || line[len - 1] != ' ', "trailing blank: %.*s", (int)len, line);
		line += len + (line[len] == '\n');
	}
}

START_TEST(summary_fits_100_columns_whatever_the_names)
{
	static const char *const cpus[] = { "1", "16" };
	static const char *const policies[] = { "strict",
		"a-policy-with-a-name-that-is-longer-than-anybody-would-want-to-type" };
	struct points *p = fake_results(dir, cpus, 2, policies, 2);
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (size_t i = 0; i < p->n; i++) {
		struct run_summary *s = &p->point[i].summary;

		summary_set_text(&s->worst_lock, "dom12345.a_lock_with_a_rather_long_name_indeed");
		s->bytes = 1000000000000;
		s->units = 900000000;
		s->stale_accesses = 12345678901;
		s->never_closed = 123456;
	}
	points_describe(p,
		"A question that is asked in one sentence, but one that is so long that no "
		"terminal has a line for it,\nwith a break in it.\n");
	summary_table_print(p, out);
	fclose(out);
	expect_width(text, TABLE_WIDTH);
	ck_assert_ptr_eq(strstr(text, "A question"), text);
	ck_assert_ptr_nonnull(strstr(text, "it, with a break in it.\n\n"));
	ck_assert_ptr_nonnull(strstr(text, "Mpps"));
	ck_assert_ptr_nonnull(strstr(text, "12345678901"));
	free(text);
	points_destroy(p);
}
END_TEST

START_TEST(tables_cut_text_but_never_numbers)
{
	struct table *t = table_create();
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	table_text_column(t, "name");
	table_number_column(t, "value");
	table_row(t);
	table_cell(t, "a-rather-long-name");
	table_cell(t, "1234567890");
	table_row(t);
	table_cell(t, "b");
	table_cell(t, "5");
	table_print(t, 20, out);
	fclose(out);
	ck_assert_str_eq(text, "name           value\n"
			       "--------  ----------\n"
			       "a-rathe~  1234567890\n"
			       "b                  5\n");
	free(text);
	table_destroy(t);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("summary");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, every_field_reads_back);
	tcase_add_test(tc, a_missing_or_wrong_key_is_refused_by_name);
	tcase_add_test(tc, windows_fill_what_the_check_needs);
	tcase_add_test(tc, summary_fits_100_columns_whatever_the_names);
	tcase_add_test(tc, tables_cut_text_but_never_numbers);
	return unit_run("summary", tc);
}
