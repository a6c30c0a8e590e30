/* From results to figures: which axis is x, what the curves are, what the files say, and pictures. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "run/folder.h"
#include "run/plot.h"
#include "run/plot_axes.h"
#include "run/plot_data.h"
#include "tests/run/fake_point.h"
#include "tests/run/fixture.h"
#include "tests/unit/unit.h"

static const char *const cpus[] = { "16", "1", "4" };
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

static struct points *one_axis(const char *axis, const char *const *values, size_t n)
{
	struct points *p = points_create(root, "study");

	points_add_axis(p, axis);
	for (size_t i = 0; i < n; i++)
		points_add(p, &values[i]);
	return p;
}

START_TEST(cpus_are_x_by_value_and_the_rest_are_series)
{
	struct points *p = fake_results(root, cpus, 3, policies, 2);
	struct plot_axes a;

	plot_axes_init(&a, p);
	ck_assert_str_eq(a.x_label, "CPUs");
	ck_assert_uint_eq(a.nseries, 2);
	ck_assert_str_eq(a.series[1].label, "policy deferred-global");
	ck_assert_uint_eq(a.series[1].n, 3);
	ck_assert_uint_eq(a.series[1].point[0], 4);
	ck_assert_uint_eq(a.series[1].point[1], 5);
	ck_assert_uint_eq(a.series[1].point[2], 3);
	plot_axes_fini(&a);
	points_destroy(p);
}
END_TEST

START_TEST(without_cpus_the_first_axis_of_numbers_is_x_in_its_unit)
{
	static const char *const times[] = { "100us", "1ms", "10ms" };
	struct points *p = one_axis("policy.timeout", times, 3);
	struct plot_axes a;

	plot_axes_init(&a, p);
	ck_assert_str_eq(a.x_label, "policy.timeout (µs)");
	ck_assert(fabs(a.x[0] - 100) < 1e-9 && fabs(a.x[2] - 10000) < 1e-9);
	ck_assert_uint_eq(a.nseries, 1);
	plot_axes_fini(&a);
	points_destroy(p);
}
END_TEST

START_TEST(without_numbers_x_is_the_point)
{
	struct points *p = one_axis("policy.type", policies, 2);
	struct plot_axes a;

	plot_axes_init(&a, p);
	ck_assert_str_eq(a.x_label, "point");
	ck_assert(fabs(a.x[1] - 1) < 1e-9);
	plot_axes_fini(&a);
	points_destroy(p);
}
END_TEST

/* Not inlined: gcc 12 takes the stream's pointer to text for one that is used later. */
static __attribute__((noinline)) char *windows_data(const struct points *p, struct plot_data *data)
{
	struct plot_axes a;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	*data = (struct plot_data){ 0 };
	plot_axes_init(&a, p);
	ck_assert(plot_data_windows(&a, data, out, &err));
	plot_axes_fini(&a);
	fclose(out);
	return text;
}

START_TEST(windows_of_0_are_told_and_drawn_as_reached_by_all)
{
	struct points *p = fake_results(root, cpus, 1, policies, 2);
	struct plot_data data;
	char *text = windows_data(p, &data), *row = strchr(text, '\n') + 1;

	ck_assert_uint_eq(data.ncurves, 2);
	ck_assert_uint_eq(data.npromises, 1); /* strict's is 0 */
	ck_assert_ptr_eq(strstr(text, "\"policy strict (hw windows of 0: 100%)\"\n"), text);
	ck_assert_ptr_nonnull(strstr(row, "\t100\n"));
	ck_assert(fabs(strtod(strchr(row, '\t'), NULL) - 100) < 1e-9);
	ck_assert_ptr_nonnull(
		strstr(text, "\"promise of deferred-global\"\n12003\t0\n12003\t100\n"));
	free(text);
	points_destroy(p);
}
END_TEST

START_TEST(a_cdf_rises_from_the_share_of_0_to_100)
{
	struct points *p = fake_results(root, cpus, 1, policies + 1, 1);
	struct plot_data data;
	char *text = windows_data(p, &data), *line = strchr(text, '\n') + 1;
	double x = 0, share = -1, first = -1, v[2];

	for (; *line && *line != '\n'; line = strchr(line, '\n') + 1) {
		ck_assert_int_eq(sscanf(line, "%lf\t%lf", &v[0], &v[1]), 2);
		ck_assert(v[0] >= x && v[1] >= share);
		first = first < 0 ? v[1] : first;
		x = v[0];
		share = v[1];
	}
	ck_assert(first > 20 && first < 30); /* a quarter is held by nothing */
	ck_assert(fabs(share - 100) < 1e-6);
	free(text);
	points_destroy(p);
}
END_TEST

