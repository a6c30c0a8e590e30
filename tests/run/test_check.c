/* The verdicts: which numbers keep a promise and which break it, to the picosecond. */
#include <stdlib.h>
#include <string.h>

#include "run/check.h"
#include "run/run.h"
#include "tests/unit/unit.h"

static struct points *p;
static struct run_summary *s;
static char *text;

static void set_up(void)
{
	p = points_create("nowhere", "x");
	s = &points_add(p, NULL)->summary;
	summary_set_text(&s->policy, "deferred-global");
	s->window_bound = 12 * MS;
	s->flush_max = 3 * US;
}

static void tear_down(void)
{
	points_destroy(p);
	free(text);
	text = NULL;
}

static int check(void)
{
	size_t size;
	FILE *out;
	int status;

	free(text);
	out = open_memstream(&text, &size);
	status = check_points(p, out);
	fclose(out);
	return status;
}

START_TEST(bound_and_one_flush_is_kept_one_picosecond_more_is_broken)
{
	s->policy_window_max = s->hw_window_max = 12 * MS + 3 * US;
	ck_assert_int_eq(check(), RUN_OK);
	s->policy_window_max++;
	ck_assert_int_eq(check(), RUN_BROKEN);
	ck_assert_ptr_nonnull(strstr(text, "BROKEN at point 0 (the only point): a policy window"));
	s->policy_window_max--;
	s->hw_window_max++;
	ck_assert_int_eq(check(), RUN_BROKEN);
	ck_assert_ptr_nonnull(strstr(text, "a hw window"));
}
END_TEST

START_TEST(a_bound_of_0_allows_no_window_at_all)
{
	s->window_bound = 0;
	ck_assert_int_eq(check(), RUN_OK);
	s->hw_window_max = 1;
	ck_assert_int_eq(check(), RUN_BROKEN);
	s->hw_window_max = 0;
	s->policy_window_max = 1;
	ck_assert_int_eq(check(), RUN_BROKEN);
}
END_TEST

START_TEST(windows_still_open_count_by_their_age)
{
	s->worst_hw_window = 13 * MS;
	ck_assert_int_eq(check(), RUN_BROKEN);
	s->worst_hw_window = 0;
	s->worst_policy_window = 13 * MS;
	ck_assert_int_eq(check(), RUN_BROKEN);
}
END_TEST

START_TEST(a_policy_without_bound_promises_no_window)
{
	s->window_bound = SIM_TIME_NEVER;
	s->policy_window_max = s->hw_window_max = 1000 * SEC;
	ck_assert_int_eq(check(), RUN_OK);
	ck_assert_ptr_nonnull(strstr(text, "none"));
}
END_TEST

START_TEST(reuse_ground_truth_and_leaks_break_any_promise)
{
	uint64_t *const fields[] = { &s->iova_reuse, &s->unexpected, &s->leaks };

	s->window_bound = SIM_TIME_NEVER;
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		*fields[i] = 1;
		ck_assert_int_eq(check(), RUN_BROKEN);
		*fields[i] = 0;
	}
	s->page_reuse = 5; /* a harm that is measured, not a promise of the policy */
	ck_assert_int_eq(check(), RUN_OK);
}
END_TEST

START_TEST(one_broken_point_of_many_is_named)
{
	points_add(p, NULL)->summary.window_bound = 0;
	points_add(p, NULL)->summary.leaks = 2;
	p->point[1].summary.hw_window_max = 0;
	p->point[2].summary.window_bound = 0;
	ck_assert_int_eq(check(), RUN_BROKEN);
	ck_assert_ptr_nonnull(strstr(text, "BROKEN at point 2"));
	ck_assert_ptr_null(strstr(text, "BROKEN at point 1"));
	ck_assert_ptr_nonnull(strstr(text, "2 leaks"));
	ck_assert_ptr_nonnull(strstr(text, "1 of 3 points"));
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("check");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, bound_and_one_flush_is_kept_one_picosecond_more_is_broken);
	tcase_add_test(tc, a_bound_of_0_allows_no_window_at_all);
	tcase_add_test(tc, windows_still_open_count_by_their_age);
	tcase_add_test(tc, a_policy_without_bound_promises_no_window);
	tcase_add_test(tc, reuse_ground_truth_and_leaks_break_any_promise);
	tcase_add_test(tc, one_broken_point_of_many_is_named);
	return unit_run("check", tc);
}
