/*
 * cpu: is work done in order, timers first, and is every cycle charged once and in its place?
 */
#include "hw/cpu.h"

#include <string.h>

#include "tests/support/bed.h"
#include "tests/unit/unit.h"

static struct bed bed;
static char story[64];

struct job {
	struct cpu_work work;
	const char *name;
	sim_time takes, began;
};

static void setup(void)
{
	bed_init(&bed, 2, 2);
	bed.cpu.clock = 1000000000; /* a cycle is a nanosecond */
	bed_build(&bed);
	story[0] = '\0';
}

static void teardown(void)
{
	bed_fini(&bed);
}

static void work(struct proc *p, void *arg)
{
	struct job *j = arg;

	j->began = proc_now(p);
	strcat(story, j->name);
	cpu_run_ps(p, j->takes, CPU_driver);
}

static struct job *job(struct job *j, const char *name, sim_time takes)
{
	*j = (struct job){ .name = name, .takes = takes };
	cpu_work_init(&j->work, work, j);
	return j;
}

START_TEST(work_is_done_in_order_and_timers_before_it)
{
	struct cpu *c = &bed.machine.cpus[0];
	struct job j[4];

	cpu_post(c, &job(&j[0], "a", 10 * NS)->work);
	cpu_post(c, &job(&j[1], "b", 10 * NS)->work);
	cpu_post_timer(c, &job(&j[2], "t", 10 * NS)->work);
	cpu_post_timer(c, &job(&j[3], "u", 10 * NS)->work);
	bed_run(&bed);
	ck_assert_str_eq(story, "tuab");
	ck_assert_uint_eq(j[1].began, 30 * NS);
}
END_TEST

START_TEST(work_that_is_queued_already_is_not_queued_again)
{
	struct cpu *c = &bed.machine.cpus[0];
	struct job j[2];

	job(&j[0], "a", 1 * NS);
	cpu_post(c, &j[0].work);
	cpu_post(c, &j[0].work);
	cpu_post_timer(c, &j[0].work);
	bed_run(&bed);
	ck_assert_str_eq(story, "a");
	cpu_post(c, &j[0].work); /* done: it can come again */
	bed_run(&bed);
	ck_assert_str_eq(story, "aa");
}
END_TEST

struct poster {
	struct event event;
	struct job *job;
	bool timer;
};

static void post(struct event *ev)
{
	struct poster *x = container_of(ev, struct poster, event);

	(x->timer ? cpu_post_timer : cpu_post)(&bed.machine.cpus[0], &x->job->work);
}

static void post_at(struct poster *x, struct job *j, bool timer, sim_time when)
{
	*x = (struct poster){ .job = j, .timer = timer };
	event_init(&x->event, bed.engine, post);
	event_schedule(&x->event, when);
}

START_TEST(work_runs_to_its_end_before_a_timer_gets_the_cpu)
{
	struct job a, b, t;
	struct poster at[2];

	cpu_post(&bed.machine.cpus[0], &job(&a, "a", 100 * NS)->work);
	post_at(&at[0], job(&b, "b", 10 * NS), false, 20 * NS);
	post_at(&at[1], job(&t, "t", 10 * NS), true, 50 * NS);
	bed_run(&bed);
	ck_assert_str_eq(story, "atb");
	ck_assert_uint_eq(t.began, 100 * NS);
	ck_assert_uint_eq(b.began, 110 * NS);
}
END_TEST

START_TEST(an_idle_cpu_takes_work_at_the_moment_it_is_posted)
{
	struct job a, b, c;
	struct poster at[3];

	post_at(&at[0], job(&a, "a", 10 * NS), false, 40 * NS);
	post_at(&at[1], job(&b, "b", 10 * NS), false, 40 * NS); /* while it wakes up */
	post_at(&at[2], job(&c, "c", 10 * NS), false, 80 * NS);
	bed_run(&bed);
	ck_assert_str_eq(story, "abc");
	ck_assert_uint_eq(a.began, 40 * NS);
	ck_assert_uint_eq(b.began, 50 * NS);
	ck_assert_uint_eq(c.began, 80 * NS);
}
END_TEST

START_TEST(two_cpus_work_side_by_side)
{
	struct job a, b;

	cpu_post(&bed.machine.cpus[0], &job(&a, "a", 100 * NS)->work);
	cpu_post(&bed.machine.cpus[1], &job(&b, "b", 100 * NS)->work);
	bed_run(&bed);
	ck_assert_uint_eq(a.began, b.began);
}
END_TEST

