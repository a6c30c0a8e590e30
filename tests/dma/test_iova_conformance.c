/*
 * iova: does every registered allocator keep the contract of iova.h? A new allocator is tested by
 * being registered.
 */
#include "dma/iova/iova.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "tests/dma/space.h"
#include "tests/unit/unit.h"

static struct space space;

/* The allocator under test: one per loop index. */
static const struct iova_allocator_ops *under_test(int i)
{
	size_t n;
	const struct iova_allocator_ops *const *ops = iova_allocators(&n);

	ck_assert_int_lt(i, (int)n);
	return ops[i];
}

static int random_live(struct rng *rng)
{
	unsigned i = (unsigned)rng_below(rng, SPACE_RANGES);

	for (unsigned tried = 0; tried < SPACE_RANGES; tried++, i = (i + 1) % SPACE_RANGES)
		if (space.live[i])
			return (int)i;
	return -1;
}

START_TEST(test_random_ranges_are_disjoint_aligned_and_below_their_limit)
{
	struct rng rng;
	unsigned given = 0, refused = 0;

	rng_init(&rng, 1, "test.iova");
	space_init(&space, under_test(_i), 1, SPACE_PAGES - 1);
	space_reserve(&space, 1000, 1099);
	for (unsigned n = 0; n < 6000; n++) {
		if (space.nlive < 300 && rng_below(&rng, 100) < 55) {
			uint32_t npages = 1 + (uint32_t)rng_below(&rng, 40);
			uint64_t limit = rng_below(&rng, 4) ? SPACE_PAGES - 1
							    : 1 + rng_below(&rng, SPACE_PAGES);
			int r = space_alloc(&space, npages, limit, rng_below(&rng, 3) != 0);

			*(r < 0 ? &refused : &given) += 1;
		} else if (space.nlive > 0) {
			space_free(&space, random_live(&rng), (enum space_free)rng_below(&rng, 3));
		}
		space_check(&space);
	}
	ck_assert_uint_gt(given, 1000);
	ck_assert_uint_gt(refused, 10); /* limits too low for the size are among them */
	space_fini(&space);
}
END_TEST

START_TEST(test_order_of_frees_does_not_matter)
{
	static int order[64];
	struct rng rng;

	rng_init(&rng, 2, "test.iova.order");
	space_init(&space, under_test(_i), 1, SPACE_PAGES - 1);
	for (unsigned round = 0; round < 20; round++) {
		for (unsigned i = 0; i < ARRAY_SIZE(order); i++)
			order[i] = space_alloc(&space, 1 + i % 9, SPACE_PAGES - 1, true);
		for (unsigned left = ARRAY_SIZE(order); left > 0; left--) {
			unsigned pick = round == 0   ? 0
					: round == 1 ? left - 1
						     : (unsigned)rng_below(&rng, left);

			ck_assert_int_ge(order[pick], 0);
			space_free(&space, order[pick], SPACE_BY_FIND);
			order[pick] = order[left - 1];
			space_check(&space);
		}
	}
	ck_assert_uint_eq(space.nlive, 0);
	space_fini(&space);
}
END_TEST

/* How many of n ranges must fit: nearly all, but for allocators that keep parts for other requests. */
static unsigned most_of(int i, unsigned n)
{
	return under_test(i)->caps & IOVA_SPLITS_SPACE ? n / 2 : n - 4;
}

/* Allocate until refused; the number of ranges given. */
static unsigned fill(uint32_t npages)
{
	unsigned n = 0;

	while (space_alloc(&space, npages, SPACE_PAGES - 1, true) >= 0)
		n++;
	space_check(&space);
	return n;
}

static void free_all(void)
{
	for (unsigned i = 0; i < SPACE_RANGES; i++)
		if (space.live[i])
			space_free(&space, (int)i, SPACE_BY_ADDRESS);
	space_check(&space);
}

START_TEST(test_exhaustion_is_refused_and_recovers)
{
	unsigned first, again;

	if (under_test(_i)->caps & IOVA_PREMAPPED)
		return; /* takes larger pieces, for good: test_iova_memory.c */
	space_init(&space, under_test(_i), 1, 511);
	first = fill(4);
	ck_assert_uint_ge(first, most_of(_i, 512 / 4));
	ck_assert_int_lt(space_alloc(&space, 4, 511, true), 0);
	space_check(&space);
	free_all();
	again = fill(4);
	ck_assert_uint_eq(first, again);
	free_all();
	ck_assert_int_ge(space_alloc(&space, 64, 511, true), 0);
	space_fini(&space);
}
END_TEST

