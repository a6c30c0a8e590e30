/* The registry: what it resets, in what order it reports, what the files say. */
#include <jansson.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "obs/metrics.h"
#include "obs/report.h"
#include "tests/unit/unit.h"

#define CACHE_METRICS(M)                                                                           \
	M(COUNTER, lookups, "ops", NULL, "Lookups.")                                               \
	M(COUNTER, hits, "ops", "lookups", "Lookups that found an entry, \"hits\".")               \
	M(TIME, busy, "ps", NULL, "Time busy.")                                                    \
	M(GAUGE, entries, "entries", NULL, "Valid entries.")                                       \
	M(REAL, hit_share, "share", NULL, "Hits over lookups.")                                    \
	M(HIST, latency, "ps", "lookups", "Latency a|b.")
METRIC_DECLARE(cache_metrics, CACHE_METRICS);

#define METRIC_STRUCT_ struct cache_metrics
static const struct metric_desc descs[] = { CACHE_METRICS(METRIC_DESC_) };
#undef METRIC_STRUCT_
static const struct metric_table table = { "cache", "A cache.", descs, ARRAY_SIZE(descs) };

struct fixture {
	struct metrics *m;
	struct cache_metrics a, b;
};

static void set_up(struct fixture *f)
{
	struct metric_scope *root;

	memset(f, 0xff, sizeof(*f)); /* histograms must not depend on zeroed memory */
	f->m = metrics_create();
	root = metrics_root(f->m);
	metric_scope_add(metric_scope_child(root, "iommu%d.iotlb", 0), &table, &f->a);
	metric_scope_add(metric_scope_child(root, "alpha"), &table, &f->b);
	f->a.lookups = 10;
	f->a.hits = 4;
	f->a.busy = 7;
	f->a.entries = 3;
	f->a.hit_share = 0.4;
	hist_add(&f->a.latency, 5);
	hist_add(&f->a.latency, 7);
	memset(&f->b, 0, offsetof(struct cache_metrics, latency));
}

static char *text_of(void (*report)(const struct metrics *, FILE *), const struct metrics *m)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	report(m, out);
	fclose(out);
	return text;
}

static void collect_path(void *arg, const char *path, const struct metric_desc *d, const void *base)
{
	char *list = arg;

	(void)d;
	(void)base;
	strcat(strcat(list, path), " ");
}

START_TEST(report_order_is_order_of_registration_not_of_names)
{
	struct fixture f;
	char list[1024] = "";

	set_up(&f);
	metrics_visit(f.m, collect_path, list);
	ck_assert_str_eq(list, "iommu0.iotlb.lookups iommu0.iotlb.hits iommu0.iotlb.busy "
			       "iommu0.iotlb.entries iommu0.iotlb.hit_share iommu0.iotlb.latency "
			       "alpha.lookups alpha.hits alpha.busy alpha.entries alpha.hit_share "
			       "alpha.latency ");
	metrics_destroy(f.m);
}
END_TEST

START_TEST(a_scope_asked_for_twice_is_one_scope)
{
	struct metrics *m = metrics_create();
	struct metric_scope *dom = metric_scope_child(metrics_root(m), "dom0");

	ck_assert_ptr_eq(
		metric_scope_child(dom, "iova"), metric_scope_child(metrics_root(m), "dom0.iova"));
	ck_assert_str_eq(metric_scope_path(metric_scope_child(dom, "iova")), "dom0.iova");
	metrics_destroy(m);
}
END_TEST

START_TEST(reset_zeroes_all_but_gauges)
{
	struct fixture f;

	set_up(&f);
	metrics_reset(f.m, 100);
	ck_assert_uint_eq(f.a.lookups, 0);
	ck_assert_uint_eq(f.a.busy, 0);
	ck_assert_uint_eq(f.a.entries, 3);
	ck_assert(f.a.hit_share == 0);
	ck_assert_uint_eq(f.a.latency.count, 0);
	metrics_destroy(f.m);
}
END_TEST

