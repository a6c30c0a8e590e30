/*
 * trace: does a trace of a closed-loop run, replayed, come to the same maps, unmaps, DMAs and flushes; is
 * the order of a trace kept at any pace; and is a replay that cannot be refused with a sentence?
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "child.h"
#include "run/record.h"
#include "run/schema.h"
#include "tests/run_system/course.h"
#include "tests/trace/scratch.h"
#include "tests/unit/unit.h"
#include "workloads/replay.h"

#define SETTINGS(...) ((const char *const[]){ __VA_ARGS__, NULL })

struct counts {
	uint64_t by_unmap, by_batch_full, by_timer, by_reuse, maps, unmaps;
};

static struct counts counts_of(const struct course *c)
{
	return (struct counts){ course_u64(c, "dma.by_unmap"), course_u64(c, "dma.by_batch_full"),
		course_u64(c, "dma.by_timer"), course_u64(c, "dma.by_reuse"),
		course_u64(c, "dom0.maps"), course_u64(c, "dom0.unmaps") };
}

static void begin_recording(void *arg, struct system *s)
{
	recorder_begin(arg, s->engine);
}

#define MEASURED (25 * MS)

/* A run with a network card, its trace in "a", and what it had come to at *at, before everything was
 * taken down (which one piece of work does, and no timer comes between). */
static struct counts record(const char *const *settings, struct trace_totals *totals, sim_time *at)
{
	const struct trace_info info = { .seed = 1, .provenance = "test" };
	struct trace_writer *w = trace_create(scratch_file("a"), &info, &scratch_err);
	struct recorder *r = recorder_create(w);
	const struct run_watcher watcher = { recorder_observer(r), begin_recording, r };
	struct counts n;
	struct course c;

	course_start_watched(&c, settings, SETTINGS("workload=nic_rx"), &watcher);
	course_measure(&c, 0, MEASURED);
	n = counts_of(&c);
	*at = engine_now(c.system.engine);
	ck_assert_uint_eq(course_end(&c), 0);
	recorder_end(r);
	ck_assert_uint_eq(recorder_outside(r), 0);
	*totals = *trace_written(w);
	ck_assert(trace_commit(w, &scratch_err));
	recorder_destroy(r);
	course_fini(&c);
	return n;
}

static const char *file_setting(const char *name)
{
	static char setting[160];

	snprintf(setting, sizeof(setting), "workload.file=%s", scratch_file(name));
	return setting;
}

static bool is_over(const struct course *c)
{
	const struct replay *r = c->system.workload_state;

	return r->ended && r->at_hand == 0;
}

/* The trace "a" under the same settings, to its end; what it had come to at `at`. */
static struct counts replay(
	const char *const *settings, sim_time at, const char *pace, struct replay_metrics *m)
{
	struct course c;
	struct counts n;

	course_start(&c, settings, SETTINGS("workload=trace", file_setting("a"), pace));
	course_measure(&c, 0, at - engine_now(c.system.engine));
	n = counts_of(&c);
	for (unsigned i = 0; i < 1000 && !is_over(&c); i++)
		engine_run(c.system.engine, engine_now(c.system.engine) + 10 * US);
	*m = ((struct replay *)c.system.workload_state)->m;
	ck_assert_uint_eq(course_end(&c), 0);
	ck_assert_uint_eq(course_u64(&c, "dom0.wrong_target"), 0);
	ck_assert_uint_eq(course_u64(&c, "dom0.unmapped_ok"), 0);
	ck_assert_uint_eq(course_u64(&c, "dom0.fault_unexpected"), 0);
	course_fini(&c);
	return n;
}

#define COMMON                                                                                     \
	"cpu.count=4", "memory.size=1GiB", "workload.ring=128", "workload.refill=16",              \
		"workload.arrivals.rate=3Gbps", "workload.arrivals=poisson"
#define REPLAYED "cpu.count=4", "memory.size=1GiB"

static void same_counts(const char *const *original, const char *const *replayed)
{
	struct trace_totals totals;
	struct replay_metrics m;
	sim_time at;
	struct counts a = record(original, &totals, &at), b;

	ck_assert_uint_gt(totals.dmas, 1000);
	b = replay(replayed, at, "workload.pace=recorded", &m);
	ck_assert_uint_eq(m.maps, totals.maps);
	ck_assert_uint_eq(m.unmaps, totals.unmaps);
	ck_assert_uint_eq(m.dmas, totals.dmas);
	ck_assert_uint_eq(m.map_failures + m.faulted + m.skipped, 0);
	ck_assert_uint_eq(a.maps, b.maps);
	ck_assert_uint_eq(a.unmaps, b.unmaps);
	ck_assert_uint_eq(a.by_unmap, b.by_unmap);
	ck_assert_uint_eq(a.by_batch_full, b.by_batch_full);
	ck_assert_uint_eq(a.by_timer, b.by_timer);
	ck_assert_uint_eq(a.by_reuse, b.by_reuse);
}

