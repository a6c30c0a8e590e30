/*
 * flush: what the policies after 3.1 do in particular, call by call on several CPUs.
 */
#include "dma/flush/flush.h"

#include <check.h>
#include <stdlib.h>

#include "tests/dma/ranges.h"
#include "tests/unit/unit.h"

#define CPUS 3u

static struct engine *engine;
static struct conform_bed bed;
static struct ranges ranges;
static void *conf;

static void begin(const struct flush_policy_ops *ops, const char *field, uint64_t value)
{
	engine = engine_create(1);
	conform_bed_init(&bed, CPUS, engine);
	conf = field ? ranges_conf(ops, field, value) : NULL;
	ranges_init(&ranges, &bed, ops, conf, 1);
}

static void finish(struct proc *p, void *arg)
{
	(void)arg;
	ranges_fini(&ranges, p);
}

static void end(void)
{
	conform_bed_on(&bed, 0, finish, NULL);
	engine_destroy(engine);
	conform_bed_fini(&bed);
	free(conf);
}

struct unmaps {
	unsigned n;
	uint16_t domain;
};

static void unmap_many(struct proc *p, void *arg)
{
	const struct unmaps *u = arg;

	for (unsigned i = 0; i < u->n; i++)
		ranges_unmap(&ranges, p, u->domain, 1);
}

static void unmap_on(unsigned cpu, unsigned n, uint16_t domain)
{
	conform_bed_on(&bed, cpu, unmap_many, &(struct unmaps){ n, domain });
}

static void expire(struct proc *p, void *arg)
{
	ranges.ops->timer(ranges.state, p, *(unsigned *)arg);
}

static void fire_on(unsigned cpu, unsigned timer)
{
	conform_bed_on(&bed, cpu, expire, &timer);
}

static uint64_t flushes(void)
{
	return ranges.invalidations[IOMMU_FLUSH_PAGES] + ranges.invalidations[IOMMU_FLUSH_DOMAIN] +
	       ranges.invalidations[IOMMU_FLUSH_ALL];
}

static uint64_t held(void)
{
	return ranges.ops->held(ranges.state);
}

/* ---- strict-gather ---- */

START_TEST(test_gather_keeps_walk_caches_unless_a_table_page_went)
{
	begin(&flush_strict_gather_ops, NULL, 0);
	unmap_on(0, 16, 3); /* two of them free a table page */
	ck_assert_uint_eq(ranges.invalidations[IOMMU_FLUSH_PAGES], 16);
	ck_assert_uint_eq(ranges.leaf_only, 14);
	ck_assert_uint_eq(ranges.released, 16);
	ck_assert_uint_eq(ranges.ops->window_bound(ranges.state), 0);
	end();
}
END_TEST

START_TEST(test_gather_without_the_hint_drops_them_always)
{
	begin(&flush_strict_gather_ops, "leaf_hint", false);
	unmap_on(0, 16, 3);
	ck_assert_uint_eq(ranges.leaf_only, 0);
	end();
}
END_TEST

/* Both CPUs unmap at once; the time when the second invalidation was complete. */
static sim_time two_at_once(uint16_t domain, uint16_t other)
{
	struct unmaps a = { 1, domain }, b = { 1, other };
	struct cpu_work on[2];
	sim_time last;

	ranges.invalidate_time = 100 * US;
	cpu_work_init(&on[0], unmap_many, &a);
	cpu_work_init(&on[1], unmap_many, &b);
	cpu_post(&bed.machine.cpus[0], &on[0]);
	cpu_post(&bed.machine.cpus[1], &on[1]);
	engine_run(engine, 1 * MS);
	ck_assert_uint_eq(ranges.released, 2);
	last = ranges.t[0].t_flushed > ranges.t[1].t_flushed ? ranges.t[0].t_flushed
							     : ranges.t[1].t_flushed;
	ranges.invalidate_time = 0;
	return last;
}

START_TEST(test_gather_serialises_the_unmaps_of_a_domain_and_not_of_two)
{
	begin(&flush_strict_gather_ops, NULL, 0);
	ck_assert_uint_ge(two_at_once(1, 1), 200 * US);
	end();
	begin(&flush_strict_gather_ops, NULL, 0);
	ck_assert_uint_lt(two_at_once(1, 2), 110 * US);
	end();
	begin(&flush_strict_gather_ops, "domain_lock", false);
	ck_assert_uint_lt(two_at_once(1, 1), 110 * US);
	end();
}
END_TEST

/* ---- deferred-percpu-2016 ---- */

