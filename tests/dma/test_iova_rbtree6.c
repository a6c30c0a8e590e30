/*
 * rbtree-6.x: beside giving the kernel's addresses (conform), does it take its lock as often, search
 * again where the kernel does, and refuse without a search what it knows not to fit?
 */
#include <check.h>

#include "tests/dma/stand.h"
#include "tests/unit/unit.h"

#define LOCK "&iovad->iova_rbtree_lock"

static struct stand stand;
static struct iova_range range[64];

static void fill(unsigned n, uint64_t last_pfn)
{
	stand_init(&stand, &iova_rbtree6_ops, NULL, 2, last_pfn);
	for (unsigned i = 0; i < n; i++) {
		ck_assert(stand_alloc(&stand, 0, 1, STAND_LIMIT_32, &range[i]));
		ck_assert_uint_eq(range[i].pfn, last_pfn - i);
	}
}

static void release(uint64_t pfn)
{
	stand_free(&stand, 0, &(struct iova_range){ .pfn = pfn, .npages = 1 });
}

START_TEST(test_an_allocation_and_a_free_are_one_lock_hold_each)
{
	fill(32, STAND_LIMIT_32);
	ck_assert_uint_eq(stand_locked(&stand, LOCK), 32);
	for (unsigned i = 0; i < 32; i++)
		stand_free(&stand, 0, &range[i]);
	ck_assert_uint_eq(stand_locked(&stand, LOCK), 64);
	stand_fini(&stand);
}
END_TEST

START_TEST(test_gaps_above_the_last_range_are_found_by_a_second_search)
{
	struct iova_range r, low;

	fill(15, 15);
	release(14);
	release(15);
	release(10);
	ck_assert(stand_alloc(&stand, 0, 1, 13, &low)); /* the next search starts there */
	ck_assert_uint_eq(low.pfn, 10);
	ck_assert_uint_eq(stand_metric(&stand, "retries"), 0);
	ck_assert(stand_alloc(&stand, 0, 2, STAND_LIMIT_32, &r));
	ck_assert_uint_eq(r.pfn, 14);
	ck_assert_uint_eq(stand_metric(&stand, "retries"), 1);
	stand_free(&stand, 0, &r);
	for (uint64_t pfn = 1; pfn < 14; pfn++)
		release(pfn);
	stand_fini(&stand);
}
END_TEST

START_TEST(test_a_size_that_failed_is_refused_without_a_search_until_a_free)
{
	struct iova_range r;
	uint64_t searches;

	fill(15, 15);
	release(4);
	release(9);
	ck_assert(!stand_alloc(&stand, 0, 2, STAND_LIMIT_32, &r));
	searches = stand_metric(&stand, "search_nodes");
	ck_assert(!stand_alloc(&stand, 0, 2, STAND_LIMIT_32, &r));
	ck_assert(!stand_alloc(&stand, 0, 7, STAND_LIMIT_32, &r));
	ck_assert_uint_eq(stand_metric(&stand, "max32_refusals"), 2);
	ck_assert_uint_eq(stand_metric(&stand, "search_nodes"), searches);
	ck_assert(stand_alloc(&stand, 0, 1, STAND_LIMIT_32, &r)); /* smaller: searched */
	ck_assert_uint_eq(stand_metric(&stand, "search_nodes"), searches + 1);
	release(8);
	release(9);
	ck_assert(stand_alloc(&stand, 0, 2, STAND_LIMIT_32, &r));
	ck_assert_uint_eq(r.pfn, 8);
	ck_assert_uint_eq(stand_metric(&stand, "max32_refusals"), 2);
	stand_free(&stand, 0, &r);
	for (uint64_t pfn = 1; pfn < 16; pfn++)
		if (pfn != 8 && pfn != 9 && pfn != 4)
			release(pfn);
	stand_fini(&stand);
}
END_TEST

/* The time of an allocation that has to pass n ranges. */
static sim_time time_past(unsigned n)
{
	sim_time before;
	struct iova_range r;

	fill(n, STAND_LIMIT_32);
	before = stand.bed.machine.cpus[0].m.spent[CPU_iova];
	ck_assert(stand_alloc(&stand, 0, 1, STAND_LIMIT_32 - 1, &r));
	before = stand.bed.machine.cpus[0].m.spent[CPU_iova] - before;
	stand_free(&stand, 0, &r);
	for (unsigned i = 0; i < n; i++)
		stand_free(&stand, 0, &range[i]);
	stand_fini(&stand);
	return before;
}

START_TEST(test_any_limit_below_4_gib_goes_on_from_the_last_range)
{
	/* 3.1 did so for the limit of 4 GiB only: every other search began at the top. */
	ck_assert_uint_le(time_past(60), time_past(6) + 100 * NS);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("rbtree-6.x");

	tcase_add_test(tc, test_an_allocation_and_a_free_are_one_lock_hold_each);
	tcase_add_test(tc, test_gaps_above_the_last_range_are_found_by_a_second_search);
	tcase_add_test(tc, test_a_size_that_failed_is_refused_without_a_search_until_a_free);
	tcase_add_test(tc, test_any_limit_below_4_gib_goes_on_from_the_last_range);
	return unit_run("rbtree-6.x", tc);
}
