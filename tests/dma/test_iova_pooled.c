/*
 * pooled-bitmap: do requests stay in the CPU's pool, leave it when it is full, and does the allocator
 * say of reuse what its original says, no more and no less?
 */
#include <check.h>
#include <stdlib.h>

#include "tests/dma/stand.h"
#include "tests/unit/unit.h"

#define RANGES 1024u

static struct stand stand;
static struct iova_range range[RANGES];

static uint64_t metric(const char *name)
{
	return stand_metric(&stand, name);
}

static void begin(const struct iova_allocator_ops *ops, unsigned ncpus, uint64_t last_pfn)
{
	stand_init(&stand, ops, NULL, ncpus, last_pfn);
}

static void alloc(unsigned cpu, uint32_t npages, struct iova_range *r)
{
	ck_assert(stand_alloc(&stand, cpu, npages, STAND_LIMIT_32, r));
}

START_TEST(test_a_full_pool_is_left_for_the_next)
{
	struct stand_many all = { range, RANGES, 1, RANGES, 0 };

	begin(&iova_pooled_ops, 1, 1023);
	stand_alloc_many(&stand, 0, &all);
	/* 16 pools of 48 pages: two of each, and page 0, are not used; the top fourth is not for this. */
	ck_assert_uint_eq(all.done, 16 * 46 - 1);
	ck_assert_uint_ge(metric("pools_left"), 15);
	for (unsigned i = 0; i < all.done; i++)
		ck_assert_uint_lt(range[i].pfn, 768);
	all.n = all.done;
	stand_free_many(&stand, 0, &all);
	stand_fini(&stand);
}
END_TEST

START_TEST(test_large_requests_have_a_pool_of_their_own)
{
	struct iova_range small, large;

	begin(&iova_pooled_ops, 1, STAND_LIMIT_32);
	alloc(0, 15, &small);
	alloc(0, 16, &large);
	ck_assert_uint_lt(small.pfn, 786432);
	ck_assert_uint_ge(large.pfn, 786432); /* three fourths of 4 GiB */
	ck_assert_uint_eq(metric("large_requests"), 1);
	stand_free(&stand, 0, &small);
	stand_free(&stand, 0, &large);
	stand_fini(&stand);
}
END_TEST

START_TEST(test_a_pool_tells_its_round_but_not_what_was_freed_ahead)
{
	struct stand_many all = { range, 45, 1, 47, 0 };
	struct iova_range r;

	begin(&iova_pooled_ops, 1, 1023);
	stand_alloc_many(&stand, 0, &all); /* pool 0 is full */
	ck_assert_uint_eq(all.done, 45);
	stand_free(&stand, 0, &range[10]);
	stand_free(&stand, 0, &range[20]);
	alloc(0, 1, &r);
	ck_assert_uint_eq(r.pfn, range[10].pfn);
	ck_assert_uint_eq(r.flushes, 1);
	stand_free(&stand, 0, &range[15]); /* ahead: nobody is told, now or later */
	alloc(0, 1, &range[10]);
	ck_assert_uint_eq(range[10].pfn, range[15].pfn);
	ck_assert_uint_eq(range[10].flushes, 0);
	stand_free(&stand, 0, &r);
	for (unsigned i = 0; i < 45; i++)
		if (i != 15 && i != 20)
			stand_free(&stand, 0, &range[i]);
	stand_fini(&stand);
}
END_TEST

START_TEST(test_a_limit_below_a_pools_pointer_begins_a_round)
{
	struct iova_range a, b, c;

	begin(&iova_pooled_ops, 1, STAND_LIMIT_32);
	alloc(0, 8, &a);
	alloc(0, 8, &b);
	stand_free(&stand, 0, &a);
	ck_assert(stand_alloc(&stand, 0, 4, b.pfn, &c));
	ck_assert_uint_lt(c.pfn, b.pfn);
	ck_assert_uint_eq(c.flushes, 1);
	stand_free(&stand, 0, &b);
	stand_free(&stand, 0, &c);
	/* Below the large pool, large requests take what there is. */
	ck_assert(stand_alloc(&stand, 0, 64, 786431, &a));
	ck_assert_uint_eq(metric("large_requests"), 0);
	stand_free(&stand, 0, &a);
	stand_fini(&stand);
}
END_TEST

START_TEST(test_a_space_too_small_for_the_pools_is_refused)
{
	static struct conform_bed bed;
	struct err err = { .text = "" };
	struct iova_env env = { .name = "dom0", .first_pfn = 1, .last_pfn = 20, .ncpus = 1 };
	void *state, *conf = conform_defaults(iova_pooled_ops.conf);

	conform_bed_init(&bed, 1, NULL);
	env.machine = &bed.machine;
	env.scope = metric_scope_child(metrics_root(bed.metrics), "dom0.iova");
	state = conform_bed_alloc(&bed, iova_pooled_ops.state_size);
	ck_assert(!iova_pooled_ops.init(state, conf, &env, &err));
	ck_assert_str_eq(err.text, "a space of 21 pages is too small for 16 pools");
	conform_bed_fini(&bed);
	free(conf);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("pooled-bitmap");

	tcase_add_test(tc, test_a_full_pool_is_left_for_the_next);
	tcase_add_test(tc, test_large_requests_have_a_pool_of_their_own);
	tcase_add_test(tc, test_a_pool_tells_its_round_but_not_what_was_freed_ahead);
	tcase_add_test(tc, test_a_limit_below_a_pools_pointer_begins_a_round);
	tcase_add_test(tc, test_a_space_too_small_for_the_pools_is_refused);
	return unit_run("pooled-bitmap", tc);
}