START_TEST(test_percpu_a_full_list_flushes_those_of_all_cpus_each_by_itself)
{
	begin(&flush_deferred_percpu_ops, NULL, 0);
	unmap_on(0, 250, 0);
	unmap_on(1, 10, 1);
	ck_assert_uint_eq(flushes(), 0);
	unmap_on(0, 1, 0);
	ck_assert_uint_eq(ranges.invalidations[IOMMU_FLUSH_ALL], 2); /* CPU 2 has nothing */
	ck_assert_uint_eq(ranges.triggers[FLUSH_BY_batch_full], 2);
	ck_assert_uint_eq(ranges.released, 260);
	ck_assert_uint_eq(held(), 1);
	end();
}
END_TEST

START_TEST(test_percpu_lists_fill_by_themselves)
{
	begin(&flush_deferred_percpu_ops, NULL, 0);
	for (unsigned cpu = 0; cpu < CPUS; cpu++)
		unmap_on(cpu, 250, 0);
	ck_assert_uint_eq(flushes(), 0);
	ck_assert_uint_eq(held(), 750);
	ck_assert_uint_eq(ranges.timer_mods, CPUS);
	end();
}
END_TEST

START_TEST(test_percpu_a_time_out_flushes_its_own_list_or_as_told_all)
{
	begin(&flush_deferred_percpu_ops, NULL, 0);
	unmap_on(0, 5, 0);
	unmap_on(1, 7, 0);
	fire_on(1, 1);
	ck_assert_uint_eq(ranges.released, 7);
	ck_assert_uint_eq(held(), 5);
	end();
	begin(&flush_deferred_percpu_ops, "timeout_flushes", 1);
	unmap_on(0, 5, 0);
	unmap_on(1, 7, 0);
	fire_on(1, 1);
	ck_assert_uint_eq(ranges.released, 12);
	end();
}
END_TEST

/* ---- flush-queue ---- */

START_TEST(test_queue_flushes_its_domain_when_the_256th_comes)
{
	begin(&flush_queue_ops, NULL, 0);
	unmap_on(0, 20, 8); /* another domain */
	unmap_on(0, 255, 0);
	ck_assert_uint_eq(flushes(), 0);
	unmap_on(0, 1, 0);
	ck_assert_uint_eq(ranges.invalidations[IOMMU_FLUSH_DOMAIN], 1);
	ck_assert_uint_eq(ranges.last.domain, 0);
	ck_assert_uint_eq(ranges.released, 255);
	ck_assert_uint_eq(held(), 21);
	end();
}
END_TEST

START_TEST(test_queue_one_flush_covers_all_rings_which_empty_at_their_own_next_unmap)
{
	begin(&flush_queue_ops, NULL, 0);
	unmap_on(1, 100, 0);
	unmap_on(0, 256, 0);
	ck_assert_uint_eq(ranges_count(&ranges, RANGE_FLUSHED), 100); /* not released */
	ck_assert_uint_eq(ranges.released, 255);
	unmap_on(1, 1, 0);
	ck_assert_uint_eq(ranges.released, 355);
	ck_assert_uint_eq(flushes(), 1);
	end();
}
END_TEST

START_TEST(test_queue_what_comes_during_a_flush_waits_for_the_next)
{
	struct unmaps first = { 256, 0 }, second = { 1, 0 };
	struct cpu_work on[2];

	begin(&flush_queue_ops, NULL, 0);
	ranges.invalidate_time = 500 * US;
	cpu_work_init(&on[0], unmap_many, &first);
	cpu_work_init(&on[1], unmap_many, &second);
	cpu_post(&bed.machine.cpus[0], &on[0]);
	engine_run(engine, 200 * US); /* the flush is under way */
	ck_assert_uint_eq(flushes(), 1);
	cpu_post(&bed.machine.cpus[1], &on[1]);
	engine_run(engine, 300 * US); /* and CPU 1 does not wait for it */
	ck_assert_uint_eq(ranges.n, 257);
	ck_assert(ranges.t[256].t_return < 300 * US);
	engine_run(engine, 2 * MS);
	ck_assert_uint_eq(ranges.released, 255);
	ck_assert_int_lt(ranges.t[256].state, RANGE_FLUSHED);
	end();
}
END_TEST

START_TEST(test_queue_has_one_timer_for_a_domain_that_empties_all_its_rings)
{
	begin(&flush_queue_ops, NULL, 0);
	unmap_on(2, 9, 5);
	for (unsigned cpu = 0; cpu < CPUS; cpu++)
		unmap_on(cpu, 30, 4);
	ck_assert_uint_eq(ranges.timer_mods, 2);
	ck_assert_uint_eq(ranges.armed, 1u << 4 | 1u << 5);
	fire_on(1, 4);
	ck_assert_uint_eq(ranges.invalidations[IOMMU_FLUSH_DOMAIN], 1);
	ck_assert_uint_eq(ranges.triggers[FLUSH_BY_timer], 1);
	ck_assert_uint_eq(ranges.released, 90);
	unmap_on(2, 1, 4);
	ck_assert_uint_eq(ranges.timer_mods, 3);
	end();
}
END_TEST

