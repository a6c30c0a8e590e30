/*
 * timeline: is the picture of a run well-formed, complete and honest: every track there, spans that nest, as
 * many maps and DMAs as the metrics count; and does looking on change nothing?
 */
#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "run/schema.h"
#include "run/timeline.h"
#include "tests/run_system/course.h"
#include "tests/trace/scratch.h"
#include "tests/unit/unit.h"

#define SETTINGS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static const char *const settings[] = { "cpu.count=2", "memory.size=1GiB", "policy=strict",
	"workload.ring=64", "workload.refill=16", "workload.arrivals.rate=4Gbps", "time.warmup=0s",
	"time.measure=2ms", NULL };

static void draw(const char *file, enum timeline_format format, sim_time from, sim_time to)
{
	const struct timeline_options o = { format, from, to };
	struct conf_doc *doc = conf_doc_create();
	struct conf *conf;

	for (size_t i = 0; settings[i]; i++)
		ck_assert(conf_doc_set(doc, settings[i], "test", &scratch_err));
	ck_assert(conf_bind(schema_get(), doc, &conf, &scratch_err));
	ck_assert_int_eq(timeline_run(conf, &o, scratch_file(file), &scratch_err), RUN_OK);
	conf_destroy(conf);
	conf_doc_destroy(doc);
}

struct counted {
	unsigned maps, unmaps, walks, invalidations, holds, begins, ends, stale, names;
};

static bool is(const json_t *e, const char *key, const char *value)
{
	const char *text = json_string_value(json_object_get(e, key));

	return text && strcmp(text, value) == 0;
}

static void count(struct counted *n, const json_t *e)
{
	json_int_t pid = json_integer_value(json_object_get(e, "pid"));

	n->maps += is(e, "name", "map");
	n->unmaps += is(e, "name", "unmap");
	n->walks += is(e, "name", "walk");
	n->invalidations += pid == 4 && is(e, "ph", "X");
	n->holds += pid == 2 && is(e, "ph", "X");
	n->begins += is(e, "ph", "b");
	n->ends += is(e, "ph", "e");
	n->stale += is(e, "ph", "C");
	n->names += is(e, "ph", "M");
	if (is(e, "ph", "X"))
		ck_assert(json_number_value(json_object_get(e, "dur")) >= 0);
}

START_TEST(the_json_is_whole_and_counts_what_the_metrics_count)
{
	struct counted n = { 0 };
	struct course c;
	json_error_t error;
	json_t *all, *events;
	size_t i;
	json_t *e;

	draw("t.json", TIMELINE_CHROME, 0, SIM_TIME_NEVER);
	all = json_load_file(scratch_file("t.json"), 0, &error);
	ck_assert_msg(all != NULL, "line %d: %s", error.line, error.text);
	events = json_object_get(all, "traceEvents");
	json_array_foreach(events, i, e) count(&n, e);
	json_decref(all);

	course_start(&c, settings, NULL);
	course_measure(&c, 0, 2 * MS);
	ck_assert_uint_eq(course_end(&c), 0);
	ck_assert_uint_eq(n.unmaps, course_u64(&c, "dom0.unmaps"));
	ck_assert_uint_eq(n.maps, course_u64(&c, "dom0.maps"));
	ck_assert_uint_eq(n.walks, course_u64(&c, "iommu0.walkers.walks"));
	ck_assert_uint_eq(n.begins, course_u64(&c, "nic_rx0.pcie.dma_writes") +
					    course_u64(&c, "nic_rx0.pcie.dma_reads"));
	ck_assert_uint_eq(n.begins, n.ends);
	ck_assert_uint_ge(n.invalidations, n.unmaps);
	ck_assert_uint_gt(n.holds, n.maps);
	ck_assert_uint_gt(n.stale, 0);
	ck_assert_uint_ge(n.names, 6 + 2 + 1 + 1 + 1 + 1);
	course_fini(&c);
}
END_TEST

START_TEST(a_stretch_holds_what_touches_it)
{
	char *text, *line;
	size_t n;
	unsigned rows = 0;

	draw("t.csv", TIMELINE_CSV, 500 * US, 600 * US);
	text = scratch_load("t.csv", &n);
	line = strtok(text, "\n");
	ck_assert_str_eq(line, "kind,name,number,what,from_ps,to_ps");
	while ((line = strtok(NULL, "\n")) != NULL) {
		const char *to = strrchr(line, ','), *from = to;

		while (*--from != ',')
			;
		ck_assert_uint_le(strtoull(from + 1, NULL, 10), 600 * US);
		ck_assert_uint_ge(strtoull(to + 1, NULL, 10), 500 * US);
		rows++;
	}
	ck_assert_uint_gt(rows, 50);
	free(text);
}
END_TEST

static void nobody(
	void *ctx, const struct probe_track *track, const char *what, sim_time from, sim_time to)
{
	(void)track;
	(void)what;
	ck_assert_uint_le(from, to);
	++*(uint64_t *)ctx;
}

static void look_on(void *arg, struct system *s)
{
	s->machine.probe = arg;
}

START_TEST(looking_on_changes_nothing)
{
	uint64_t spans = 0;
	struct probe probe = { nobody, &spans };
	const struct run_watcher watcher = { NULL, look_on, &probe };
	char *text[2];
	struct course c;

	for (unsigned i = 0; i < 2; i++) {
		course_start_watched(&c, settings, NULL, i ? &watcher : NULL);
		course_measure(&c, 0, 2 * MS);
		text[i] = course_metrics_text(&c);
		course_end(&c);
		course_fini(&c);
	}
	ck_assert_str_eq(text[0], text[1]);
	ck_assert_uint_gt(spans, 100);
	free(text[0]);
	free(text[1]);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("timeline");

	tcase_add_checked_fixture(t, scratch_open, scratch_close);
	tcase_set_timeout(t, 120);
	tcase_add_test(t, the_json_is_whole_and_counts_what_the_metrics_count);
	tcase_add_test(t, a_stretch_holds_what_touches_it);
	tcase_add_test(t, looking_on_changes_nothing);
	return unit_run("system_timeline", t);
}
