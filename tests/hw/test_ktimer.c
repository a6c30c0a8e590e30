/*
 * ktimer: does a timer fire when a kernel of that tick and age would fire it?
 */
#include "hw/ktimer.h"

#include "tests/support/bed.h"
#include "tests/unit/unit.h"

#define PHASES 16u

enum { FIRST_TICK, WHEEL };

static struct bed bed;
static struct ktimer timer;

struct arming {
	sim_time at, delay;
};

static struct {
	sim_time at;
	unsigned times, cpu;
} fired;

static void on_timer(struct proc *p, void *arg)
{
	(void)arg;
	fired.at = proc_now(p);
	fired.cpu = cpu_id(p);
	fired.times++;
}

static void build(unsigned hz, unsigned kind)
{
	bed_init(&bed, 2, 2);
	bed.cpu.hz = hz;
	bed.cpu.timer = kind;
	bed_build(&bed);
	ktimer_init(&timer, &bed.machine, on_timer, NULL);
	fired.at = fired.times = 0;
}

static void take_down(void)
{
	ktimer_fini(&timer);
	bed_fini(&bed);
}

static void arm(struct proc *p, void *arg)
{
	const struct arming *a = arg;

	proc_sleep_until(p, a->at);
	ktimer_mod(&timer, p, a->delay);
}

/* Delay from arming at that time to expiry. */
static sim_time delay_from(unsigned hz, unsigned kind, sim_time at, sim_time delay)
{
	struct arming a = { at, delay };

	build(hz, kind);
	bed_do(&bed, 1, arm, &a);
	ck_assert_uint_eq(fired.times, 1);
	ck_assert_uint_eq(fired.cpu, 1);
	ck_assert_uint_eq(fired.at, timer.expires);
	take_down();
	return fired.at - at;
}

/* Every phase of a tick: the expiry lies on a tick, in (low, high], and comes to within a phase of
 * both; high is what ktimer_bound() says. */
static void expect_between(unsigned hz, unsigned kind, sim_time low, sim_time high)
{
	sim_time tick = SEC / hz, least = SIM_TIME_NEVER, most = 0, bound;

	for (unsigned i = 0; i < PHASES; i++) {
		sim_time at = 7 * tick + i * (tick / PHASES);
		sim_time took = delay_from(hz, kind, at, 10 * MS);

		ck_assert_uint_eq((at + took) % tick, 0);
		ck_assert_uint_gt(took, low);
		ck_assert_uint_le(took, high);
		least = took < least ? took : least;
		most = took > most ? took : most;
	}
	ck_assert_uint_le(least, low + tick / PHASES + PHASES);
	ck_assert_uint_eq(most, high);
	build(hz, kind);
	bound = ktimer_bound(&bed.machine, 10 * MS);
	take_down();
	ck_assert_uint_eq(bound, high);
}

START_TEST(ten_ms_on_linux_3_1)
{
	expect_between(100, FIRST_TICK, 0, 10 * MS);
	expect_between(250, FIRST_TICK, 8 * MS, 12 * MS);
	expect_between(1000, FIRST_TICK, 9 * MS, 10 * MS);
}
END_TEST

START_TEST(ten_ms_on_the_timer_wheel)
{
	expect_between(100, WHEEL, 10 * MS, 20 * MS);
	expect_between(250, WHEEL, 12 * MS, 16 * MS);
	expect_between(1000, WHEEL, 10 * MS, 11 * MS);
}
END_TEST

/* HZ=300: a tick is no whole number of picoseconds, but 10 ms are three of them. */
START_TEST(ten_ms_are_three_ticks_at_300_hz)
{
	sim_time tick = SEC / 300;

	expect_between(300, FIRST_TICK, 2 * tick, 3 * tick);
}
END_TEST

START_TEST(a_timer_without_delay_fires_at_the_next_tick)
{
	ck_assert_uint_eq(delay_from(250, FIRST_TICK, 9 * MS, 0), 3 * MS);
	ck_assert_uint_eq(delay_from(250, FIRST_TICK, 8 * MS, 0), 4 * MS);
	ck_assert_uint_eq(delay_from(250, FIRST_TICK, 9 * MS, 1), 3 * MS);
	ck_assert_uint_eq(delay_from(250, WHEEL, 9 * MS, 0), 3 * MS);
}
END_TEST

START_TEST(arming_again_moves_the_timer)
{
	struct arming first = { 1 * MS, 10 * MS }, second = { 5 * MS, 10 * MS };

	build(250, FIRST_TICK);
	bed_on(&bed, 0, arm, &first);
	bed_on(&bed, 1, arm, &second);
	bed_run(&bed);
	ck_assert_uint_eq(fired.times, 1);
	ck_assert_uint_eq(fired.at, 16 * MS);
	ck_assert_uint_eq(fired.cpu, 1); /* on the CPU that armed it last */
	take_down();
}
END_TEST

static void arm_ahead(struct proc *p, void *arg)
{
	const struct arming *a = arg;

	proc_advance(p, a->at); /* not synchronised: it is the local clock that counts */
	ktimer_mod(&timer, p, a->delay);
}

START_TEST(the_delay_counts_from_the_local_clock)
{
	struct arming a = { 9 * MS, 10 * MS };

	build(250, FIRST_TICK);
	bed_do(&bed, 0, arm_ahead, &a);
	ck_assert_uint_eq(fired.at, 20 * MS);
	take_down();
}
END_TEST

START_TEST(without_time_there_are_no_timers)
{
	build(250, FIRST_TICK);
	ktimer_mod(&timer, PROC_UNTIMED, 1 * MS);
	bed_run(&bed);
	ck_assert_uint_eq(fired.times, 0);
	take_down();
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("ktimer");

	tcase_add_test(tc, ten_ms_on_linux_3_1);
	tcase_add_test(tc, ten_ms_on_the_timer_wheel);
	tcase_add_test(tc, ten_ms_are_three_ticks_at_300_hz);
	tcase_add_test(tc, a_timer_without_delay_fires_at_the_next_tick);
	tcase_add_test(tc, arming_again_moves_the_timer);
	tcase_add_test(tc, the_delay_counts_from_the_local_clock);
	tcase_add_test(tc, without_time_there_are_no_timers);
	return unit_run("ktimer", tc);
}
