/*
 * proc: local clocks, waiting and waking in order, and stacks that are the flow's own.
 */
#include "engine/proc.h"

#include <string.h>

#include "base/bug.h"
#include "tests/support/child.h"
#include "tests/unit/unit.h"

static struct engine *engine;
static char story[256];

static void setup(void)
{
	engine = engine_create(1);
	story[0] = '\0';
}

static void teardown(void)
{
	engine_destroy(engine);
}

static void tell(const char *what)
{
	strcat(story, what);
	strcat(story, " ");
}

/* ---- clocks ---- */

static void advance_ahead(struct proc *p, void *arg)
{
	(void)arg;
	ck_assert_uint_eq(proc_now(p), 100);
	proc_advance(p, 50);
	ck_assert_uint_eq(proc_now(p), 150);
	ck_assert_uint_eq(engine_now(engine), 100);
	proc_sync(p);
	ck_assert_uint_eq(engine_now(engine), 150);
	tell("done");
}

START_TEST(advancing_moves_only_the_local_clock_until_the_sync)
{
	engine_run(engine, 100);
	proc_spawn(engine, "p", advance_ahead, NULL, NULL);
	engine_run(engine, SIM_TIME_NEVER);
	ck_assert_str_eq(story, "done ");
}
END_TEST

static void early(struct proc *p, void *arg)
{
	(void)arg;
	proc_advance(p, 10);
	proc_sync(p);
	tell("early");
}

static void late(struct proc *p, void *arg)
{
	(void)arg;
	proc_advance(p, 20);
	tell("ahead");
	proc_sync(p);
	tell("late");
}

START_TEST(a_sync_lets_everything_before_it_happen)
{
	proc_spawn(engine, "late", late, NULL, NULL);
	proc_spawn(engine, "early", early, NULL, NULL);
	engine_run(engine, SIM_TIME_NEVER);
	ck_assert_str_eq(story, "ahead early late ");
}
END_TEST

static void sleeper(struct proc *p, void *arg)
{
	(void)arg;
	proc_sleep_until(p, 30);
	ck_assert_uint_eq(proc_now(p), 30);
	proc_sleep_until(p, 20); /* past */
	ck_assert_uint_eq(proc_now(p), 30);
	proc_advance(p, 15);
	proc_sleep_until(p, 40); /* past on the local clock */
	ck_assert_uint_eq(proc_now(p), 45);
	tell("slept");
}

START_TEST(sleeping_until_the_past_is_nothing)
{
	proc_spawn(engine, "sleeper", sleeper, NULL, NULL);
	engine_run(engine, SIM_TIME_NEVER);
	ck_assert_str_eq(story, "slept ");
	ck_assert_uint_eq(engine_now(engine), 30); /* the 15 were never synchronised */
}
END_TEST

static void beyond_the_end(struct proc *p, void *arg)
{
	(void)arg;
	proc_advance(p, 200);
	proc_sync(p);
	tell("resumed");
}

START_TEST(a_flow_ahead_of_the_runs_end_waits_for_the_next_run)
{
	proc_spawn(engine, "p", beyond_the_end, NULL, NULL);
	engine_run(engine, 100);
	ck_assert_str_eq(story, "");
	ck_assert_uint_eq(engine_now(engine), 100);
	engine_run(engine, 300);
	ck_assert_str_eq(story, "resumed ");
}
END_TEST

/* ---- waiting ---- */

static struct waitq queue;
static sim_time woken_at[8];

static void waiter(struct proc *p, void *arg)
{
	static const char *const names[] = { "0", "1", "2", "3", "4", "5", "6", "7" };
	uintptr_t id = (uintptr_t)arg;

	proc_advance(p, id); /* arrives at its number */
	proc_wait(p, &queue);
	woken_at[id] = proc_now(p);
	tell(names[id]);
}

static void start_waiters(unsigned n)
{
	waitq_init(&queue);
	for (unsigned i = n; i-- > 0;) /* last first: it is arrival that counts */
		proc_spawn(engine, "waiter", waiter, (void *)(uintptr_t)i, NULL);
	engine_run(engine, 100);
}

