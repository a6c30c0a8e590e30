/*
 * The bitmap allocators: beside giving the kernels' addresses (conform), do they reuse addresses only
 * after a round, say so, take the locks of their kernels, and pay for every word they look at?
 */
#include <check.h>

#include "tests/dma/stand.h"
#include "tests/unit/unit.h"

#define APERTURE 32768u
#define RANGES   (2 * APERTURE)

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

START_TEST(test_round_robin_reuses_after_a_round_and_says_so)
{
	struct stand_many all = { range, APERTURE, 1, APERTURE - 1, 0 };
	struct iova_range r;

	begin(&iova_bitmap_rr_ops, 1, STAND_LIMIT_32);
	alloc(0, 1, &r);
	ck_assert_uint_eq(r.pfn, 1);
	ck_assert_uint_eq(r.flushes, 0);
	stand_free(&stand, 0, &r); /* behind the pointer: not yet */
	ck_assert(!stand.ops->need_flush(stand.state));
	alloc(0, 1, &range[0]);
	ck_assert_uint_eq(range[0].pfn, 2);
	all.range = range + 1;
	all.n = APERTURE - 4; /* up to the last page, which is never used */
	stand_alloc_many(&stand, 0, &all);
	ck_assert_uint_eq(all.done, APERTURE - 4);
	ck_assert_uint_eq(range[APERTURE - 4].pfn, APERTURE - 2);
	ck_assert_uint_eq(metric("rounds"), 0);
	ck_assert(stand_alloc(&stand, 0, 1, APERTURE - 1, &r));
	ck_assert_uint_eq(r.pfn, 1);
	ck_assert_uint_eq(r.flushes, 1);
	ck_assert_uint_eq(metric("rounds"), 1);
	stand.ops->flushed(stand.state);
	stand_free(&stand, 0, &r);
	all.range = range;
	all.n = APERTURE - 3;
	stand_free_many(&stand, 0, &all);
	stand_fini(&stand);
}
END_TEST

START_TEST(test_round_robin_wants_a_flush_for_what_is_freed_ahead)
{
	struct iova_range a, b, c;

	begin(&iova_bitmap_rr_ops, 1, STAND_LIMIT_32);
	alloc(0, 4, &a);
	alloc(0, 4, &b);
	ck_assert(!stand_alloc(&stand, 0, 1, 0, &c)); /* comes to nothing, but begins a round */
	stand.ops->flushed(stand.state);
	alloc(0, 1, &c); /* the pointer is before a and b */
	stand.ops->flushed(stand.state);
	stand_free(&stand, 0, &b);
	ck_assert(stand.ops->need_flush(stand.state));
	ck_assert_uint_eq(metric("freed_ahead"), 1);
	stand.ops->flushed(stand.state);
	ck_assert(!stand.ops->need_flush(stand.state));
	stand_free(&stand, 0, &a);
	stand_free(&stand, 0, &c);
	stand_fini(&stand);
}
END_TEST

static void map_slowly(struct proc *p, void *arg)
{
	const struct iova_req req = { .npages = 1, .limit_pfn = STAND_LIMIT_32 };

	stand.ops->enter(stand.state, p);
	ck_assert(stand.ops->alloc(stand.state, p, &req, arg));
	cpu_run_ps(p, 5 * US, CPU_pagetable);
	stand.ops->free(stand.state, p, arg);
	stand.ops->leave(stand.state, p);
}

START_TEST(test_a_range_freed_at_the_very_pointer_is_ahead_of_it)
{
	struct iova_range a, b, c;

	begin(&iova_bitmap_rr_ops, 1, STAND_LIMIT_32);
	alloc(0, 4, &a);
	alloc(0, 4, &b);
	stand_free(&stand, 0, &a);
	ck_assert(!stand_alloc(&stand, 0, 1, 0, &c));
	stand.ops->flushed(stand.state);
	alloc(0, 4, &a); /* the pointer is at b */
	ck_assert_uint_eq(a.pfn + 4, b.pfn);
	ck_assert_uint_eq(a.flushes, 1);
	stand.ops->flushed(stand.state);
	stand_free(&stand, 0, &b);
	ck_assert(stand.ops->need_flush(stand.state));
	stand_free(&stand, 0, &a);
	stand_fini(&stand);
}
END_TEST

