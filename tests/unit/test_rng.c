/*
 * rng: is it the published generator, do streams repeat and differ, and are its shapes right?
 */
#include "base/rng.h"

#include <math.h>
#include <stdbool.h>

#include "unit.h"

/* The authors' reference: xoshiro256** from the state {1, 2, 3, 4}. */
START_TEST(it_is_xoshiro256_starstar)
{
	static const uint64_t want[] = { 11520, 0, 1509978240, 1215971899390074240 };
	struct rng r = { { 1, 2, 3, 4 } };

	for (unsigned i = 0; i < 4; i++)
		ck_assert_uint_eq(rng_u64(&r), want[i]);
}
END_TEST

static bool same_stream(uint64_t seed_a, const char *a, uint64_t seed_b, const char *b)
{
	struct rng x, y;
	bool same = true;

	rng_init(&x, seed_a, a);
	rng_init(&y, seed_b, b);
	for (unsigned i = 0; i < 100; i++)
		same &= rng_u64(&x) == rng_u64(&y);
	return same;
}

START_TEST(a_stream_is_its_seed_and_its_name)
{
	ck_assert(same_stream(1, "workload.arrivals", 1, "workload.arrivals"));
	ck_assert(!same_stream(1, "workload.arrivals", 2, "workload.arrivals"));
	ck_assert(!same_stream(1, "workload.arrivals", 1, "workload.sizes"));
}
END_TEST

/* Chi-squared of 1000 cells: mean 999, standard deviation 44.7; five of them are one in millions. */
START_TEST(below_n_is_uniform)
{
	enum { CELLS = 1000, N = 1000000 };
	static unsigned seen[CELLS];
	double chi2 = 0, expected = (double)N / CELLS;
	struct rng r;

	rng_init(&r, 1, "test.below");
	for (unsigned i = 0; i < N; i++) {
		uint64_t v = rng_below(&r, CELLS);

		if (v >= CELLS)
			ck_abort_msg("%llu is not below", (unsigned long long)v);
		seen[v]++;
	}
	for (unsigned i = 0; i < CELLS; i++)
		chi2 += (seen[i] - expected) * (seen[i] - expected) / expected;
	ck_assert_double_gt(chi2, 999 - 5 * 44.7);
	ck_assert_double_lt(chi2, 999 + 5 * 44.7);
}
END_TEST

/* A modulo would return the small half twice as often. */
START_TEST(below_n_has_no_modulo_bias)
{
	uint64_t n = UINT64_MAX / 3 * 2;
	unsigned small = 0;
	struct rng r;

	rng_init(&r, 1, "test.bias");
	for (unsigned i = 0; i < 100000; i++)
		small += rng_below(&r, n) < n / 2;
	ck_assert_uint_gt(small, 49000);
	ck_assert_uint_lt(small, 51000);
	ck_assert_uint_eq(rng_below(&r, 1), 0);
}
END_TEST

START_TEST(unit_values_are_below_one)
{
	double sum = 0;
	bool inside = true;
	struct rng r;

	rng_init(&r, 1, "test.unit");
	for (unsigned i = 0; i < 1000000; i++) {
		double u = rng_unit(&r);

		inside &= u >= 0 && u < 1;
		sum += u;
	}
	ck_assert(inside);
	ck_assert_double_eq_tol(sum / 1e6, 0.5, 0.002);
}
END_TEST

START_TEST(exponential_values_have_their_mean_and_variance)
{
	double sum = 0, squares = 0, mean;
	bool sound = true;
	struct rng r;

	rng_init(&r, 1, "test.exp");
	for (unsigned i = 0; i < 1000000; i++) {
		double v = rng_exp(&r, 40);

		sound &= v >= 0 && isfinite(v);
		sum += v;
		squares += v * v;
	}
	ck_assert(sound);
	mean = sum / 1e6;
	ck_assert_double_eq_tol(mean, 40, 0.2);
	ck_assert_double_eq_tol(sqrt(squares / 1e6 - mean * mean), 40, 0.4);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("rng");

	tcase_add_test(tc, it_is_xoshiro256_starstar);
	tcase_add_test(tc, a_stream_is_its_seed_and_its_name);
	tcase_add_test(tc, below_n_is_uniform);
	tcase_add_test(tc, below_n_has_no_modulo_bias);
	tcase_add_test(tc, unit_values_are_below_one);
	tcase_add_test(tc, exponential_values_have_their_mean_and_variance);
	return unit_run("rng", tc);
}
