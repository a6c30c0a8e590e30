/* The index of results: names of folders, labels, and that it reads back; the merged metrics. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "run/folder.h"
#include "run/merge.h"
#include "run/points.h"
#include "tests/run/fake_point.h"
#include "tests/run/fixture.h"
#include "tests/unit/unit.h"

static const char *const cpus[] = { "1", "4" };
static const char *const policies[] = { "strict", "deferred-global" };
static char *root;
static struct err err;

static void set_up(void)
{
	root = fixture_dir();
}

static void tear_down(void)
{
	fixture_clean(root);
}

START_TEST(folders_are_named_by_number_and_values_safe_for_files)
{
	struct points *p = points_create(root, "x");
	const char *values[] = { "../a b/c.pcap", "[64, 1518]" };

	points_add_axis(p, "arrivals.file");
	points_add_axis(p, "sizes.list");
	ck_assert_str_eq(points_add(p, values)->dir,
		"points/000-arrivals.file=.._a_b_c.pcap,sizes.list=_64__1518_");
	points_destroy(p);
}
END_TEST

START_TEST(long_values_are_cut_to_a_legal_file_name)
{
	struct points *p = points_create(root, "x");
	char longer[1000];
	const char *values[] = { longer };

	memset(longer, 'v', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	points_add_axis(p, "k");
	points_add(p, values);
	ck_assert_uint_lt(strlen(p->point[0].dir), 255);
	ck_assert_uint_eq(strlen(p->point[0].values[0]), 999);
	points_destroy(p);
}
END_TEST

START_TEST(labels_are_what_people_say)
{
	struct points *p = fake_results(root, cpus, 2, policies, 2);
	char buf[64];

	ck_assert_str_eq(point_axis_label(p, 0, buf, sizeof(buf)), "policy");
	ck_assert_str_eq(point_axis_label(p, 1, buf, sizeof(buf)), "CPUs");
	ck_assert_str_eq(point_label(p, 3, buf, sizeof(buf)), "policy=deferred-global, CPUs=4");
	points_destroy(p);
}
END_TEST

START_TEST(an_index_reads_back_with_its_summaries)
{
	struct points *w = fake_results(root, cpus, 2, policies, 2), *r;

	points_describe(w, "What is it?");
	ck_assert(points_write(w, &err));
	r = points_load(root, &err);
	ck_assert_ptr_nonnull(r);
	ck_assert_str_eq(r->name, w->name);
	ck_assert_str_eq(r->description, "What is it?");
	ck_assert_uint_eq(r->naxes, 2);
	ck_assert_uint_eq(r->n, 4);
	for (size_t i = 0; i < r->n; i++) {
		ck_assert_str_eq(r->point[i].dir, w->point[i].dir);
		ck_assert_str_eq(r->point[i].values[1], w->point[i].values[1]);
		ck_assert_uint_eq(r->point[i].summary.bytes, w->point[i].summary.bytes);
	}
	points_destroy(w);
	points_destroy(r);
}
END_TEST

START_TEST(what_is_no_results_folder_is_refused_with_its_name)
{
	static const char *const bad[] = { "", "{}", "[1",
		"{\"name\":\"x\",\"axes\":[],\"points\":[]}",
		"{\"name\":\"x\",\"axes\":[\"a\"],\"points\":[{\"dir\":\"p\",\"values\":[]}]}" };

	ck_assert_ptr_null(points_load(root, &err));
	ck_assert_ptr_nonnull(strstr(err.text, root));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		fixture_put(root, POINTS_FILE, bad[i]);
		ck_assert_ptr_null(points_load(root, &err));
		ck_assert_ptr_nonnull(strstr(err.text, POINTS_FILE));
	}
}
END_TEST

START_TEST(a_point_without_summary_is_refused)
{
	struct points *p = fake_results(root, cpus, 2, policies, 1);
	char *dir = point_path(p, 1);

	folder_remove(dir);
	ck_assert_ptr_null(points_load(root, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "001-"));
	free(dir);
	points_destroy(p);
}
END_TEST

START_TEST(merged_metrics_have_a_row_per_point_and_the_union_of_columns)
{
	struct points *p = fake_results(root, cpus, 2, policies, 1);
	char *dir = point_path(p, 1), *text;

	fixture_put(dir, "metrics.csv",
		"path,value,unit,per,ratio,help\n"
		"new.first,7,ops,,,\"Help, with comma.\"\n"
		"nic0.packets,4000,packets,,,\n");
	ck_assert(merge_metrics(p, &err));
	text = fixture_text(root, "metrics.csv");
	ck_assert_ptr_eq(strstr(text, "point,policy.type,cpu.count,windows.opened,"), text);
	ck_assert_ptr_nonnull(strstr(text, ",new.first\n0,strict,1,2000,"));
	ck_assert_ptr_nonnull(strstr(text, "\n1,strict,4,,"));
	ck_assert_str_eq(text + strlen(text) - 3, ",7\n");
	free(text);
	fixture_put(dir, "metrics.csv", "path,value\nbroken\n");
	ck_assert(!merge_metrics(p, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "metrics.csv:2"));
	free(dir);
	points_destroy(p);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("points");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, folders_are_named_by_number_and_values_safe_for_files);
	tcase_add_test(tc, long_values_are_cut_to_a_legal_file_name);
	tcase_add_test(tc, labels_are_what_people_say);
	tcase_add_test(tc, an_index_reads_back_with_its_summaries);
	tcase_add_test(tc, what_is_no_results_folder_is_refused_with_its_name);
	tcase_add_test(tc, a_point_without_summary_is_refused);
	tcase_add_test(tc, merged_metrics_have_a_row_per_point_and_the_union_of_columns);
	return unit_run("points", tc);
}
