/* Assertions: what is understood, what is refused and where, and what each comparison comes to. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "run/assertion.h"
#include "run/check.h"
#include "run/run.h"
#include "tests/run/fake_point.h"
#include "tests/run/fixture.h"
#include "tests/unit/unit.h"

/* Values that no run happens to have. */
static const char metrics[] =
	"{\"metrics\": {\"packets\": 7, \"nic0\": {\"drops\": 3, \"bytes\": 2048, \"load\": 0.75},"
	" \"windows\": {\"stale_accesses\": 0, \"bound\": null,"
	"  \"hw_window\": {\"count\": 4, \"mean\": 2.5e9, \"min\": 1000000000, \"p50\": 2000000000,"
	"   \"p90\": 3000000000, \"p99\": 4000000000, \"p999\": 5000000000, \"max\": 10000000000,"
	"   \"unit\": \"ps\"},"
	"  \"policy_window\": {\"count\": 1, \"max\": 5, \"unit\": \"ps\"},"
	"  \"never_flushed_age\": {\"count\": 1, \"max\": 9, \"unit\": \"ps\"},"
	"  \"stale_delay\": {\"count\": 0, \"mean\": null, \"max\": null, \"unit\": \"ps\"}}},"
	" \"units\": {\"packets\": \"packets\", \"nic0.drops\": \"packets\", \"nic0.bytes\": \"bytes\","
	" \"nic0.load\": \"share\", \"windows.stale_accesses\": \"ops\", \"windows.bound\": \"ps\","
	" \"windows.hw_window\": \"ps\", \"windows.policy_window\": \"ps\","
	" \"windows.never_flushed_age\": \"ps\", \"windows.stale_delay\": \"ps\"}}";

static char *dir;
static struct point_metrics *m;

static void set_up(void)
{
	struct err err;

	dir = fixture_dir();
	fixture_put(dir, POINT_METRICS_FILE, metrics);
	m = point_metrics_load(dir, &err);
	ck_assert_msg(m != NULL, "%s", err.text);
}

static void tear_down(void)
{
	point_metrics_destroy(m);
	fixture_clean(dir);
}

static struct verdict judge(const char *text)
{
	struct assertion a;
	struct verdict v = { 0 };
	struct err err = { 0 };

	ck_assert_msg(assertion_parse(&a, text, &err) && assertion_judge(&a, m, &v, &err), "%s: %s",
		text, err.text);
	ck_assert_str_eq(v.what, text);
	return v;
}

/* Refused by the grammar or by the metrics, at that column, with these words. */
static void refused(const char *text, unsigned column, const char *words)
{
	struct assertion a;
	struct verdict v;
	struct err err = { 0 };
	char full[1024];

	ck_assert_msg(!assertion_parse(&a, text, &err) || !assertion_judge(&a, m, &v, &err),
		"'%s' is not refused", text);
	err_format(&err, full, sizeof(full));
	ck_assert_msg(strstr(full, words) != NULL, "'%s' is not in: %s", words, full);
	ck_assert_msg(err.pos.column == column, "column %u: %s", err.pos.column, full);
	ck_assert_msg(strstr(full, text) != NULL, "%s", full);
}

