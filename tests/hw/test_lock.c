/*
 * lock: mutual exclusion, order, and statistics that are exact.
 */
#include "hw/lock.h"

#include "base/bug.h"
#include "tests/hw/rounds.h"
#include "tests/support/child.h"
#include "tests/unit/unit.h"

static const enum lock_type types[] = { LOCK_TICKET, LOCK_QUEUED, LOCK_TAS };

static struct rounds r;

/* ---- exclusion and order, at random ---- */

static void random_rounds(enum lock_type type, bool sync)
{
	rounds_init(&r, 16, 8, type);
	r.hold = 100 * NS;
	r.think = 4 * US;
	r.random = true;
	r.sync = sync;
	rounds_run(&r);
	ck_assert_uint_eq(r.n, 16000);
	ck_assert_uint_eq(r.lock.m.acquisitions, r.n);
	ck_assert_uint_gt(r.lock.m.contended, r.n / 10);
	ck_assert_uint_lt(r.lock.m.contended, r.n - r.n / 100);
}

START_TEST(critical_sections_do_not_overlap)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		for (unsigned sync = 0; sync < 2; sync++) {
			random_rounds(types[i], sync);
			for (unsigned k = 1; k < r.n; k++)
				ck_assert_uint_ge(r.visit[k].acquired, r.visit[k - 1].released);
			rounds_fini(&r);
		}
}
END_TEST

static unsigned overtakes(void)
{
	unsigned n = 0;

	for (unsigned k = 1; k < r.n; k++)
		n += r.visit[k].arrived < r.visit[k - 1].arrived;
	return n;
}

START_TEST(ticket_and_queued_serve_in_order_of_arrival)
{
	for (size_t i = 0; i < 2; i++)
		for (unsigned sync = 0; sync < 2; sync++) {
			random_rounds(types[i], sync);
			ck_assert_uint_eq(overtakes(), 0);
			rounds_fini(&r);
		}
}
END_TEST

START_TEST(test_and_set_does_not)
{
	random_rounds(LOCK_TAS, false);
	ck_assert_uint_gt(overtakes(), r.n / 20);
	rounds_fini(&r);
}
END_TEST

/* Three CPUs that always want the lock: with chance as judge, each of the two that wait wins every
 * other time, whoever waits longer. */
START_TEST(test_and_set_gives_every_waiter_the_same_chance)
{
	unsigned first = 0, n = 0;

	rounds_init(&r, 3, 3, LOCK_TAS);
	r.hold = 10 * US;
	r.think = 1 * US;
	r.visits_each = 3000;
	rounds_run(&r);
	for (unsigned k = 10; k + 10 < r.n; k++) {
		unsigned other = 3 - r.visit[k].cpu - r.visit[k - 1].cpu;

		if (r.visit[k].cpu == r.visit[k - 1].cpu)
			continue;
		n++; /* at this release k-1's holder has been back for a while, `other` for longer */
		first += r.visit[k + 1].cpu == other;
	}
	ck_assert_uint_gt(first, n * 46 / 100);
	ck_assert_uint_lt(first, n * 54 / 100);
	rounds_fini(&r);
}
END_TEST

static void check_sums(void)
{
	sim_time waited = 0, held = 0;
	unsigned contended = 0, bounces = 0, cross = 0;
	const struct lock_metrics *m = &r.lock.m;

	for (unsigned k = 0; k < r.n; k++) {
		const struct visit *v = &r.visit[k], *before = k ? v - 1 : v;
		bool waits = k && v->arrived < before->released;

		contended += waits;
		waited += waits ? v->acquired - v->arrived : 0;
		held += v->released - v->acquired;
		bounces += v->cpu != before->cpu;
		cross += v->cpu / 8 != before->cpu / 8;
	}
	ck_assert_uint_eq(m->contended, contended);
	ck_assert_uint_eq(m->wait.count, contended);
	ck_assert_uint_eq(m->wait.sum, waited);
	ck_assert_uint_eq(m->waited, waited);
	ck_assert_uint_eq(m->hold.sum, held);
	ck_assert_uint_eq(m->acq_bounces, bounces);
	ck_assert_uint_eq(m->bounces_cross_socket, cross);
}

START_TEST(statistics_agree_with_what_every_visit_saw)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		for (unsigned sync = 0; sync < 2; sync++) {
			random_rounds(types[i], sync);
			check_sums();
			rounds_fini(&r);
		}
}
END_TEST

/* ---- a schedule by hand ---- */

struct turn {
	unsigned cpu;
	sim_time arrives, holds; /* ns */
	sim_time acquired; /* expected, ns */
	bool sync;
};

