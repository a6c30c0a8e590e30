/*
 * A bug of ours: does its report say where the run stood, so that it can be repeated?
 */
#include "base/bug.h"

#include <string.h>

#include "engine/engine.h"
#include "engine/proc.h"
#include "tests/support/child.h"
#include "tests/unit/unit.h"

static void fail_in_proc(struct proc *p, void *arg)
{
	(void)arg;
	proc_sleep_until(p, 5 * NS);
	BUG("broken invariant %d", 42);
}

static void run_proc(void *arg)
{
	struct engine *e = engine_create(77);

	(void)arg;
	proc_spawn(e, "worker", fail_in_proc, NULL, NULL);
	engine_run(e, SIM_TIME_NEVER);
}

static void fail_in_event(struct event *ev)
{
	BUG_ON(ev != NULL);
}

static void run_event(void *arg)
{
	struct engine *e = engine_create(78);
	struct event ev;

	(void)arg;
	event_init(&ev, e, fail_in_event);
	event_schedule(&ev, 6 * NS);
	engine_run(e, SIM_TIME_NEVER);
}

static void expect(const struct child_end *end, const char *text)
{
	if (!strstr(end->text, text))
		ck_abort_msg("\"%s\" is not in:\n%s", text, end->text);
}

START_TEST(it_names_the_time_the_flow_and_the_seed)
{
	struct child_end end = child_run(run_proc, NULL);

	ck_assert(end.exited);
	ck_assert_int_eq(end.code, EXIT_BUG);
	expect(&end, "test_bug_report.c:");
	expect(&end, "broken invariant 42");
	expect(&end, "5000 ps");
	expect(&end, "seed 77");
	expect(&end, "worker");
}
END_TEST

START_TEST(in_an_event_it_says_that_no_flow_runs)
{
	struct child_end end = child_run(run_event, NULL);

	ck_assert_int_eq(end.code, EXIT_BUG);
	expect(&end, "ev != NULL");
	expect(&end, "6000 ps");
	expect(&end, "seed 78");
	expect(&end, "none (event)");
}
END_TEST

/* A bug after the engine is gone must not ask it where it stands. */
static void fail_without_engine(void *arg)
{
	(void)arg;
	engine_destroy(engine_create(79));
	BUG("later");
}

START_TEST(after_the_run_it_reports_without_one)
{
	struct child_end end = child_run(fail_without_engine, NULL);

	ck_assert_int_eq(end.code, EXIT_BUG);
	expect(&end, "later");
	ck_assert_ptr_null(strstr(end.text, "seed"));
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("bug_report");

	tcase_add_test(tc, it_names_the_time_the_flow_and_the_seed);
	tcase_add_test(tc, in_an_event_it_says_that_no_flow_runs);
	tcase_add_test(tc, after_the_run_it_reports_without_one);
	return unit_run("bug_report", tc);
}
