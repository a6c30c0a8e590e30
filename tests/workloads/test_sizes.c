/*
 * sizes: do frame lengths come in the shares that were asked for, and are impossible lists refused?
 */
#include "workloads/sizes.h"

#include <check.h>
#include <string.h>

#include "tests/unit/unit.h"
#include "tests/workloads/traffic.h"

#define CONF(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define DRAWS     300000u

static struct traffic traffic;

static void teardown(void)
{
	traffic_close(&traffic);
}

/* Share of the length among DRAWS frames. */
static double share(uint32_t bytes)
{
	unsigned n = 0;

	for (unsigned i = 0; i < DRAWS; i++) {
		struct arrival a;

		ck_assert(arrivals_next(traffic.arrivals, &a));
		n += a.bytes == bytes;
	}
	return (double)n / DRAWS;
}

static void open_ok(const char *const *conf)
{
	ck_assert_msg(traffic_open(&traffic, conf, 1, 1), "%s", traffic.err.text);
}

START_TEST(test_fixed_is_fixed)
{
	open_ok(CONF("workload.sizes.size=1000"));
	ck_assert_double_eq(share(1000), 1.0);
	ck_assert_double_eq(arrivals_mean_bytes(traffic.arrivals), 1000);
}
END_TEST

START_TEST(test_imix_is_7_to_4_to_1)
{
	open_ok(CONF("workload.sizes=imix"));
	ck_assert_double_eq_tol(share(64), 7.0 / 12, 0.008);
	ck_assert_double_eq_tol(share(594), 4.0 / 12, 0.008);
	ck_assert_double_eq_tol(share(1518), 1.0 / 12, 0.008);
	ck_assert_double_eq_tol(arrivals_mean_bytes(traffic.arrivals), 4342.0 / 12, 1e-9);
}
END_TEST

START_TEST(test_list_follows_its_weights)
{
	open_ok(CONF("workload.sizes=list", "workload.sizes.sizes=[100, 200, 300]",
		"workload.sizes.weights=[1, 0, 9]"));
	ck_assert_double_eq_tol(share(100), 0.1, 0.008);
	ck_assert_double_eq(share(200), 0);
	ck_assert_double_eq_tol(share(300), 0.9, 0.008);
	ck_assert_double_eq_tol(arrivals_mean_bytes(traffic.arrivals), 280, 1e-9);
}
END_TEST

static void refused(const char *sizes, const char *weights, const char *says)
{
	ck_assert(!traffic_open(&traffic, CONF("workload.sizes=list", sizes, weights), 1, 1));
	ck_assert_msg(
		strstr(traffic.err.text, says) != NULL, "no \"%s\" in: %s", says, traffic.err.text);
}

START_TEST(test_lists_that_do_not_match_are_refused)
{
	refused("workload.sizes.sizes=[100, 200]", "workload.sizes.weights=[1]",
		"has 1 entries for 2 sizes");
	refused("workload.sizes.sizes=[100, 200]", "workload.sizes.weights=[0, 0]",
		"must not all be 0");
	refused("workload.sizes.sizes=[5, 200]", "workload.sizes.weights=[1, 1]", "5");
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("sizes");

	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_test(tc, test_fixed_is_fixed);
	tcase_add_test(tc, test_imix_is_7_to_4_to_1);
	tcase_add_test(tc, test_list_follows_its_weights);
	tcase_add_test(tc, test_lists_that_do_not_match_are_refused);
	return unit_run("sizes", tc);
}