static void take_turn(struct proc *p, void *arg)
{
	const struct turn *t = arg;

	proc_sleep_until(p, t->arrives * NS);
	lock_acquire(&r.lock, p);
	ck_assert_uint_eq(proc_now(p), t->acquired * NS);
	cpu_run_ps(p, t->holds * NS, CPU_driver);
	if (t->sync)
		proc_sync(p);
	lock_release(&r.lock, p);
}

/* CPUs 0 and 1 are one socket, 2 and 3 the other. */
static const struct turn schedule[] = {
	{ 0, 0, 1000, 0, false }, /* free */
	{ 1, 100, 200, 1050, false }, /* waits 950, the line comes from next door */
	{ 2, 300, 300, 1370, false }, /* waits 1070, from the other socket */
	{ 3, 2000, 100, 2050, false }, /* free, but the line is next door */
	{ 0, 3000, 10, 3120, false }, /* free, the line is on the other socket */
	{ 0, 4000, 10, 4000, false }, /* free and at hand */
};

static void play(bool sync)
{
	struct turn turns[ARRAY_SIZE(schedule)];

	rounds_init(&r, 4, 2, LOCK_QUEUED);
	for (size_t i = 0; i < ARRAY_SIZE(schedule); i++) {
		turns[i] = schedule[i];
		turns[i].sync = sync;
		bed_on(&r.bed, turns[i].cpu, take_turn, &turns[i]);
	}
	engine_run(r.bed.engine, 10 * US);
	metrics_collect(r.bed.metrics, 10 * US);
}

static void check_schedule(void)
{
	const struct lock_metrics *m = &r.lock.m;

	ck_assert_uint_eq(m->acquisitions, 6);
	ck_assert_uint_eq(m->contended, 2);
	ck_assert_uint_eq(m->acq_bounces, 4);
	ck_assert_uint_eq(m->con_bounces, 2);
	ck_assert_uint_eq(m->bounces_cross_socket, 2);
	ck_assert_uint_eq(m->wait.count, 2);
	ck_assert_uint_eq(m->wait.sum, 2020 * NS);
	ck_assert_uint_eq(m->wait.min, 950 * NS);
	ck_assert_uint_eq(m->wait.max, 1070 * NS);
	ck_assert_uint_eq(m->hold.count, 6);
	ck_assert_uint_eq(m->hold.sum, 1620 * NS);
	ck_assert_uint_eq(m->hold.min, 10 * NS);
	ck_assert_uint_eq(m->hold.max, 1000 * NS);
	ck_assert_uint_eq(m->waiters.sum, 1 + 2); /* the holder; the holder and CPU 1 */
	ck_assert_uint_eq(m->waiters.count, 2);
	ck_assert_double_eq_tol(m->contention_ratio, 2.0 / 6, 1e-12);
	ck_assert_double_eq_tol(m->wait_per_acquisition, 2020000.0 / 6, 1e-6);
	ck_assert_double_eq_tol(m->spin_share, 2.02 / (4 * 10), 1e-12);
	ck_assert_double_eq_tol(m->utilisation, 1.62 / 10, 1e-12);
}

START_TEST(the_statistics_of_a_schedule_by_hand)
{
	play(false);
	check_schedule();
	ck_assert_uint_eq(r.bed.machine.cpus[1].m.spent[CPU_lock_spin], 950 * NS);
	ck_assert_uint_eq(r.bed.machine.cpus[3].m.spent[CPU_lock_spin], 50 * NS);
	rounds_fini(&r);
}
END_TEST

START_TEST(they_do_not_depend_on_when_the_holder_lets_others_run)
{
	play(true);
	check_schedule();
	rounds_fini(&r);
}
END_TEST

static const struct turn across_the_reset[] = {
	{ 0, 0, 10000, 0, false },
	{ 1, 1000, 500, 10050, false },
};

START_TEST(of_a_wait_that_began_in_the_warm_up_its_later_part_is_shared_out)
{
	struct turn turns[2] = { across_the_reset[0], across_the_reset[1] };

	rounds_init(&r, 2, 2, LOCK_QUEUED);
	for (unsigned i = 0; i < 2; i++)
		bed_on(&r.bed, i, take_turn, &turns[i]);
	engine_run(r.bed.engine, 4 * US);
	metrics_reset(r.bed.metrics, 4 * US);
	engine_run(r.bed.engine, 14 * US);
	metrics_collect(r.bed.metrics, 14 * US);
	ck_assert_uint_eq(r.lock.m.waited, 6050 * NS);
	ck_assert_double_eq_tol(r.lock.m.spin_share, 6.05 / (2 * 10), 1e-12);
	ck_assert_uint_eq(r.lock.m.wait.sum, 9050 * NS); /* the wait itself is what it was */
	rounds_fini(&r);
}
END_TEST

