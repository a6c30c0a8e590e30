/*
 * The bitmap allocators: beside giving the kernels' addresses (conform), do they reuse addresses only
 * after a round, say so, take the locks of their kernels, and pay for every word they look at?
 */
#include <check.h>
#include <stdlib.h>

#include "tests/dma/stand.h"
#include "tests/unit/unit.h"

#define APERTURE 32768u
#define TOP      (16 * APERTURE)

static struct stand stand;
static struct iova_range range[TOP];

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

/* Many, in one job, without an assertion each. */
struct many {
	unsigned from, n;
	uint32_t npages;
	uint64_t limit;
	unsigned done;
};

static void alloc_many(struct proc *p, void *arg)
{
	struct many *m = arg;
	const struct iova_req req = { .npages = m->npages, .limit_pfn = m->limit };

	for (m->done = 0; m->done < m->n; m->done++)
		if (!stand.ops->alloc(stand.state, p, &req, &range[m->from + m->done]))
			break;
}

static void free_many(struct proc *p, void *arg)
{
	const struct many *m = arg;

	for (unsigned i = m->from; i < m->from + m->n; i++)
		stand.ops->free(stand.state, p, &range[i]);
}

START_TEST(test_round_robin_reuses_after_a_round_and_says_so)
{
	struct many all = { 0, APERTURE, 1, APERTURE - 1, 0 };
	struct iova_range r;

	begin(&iova_bitmap_rr_ops, 1, STAND_LIMIT_32);
	alloc(0, 1, &r);
	ck_assert_uint_eq(r.pfn, 1);
	ck_assert_uint_eq(r.flushes, 0);
	stand_free(&stand, 0, &r); /* behind the pointer: not yet */
	ck_assert(!stand.ops->need_flush(stand.state));
	alloc(0, 1, &range[0]);
	ck_assert_uint_eq(range[0].pfn, 2);
	all.from = 1;
	all.n = APERTURE - 4; /* up to the last page, which is never used */
	stand_on(&stand, 0, alloc_many, &all);
	ck_assert_uint_eq(all.done, APERTURE - 4);
	ck_assert_uint_eq(range[APERTURE - 4].pfn, APERTURE - 2);
	ck_assert_uint_eq(metric("rounds"), 0);
	ck_assert(stand_alloc(&stand, 0, 1, APERTURE - 1, &r));
	ck_assert_uint_eq(r.pfn, 1);
	ck_assert_uint_eq(r.flushes, 1);
	ck_assert_uint_eq(metric("rounds"), 1);
	stand.ops->flushed(stand.state);
	stand_free(&stand, 0, &r);
	all.from = 0;
	all.n = APERTURE - 3;
	stand_on(&stand, 0, free_many, &all);
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
	struct many all = { 0, 64, APERTURE / 2, STAND_LIMIT_32, 0 };
	const struct iova_allocator_ops *const ops[] = { &iova_bitmap_rr_ops,
		&iova_bitmap_percpu_ops };

	begin(ops[_i], 1, STAND_LIMIT_32);
	ck_assert_uint_eq(metric("apertures"), 1);
	stand_on(&stand, 0, alloc_many, &all);
	ck_assert_uint_eq(all.done, 32); /* one each: the last page of each is not used */
	ck_assert_uint_eq(metric("apertures"), 32);
	all.n = 32;
	stand_on(&stand, 0, free_many, &all);
	stand_on(&stand, 0, alloc_many, &all);
	ck_assert_uint_eq(all.done, 32);
	stand_on(&stand, 0, free_many, &all);
	stand_fini(&stand);
}
END_TEST

START_TEST(test_a_search_pays_for_every_word_it_looks_at)
{
	struct many all = { 0, 6400, 1, STAND_LIMIT_32, 0 };
	const struct clock *clock;
	struct iova_range r;
	sim_time before, took;
	uint64_t words;

	begin(&iova_bitmap_rr_ops, 1, STAND_LIMIT_32);
	clock = &stand.bed.machine.cpus[0].clock;
	stand_on(&stand, 0, alloc_many, &all);
	ck_assert(!stand_alloc(&stand, 0, 1, 0, &r)); /* back to the start */
	words = metric("words_scanned");
	before = stand.bed.machine.cpus[0].m.spent[CPU_iova];
	alloc(0, 1, &r);
	took = stand.bed.machine.cpus[0].m.spent[CPU_iova] - before;
	words = metric("words_scanned") - words;
	ck_assert_uint_ge(words, 100); /* 6401 pages are taken */
	ck_assert_uint_le(words, 103);
	ck_assert_uint_ge(took, clock_to_ps(clock, words * stand.bed.cost.word_scan));
	stand_free(&stand, 0, &r);
	all.n = 6400;
	stand_on(&stand, 0, free_many, &all);
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
	ck_assert_uint_lt(
		contention(&iova_bitmap_percpu_ops, "&range->bitmap_lock", 8), one / 2);
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

START_TEST(test_a_full_pool_is_left_for_the_next)
{
	struct many all = { 0, TOP, 1, TOP, 0 };

	begin(&iova_pooled_ops, 1, 1023);
	stand_on(&stand, 0, alloc_many, &all);
	/* 16 pools of 48 pages: two of each, and page 0, are not used; the top fourth is not for this. */
	ck_assert_uint_eq(all.done, 16 * 46 - 1);
	ck_assert_uint_ge(metric("pools_left"), 15);
	for (unsigned i = 0; i < all.done; i++)
		ck_assert_uint_lt(range[i].pfn, 768);
	all.n = all.done;
	stand_on(&stand, 0, free_many, &all);
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
	struct many all = { 0, 45, 1, 47, 0 };
	struct iova_range r;

	begin(&iova_pooled_ops, 1, 1023);
	stand_on(&stand, 0, alloc_many, &all); /* pool 0 is full */
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
	TCase *tc = tcase_create("bitmaps");

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, test_round_robin_reuses_after_a_round_and_says_so);
	tcase_add_test(tc, test_round_robin_wants_a_flush_for_what_is_freed_ahead);
	tcase_add_test(tc, test_the_domain_lock_is_held_from_enter_to_leave);
	tcase_add_loop_test(tc, test_apertures_are_added_until_there_are_32, 0, 2);
	tcase_add_test(tc, test_a_search_pays_for_every_word_it_looks_at);
	tcase_add_test(tc, test_locks_of_apertures_and_pools_are_contended_less_than_the_domains);
	tcase_add_test(tc, test_cpus_that_meet_at_an_aperture_part);
	tcase_add_test(tc, test_a_free_moves_the_apertures_pointer_beyond_it);
	tcase_add_test(tc, test_a_full_pool_is_left_for_the_next);
	tcase_add_test(tc, test_large_requests_have_a_pool_of_their_own);
	tcase_add_test(tc, test_a_pool_tells_its_round_but_not_what_was_freed_ahead);
	tcase_add_test(tc, test_a_space_too_small_for_the_pools_is_refused);
	return unit_run("bitmaps", tc);
}