START_TEST(hw_windows_come_first_then_policy_windows_in_the_same_order)
{
	struct points *p = fake_results(root, cpus, 1, policies, 2);
	struct plot_data data;
	char *text = windows_data(p, &data), *at = text;
	static const char *const order[] = { "\"policy strict", "\"policy deferred",
		"\"policy strict", "\"policy deferred", "\"promise" };

	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		at = strstr(at, order[i]);
		ck_assert_ptr_nonnull(at);
		at++;
	}
	free(text);
	points_destroy(p);
}
END_TEST

START_TEST(of_many_points_each_series_shows_its_ends_and_some_between)
{
	static const char *const many[] = { "1", "2", "4", "8", "16" };
	struct points *p = fake_results(root, many, 5, policies, 2);
	struct plot_data data;
	char *text = windows_data(p, &data);

	ck_assert_uint_eq(data.ncurves, PLOT_CURVES_MAX);
	ck_assert_ptr_nonnull(strstr(text, "policy strict, 1 CPUs"));
	ck_assert_ptr_nonnull(strstr(text, "policy strict, 16 CPUs"));
	ck_assert_ptr_nonnull(strstr(text, "policy deferred-global, 2 CPUs"));
	ck_assert_ptr_null(strstr(text, " 4 CPUs"));
	free(text);
	points_destroy(p);
}
END_TEST

static void expect_picture(const char *name, const char *magic)
{
	char *plots = xasprintf("%s/plots", root), *text = fixture_text(plots, name);

	ck_assert_msg(text != NULL, "%s is missing", name);
	ck_assert_msg(strncmp(text, magic, strlen(magic)) == 0, "%s is not a picture", name);
	free(text);
	free(plots);
}

static void expect_all_pictures(struct points *p)
{
	static const char *const figures[] = { "contention", "throughput", "latency", "windows" };
	FILE *nowhere = fopen("/dev/null", "w");
	char name[64];

	ck_assert_msg(plot_points(p, nowhere, &err), "%s", err.text);
	fclose(nowhere);
	for (size_t i = 0; i < ARRAY_SIZE(figures); i++) {
		snprintf(name, sizeof(name), "%s.png", figures[i]);
		expect_picture(name, "\x89PNG");
		snprintf(name, sizeof(name), "%s.svg", figures[i]);
		expect_picture(name, "<?xml");
	}
}

START_TEST(every_figure_is_drawn_as_png_and_svg)
{
	struct points *p = fake_results(root, cpus, 3, policies, 2);

	expect_all_pictures(p);
	points_destroy(p);
}
END_TEST

START_TEST(one_point_without_any_window_above_0_is_drawn_too)
{
	struct points *p = fake_results(root, cpus, 1, policies, 1);

	expect_all_pictures(p);
	points_destroy(p);
}
END_TEST

START_TEST(quotes_in_names_do_not_reach_gnuplot)
{
	struct points *p = fake_results(root, cpus, 1, policies, 1);

	free(p->name);
	p->name = xstrdup("it's \"quoted\"; exit status 3 # `x` @y");
	free(p->point[0].values[0]);
	p->point[0].values[0] = xstrdup("a\"b'c_d^e{");
	expect_all_pictures(p);
	points_destroy(p);
}
END_TEST

START_TEST(missing_gnuplot_is_named_and_nothing_is_written)
{
	struct points *p = fake_results(root, cpus, 1, policies, 1);
	char *path = xstrdup(getenv("PATH")), *plots = xasprintf("%s/plots", root);

	setenv("PATH", "/nowhere", 1);
	ck_assert(!plot_points(p, stdout, &err));
	setenv("PATH", path, 1);
	ck_assert_ptr_nonnull(strstr(err.hint, "gnuplot-nox"));
	ck_assert(!folder_exists(plots));
	free(plots);
	free(path);
	points_destroy(p);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("plot");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, cpus_are_x_by_value_and_the_rest_are_series);
	tcase_add_test(tc, without_cpus_the_first_axis_of_numbers_is_x_in_its_unit);
	tcase_add_test(tc, without_numbers_x_is_the_point);
	tcase_add_test(tc, windows_of_0_are_told_and_drawn_as_reached_by_all);
	tcase_add_test(tc, a_cdf_rises_from_the_share_of_0_to_100);
	tcase_add_test(tc, hw_windows_come_first_then_policy_windows_in_the_same_order);
	tcase_add_test(tc, of_many_points_each_series_shows_its_ends_and_some_between);
	tcase_add_test(tc, every_figure_is_drawn_as_png_and_svg);
	tcase_add_test(tc, one_point_without_any_window_above_0_is_drawn_too);
	tcase_add_test(tc, quotes_in_names_do_not_reach_gnuplot);
	tcase_add_test(tc, missing_gnuplot_is_named_and_nothing_is_written);
	return unit_run("plot", tc);
}