START_TEST(a_replay_comes_to_the_same_as_its_run_strict)
{
	same_counts(SETTINGS(COMMON, "policy=strict"), SETTINGS(REPLAYED, "policy=strict"));
	same_counts(SETTINGS(COMMON, "policy=strict", "workload.buffers=half-page"),
		SETTINGS(REPLAYED, "policy=strict"));
	same_counts(SETTINGS(COMMON, "policy=strict-gather", "allocator=rcache-6.12"),
		SETTINGS(REPLAYED, "policy=strict-gather", "allocator=rcache-6.12"));
}
END_TEST

START_TEST(a_replay_comes_to_the_same_as_its_run_lazy)
{
	same_counts(SETTINGS(COMMON, "policy=deferred-global"),
		SETTINGS(REPLAYED, "policy=deferred-global"));
	same_counts(
		SETTINGS(COMMON, "policy=flush-queue", "allocator=rcache-6.12", "cpu.timer=wheel"),
		SETTINGS(REPLAYED, "policy=flush-queue", "allocator=rcache-6.12",
			"cpu.timer=wheel"));
	same_counts(SETTINGS(COMMON, "policy=flush-on-reuse", "allocator=bitmap-rr"),
		SETTINGS(REPLAYED, "policy=flush-on-reuse", "allocator=bitmap-rr"));
}
END_TEST

/* A full list of one CPU flushes those lists of others that hold something at that instant. What the CPUs
 * did besides is not in a trace, so instants differ by nanoseconds: nearly the same count. */
START_TEST(flushes_that_hang_on_the_instant_come_close)
{
	struct trace_totals totals;
	struct replay_metrics m;
	struct counts a, b;
	sim_time at;

	a = record(SETTINGS(COMMON, "policy=deferred-percpu-2016"), &totals, &at);
	b = replay(SETTINGS(REPLAYED, "policy=deferred-percpu-2016"), at, "workload.pace=recorded",
		&m);
	ck_assert_uint_eq(a.unmaps, b.unmaps);
	ck_assert_double_eq_tol(
		(double)b.by_batch_full, (double)a.by_batch_full, 0.15 * (double)a.by_batch_full);
}
END_TEST

START_TEST(any_pace_makes_every_step)
{
	static const char *const paces[] = { "workload.pace=fast", "workload.speed=7.5",
		"workload.window=16" };
	struct trace_totals totals;
	sim_time at;
	struct replay_metrics m;

	record(SETTINGS(COMMON, "policy=strict"), &totals, &at);
	for (size_t i = 0; i < ARRAY_SIZE(paces); i++) {
		replay(SETTINGS(REPLAYED, "policy=strict"), totals.last, paces[i], &m);
		ck_assert_uint_eq(m.maps, totals.maps);
		ck_assert_uint_eq(m.unmaps, totals.unmaps);
		ck_assert_uint_eq(m.dmas, totals.dmas);
		ck_assert_uint_eq(m.faulted, 0);
	}
}
END_TEST

START_TEST(without_an_iommu_it_runs_too)
{
	struct trace_totals totals;
	sim_time at;
	struct course c;
	struct replay *r;

	record(SETTINGS(COMMON, "policy=strict"), &totals, &at);
	course_start(
		&c, SETTINGS(REPLAYED, "iommu=off"), SETTINGS("workload=trace", file_setting("a")));
	course_measure(&c, 0, totals.last + 10 * US);
	r = c.system.workload_state;
	ck_assert_uint_eq(r->m.dmas, totals.dmas);
	ck_assert_uint_eq(course_end(&c), 0);
	course_fini(&c);
}
END_TEST

START_TEST(stopped_anywhere_it_gives_everything_back)
{
	struct trace_totals totals;
	sim_time ended;
	struct course c;

	record(SETTINGS(COMMON, "policy=flush-queue"), &totals, &ended);
	for (sim_time at = 1; at < totals.last; at += totals.last / 7 + 3 * US) {
		course_start(&c, SETTINGS(REPLAYED, "policy=flush-queue"),
			SETTINGS("workload=trace", file_setting("a")));
		course_measure(&c, 0, at);
		ck_assert_uint_eq(course_end(&c), 0);
		course_fini(&c);
	}
}
END_TEST

#define HEAD "# iommusim trace 1\n0 device dev=0 name=nic\n"

