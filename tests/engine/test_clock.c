/*
 * clock: are cycles and picoseconds converted without drift?
 */
#include "engine/clock.h"

#include "tests/unit/unit.h"

static const uint64_t rates[] = { 100000000, 2400000000, 2600000000, 3000000000, 3333333333,
	10000000000 };

/* Exact time in picoseconds, rounded. */
static sim_time exact(uint64_t cycles, uint64_t hz)
{
	return (sim_time)(((long double)cycles * 1e12L) / (long double)hz + 0.5L);
}

static uint64_t distance(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

START_TEST(a_cycle_count_is_converted_as_a_whole)
{
	struct clock c = clock_of_hz(2400000000); /* 416 2/3 ps */

	ck_assert_uint_eq(clock_to_ps(&c, 0), 0);
	ck_assert_uint_eq(clock_to_ps(&c, 1), 417);
	ck_assert_uint_eq(clock_to_ps(&c, 3), 1250);
	ck_assert_uint_eq(clock_to_ps(&c, 2400), 1000000);
}
END_TEST

START_TEST(the_error_is_a_picosecond_in_a_million_cycles)
{
	for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
		struct clock c = clock_of_hz(rates[i]);

		for (uint64_t n = 1; n <= rates[i] / 1000; n = n * 3 + 1)
			ck_assert_uint_le(
				distance(clock_to_ps(&c, n), exact(n, rates[i])), 1 + (n >> 20));
	}
}
END_TEST

START_TEST(there_and_back_is_where_it_began)
{
	for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
		struct clock c = clock_of_hz(rates[i]);

		for (uint64_t n = 1; n < 10000000; n = n * 2 + 1)
			ck_assert_uint_eq(clock_to_cycles(&c, clock_to_ps(&c, n)), n);
	}
}
END_TEST

/* The largest figure in cycles that a configuration takes, at the slowest clock. */
START_TEST(the_longest_configurable_work_does_not_overflow)
{
	struct clock c = clock_of_hz(100000000);

	ck_assert_uint_eq(clock_to_ps(&c, 10000000), 100 * MS);
	ck_assert_uint_eq(clock_to_ps(&c, 1000000000), 10 * SEC);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("clock");

	tcase_add_test(tc, a_cycle_count_is_converted_as_a_whole);
	tcase_add_test(tc, the_error_is_a_picosecond_in_a_million_cycles);
	tcase_add_test(tc, there_and_back_is_where_it_began);
	tcase_add_test(tc, the_longest_configurable_work_does_not_overflow);
	return unit_run("clock", tc);
}