START_TEST(each_comparison_is_exact_at_its_limit)
{
	static const struct {
		const char *op;
		bool below, at, above; /* of the limit */
	} rows[] = {
		{ "==", false, true, false },
		{ "!=", true, false, true },
		{ "<", true, false, false },
		{ "<=", true, true, false },
		{ ">", false, false, true },
		{ ">=", false, true, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[3][64];

		snprintf(text[0], sizeof(text[0]), "max(hw_window) %s 10000000001ps", rows[i].op);
		snprintf(text[1], sizeof(text[1]), "max(hw_window)%s10ms", rows[i].op);
		snprintf(text[2], sizeof(text[2]), "max(hw_window) %s 9999999999 ps ", rows[i].op);
		ck_assert_int_eq(judge(text[0]).holds, rows[i].below);
		ck_assert_int_eq(judge(text[1]).holds, rows[i].at);
		ck_assert_int_eq(judge(text[2]).holds, rows[i].above);
	}
}
END_TEST

START_TEST(each_function_reads_its_own_number)
{
	ck_assert_double_eq(judge("count(windows.hw_window) == 4").value, 4);
	ck_assert_str_eq(judge("count(windows.hw_window) == 4").unit, "values");
	ck_assert(judge("mean(windows.hw_window) == 2.5ms").holds);
	ck_assert(judge("min( hw_window ) == 1ms").holds);
	ck_assert(judge("p50 (hw_window) == 2ms").holds);
	ck_assert(judge(" p90(hw_window) == 3ms").holds);
	ck_assert(judge("p99(hw_window) == 4ms").holds);
	ck_assert(judge("p999(hw_window) == 5ms").holds);
	ck_assert(judge("max(hw_window) == 10ms").holds);
}
END_TEST

START_TEST(numbers_have_the_units_of_their_metric)
{
	ck_assert(judge("nic0.bytes == 2KiB").holds);
	ck_assert(!judge("nic0.bytes > 2KiB").holds);
	ck_assert(judge("nic0.load == 0.75").holds);
	ck_assert(judge("nic0.drops < 1e1").holds);
	ck_assert(judge("stale_accesses == 0").holds);
	ck_assert(judge("windows.stale_accesses == 0").holds);
	ck_assert(judge("max(hw_window) > 0").holds);
}
END_TEST

START_TEST(windows_still_open_count_in_the_longest_by_their_age)
{
	ck_assert_double_eq(judge("max(policy_window) <= 5ps").value, 9);
	ck_assert(!judge("max(policy_window) <= 5ps").holds);
	ck_assert_double_eq(judge("max(never_flushed_age) == 9ps").value, 9);
}
END_TEST

START_TEST(no_values_break_nothing_and_never_fulfils_nothing)
{
	ck_assert(judge("max(stale_delay) < 1ms").holds);
	ck_assert(!judge("max(stale_delay) < 1ms").has_value);
	ck_assert(!judge("count(stale_delay) > 0").holds);
	ck_assert(!judge("windows.bound <= 10ms").holds);
	ck_assert(!judge("windows.bound > 10ms").holds);
}
END_TEST

START_TEST(wrong_grammar_is_refused_at_its_column)
{
	refused("", 1, "expected a metric, but this is the end");
	refused("max() < 1ms", 5, "expected a metric");
	refused("maxx(hw_window) < 1ms", 1, "did you mean 'max'?");
	refused("max(hw_window < 1ms", 15, "expected ')'");
	refused("max(hw_window) = 1ms", 16, "did you mean '=='?");
	refused("max(hw_window) 1ms", 16, "expected a comparison");
	refused("max(hw_window)", 15, "expected a comparison");
	refused("max(hw_window) <  ", 19, "expected a number");
}
END_TEST

START_TEST(what_the_metrics_do_not_have_is_refused_with_the_nearest)
{
	refused("max(hw_windw) < 1ms", 5, "did you mean 'windows.hw_window'?");
	refused("max(window.hw_window) < 1ms", 5, "did you mean 'windows.hw_window'?");
	refused("drops == 0", 1, "did you mean 'nic0.drops'?");
	refused("zebra == 0", 1, "there is no metric 'zebra'");
	refused("windows == 0", 1, "there is no metric 'windows'");
	refused("hw_window.max < 1ms", 1, "there is no metric");
	refused("hw_window < 1ms", 1, "ask for max(hw_window), say");
	refused("max(stale_accesses) == 0", 5, "write 'stale_accesses == 0'");
}
END_TEST

START_TEST(wrong_units_are_refused_with_the_right_ones)
{
	refused("max(hw_window) < 10", 18, "needs a time unit");
	refused("max(hw_window) < 10mss", 18, "did you mean 'ms'?");
	refused("max(hw_window) < 10KiB", 18, "is not a time unit");
	refused("max(hw_window) < 10ms or so", 18, "is not a time unit");
	refused("max(hw_window) < -1ms", 18, "negative");
	refused("stale_accesses == 3ms", 19, "takes no unit");
	refused("stale_accesses == nan", 19, "not a plain number");
	refused("count(hw_window) == 3ms", 21, "takes no unit");
	refused("nic0.bytes < 1MiBs", 14, "is not a size unit");
}
END_TEST

START_TEST(names_of_any_length_are_survived)
{
	char text[1024];

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	struct assertion a;
	struct err err;

	ck_assert(!assertion_parse(&a, text, &err));
	memcpy(text, "drops < ", 8);
	ck_assert(!assertion_parse(&a, text, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "too long"));
}
END_TEST

START_TEST(damaged_metrics_are_refused_by_their_name)
{
	static const char *const damaged[] = { "", "{", "[]", "{}", "{\"metrics\": {}}" };

	for (size_t i = 0; i < ARRAY_SIZE(damaged); i++) {
		struct err err;

		fixture_put(dir, POINT_METRICS_FILE, damaged[i]);
		ck_assert_ptr_null(point_metrics_load(dir, &err));
		ck_assert_ptr_nonnull(strstr(err.text, POINT_METRICS_FILE));
	}
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("assertion");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, each_comparison_is_exact_at_its_limit);
	tcase_add_test(tc, each_function_reads_its_own_number);
	tcase_add_test(tc, numbers_have_the_units_of_their_metric);
	tcase_add_test(tc, windows_still_open_count_in_the_longest_by_their_age);
	tcase_add_test(tc, no_values_break_nothing_and_never_fulfils_nothing);
	tcase_add_test(tc, wrong_grammar_is_refused_at_its_column);
	tcase_add_test(tc, what_the_metrics_do_not_have_is_refused_with_the_nearest);
	tcase_add_test(tc, wrong_units_are_refused_with_the_right_ones);
	tcase_add_test(tc, names_of_any_length_are_survived);
	tcase_add_test(tc, damaged_metrics_are_refused_by_their_name);
	return unit_run("assertion", tc);
}
