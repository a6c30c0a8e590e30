/*
 * hist: are counts exact, buckets seamless and at most 1/64 wide, and percentiles what sorting says?
 */
#include "base/hist.h"

#include <math.h>
#include <stdlib.h>

#include "base/rng.h"
#include "unit.h"

START_TEST(buckets_cover_every_value_once)
{
	for (unsigned b = 0; b < HIST_BUCKETS; b++) {
		uint64_t low = hist_bucket_low(b), high = hist_bucket_high(b);

		ck_assert_uint_le(low, high);
		ck_assert_uint_eq(hist_bucket_of(low), b);
		ck_assert_uint_eq(hist_bucket_of(high), b);
		if (b > 0)
			ck_assert_uint_eq(hist_bucket_high(b - 1) + 1, low);
		ck_assert_uint_le(high - low, low / 64);
	}
	ck_assert_uint_eq(hist_bucket_low(0), 0);
	ck_assert_uint_eq(hist_bucket_high(HIST_BUCKETS - 1), UINT64_MAX);
}
END_TEST

START_TEST(an_empty_histogram_answers_zero)
{
	struct hist h;

	hist_init(&h);
	ck_assert_uint_eq(hist_percentile(&h, 50), 0);
	ck_assert_double_eq(hist_mean(&h), 0);
	ck_assert_uint_eq(h.min, UINT64_MAX);
	hist_fini(&h);
}
END_TEST

START_TEST(count_sum_min_max_are_exact)
{
	struct hist h;

	hist_init(&h);
	hist_add(&h, 1000003);
	hist_add_n(&h, 7, 3);
	hist_add_n(&h, 1, 0);
	ck_assert_uint_eq(h.count, 4);
	ck_assert_uint_eq(h.sum, 1000024);
	ck_assert_uint_eq(h.min, 7);
	ck_assert_uint_eq(h.max, 1000003);
	ck_assert_double_eq(hist_mean(&h), 250006);
	ck_assert_uint_eq(hist_percentile(&h, 100), 1000003);
	ck_assert_uint_eq(hist_percentile(&h, 75), 7);
	hist_reset(&h);
	ck_assert_uint_eq(h.count, 0);
	hist_add(&h, 5);
	ck_assert_uint_eq(hist_percentile(&h, 50), 5);
	hist_fini(&h);
}
END_TEST

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* At least `percent` of the values do not exceed the answer, and the value which sorting finds at that
 * rank is in the answer's bucket. */
START_TEST(percentiles_agree_with_sorting)
{
	static const double percents[] = { 0, 1, 25, 50, 90, 99, 99.9, 100 };
	enum { N = 5000 };
	uint64_t v[N];
	struct hist h;
	struct rng r;

	rng_init(&r, 3, "test.hist");
	hist_init(&h);
	for (unsigned i = 0; i < N; i++) {
		v[i] = rng_u64(&r) >> (20 + rng_below(&r, 40));
		hist_add(&h, v[i]);
	}
	qsort(v, N, sizeof(v[0]), by_value);
	for (unsigned i = 0; i < sizeof(percents) / sizeof(percents[0]); i++) {
		unsigned rank = (unsigned)ceil(percents[i] / 100 * N);
		uint64_t want = v[rank > 0 ? rank - 1 : 0];
		uint64_t got = hist_percentile(&h, percents[i]);

		ck_assert_uint_ge(got, want);
		ck_assert_uint_eq(hist_bucket_of(got), hist_bucket_of(want));
	}
	hist_fini(&h);
}
END_TEST

START_TEST(merging_is_adding_all_values_to_one)
{
	struct hist a, b, all;
	struct rng r;

	hist_init(&a);
	hist_init(&b);
	hist_init(&all);
	rng_init(&r, 4, "test.hist");
	hist_merge(&a, &b);
	ck_assert_uint_eq(a.count, 0);
	for (unsigned i = 0; i < 2000; i++) {
		uint64_t v = rng_u64(&r) >> 40;

		hist_add(i % 3 ? &a : &b, v);
		hist_add(&all, v);
	}
	hist_merge(&a, &b);
	ck_assert_uint_eq(a.count, all.count);
	ck_assert_uint_eq(a.sum, all.sum);
	ck_assert_uint_eq(a.min, all.min);
	ck_assert_uint_eq(a.max, all.max);
	for (unsigned p = 0; p <= 100; p++)
		ck_assert_uint_eq(hist_percentile(&a, p), hist_percentile(&all, p));
	hist_fini(&a);
	hist_fini(&b);
	hist_fini(&all);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("hist");

	tcase_add_test(tc, buckets_cover_every_value_once);
	tcase_add_test(tc, an_empty_histogram_answers_zero);
	tcase_add_test(tc, count_sum_min_max_are_exact);
	tcase_add_test(tc, percentiles_agree_with_sorting);
	tcase_add_test(tc, merging_is_adding_all_values_to_one);
	return unit_run("hist", tc);
}