START_TEST(the_longest_waiter_is_woken_first_at_the_time_given)
{
	start_waiters(3);
	ck_assert(!waitq_empty(&queue));
	ck_assert(waitq_wake_one(&queue, 500));
	ck_assert(waitq_wake_one(&queue, 400)); /* woken later, for an earlier time */
	ck_assert(waitq_wake_one(&queue, 400));
	ck_assert(waitq_empty(&queue)); /* they leave at once */
	ck_assert(!waitq_wake_one(&queue, 400));
	engine_run(engine, 1000);
	ck_assert_str_eq(story, "1 2 0 ");
	ck_assert_uint_eq(woken_at[0], 500);
	ck_assert_uint_eq(woken_at[1], 400);
	ck_assert_uint_eq(woken_at[2], 400);
}
END_TEST

START_TEST(the_nth_waiter_can_be_chosen)
{
	start_waiters(4);
	ck_assert(!waitq_wake_nth(&queue, 4, 100));
	ck_assert(waitq_wake_nth(&queue, 2, 100));
	ck_assert(waitq_wake_nth(&queue, 2, 100));
	ck_assert(waitq_wake_nth(&queue, 0, 100));
	engine_run(engine, 200);
	ck_assert_str_eq(story, "2 3 0 ");
}
END_TEST

START_TEST(all_are_woken_in_order)
{
	start_waiters(5);
	waitq_wake_all(&queue, 150);
	ck_assert(waitq_empty(&queue));
	engine_run(engine, 200);
	ck_assert_str_eq(story, "0 1 2 3 4 ");
	ck_assert_uint_eq(woken_at[4], 150);
}
END_TEST

static void late_to_wait(struct proc *p, void *arg)
{
	(void)arg;
	proc_advance(p, 50); /* waits from 50 on; whoever wakes at 40 must find nobody */
	proc_wait(p, &queue);
	tell("woken");
}

static void wake_at_40(struct proc *p, void *arg)
{
	(void)arg;
	proc_advance(p, 40);
	proc_sync(p);
	tell(waitq_wake_one(&queue, proc_now(p)) ? "somebody" : "nobody");
}

START_TEST(a_wait_begins_at_the_local_clock)
{
	waitq_init(&queue);
	proc_spawn(engine, "waits", late_to_wait, NULL, NULL);
	proc_spawn(engine, "wakes", wake_at_40, NULL, NULL);
	engine_run(engine, 100);
	ck_assert_str_eq(story, "nobody ");
}
END_TEST

/* ---- what belongs to a flow ---- */

static void says_who_it_is(struct proc *p, void *arg)
{
	ck_assert_ptr_eq(proc_owner(p), arg);
	ck_assert_str_eq(proc_name(p), "somebody");
	ck_assert_ptr_eq(proc_current(), p);
	tell("I");
}

START_TEST(a_flow_knows_its_name_and_its_owner)
{
	char name[] = "somebody";
	int owner;

	proc_spawn(engine, name, says_who_it_is, &owner, &owner);
	name[0] = 'x'; /* the name is copied */
	ck_assert_ptr_null(proc_current());
	engine_run(engine, 1);
	ck_assert_ptr_null(proc_current());
	ck_assert_str_eq(story, "I ");
}
END_TEST

static void child_flow(struct proc *p, void *arg)
{
	(void)arg;
	ck_assert_uint_eq(proc_now(p), 10);
	tell("child");
}

static void parent_flow(struct proc *p, void *arg)
{
	(void)arg;
	proc_sleep_until(p, 10);
	proc_spawn(engine, "child", child_flow, NULL, NULL);
	tell("parent");
}

START_TEST(a_flow_can_start_another)
{
	proc_spawn(engine, "parent", parent_flow, NULL, NULL);
	engine_run(engine, 100);
	ck_assert_str_eq(story, "parent child ");
}
END_TEST

/* 20 KiB of frames that must be what they were after others have run. */
static unsigned deep(struct proc *p, unsigned depth)
{
	volatile unsigned char frame[1024];
	unsigned sum = 0;

	memset((void *)(uintptr_t)frame, (int)(depth ^ (unsigned)(uintptr_t)p), sizeof(frame));
	proc_sleep_until(p, proc_now(p) + 1 + depth);
	if (depth > 0)
		sum = deep(p, depth - 1);
	proc_sleep_until(p, proc_now(p) + 1 + depth);
	for (size_t i = 0; i < sizeof(frame); i++)
		sum += frame[i] != (unsigned char)(depth ^ (unsigned)(uintptr_t)p);
	return sum;
}

static unsigned finished;