/* A CPU's unmap comes before another's map and DMA are done: it must wait for both. */
START_TEST(an_unmap_waits_for_its_map_and_dma)
{
	struct replay_metrics m;

	ck_assert(scratch_import("a",
		HEAD "0.001 map dev=0 cpu=0 handle=0 dir=from len=1048576 pa=0x1000\n"
		     "0.001 dma dev=0 handle=0 write offset=0 len=1048576\n"
		     "0.001 unmap dev=0 cpu=1 handle=0\n"
		     "0.001 map dev=0 cpu=1 handle=0 dir=to len=64 pa=0x1000\n",
		NULL));
	replay(SETTINGS(REPLAYED, "policy=strict"), 10 * MS, "workload.pace=recorded", &m);
	ck_assert_uint_eq(m.faulted, 0);
	ck_assert_uint_eq(m.unmaps, 1);
	ck_assert_uint_eq(m.maps, 2);
	/* 1 MiB at 63 Gbps is 133 us without headers: so long the second CPU's steps waited */
	ck_assert_uint_gt(m.late.max, 133 * US);
}
END_TEST

/* Direction decides what a device may do: a write to memory mapped for reading is refused. */
START_TEST(a_write_against_the_direction_faults)
{
	struct replay_metrics m;

	ck_assert(scratch_import("a",
		HEAD "0.001 map dev=0 cpu=0 handle=0 dir=to len=4096 pa=0x1000\n"
		     "0.002 dma dev=0 handle=0 write offset=0 len=64\n"
		     "0.002 dma dev=0 handle=0 read offset=0 len=64\n",
		NULL));
	replay(SETTINGS(REPLAYED, "policy=strict"), 10 * MS, "workload.pace=recorded", &m);
	ck_assert_uint_eq(m.dmas, 2);
	ck_assert_uint_eq(m.faulted, 1);
}
END_TEST

static void refused(const char *const *settings, const char *part)
{
	struct conf_doc *doc = conf_doc_create();
	struct system s;
	struct conf *conf;

	for (; *settings; settings++)
		ck_assert(conf_doc_set(doc, *settings, "test", &scratch_err));
	ck_assert(conf_bind(schema_get(), doc, &conf, &scratch_err));
	ck_assert(!system_create(&s, conf, NULL, &scratch_err));
	ck_assert_msg(strstr(scratch_err.text, part) != NULL, "%s", scratch_err.text);
	conf_destroy(conf);
	conf_doc_destroy(doc);
}

START_TEST(what_cannot_be_replayed_is_refused)
{
	scratch_store("no", "hello", 5);
	refused(SETTINGS("workload=trace", file_setting("no")), "is no trace");
	refused(SETTINGS("workload=trace", file_setting("none")), "No such file");
	ck_assert(scratch_import(
		"a", HEAD "1 map dev=0 cpu=9 handle=0 dir=to len=4096 pa=0x1000\n", NULL));
	refused(SETTINGS("workload=trace", "cpu.count=9", file_setting("a")), "10 CPUs");
}
END_TEST

static void replay_damaged(void *arg)
{
	const struct trace_totals *totals = arg;
	struct replay_metrics m;

	replay(SETTINGS(REPLAYED, "policy=strict"), totals->last, "workload.pace=fast", &m);
}

START_TEST(damage_met_on_the_way_ends_the_run_as_a_user_error)
{
	struct trace_totals totals;
	sim_time at;
	struct child_end end;
	size_t n;
	char *bytes;

	record(SETTINGS(COMMON, "policy=strict"), &totals, &at);
	bytes = scratch_load("a", &n);
	bytes[n / 2] ^= 1;
	scratch_store("a", bytes, n);
	free(bytes);
	end = child_run(replay_damaged, &totals);
	ck_assert(end.exited);
	ck_assert_int_eq(end.code, 2);
	ck_assert_ptr_nonnull(strstr(end.text, "at byte "));
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("trace");

	tcase_add_checked_fixture(t, scratch_open, scratch_close);
	tcase_set_timeout(t, 300);
	tcase_add_test(t, a_replay_comes_to_the_same_as_its_run_strict);
	tcase_add_test(t, a_replay_comes_to_the_same_as_its_run_lazy);
	tcase_add_test(t, flushes_that_hang_on_the_instant_come_close);
	tcase_add_test(t, any_pace_makes_every_step);
	tcase_add_test(t, without_an_iommu_it_runs_too);
	tcase_add_test(t, stopped_anywhere_it_gives_everything_back);
	tcase_add_test(t, an_unmap_waits_for_its_map_and_dma);
	tcase_add_test(t, a_write_against_the_direction_faults);
	tcase_add_test(t, what_cannot_be_replayed_is_refused);
	tcase_add_test(t, damage_met_on_the_way_ends_the_run_as_a_user_error);
	return unit_run("system_trace", t);
}