struct hook_log {
	char text[64];
	sim_time last;
};

static void log_parent(void *arg, sim_time now)
{
	struct hook_log *l = arg;

	strcat(l->text, "parent ");
	l->last = now;
}

static void log_child(void *arg, sim_time now)
{
	struct hook_log *l = arg;

	strcat(l->text, "child ");
	l->last = now;
}

START_TEST(collect_runs_children_before_their_parent)
{
	struct hook_log l = { "", 0 };
	struct metrics *m = metrics_create();
	struct metric_scope *parent = metric_scope_child(metrics_root(m), "parent");

	metric_scope_hooks(parent, NULL, log_parent, &l);
	metric_scope_hooks(metric_scope_child(parent, "child"), NULL, log_child, &l);
	metrics_reset(m, 5);
	ck_assert_str_eq(l.text, "");
	metrics_collect(m, 77);
	ck_assert_str_eq(l.text, "child parent ");
	ck_assert_uint_eq(l.last, 77);
	metrics_destroy(m);
}
END_TEST

START_TEST(json_nests_by_scope_and_keeps_integers)
{
	struct fixture f;
	char *text, *unit;
	json_t *root, *iotlb, *hist;

	set_up(&f);
	text = text_of(report_json, f.m);
	root = json_loads(text, 0, NULL);
	ck_assert_ptr_nonnull(root);
	iotlb = json_object_get(
		json_object_get(json_object_get(root, "metrics"), "iommu0"), "iotlb");
	ck_assert(json_is_integer(json_object_get(iotlb, "hits")));
	ck_assert_int_eq(json_integer_value(json_object_get(iotlb, "hits")), 4);
	ck_assert(fabs(json_real_value(json_object_get(iotlb, "hit_share")) - 0.4) < 1e-15);
	hist = json_object_get(iotlb, "latency");
	ck_assert_int_eq(json_integer_value(json_object_get(hist, "count")), 2);
	ck_assert_int_eq(json_integer_value(json_object_get(hist, "p50")), 5);
	ck_assert_int_eq(json_integer_value(json_object_get(hist, "max")), 7);
	ck_assert(fabs(json_real_value(json_object_get(hist, "mean")) - 6) < 1e-15);
	ck_assert_int_eq(json_unpack(root, "{s:{s:s}}", "units", "iommu0.iotlb.busy", &unit), 0);
	ck_assert_str_eq(unit, "ps");
	json_decref(root);
	free(text);
	metrics_destroy(f.m);
}
END_TEST

START_TEST(an_empty_histogram_has_a_count_and_no_percentiles)
{
	struct fixture f;
	char *json, *csv;

	set_up(&f);
	json = text_of(report_json, f.m);
	csv = text_of(report_csv, f.m);
	ck_assert_ptr_nonnull(strstr(json, "\"count\": 0,\n    \"min\": null,"));
	ck_assert_ptr_nonnull(strstr(csv, "alpha.latency.count,0,values,lookups,,"));
	ck_assert_ptr_nonnull(strstr(csv, "alpha.latency.p99,,ps,,,"));
	free(json);
	free(csv);
	metrics_destroy(f.m);
}
END_TEST

START_TEST(csv_shows_value_unit_ratio_and_quoted_help)
{
	struct fixture f;
	char *csv;

	set_up(&f);
	csv = text_of(report_csv, f.m);
	ck_assert_ptr_eq(strstr(csv, "path,value,unit,per,ratio,help\n"), csv);
	ck_assert_ptr_nonnull(strstr(csv, "iommu0.iotlb.hits,4,ops,lookups,0.4,"
					  "\"Lookups that found an entry, \"\"hits\"\".\"\n"));
	ck_assert_ptr_nonnull(strstr(csv, "iommu0.iotlb.latency.count,2,values,lookups,0.2,"));
	ck_assert_ptr_nonnull(strstr(csv, "iommu0.iotlb.latency.p999,7,ps,,,"));
	/* a ratio to 0 is no number */
	ck_assert_ptr_nonnull(strstr(csv, "alpha.hits,0,ops,lookups,,"));
	free(csv);
	metrics_destroy(f.m);
}
END_TEST