static void dive(struct proc *p, void *arg)
{
	(void)arg;
	ck_assert_uint_eq(deep(p, 19), 0);
	finished++;
}

START_TEST(deep_stacks_of_many_flows_do_not_mix)
{
	finished = 0;
	for (unsigned i = 0; i < 50; i++)
		proc_spawn(engine, "diver", dive, NULL, NULL);
	engine_run(engine, SIM_TIME_NEVER);
	ck_assert_uint_eq(finished, 50);
}
END_TEST

static unsigned too_deep(struct proc *p, unsigned depth)
{
	volatile unsigned char frame[4096];

	memset((void *)(uintptr_t)frame, 1, sizeof(frame));
	return (depth > 0 ? too_deep(p, depth - 1) : 0) + frame[depth % sizeof(frame)];
}

static void overflow(struct proc *p, void *arg)
{
	*(unsigned *)arg = too_deep(p, 500);
}

static void run_overflow(void *arg)
{
	proc_spawn(engine, "diver", overflow, arg, NULL);
	engine_run(engine, SIM_TIME_NEVER);
}

START_TEST(a_stack_that_overflows_ends_the_program)
{
	unsigned sum;
	struct child_end end = child_run(run_overflow, &sum);

	ck_assert(!end.exited || end.code != 0); /* the guard page; or AddressSanitizer */
}
END_TEST

static void hop(struct proc *p, void *arg)
{
	for (unsigned i = 0; i < 20; i++)
		proc_sleep_until(p, proc_now(p) + 1 + (uintptr_t)arg % 7);
	finished++;
}

START_TEST(a_thousand_flows_run_side_by_side)
{
	finished = 0;
	for (uintptr_t i = 0; i < 1000; i++)
		proc_spawn(engine, "hopper", hop, (void *)i, NULL);
	engine_run(engine, SIM_TIME_NEVER);
	ck_assert_uint_eq(finished, 1000);
	ck_assert_uint_eq(engine_now(engine), 140);
}
END_TEST

/* Stacks that are taken down in the middle of a flow come back as others' without a trace. */
START_TEST(unfinished_flows_go_with_their_engine)
{
	for (unsigned round = 0; round < 20; round++) {
		struct engine *e = engine_create(round);

		for (unsigned i = 0; i < 10; i++)
			proc_spawn(e, "diver", dive, NULL, NULL);
		engine_run(e, 30 + 5 * round);
		engine_destroy(e);
	}
}
END_TEST

/* ---- no time ---- */

static void wait_untimed(void *arg)
{
	proc_wait(PROC_UNTIMED, arg);
}

START_TEST(untimed_code_takes_no_time_and_must_not_wait)
{
	struct child_end end;

	proc_advance(PROC_UNTIMED, 100);
	proc_sync(PROC_UNTIMED);
	proc_sleep_until(PROC_UNTIMED, 100);
	ck_assert_uint_eq(proc_now(PROC_UNTIMED), 0);
	ck_assert_ptr_null(proc_owner(PROC_UNTIMED));
	waitq_init(&queue);
	end = child_run(wait_untimed, &queue);
	ck_assert_int_eq(end.code, EXIT_BUG);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("proc");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, advancing_moves_only_the_local_clock_until_the_sync);
	tcase_add_test(tc, a_sync_lets_everything_before_it_happen);
	tcase_add_test(tc, sleeping_until_the_past_is_nothing);
	tcase_add_test(tc, a_flow_ahead_of_the_runs_end_waits_for_the_next_run);
	tcase_add_test(tc, the_longest_waiter_is_woken_first_at_the_time_given);
	tcase_add_test(tc, the_nth_waiter_can_be_chosen);
	tcase_add_test(tc, all_are_woken_in_order);
	tcase_add_test(tc, a_wait_begins_at_the_local_clock);
	tcase_add_test(tc, a_flow_knows_its_name_and_its_owner);
	tcase_add_test(tc, a_flow_can_start_another);
	tcase_add_test(tc, deep_stacks_of_many_flows_do_not_mix);
	tcase_add_test(tc, a_stack_that_overflows_ends_the_program);
	tcase_add_test(tc, a_thousand_flows_run_side_by_side);
	tcase_add_test(tc, unfinished_flows_go_with_their_engine);
	tcase_add_test(tc, untimed_code_takes_no_time_and_must_not_wait);
	return unit_run("proc", tc);
}