static void charge(struct proc *p, void *arg)
{
	sim_time from;

	(void)arg;
	ck_assert_ptr_eq(cpu_of(p), &bed.machine.cpus[1]);
	ck_assert_uint_eq(cpu_id(p), 1);
	cpu_run(p, 300, CPU_iova);
	cpu_run_ps(p, 200 * NS, CPU_stack);
	from = proc_now(p);
	proc_sleep_until(p, from + 500 * NS);
	cpu_account(p, from, CPU_lock_spin);
}

START_TEST(every_cycle_is_charged_once)
{
	const struct cpu *c = &bed.machine.cpus[1];

	bed_do(&bed, 1, charge, NULL);
	engine_run(bed.engine, 4000 * NS);
	metrics_collect(bed.metrics, engine_now(bed.engine));
	ck_assert_uint_eq(c->m.spent[CPU_iova], 300 * NS);
	ck_assert_uint_eq(c->m.spent[CPU_stack], 200 * NS);
	ck_assert_uint_eq(c->m.spent[CPU_lock_spin], 500 * NS);
	ck_assert_uint_eq(c->m.busy, 1000 * NS);
	ck_assert_double_eq(c->m.busy_share, 0.25);
	ck_assert_uint_eq(bed.machine.cpus[0].m.busy, 0);
}
END_TEST

START_TEST(of_a_wait_that_began_in_the_warm_up_its_later_part_counts)
{
	const struct cpu *c = &bed.machine.cpus[1];

	bed_on(&bed, 1, charge, NULL);
	engine_run(bed.engine, 800 * NS); /* in the middle of the 500 ns from 500 ns on */
	metrics_reset(bed.metrics, 800 * NS);
	engine_run(bed.engine, 1800 * NS);
	metrics_collect(bed.metrics, 1800 * NS);
	ck_assert_uint_eq(c->m.spent[CPU_lock_spin], 200 * NS);
	ck_assert_double_eq(c->m.busy_share, 0.2);
}
END_TEST

/* Work is charged as a whole when it is done, ahead of the engine's clock: what is charged and the
 * time that it is held against must reach equally far, at both ends. */
START_TEST(a_cpu_that_runs_ahead_is_not_more_than_busy)
{
	const struct cpu *c = &bed.machine.cpus[0];
	struct job warmup, a, b;
	struct poster at[2];

	cpu_post(&bed.machine.cpus[0], &job(&warmup, "w", 1000 * NS)->work);
	post_at(&at[0], job(&a, "a", 100 * NS), false, 1200 * NS);
	post_at(&at[1], job(&b, "b", 1000 * NS), false, 1500 * NS);
	engine_run(bed.engine, 400 * NS);
	metrics_reset(bed.metrics, 400 * NS);
	engine_run(bed.engine, 1600 * NS);
	metrics_collect(bed.metrics, 1600 * NS);
	ck_assert_uint_eq(c->m.busy, 1100 * NS);
	ck_assert_double_eq_tol(c->m.busy_share, 1100.0 / (2500 - 1000), 1e-12);
	bed_run(&bed);
}
END_TEST

START_TEST(cpus_fill_socket_by_socket)
{
	struct bed b;

	bed_init(&b, 5, 2);
	bed_build(&b);
	ck_assert_uint_eq(b.machine.nsockets, 3);
	for (unsigned i = 0; i < 5; i++)
		ck_assert_uint_eq(b.machine.cpus[i].socket, i / 2);
	bed_fini(&b);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("cpu");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, work_is_done_in_order_and_timers_before_it);
	tcase_add_test(tc, work_that_is_queued_already_is_not_queued_again);
	tcase_add_test(tc, work_runs_to_its_end_before_a_timer_gets_the_cpu);
	tcase_add_test(tc, an_idle_cpu_takes_work_at_the_moment_it_is_posted);
	tcase_add_test(tc, two_cpus_work_side_by_side);
	tcase_add_test(tc, every_cycle_is_charged_once);
	tcase_add_test(tc, of_a_wait_that_began_in_the_warm_up_its_later_part_counts);
	tcase_add_test(tc, a_cpu_that_runs_ahead_is_not_more_than_busy);
	tcase_add_test(tc, cpus_fill_socket_by_socket);
	return unit_run("cpu", tc);
}