START_TEST(what_is_not_a_number_is_null_and_empty)
{
	struct fixture f;
	char *json, *csv;

	set_up(&f);
	f.a.hit_share = NAN;
	json = text_of(report_json, f.m);
	csv = text_of(report_csv, f.m);
	ck_assert_ptr_nonnull(strstr(json, "\"hit_share\": null"));
	ck_assert_ptr_nonnull(strstr(csv, "iommu0.iotlb.hit_share,,share,"));
	free(json);
	free(csv);
	metrics_destroy(f.m);
}
END_TEST

START_TEST(histogram_file_lists_filled_buckets_up_to_one)
{
	struct hist h;
	char text[512] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");

	hist_init(&h);
	hist_add_n(&h, 0, 3);
	hist_add(&h, 1000);
	report_hist_csv(&h, out);
	fclose(out);
	ck_assert_str_eq(text, "low,high,count,cumulative\n"
			       "0,0,3,0.750000000\n"
			       "1000,1007,1,1.000000000\n");
	hist_fini(&h);
}
END_TEST

START_TEST(histogram_files_are_written_for_filled_ones_only)
{
	struct fixture f;
	struct err err;
	char dir[] = "/tmp/test_metrics.XXXXXX", file[64], missing[64];

	set_up(&f);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert(report_hists(f.m, dir, &err));
	snprintf(file, sizeof(file), "%s/iommu0.iotlb.latency.csv", dir);
	snprintf(missing, sizeof(missing), "%s/alpha.latency.csv", dir);
	ck_assert_int_eq(access(file, F_OK), 0);
	ck_assert_int_ne(access(missing, F_OK), 0);
	unlink(file);
	rmdir(dir);
	ck_assert(!report_hists(f.m, dir, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "iommu0.iotlb.latency.csv"));
	metrics_destroy(f.m);
}
END_TEST

static void write_doc(const struct metrics *m, FILE *out)
{
	static const struct metric_table *const tables[] = { &table };

	(void)m;
	metrics_write_markdown(tables, 1, out);
}

START_TEST(markdown_has_every_row_with_unit_and_sentence)
{
	char *text = text_of(write_doc, NULL);

	ck_assert_ptr_nonnull(strstr(text, "## cache\n\nA cache.\n"));
	ck_assert_ptr_nonnull(strstr(text, "| `latency` | distribution | ps | lookups | "
					   "Latency a\\|b. |\n"));
	for (size_t i = 0; i < ARRAY_SIZE(descs); i++)
		ck_assert_ptr_nonnull(strstr(text, descs[i].name));
	free(text);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("metrics");

	tcase_add_test(tc, report_order_is_order_of_registration_not_of_names);
	tcase_add_test(tc, a_scope_asked_for_twice_is_one_scope);
	tcase_add_test(tc, reset_zeroes_all_but_gauges);
	tcase_add_test(tc, collect_runs_children_before_their_parent);
	tcase_add_test(tc, json_nests_by_scope_and_keeps_integers);
	tcase_add_test(tc, an_empty_histogram_has_a_count_and_no_percentiles);
	tcase_add_test(tc, csv_shows_value_unit_ratio_and_quoted_help);
	tcase_add_test(tc, what_is_not_a_number_is_null_and_empty);
	tcase_add_test(tc, histogram_file_lists_filled_buckets_up_to_one);
	tcase_add_test(tc, histogram_files_are_written_for_filled_ones_only);
	tcase_add_test(tc, markdown_has_every_row_with_unit_and_sentence);
	return unit_run("metrics", tc);
}
