/*
 * flush: what strict and deferred-global do in particular, call by call, beside what every policy must.
 */
#include "dma/flush/flush.h"

#include <check.h>
#include <string.h>

#include "hw/lock.h"
#include "tests/dma/ranges.h"
#include "tests/unit/unit.h"

static struct conform_bed bed;
static struct ranges ranges;

static void begin(const struct flush_policy_ops *ops, const void *conf, unsigned niommus)
{
	conform_bed_init(&bed, 1, NULL);
	ranges_init(&ranges, &bed, ops, conf, niommus);
}

static void end(void)
{
	ranges_fini(&ranges, PROC_UNTIMED);
	conform_bed_fini(&bed);
}

static void unmap_n(unsigned n, uint16_t domain)
{
	for (unsigned i = 0; i < n; i++)
		ranges_unmap(&ranges, PROC_UNTIMED, domain, 1);
}

static uint64_t held(void)
{
	return ranges.ops->held(ranges.state);
}

static void fire(void)
{
	ranges.ops->timer(ranges.state, PROC_UNTIMED, 0);
}

START_TEST(test_strict_invalidates_exactly_the_range_and_its_tables_at_every_unmap)
{
	begin(&flush_strict_ops, NULL, 2);
	ranges_unmap(&ranges, PROC_UNTIMED, 5, 3);
	ck_assert_int_eq(ranges.last.scope, IOMMU_FLUSH_PAGES);
	ck_assert_uint_eq(ranges.last.domain, 5);
	ck_assert_uint_eq(ranges.last.iova.a, ranges.t[0].range.iova.pfn << PAGE_LG2);
	ck_assert_uint_eq(ranges.last.npages, 3);
	ck_assert(!ranges.last.leaf_only);
	unmap_n(9, 4);
	ck_assert_uint_eq(ranges.invalidations[IOMMU_FLUSH_PAGES], 10);
	ck_assert_uint_eq(ranges.triggers[FLUSH_BY_unmap], 10);
	ck_assert_uint_eq(ranges.released, 10);
	ck_assert_uint_eq(ranges.timer_mods, 0);
	ck_assert_uint_eq(ranges.ops->window_bound(ranges.state), 0);
	end();
}
END_TEST

START_TEST(test_deferred_flushes_250_when_the_251st_comes_and_keeps_that_one)
{
	begin(&flush_deferred_global_ops, NULL, 1);
	unmap_n(250, 0);
	ck_assert_uint_eq(ranges.invalidations[IOMMU_FLUSH_ALL], 0);
	ck_assert_uint_eq(held(), 250);
	unmap_n(1, 0);
	ck_assert_uint_eq(ranges.invalidations[IOMMU_FLUSH_ALL], 1);
	ck_assert_uint_eq(ranges.triggers[FLUSH_BY_batch_full], 1);
	ck_assert_uint_eq(ranges.released, 250);
	ck_assert_uint_eq(held(), 1);
	ck_assert_int_lt(ranges.t[250].state, RANGE_FLUSHED);
	end();
}
END_TEST

START_TEST(test_deferred_arms_its_timer_once_per_batch)
{
	begin(&flush_deferred_global_ops, NULL, 1);
	unmap_n(250, 0);
	ck_assert_uint_eq(ranges.timer_mods, 1);
	unmap_n(1, 0); /* the flush for fullness leaves the timer pending, this entry moves it */
	ck_assert_uint_eq(ranges.timer_mods, 2);
	unmap_n(5, 0);
	fire();
	ck_assert_uint_eq(held(), 0);
	ck_assert_uint_eq(ranges.triggers[FLUSH_BY_timer], 1);
	ck_assert_uint_eq(ranges.timer_mods, 2);
	unmap_n(1, 0);
	ck_assert_uint_eq(ranges.timer_mods, 3);
	end();
}
END_TEST

START_TEST(test_deferred_counts_over_all_units_and_flushes_those_that_wait)
{
	begin(&flush_deferred_global_ops, NULL, 3);
	unmap_n(200, 0);
	unmap_n(50, 1); /* unit 2 has nothing */
	unmap_n(1, 2);
	ck_assert_uint_eq(ranges.invalidations[IOMMU_FLUSH_ALL], 2);
	ck_assert_uint_eq(ranges.released, 250);
	end();
}
END_TEST

START_TEST(test_deferred_timer_without_entries_flushes_nothing)
{
	begin(&flush_deferred_global_ops, NULL, 1);
	fire();
	unmap_n(3, 0);
	fire();
	fire();
	ck_assert_uint_eq(ranges.invalidations[IOMMU_FLUSH_ALL], 1);
	end();
}
END_TEST