START_TEST(test_one_freed_range_can_be_had_again)
{
	unsigned n;
	int middle;

	space_init(&space, under_test(_i), 1, 511);
	n = fill(2);
	middle = (int)(n / 2);
	space_free(&space, middle, SPACE_BY_COOKIE);
	ck_assert_int_ge(space_alloc(&space, 2, 511, true), 0);
	ck_assert_int_lt(space_alloc(&space, 2, 511, true), 0);
	space_fini(&space);
}
END_TEST

START_TEST(test_reserved_ranges_are_never_given_out)
{
	space_init(&space, under_test(_i), 1, 255);
	space_reserve(&space, 100, 120);
	space_reserve(&space, 110, 140); /* overlaps: both stay reserved */
	space_reserve(&space, 105, 106); /* inside */
	space_reserve(&space, 255, 255);
	space_check(&space);
	ck_assert_uint_ge(fill(1), most_of(_i, 255 - 42));
	space_fini(&space);
}
END_TEST

START_TEST(test_nothing_fits_below_a_limit_smaller_than_the_size)
{
	space_init(&space, under_test(_i), 1, 511);
	ck_assert_int_lt(space_alloc(&space, 64, 40, true), 0);
	ck_assert_int_lt(space_alloc(&space, 600, 511, false), 0);
	ck_assert_int_ge(space_alloc(&space, 8, 40, true), 0);
	space_fini(&space);
}
END_TEST

START_TEST(test_space_above_4_gib_is_used_up_to_the_limit)
{
	const uint64_t first = (UINT64_C(1) << 24), last = first + 1023;
	int r;

	space_init(&space, under_test(_i), first, last);
	r = space_alloc(&space, 16, last, true);
	ck_assert_int_ge(r, 0);
	ck_assert_int_ge(space_alloc(&space, 16, UINT64_MAX >> PAGE_LG2, true), 0);
	ck_assert_int_lt(space_alloc(&space, 16, first - 1, true), 0);
	space_fini(&space);
}
END_TEST

static bool unflushed[SPACE_PAGES]; /* freed, and not covered by an invalidation since */

/* The owner that flushes as late as the allocator allows. */
static void free_lazily(int i)
{
	const struct iova_allocator_ops *ops = space.ops;
	const struct iova_range r = space.range[i];

	space_free(&space, i, SPACE_BY_ADDRESS);
	for (uint64_t pfn = r.pfn; pfn < r.pfn + r.npages; pfn++)
		unflushed[pfn] = !ops->need_flush || !ops->need_flush(space.state);
	if (ops->need_flush && ops->need_flush(space.state))
		ops->flushed(space.state);
}

/* How many pages were handed out without the flush that they needed. */
static unsigned alloc_lazily(uint32_t npages, uint64_t limit, bool aligned)
{
	int i = space_alloc(&space, npages, limit, aligned);
	unsigned stale = 0;

	if (i < 0)
		return 0;
	if (space.range[i].flushes) {
		memset(unflushed, 0, sizeof(unflushed));
		if (space.ops->flushed)
			space.ops->flushed(space.state);
	}
	for (uint32_t k = 0; k < npages; k++)
		stale += unflushed[space.range[i].pfn + k];
	return stale;
}

START_TEST(test_reuse_is_told_by_those_that_promise_it)
{
	const struct iova_allocator_ops *ops = under_test(_i);
	unsigned stale = 0;
	struct rng rng;

	rng_init(&rng, 3, "test.iova.reuse");
	memset(unflushed, 0, sizeof(unflushed));
	space_init(&space, ops, 1, SPACE_PAGES - 1);
	for (unsigned n = 0; n < 20000; n++) {
		uint64_t limit = rng_below(&rng, 4) ? SPACE_PAGES - 1 : SPACE_PAGES / 2;

		if (space.nlive < 150 && rng_below(&rng, 100) < 60)
			stale += alloc_lazily(
				1 + (uint32_t)rng_below(&rng, 20), limit, rng_below(&rng, 2) != 0);
		else if (space.nlive > 0)
			free_lazily(random_live(&rng));
	}
	if (ops->caps & IOVA_REUSE_IS_TOLD)
		ck_assert_uint_eq(stale, 0);
	else
		ck_assert_uint_gt(stale, 0);
	space_fini(&space);
}
END_TEST