START_TEST(test_queue_a_flush_for_fullness_leaves_the_timer_as_it_is)
{
	begin(&flush_queue_ops, NULL, 0);
	unmap_on(0, 600, 0);
	ck_assert_uint_eq(ranges.triggers[FLUSH_BY_batch_full], 2);
	ck_assert_uint_eq(ranges.timer_mods, 1);
	end();
}
END_TEST

START_TEST(test_queue_single_is_one_ring_for_all_cpus_and_a_second_long)
{
	begin(&flush_queue_ops, "mode", 1);
	unmap_on(0, 20000, 0);
	unmap_on(1, 12767, 0);
	ck_assert_uint_eq(flushes(), 0);
	ck_assert_uint_eq(held(), 32767);
	unmap_on(2, 1, 0);
	ck_assert_uint_eq(flushes(), 1);
	ck_assert_uint_eq(ranges.released, 32767);
	ck_assert_uint_eq(ranges.ops->window_bound(ranges.state), 1 * SEC);
	end();
}
END_TEST

/* ---- commit, none ---- */

START_TEST(test_commit_waits_for_the_domains_own_count)
{
	begin(&flush_commit_ops, "every", 10);
	unmap_on(0, 9, 0);
	unmap_on(1, 9, 1);
	ck_assert_uint_eq(flushes(), 0);
	unmap_on(2, 1, 0);
	ck_assert_uint_eq(ranges.invalidations[IOMMU_FLUSH_DOMAIN], 1);
	ck_assert_uint_eq(ranges.released, 10); /* with the one that commits */
	ck_assert_uint_eq(held(), 9);
	ck_assert_uint_eq(ranges.timer_mods, 0);
	ck_assert(ranges.ops->window_bound(ranges.state) == SIM_TIME_NEVER);
	end();
}
END_TEST

START_TEST(test_commit_does_not_hold_up_others)
{
	struct unmaps first = { 10, 0 }, second = { 4, 0 };
	struct cpu_work on[2];

	begin(&flush_commit_ops, "every", 10);
	ranges.invalidate_time = 500 * US;
	cpu_work_init(&on[0], unmap_many, &first);
	cpu_work_init(&on[1], unmap_many, &second);
	cpu_post(&bed.machine.cpus[0], &on[0]);
	engine_run(engine, 100 * US);
	cpu_post(&bed.machine.cpus[1], &on[1]);
	engine_run(engine, 200 * US);
	ck_assert_uint_eq(ranges.n, 14);
	ck_assert_uint_eq(ranges.released, 0);
	engine_run(engine, 1 * MS);
	ck_assert_uint_eq(ranges.released, 10);
	end();
}
END_TEST

START_TEST(test_none_releases_at_once_and_invalidates_only_at_the_end)
{
	begin(&flush_none_ops, NULL, 0);
	ck_assert(ranges.ops->unsafe);
	unmap_on(0, 3000, 0);
	ck_assert_uint_eq(flushes(), 0);
	ck_assert_uint_eq(ranges.released, 3000);
	ck_assert_uint_eq(held(), 3000);
	ck_assert(ranges.ops->window_bound(ranges.state) == SIM_TIME_NEVER);
	end();
	ck_assert_uint_eq(flushes(), 1);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("policies after 3.1");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_gather_keeps_walk_caches_unless_a_table_page_went);
	tcase_add_test(tc, test_gather_without_the_hint_drops_them_always);
	tcase_add_test(tc, test_gather_serialises_the_unmaps_of_a_domain_and_not_of_two);
	tcase_add_test(tc, test_percpu_a_full_list_flushes_those_of_all_cpus_each_by_itself);
	tcase_add_test(tc, test_percpu_lists_fill_by_themselves);
	tcase_add_test(tc, test_percpu_a_time_out_flushes_its_own_list_or_as_told_all);
	tcase_add_test(tc, test_queue_flushes_its_domain_when_the_256th_comes);
	tcase_add_test(
		tc, test_queue_one_flush_covers_all_rings_which_empty_at_their_own_next_unmap);
	tcase_add_test(tc, test_queue_what_comes_during_a_flush_waits_for_the_next);
	tcase_add_test(tc, test_queue_has_one_timer_for_a_domain_that_empties_all_its_rings);
	tcase_add_test(tc, test_queue_a_flush_for_fullness_leaves_the_timer_as_it_is);
	tcase_add_test(tc, test_queue_single_is_one_ring_for_all_cpus_and_a_second_long);
	tcase_add_test(tc, test_commit_waits_for_the_domains_own_count);
	tcase_add_test(tc, test_commit_does_not_hold_up_others);
	tcase_add_test(tc, test_none_releases_at_once_and_invalidates_only_at_the_end);
	return unit_run("flush policies after 3.1", tc);
}