START_TEST(test_the_domain_lock_is_held_from_enter_to_leave)
{
	static struct cpu_work work[2];
	struct iova_range r[2];

	begin(&iova_bitmap_rr_ops, 2, STAND_LIMIT_32);
	for (unsigned i = 0; i < 2; i++) {
		cpu_work_init(&work[i], map_slowly, &r[i]);
		cpu_post(&stand.bed.machine.cpus[i], &work[i]);
	}
	stand_settle(&stand);
	ck_assert_uint_eq(stand_locked(&stand, "&domain->lock"), 2);
	ck_assert_uint_eq(stand_contended(&stand, "&domain->lock"), 1);
	ck_assert_uint_ge(engine_now(stand.engine), 10 * US);
	alloc(0, 1, &r[0]); /* alone, a call takes it by itself */
	stand_free(&stand, 0, &r[0]);
	ck_assert_uint_eq(stand_locked(&stand, "&domain->lock"), 4);
	stand_fini(&stand);
}
END_TEST

START_TEST(test_apertures_are_added_until_there_are_32)
{
	struct stand_many all = { range, 64, APERTURE / 2, STAND_LIMIT_32, 0 };
	const struct iova_allocator_ops *const ops[] = { &iova_bitmap_rr_ops,
		&iova_bitmap_percpu_ops };

	begin(ops[_i], 1, STAND_LIMIT_32);
	ck_assert_uint_eq(metric("apertures"), 1);
	stand_alloc_many(&stand, 0, &all);
	ck_assert_uint_eq(all.done, 32); /* one each: the last page of each is not used */
	ck_assert_uint_eq(metric("apertures"), 32);
	all.n = 32;
	stand_free_many(&stand, 0, &all);
	stand_alloc_many(&stand, 0, &all);
	ck_assert_uint_eq(all.done, 32);
	stand_free_many(&stand, 0, &all);
	stand_fini(&stand);
}
END_TEST

START_TEST(test_each_aperture_that_begins_again_is_a_flush)
{
	struct stand_many all = { range, 2, APERTURE - 2, 2 * APERTURE - 1, 0 };
	struct iova_range r;

	begin(&iova_bitmap_percpu_ops, 2, STAND_LIMIT_32);
	stand_alloc_many(&stand, 0, &all);
	ck_assert_uint_eq(all.done, 2);
	ck_assert_uint_eq(range[0].flushes, 0);
	ck_assert_uint_eq(range[1].flushes, 1); /* of the first aperture, in vain */
	/* Two apertures below the limit in two passes, again after each new one above it. */
	ck_assert(!stand_alloc(&stand, 0, 2, 2 * APERTURE - 1, &r));
	ck_assert_uint_eq(r.flushes, 2 * 2 * 31);
	stand_free_many(&stand, 0, &all);
	stand_fini(&stand);
}
END_TEST

START_TEST(test_a_search_pays_for_every_word_it_looks_at)
{
	struct stand_many all = { range, 6400, 1, STAND_LIMIT_32, 0 };
	struct iova_range r;
	sim_time before, took = 0, cheap = 0;
	uint64_t words = 0;

	begin(&iova_bitmap_rr_ops, 1, STAND_LIMIT_32);
	stand_alloc_many(&stand, 0, &all);
	for (unsigned dear = 0; dear < 2; dear++) {
		stand.bed.cost.word_scan += dear * 1000;
		ck_assert(!stand_alloc(&stand, 0, 1, 0, &r)); /* back to the start */
		words = metric("words_scanned");
		before = stand.bed.machine.cpus[0].m.spent[CPU_iova];
		alloc(0, 1, &r);
		cheap = took;
		took = stand.bed.machine.cpus[0].m.spent[CPU_iova] - before;
		words = metric("words_scanned") - words;
		stand_free(&stand, 0, &r);
	}
	ck_assert_uint_ge(words, 100); /* 6401 pages are taken */
	ck_assert_uint_le(words, 103);
	took = clock_to_cycles(&stand.bed.machine.cpus[0].clock, took - cheap);
	ck_assert_uint_eq((took + 500) / 1000, words + 1); /* and the one that is set */
	all.n = 6400;
	stand_free_many(&stand, 0, &all);
	stand_fini(&stand);
}
END_TEST

static void churn(struct proc *p, void *arg)
{
	const struct iova_req req = { .npages = 1, .limit_pfn = STAND_LIMIT_32 };
	struct iova_range r;

	(void)arg;
	for (unsigned i = 0; i < 2000; i++) {
		ck_assert(stand.ops->alloc(stand.state, p, &req, &r));
		stand.ops->free(stand.state, p, &r);
	}
}

