/* A results folder is whole or not there, and never replaces what it should not. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "run/folder.h"
#include "run/points.h"
#include "run/results.h"
#include "tests/run/fixture.h"
#include "tests/unit/unit.h"

static char *out;
static struct err err;

static void set_up(void)
{
	out = fixture_dir();
}

static void tear_down(void)
{
	fixture_clean(out);
}

static void write_one(bool force, const char *content)
{
	struct results *r = results_begin(out, "study", force, &err);

	ck_assert_ptr_nonnull(r);
	fixture_put(results_dir(r), POINTS_FILE, content);
	ck_assert(results_commit(r, &err));
	results_destroy(r);
}

static void expect_content(const char *content)
{
	char *dir = xasprintf("%s/study", out), *text = fixture_text(dir, POINTS_FILE);

	ck_assert_ptr_nonnull(text);
	ck_assert_str_eq(text, content);
	ck_assert_uint_eq(fixture_count(out), 1); /* nothing is left beside it */
	free(text);
	free(dir);
}

START_TEST(nothing_has_the_final_name_before_the_commit)
{
	struct results *r = results_begin(out, "study", false, &err);

	ck_assert(folder_exists(results_dir(r)));
	ck_assert(!folder_exists(results_final(r)));
	results_destroy(r);
	ck_assert_uint_eq(fixture_count(out), 0);
}
END_TEST

START_TEST(an_existing_folder_needs_force)
{
	write_one(false, "first");
	ck_assert_ptr_null(results_begin(out, "study", false, &err));
	ck_assert_ptr_nonnull(strstr(err.hint, "--force"));
	expect_content("first");
}
END_TEST

START_TEST(force_replaces_old_results_at_the_commit_only)
{
	struct results *r;

	write_one(false, "first");
	r = results_begin(out, "study", true, &err);
	fixture_put(results_dir(r), POINTS_FILE, "abandoned");
	results_destroy(r);
	expect_content("first");
	write_one(true, "second");
	expect_content("second");
}
END_TEST

START_TEST(force_does_not_replace_what_is_no_results_folder)
{
	char *precious = xasprintf("%s/study", out);

	ck_assert(folder_make(precious, &err));
	fixture_put(precious, "thesis.tex", "years of work");
	ck_assert_ptr_null(results_begin(out, "study", true, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "not a results folder"));
	free(precious);
}
END_TEST

START_TEST(a_folder_that_appears_meanwhile_is_not_overwritten)
{
	struct results *r = results_begin(out, "study", false, &err);

	ck_assert(folder_make(results_final(r), &err));
	fixture_put(results_final(r), POINTS_FILE, "the other");
	fixture_put(results_dir(r), POINTS_FILE, "mine");
	ck_assert(!results_commit(r, &err));
	results_destroy(r);
	expect_content("the other");
}
END_TEST

START_TEST(names_that_are_no_plain_file_names_are_refused)
{
	static const char *const bad[] = { "", ".", "..", ".hidden", "a/b", "/abs" };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ck_assert_ptr_null(results_begin(out, bad[i], false, &err));
	ck_assert_uint_eq(fixture_count(out), 0);
}
END_TEST

START_TEST(a_file_in_the_way_is_named)
{
	char *below = xasprintf("%s/file/deeper", out);

	fixture_put(out, "file", "");
	ck_assert_ptr_null(results_begin(below, "study", false, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "/file"));
	free(below);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("results");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, nothing_has_the_final_name_before_the_commit);
	tcase_add_test(tc, an_existing_folder_needs_force);
	tcase_add_test(tc, force_replaces_old_results_at_the_commit_only);
	tcase_add_test(tc, force_does_not_replace_what_is_no_results_folder);
	tcase_add_test(tc, a_folder_that_appears_meanwhile_is_not_overwritten);
	tcase_add_test(tc, names_that_are_no_plain_file_names_are_refused);
	tcase_add_test(tc, a_file_in_the_way_is_named);
	return unit_run("results", tc);
}