/* As under flush-on-reuse: the allocator itself asks for what has to be invalidated. */
START_TEST(test_an_allocator_that_tells_reuse_asks_for_the_flush_in_time)
{
	const struct iova_allocator_ops *ops = under_test(_i);
	void *conf = space_best_conf(ops);
	unsigned frees = 0;
	struct rng rng;

	if (!(iova_caps_of(ops, conf) & IOVA_TELLS_REUSE)) {
		free(conf);
		return;
	}
	for (unsigned high = 0; high < 2; high++) {
		uint64_t first = high ? UINT64_C(1) << 24 : 1, last = first + SPACE_PAGES - 2;

		rng_init(&rng, 4, "test.iova.lazy");
		space_init_with(&space, ops, high ? space_best_conf(ops) : conf, first, last, true);
		for (unsigned n = 0; n < 20000; n++) {
			uint64_t limit = rng_below(&rng, 4) ? last : first + SPACE_PAGES / 2;

			if (space.nlive < 150 && rng_below(&rng, 100) < 60)
				space_alloc(&space, 1 + (uint32_t)rng_below(&rng, 20), limit,
					rng_below(&rng, 2) != 0);
			else if (space.nlive > 0 && ++frees)
				space_free(&space, random_live(&rng), SPACE_BY_ADDRESS);
			if (n % 16 == 0)
				space_check(&space);
		}
		ck_assert_uint_eq(space.stale, 0);
		ck_assert_uint_gt(space.flushes, 50);
		if (!(ops->caps & IOVA_SPLITS_SPACE)) /* whose small parts go round all the time */
			ck_assert_uint_lt(space.flushes, frees);
		space_fini(&space);
	}
}
END_TEST

START_TEST(test_optional_members_come_as_the_contract_says)
{
	const struct iova_allocator_ops *ops = under_test(_i);

	ck_assert(!ops->enter == !ops->leave);
	ck_assert(!ops->need_flush == !ops->flushed);
	ck_assert(!ops->need_flush || (ops->caps & IOVA_TELLS_REUSE));
	ck_assert(!(ops->caps & IOVA_REUSE_IS_TOLD) || (ops->caps & IOVA_TELLS_REUSE));
	ck_assert(!ops->work == !ops->stop);
}
END_TEST

START_TEST(test_names_are_unique_and_described)
{
	size_t n;
	const struct iova_allocator_ops *const *ops = iova_allocators(&n);

	ck_assert_uint_gt(n, 0);
	for (size_t i = 0; i < n; i++) {
		ck_assert_uint_gt(strlen(ops[i]->summary), 10);
		for (size_t k = 0; k < i; k++)
			ck_assert_str_ne(ops[i]->name, ops[k]->name);
	}
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("every allocator");
	const struct iova_allocator_ops *const *ops;
	size_t count;
	int n, all;

	ops = iova_allocators(&count);
	all = (int)count;
	/* Those that follow the memory's addresses come last, and have tests of their own. */
	for (n = 0; n < all && !(ops[n]->caps & IOVA_FOLLOWS_MEMORY);)
		n++;
	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(
		tc, test_random_ranges_are_disjoint_aligned_and_below_their_limit, 0, n);
	tcase_add_loop_test(tc, test_order_of_frees_does_not_matter, 0, n);
	tcase_add_loop_test(tc, test_exhaustion_is_refused_and_recovers, 0, n);
	tcase_add_loop_test(tc, test_one_freed_range_can_be_had_again, 0, n);
	tcase_add_loop_test(tc, test_reserved_ranges_are_never_given_out, 0, n);
	tcase_add_loop_test(tc, test_nothing_fits_below_a_limit_smaller_than_the_size, 0, n);
	tcase_add_loop_test(tc, test_space_above_4_gib_is_used_up_to_the_limit, 0, n);
	tcase_add_loop_test(tc, test_reuse_is_told_by_those_that_promise_it, 0, n);
	tcase_add_loop_test(
		tc, test_an_allocator_that_tells_reuse_asks_for_the_flush_in_time, 0, n);
	tcase_add_loop_test(tc, test_optional_members_come_as_the_contract_says, 0, all);
	tcase_add_test(tc, test_names_are_unique_and_described);
	return unit_run("iova conformance", tc);
}