/* Contended acquisitions of the lock class, with so many CPUs at it. */
static uint64_t contention(const struct iova_allocator_ops *ops, const char *lock, unsigned ncpus)
{
	static struct cpu_work work[8];
	uint64_t contended;

	begin(ops, ncpus, STAND_LIMIT_32);
	for (unsigned i = 0; i < ncpus; i++) {
		cpu_work_init(&work[i], churn, NULL);
		cpu_post(&stand.bed.machine.cpus[i], &work[i]);
	}
	stand_settle(&stand);
	contended = stand_contended(&stand, lock);
	stand_fini(&stand);
	return contended;
}

START_TEST(test_locks_of_apertures_and_pools_are_contended_less_than_the_domains)
{
	uint64_t one = contention(&iova_bitmap_rr_ops, "&domain->lock", 8);

	ck_assert_uint_gt(one, 8000);
	ck_assert_uint_lt(contention(&iova_bitmap_percpu_ops, "&range->bitmap_lock", 8), one / 2);
	ck_assert_uint_lt(contention(&iova_pooled_ops, "&iommu->pools[i].lock", 8), one / 10);
}
END_TEST

START_TEST(test_cpus_that_meet_at_an_aperture_part)
{
	static struct cpu_work work[2];
	struct iova_cursor cursor[2];

	begin(&iova_bitmap_percpu_ops, 2, STAND_LIMIT_32);
	for (unsigned i = 0; i < 2; i++) {
		cpu_work_init(&work[i], churn, NULL);
		cpu_post(&stand.bed.machine.cpus[i], &work[i]);
	}
	stand_settle(&stand);
	for (unsigned i = 0; i < 2; i++)
		stand.ops->cursor(stand.state, i, 0, &cursor[i]);
	ck_assert_uint_ne(cursor[0].index, cursor[1].index);
	ck_assert_uint_gt(metric("busy_skipped"), 0);
	ck_assert_uint_lt(metric("busy_skipped"), 100); /* and do not meet again */
	stand_fini(&stand);
}
END_TEST

START_TEST(test_a_free_moves_the_apertures_pointer_beyond_it)
{
	struct iova_cursor cursor;
	struct iova_range a, b;

	begin(&iova_bitmap_percpu_ops, 1, 63);
	for (unsigned i = 0; i < 2; i++)
		ck_assert(stand_alloc(&stand, 0, 16, 63, &range[i]));
	ck_assert(!stand_alloc(&stand, 0, 16, 63, &a)); /* the last page is not used */
	stand_free(&stand, 0, &range[0]); /* at 16 */
	ck_assert(stand_alloc(&stand, 0, 8, 63, &a)); /* 48 is free, ahead */
	ck_assert_uint_eq(a.pfn, 48);
	ck_assert(stand_alloc(&stand, 0, 8, 63, &b)); /* a round */
	ck_assert_uint_eq(b.pfn, 8);
	ck_assert_uint_gt(b.flushes, 0);
	stand_free(&stand, 0, &a);
	stand.ops->cursor(stand.state, 0, a.pfn, &cursor);
	ck_assert_uint_eq(cursor.next_bit, 56);
	ck_assert_uint_gt(metric("pushed_up"), 0);
	stand_free(&stand, 0, &b);
	stand_free(&stand, 0, &range[1]);
	stand_fini(&stand);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("bitmaps");

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, test_round_robin_reuses_after_a_round_and_says_so);
	tcase_add_test(tc, test_round_robin_wants_a_flush_for_what_is_freed_ahead);
	tcase_add_test(tc, test_a_range_freed_at_the_very_pointer_is_ahead_of_it);
	tcase_add_test(tc, test_the_domain_lock_is_held_from_enter_to_leave);
	tcase_add_loop_test(tc, test_apertures_are_added_until_there_are_32, 0, 2);
	tcase_add_test(tc, test_each_aperture_that_begins_again_is_a_flush);
	tcase_add_test(tc, test_a_search_pays_for_every_word_it_looks_at);
	tcase_add_test(tc, test_locks_of_apertures_and_pools_are_contended_less_than_the_domains);
	tcase_add_test(tc, test_cpus_that_meet_at_an_aperture_part);
	tcase_add_test(tc, test_a_free_moves_the_apertures_pointer_beyond_it);
	return unit_run("bitmaps", tc);
}
