/*
 * arrivals: do the processes keep their rates exactly or in the mean, have their gaps the right
 * distribution, and are the flows spread evenly?
 */
#include "workloads/arrivals.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"
#include "tests/workloads/traffic.h"

#define CONF(...) ((const char *const[]){ __VA_ARGS__, NULL })

static struct traffic traffic;

static void teardown(void)
{
	traffic_close(&traffic);
}

static void open_ok(const char *const *conf, uint32_t flows, uint64_t seed)
{
	ck_assert_msg(traffic_open(&traffic, conf, flows, seed), "%s", traffic.err.text);
}

static struct arrival next(void)
{
	struct arrival a;

	ck_assert(arrivals_next(traffic.arrivals, &a));
	return a;
}

/* Mean and squared coefficient of variation of n gaps, in ps. */
static void gap_statistics(unsigned n, double *mean, double *cv2)
{
	double sum = 0, sum2 = 0;
	sim_time before = 0;

	for (unsigned i = 0; i < n; i++) {
		sim_time at = next().at;
		double gap = (double)(at - before);

		ck_assert_uint_ge(at, before);
		before = at;
		sum += gap;
		sum2 += gap * gap;
	}
	*mean = sum / n;
	*cv2 = (sum2 / n - *mean * *mean) / (*mean * *mean);
}

START_TEST(test_constant_rate_is_exact_to_the_last_bit)
{
	const unsigned n = 1000000;

	/* 1514 B at 7 Gbps: 1730285.71... ps a frame, so rounding would add up */
	open_ok(CONF("workload.arrivals.rate=7Gbps", "workload.sizes.size=1514"), 1, 1);
	ck_assert_uint_eq(next().at, 1514 * 8 * SEC / 7000000000u);
	for (unsigned i = 2; i < n; i++)
		next();
	ck_assert_uint_eq(next().at, UINT64_C(1514) * 8 * 1000000 * 1000 / 7);
}
END_TEST

START_TEST(test_wire_counting_leaves_room_for_preamble_check_sequence_and_gap)
{
	open_ok(CONF("workload.arrivals.rate=10Gbps", "workload.arrivals.counts=wire",
			"workload.sizes.size=60"),
		1, 1);
	ck_assert_uint_eq(next().at, 67200); /* 84 B: the 14.88 Mpps of 10 GbE */
	ck_assert_double_eq_tol(arrivals_offered_bps(traffic.arrivals), 1e10 * 60 / 84, 1);
	traffic_close(&traffic);
	open_ok(CONF("workload.arrivals.rate=10Gbps", "workload.arrivals.counts=wire",
			"workload.sizes.size=20"),
		1, 1);
	ck_assert_uint_eq(next().at, 67200); /* padded */
}
END_TEST

START_TEST(test_poisson_gaps_are_exponential_with_the_mean_of_the_rate)
{
	double mean, cv2;

	open_ok(CONF("workload.arrivals=poisson", "workload.arrivals.rate=10Gbps",
			"workload.sizes=imix"),
		1, 1);
	gap_statistics(400000, &mean, &cv2);
	/* IMIX: 4342 B / 12; standard error of the mean 0.16 %, of cv2 0.4 % */
	ck_assert_double_eq_tol(mean / (4342.0 / 12 * 8 * 100), 1.0, 0.01);
	ck_assert_double_eq_tol(cv2, 1.0, 0.03);
}
END_TEST

START_TEST(test_poisson_gaps_beyond_three_means_are_as_rare_as_exponential_ones)
{
	unsigned beyond = 0, n = 200000;
	sim_time before = 0;

	open_ok(CONF("workload.arrivals=poisson", "workload.arrivals.rate=8Gbps",
			"workload.sizes.size=1000"),
		1, 3);
	for (unsigned i = 0; i < n; i++) {
		sim_time at = next().at;

		beyond += at - before > 3 * US;
		before = at;
	}
	ck_assert_double_eq_tol((double)beyond / n, exp(-3), 0.002);
}
END_TEST

START_TEST(test_onoff_bursts_at_the_rate_and_pauses_in_the_mean)
{
	const unsigned n = 1000000;
	unsigned in_burst = 0, pauses = 0;
	sim_time before = 0, at = 0;

	open_ok(CONF("workload.arrivals=onoff", "workload.arrivals.rate=40Gbps",
			"workload.arrivals.on=100us", "workload.arrivals.off=300us",
			"workload.sizes.size=500"),
		1, 1);
	for (unsigned i = 0; i < n; i++, before = at) {
		at = next().at;
		if (at - before == 100000) /* 500 B at 40 Gbps */
			in_burst++;
		else
			pauses++;
	}
	/* 1000 frames a burst: one gap in 1000 is longer, by 300 us in the mean */
	ck_assert_double_eq_tol((double)pauses / n, 0.001, 0.0002);
	ck_assert_double_eq_tol((double)n * 4000 / ((double)at / (double)SEC) / 10e9, 1.0, 0.1);
	ck_assert_double_eq_tol(arrivals_offered_bps(traffic.arrivals), 10e9, 1);
}
END_TEST

START_TEST(test_same_seed_same_packets_other_seed_other_packets)
{
	const char *const *conf = CONF("workload.arrivals=poisson", "workload.sizes=imix");
	struct arrival first[100], second[100];
	unsigned same = 0;

	for (unsigned round = 0; round < 3; round++) {
		open_ok(conf, 16, round < 2 ? 5 : 6);
		for (unsigned i = 0; i < 100; i++)
			(round == 0 ? first : second)[i] = next();
		traffic_close(&traffic);
		for (unsigned i = 0; round > 0 && i < 100; i++) {
			same += first[i].at == second[i].at && first[i].bytes == second[i].bytes &&
				first[i].flow == second[i].flow;
		}
		if (round == 1)
			ck_assert_uint_eq(same, 100);
	}
	ck_assert_uint_lt(same - 100, 10);
}
END_TEST

START_TEST(test_flows_are_spread_evenly_and_stay_in_range)
{
	unsigned count[8] = { 0 };

	open_ok(CONF("workload.arrivals=constant"), 8, 1);
	for (unsigned i = 0; i < 80000; i++) {
		struct arrival a = next();

		ck_assert_uint_lt(a.flow, 8);
		count[a.flow]++;
	}
	for (unsigned i = 0; i < 8; i++)
		ck_assert_double_eq_tol(count[i], 10000, 500);
}
END_TEST

START_TEST(test_capture_lengths_without_a_capture_are_refused)
{
	ck_assert(!traffic_open(
		&traffic, CONF("workload.arrivals=poisson", "workload.sizes=capture"), 1, 1));
	ck_assert_str_eq(traffic.err.path, "workload.sizes");
	ck_assert_ptr_nonnull(strstr(traffic.err.text, "'poisson'"));
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("arrivals");

	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, test_constant_rate_is_exact_to_the_last_bit);
	tcase_add_test(tc, test_wire_counting_leaves_room_for_preamble_check_sequence_and_gap);
	tcase_add_test(tc, test_poisson_gaps_are_exponential_with_the_mean_of_the_rate);
	tcase_add_test(tc, test_poisson_gaps_beyond_three_means_are_as_rare_as_exponential_ones);
	tcase_add_test(tc, test_onoff_bursts_at_the_rate_and_pauses_in_the_mean);
	tcase_add_test(tc, test_same_seed_same_packets_other_seed_other_packets);
	tcase_add_test(tc, test_flows_are_spread_evenly_and_stay_in_range);
	tcase_add_test(tc, test_capture_lengths_without_a_capture_are_refused);
	return unit_run("arrivals", tc);
}