START_TEST(test_deferred_in_caching_mode_invalidates_range_by_range)
{
	void *conf = ranges_conf(&flush_deferred_global_ops, "caching_mode", true);

	begin(&flush_deferred_global_ops, conf, 2);
	unmap_n(20, 0);
	unmap_n(10, 1);
	fire();
	ck_assert_uint_eq(ranges.invalidations[IOMMU_FLUSH_ALL], 0);
	ck_assert_uint_eq(ranges.invalidations[IOMMU_FLUSH_PAGES], 30);
	ck_assert_uint_eq(ranges.released, 30);
	end();
	free(conf);
}
END_TEST

START_TEST(test_deferred_takes_its_batch_size_and_delay_from_the_configuration)
{
	void *conf = ranges_conf(&flush_deferred_global_ops, "entries", 7);

	begin(&flush_deferred_global_ops, conf, 1);
	unmap_n(8, 0);
	ck_assert_uint_eq(ranges.released, 7);
	end();
	free(conf);
	conf = ranges_conf(&flush_deferred_global_ops, "timeout", 1 * MS);
	begin(&flush_deferred_global_ops, conf, 1);
	/* HZ=250: 1 ms is one tick */
	ck_assert_uint_eq(ranges.ops->window_bound(ranges.state), 4 * MS);
	end();
	free(conf);
	begin(&flush_deferred_global_ops, NULL, 1);
	ck_assert_uint_eq(ranges.ops->window_bound(ranges.state), 12 * MS);
	end();
}
END_TEST

/* ---- in simulated time ---- */

static void unmap_many(struct proc *p, void *arg)
{
	for (unsigned left = *(unsigned *)arg; left > 0; left--)
		ranges_unmap(&ranges, p, 0, 1);
}

static void finish(struct proc *p, void *arg)
{
	(void)arg;
	ranges_fini(&ranges, p);
}

static uint64_t lock_counter(const char *name)
{
	const struct lock_metrics *m = NULL;

	list_for_each (at, &bed.machine.locks) {
		struct lock *l = list_entry(at, struct lock, link);

		if (strcmp(l->lock_class, "async_umap_flush_lock") == 0)
			m = &l->m;
	}
	ck_assert_ptr_nonnull(m);
	return strcmp(name, "contended") == 0 ? m->contended : m->hold.max;
}

START_TEST(test_deferred_holds_its_lock_through_the_flush_and_others_wait)
{
	struct engine *engine = engine_create(1);
	struct cpu_work on[2], done;
	unsigned first = 251, second = 1;

	conform_bed_init(&bed, 2, engine);
	ranges_init(&ranges, &bed, &flush_deferred_global_ops, NULL, 1);
	ranges.invalidate_time = 500 * US;
	cpu_work_init(&on[0], unmap_many, &first);
	cpu_work_init(&on[1], unmap_many, &second);
	cpu_post(&bed.machine.cpus[0], &on[0]);
	engine_run(engine, 100 * US); /* the flush is under way */
	ck_assert_uint_eq(ranges.triggers[FLUSH_BY_batch_full], 1);
	ck_assert_uint_eq(ranges.released, 0);
	cpu_post(&bed.machine.cpus[1], &on[1]);
	engine_run(engine, 400 * US);
	ck_assert_int_eq(ranges.t[251].t_return == SIM_TIME_NEVER, true); /* still waits */
	engine_run(engine, 1 * MS);
	ck_assert_uint_gt(ranges.t[251].t_return, 500 * US);
	ck_assert_uint_eq(lock_counter("contended"), 1);
	ck_assert_uint_ge(lock_counter("hold"), 500 * US);
	cpu_work_init(&done, finish, NULL);
	cpu_post(&bed.machine.cpus[0], &done);
	engine_run(engine, 2 * MS);
	engine_destroy(engine);
	conform_bed_fini(&bed);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("policies");

	tcase_add_test(tc, test_strict_invalidates_exactly_the_range_and_its_tables_at_every_unmap);
	tcase_add_test(tc, test_deferred_flushes_250_when_the_251st_comes_and_keeps_that_one);
	tcase_add_test(tc, test_deferred_arms_its_timer_once_per_batch);
	tcase_add_test(tc, test_deferred_counts_over_all_units_and_flushes_those_that_wait);
	tcase_add_test(tc, test_deferred_timer_without_entries_flushes_nothing);
	tcase_add_test(tc, test_deferred_in_caching_mode_invalidates_range_by_range);
	tcase_add_test(tc, test_deferred_takes_its_batch_size_and_delay_from_the_configuration);
	tcase_add_test(tc, test_deferred_holds_its_lock_through_the_flush_and_others_wait);
	return unit_run("flush policies", tc);
}