/* ---- cost, attempts, misuse ---- */

static void twice(struct proc *p, void *arg)
{
	const struct cpu *c = cpu_of(p);
	sim_time from = proc_now(p);

	(void)arg;
	for (unsigned i = 0; i < 2; i++) {
		lock_acquire(&r.lock, p);
		lock_release(&r.lock, p);
	}
	ck_assert_uint_eq(proc_now(p) - from, 2 * clock_to_ps(&c->clock, 20));
	ck_assert_uint_eq(c->m.spent[CPU_lock_spin], proc_now(p) - from);
}

START_TEST(a_free_lock_at_hand_costs_an_atomic_operation)
{
	rounds_init(&r, 2, 2, LOCK_TICKET);
	r.bed.cpu.atomic = 20;
	bed_do(&r.bed, 1, twice, NULL);
	rounds_fini(&r);
}
END_TEST

static void try_while_held(struct proc *p, void *arg)
{
	bool *got = arg;

	proc_sleep_until(p, 500 * NS);
	got[0] = lock_try(&r.lock, p);
	proc_sleep_until(p, 1100 * NS);
	got[1] = lock_try(&r.lock, p);
	if (got[1])
		lock_release(&r.lock, p);
}

START_TEST(an_attempt_takes_the_lock_only_when_it_is_free)
{
	struct turn t = { 0, 0, 1000, 0, false };
	bool got[2];

	rounds_init(&r, 2, 2, LOCK_TICKET);
	bed_on(&r.bed, 0, take_turn, &t); /* released already, but only as of 1000 ns */
	bed_on(&r.bed, 1, try_while_held, got);
	bed_run(&r.bed);
	ck_assert(!got[0]);
	ck_assert(got[1]);
	ck_assert_uint_eq(r.lock.m.acquisitions, 2);
	ck_assert_uint_eq(r.lock.m.contended, 0);
	rounds_fini(&r);
}
END_TEST

START_TEST(without_time_only_the_pairing_is_kept)
{
	rounds_init(&r, 2, 2, LOCK_TICKET);
	ck_assert(lock_try(&r.lock, PROC_UNTIMED));
	ck_assert(!lock_try(&r.lock, PROC_UNTIMED));
	lock_release(&r.lock, PROC_UNTIMED);
	lock_acquire(&r.lock, PROC_UNTIMED);
	lock_release(&r.lock, PROC_UNTIMED);
	ck_assert_uint_eq(r.lock.m.acquisitions, 0);
	rounds_fini(&r);
}
END_TEST

static void take_twice(struct proc *p, void *arg)
{
	(void)arg;
	lock_acquire(&r.lock, p);
	lock_acquire(&r.lock, p);
}

static void release_unheld(struct proc *p, void *arg)
{
	(void)arg;
	lock_release(&r.lock, p);
}

static void do_on_cpu(void *arg)
{
	bed_do(&r.bed, 0, *(void (**)(struct proc *, void *))arg, NULL);
}

START_TEST(misuse_is_a_bug)
{
	static void (*const wrong[])(struct proc *, void *) = { take_twice, release_unheld };

	rounds_init(&r, 2, 2, LOCK_TICKET);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		void (*fn)(struct proc *, void *) = wrong[i];
		struct child_end end = child_run(do_on_cpu, &fn);

		ck_assert_int_eq(end.code, EXIT_BUG);
	}
	rounds_fini(&r);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("lock");

	tcase_add_test(tc, critical_sections_do_not_overlap);
	tcase_add_test(tc, ticket_and_queued_serve_in_order_of_arrival);
	tcase_add_test(tc, test_and_set_does_not);
	tcase_add_test(tc, test_and_set_gives_every_waiter_the_same_chance);
	tcase_add_test(tc, statistics_agree_with_what_every_visit_saw);
	tcase_add_test(tc, the_statistics_of_a_schedule_by_hand);
	tcase_add_test(tc, they_do_not_depend_on_when_the_holder_lets_others_run);
	tcase_add_test(tc, of_a_wait_that_began_in_the_warm_up_its_later_part_is_shared_out);
	tcase_add_test(tc, a_free_lock_at_hand_costs_an_atomic_operation);
	tcase_add_test(tc, an_attempt_takes_the_lock_only_when_it_is_free);
	tcase_add_test(tc, without_time_only_the_pairing_is_kept);
	tcase_add_test(tc, misuse_is_a_bug);
	return unit_run("lock", tc);
}
