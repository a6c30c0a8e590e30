/*
 * percpu-chunk: do requests go the three steps of the plan in their order, does a chunk's lock stay with
 * its CPU until somebody else frees into it, and is a chunk flushed before it hands addresses out again?
 */
#include <check.h>
#include <stdlib.h>

#include "base/bits.h"
#include "tests/dma/stand.h"
#include "tests/unit/unit.h"

#define PFN_4G    (UINT64_C(1) << 20)
#define CHUNK     16u /* pages, the smallest that the key allows */
#define FLUSH     (20 * US)
#define NO_LIMIT  UINT64_MAX
#define ALL_OF(n) (PFN_4G + (n)*CHUNK - 1)

static struct stand stand;
static struct iova_range range[64];

static uint64_t metric(const char *name)
{
	return stand_metric(&stand, name);
}

static void *small_chunks(uint32_t inside)
{
	const struct conf_table *table = iova_percpu_chunk_ops.conf;
	void *conf = conform_defaults(table);

	for (size_t i = 0; i < table->nfields; i++)
		if (table->fields[i].type == CONF_size)
			*(uint64_t *)(void *)((char *)conf + table->fields[i].off) =
				CHUNK * PAGE_SIZE;
	conform_set_u32(table, conf, "inside", inside);
	return conf;
}

static void begin(uint32_t inside, unsigned ncpus, uint64_t first_pfn, uint64_t last_pfn)
{
	stand_set_up(&stand, &(struct stand_setup){ .ops = &iova_percpu_chunk_ops,
				     .conf = small_chunks(inside),
				     .ncpus = ncpus,
				     .first_pfn = first_pfn,
				     .last_pfn = last_pfn });
}

/* n ranges of a page on the CPU, all of which must be found. */
static void take(unsigned cpu, struct iova_range *r, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		ck_assert(stand_alloc(&stand, cpu, 1, NO_LIMIT, &r[i]));
}

static void give(unsigned cpu, const struct iova_range *r, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		stand_free(&stand, cpu, &r[i]);
}

static uint64_t chunk_of(const struct iova_range *r)
{
	return (r->pfn - PFN_4G) / CHUNK;
}

START_TEST(test_own_chunk_then_a_new_one_then_those_of_others)
{
	struct iova_range r;

	begin((uint32_t)_i, 2, PFN_4G, ALL_OF(3));
	take(0, range, CHUNK);
	ck_assert_uint_eq(metric("from_new"), 1);
	ck_assert_uint_eq(metric("from_own"), CHUNK - 1);
	take(1, range + CHUNK, 1);
	ck_assert_uint_eq(chunk_of(&range[CHUNK]), 1); /* its own, though chunk 0's end is near */
	take(0, range + CHUNK + 1, CHUNK);
	ck_assert_uint_eq(metric("from_new"), 3);
	ck_assert_uint_eq(metric("from_others"), 0);
	take(0, range + 2 * CHUNK + 1, CHUNK - 1);
	ck_assert_uint_eq(metric("from_others"), CHUNK - 1);
	for (unsigned i = 2 * CHUNK + 1; i < 3 * CHUNK; i++)
		ck_assert_uint_eq(chunk_of(&range[i]), 1);
	ck_assert(!stand_alloc(&stand, 0, 1, NO_LIMIT, &r));
	ck_assert(!stand_alloc(&stand, 1, 1, NO_LIMIT, &r));
	ck_assert_uint_eq(metric("chunks"), 3);
	give(1, range, 3 * CHUNK);
	stand_fini(&stand);
}
END_TEST

START_TEST(test_a_cpu_comes_back_to_the_chunks_that_it_has)
{
	begin((uint32_t)_i, 1, PFN_4G, ALL_OF(4));
	take(0, range, 3 * CHUNK);
	give(0, range, CHUNK); /* the first chunk is empty again */
	take(0, range, CHUNK);
	ck_assert_uint_eq(metric("chunks"), 3);
	ck_assert_uint_eq(chunk_of(&range[0]), 0);
	give(0, range, 3 * CHUNK);
	stand_fini(&stand);
}
END_TEST

START_TEST(test_freeing_elsewhere_takes_and_bounces_the_chunks_lock)
{
	begin((uint32_t)_i, 2, PFN_4G, ALL_OF(2));
	take(0, range, 4);
	metrics_collect(stand.bed.metrics, 0);
	ck_assert_uint_eq(metric("lock_taken"), 4);
	ck_assert_uint_eq(metric("lock_bounces"), 0);
	give(1, range, 2);
	take(0, range, 1);
	give(0, range, 1);
	metrics_collect(stand.bed.metrics, 0);
	ck_assert_uint_eq(metric("freed_to_others"), 2);
	ck_assert_uint_eq(metric("lock_taken"), 8);
	ck_assert_uint_eq(metric("lock_bounces"), 2); /* to CPU 1 and back */
	give(0, range + 2, 2);
	stand_fini(&stand);
}
END_TEST

static void churn(struct proc *p, void *arg)
{
	const struct iova_req req = { .npages = 1, .limit_pfn = NO_LIMIT };
	struct iova_range r;

	(void)arg;
	for (unsigned i = 0; i < 500; i++) {
		ck_assert(stand.ops->alloc(stand.state, p, &req, &r));
		stand.ops->free(stand.state, p, &r);
	}
}

START_TEST(test_cpus_that_keep_to_themselves_never_meet)
{
	static struct cpu_work work[32];

	begin((uint32_t)_i, ARRAY_SIZE(work), PFN_4G, ALL_OF(ARRAY_SIZE(work)));
	for (unsigned i = 0; i < ARRAY_SIZE(work); i++) {
		cpu_work_init(&work[i], churn, NULL);
		cpu_post(&stand.bed.machine.cpus[i], &work[i]);
	}
	stand_settle(&stand);
	metrics_collect(stand.bed.metrics, engine_now(stand.engine));
	ck_assert_uint_eq(metric("lock_taken"), 2 * 500 * ARRAY_SIZE(work));
	ck_assert_uint_eq(metric("lock_bounces"), 0);
	stand_fini(&stand);
}
END_TEST

START_TEST(test_narrow_devices_share_the_chunk_below_4_gib)
{
	static const unsigned masks[] = { 24, 30, 32 };
	struct iova_range r[ARRAY_SIZE(masks)], wide;

	begin((uint32_t)_i, 4, 1, ALL_OF(8));
	for (unsigned i = 0; i < ARRAY_SIZE(masks); i++) {
		uint64_t limit = BIT64(masks[i] - PAGE_LG2) - 1;

		ck_assert(stand_alloc(&stand, i, 8, limit, &r[i]));
		ck_assert_uint_le(r[i].pfn + 7, limit);
	}
	ck_assert_uint_eq(metric("from_low"), ARRAY_SIZE(masks));
	ck_assert(stand_alloc(&stand, 0, 8, BIT64(36 - PAGE_LG2) - 1, &wide));
	ck_assert_uint_ge(wide.pfn, PFN_4G);
	ck_assert_uint_eq(metric("chunks"), 1);
	give(0, r, ARRAY_SIZE(masks));
	give(0, &wide, 1);
	stand_fini(&stand);
}
END_TEST

START_TEST(test_what_no_chunk_can_hold_comes_from_below_4_gib)
{
	struct iova_range large, last;

	begin((uint32_t)_i, 1, 1, ALL_OF(2));
	ck_assert(stand_alloc(&stand, 0, CHUNK + 1, NO_LIMIT, &large));
	ck_assert_uint_lt(large.pfn, PFN_4G);
	take(0, range, 2 * CHUNK);
	ck_assert(stand_alloc(&stand, 0, 1, NO_LIMIT, &last)); /* the chunks are full */
	ck_assert_uint_lt(last.pfn, PFN_4G);
	give(0, range, 2 * CHUNK);
	give(0, &large, 1);
	give(0, &last, 1);
	stand_fini(&stand);
}
END_TEST

/* ---- flush before reuse, in a chunk with a bitmap ---- */

static unsigned flushes, of_ranges;
static sim_time flushed_at;

static void on_flush(void *ctx, struct proc *p, const struct iova_range *r)
{
	(void)ctx;
	flushes++;
	of_ranges += r != NULL;
	if (p)
		proc_sleep_until(p, proc_now(p) + FLUSH);
	flushed_at = proc_now(p);
}

static void free_unflushed(struct proc *p, void *arg)
{
	struct iova_range r = *(const struct iova_range *)arg;

	r.unflushed = true;
	stand.ops->free(stand.state, p, &r);
}

static void begin_lazy(void)
{
	flushes = of_ranges = 0;
	stand_set_up(&stand, &(struct stand_setup){ .ops = &iova_percpu_chunk_ops,
				     .conf = small_chunks(1),
				     .ncpus = 2,
				     .first_pfn = PFN_4G,
				     .last_pfn = ALL_OF(1),
				     .flush = on_flush });
}

START_TEST(test_a_round_of_a_chunk_begins_with_a_flush)
{
	begin_lazy();
	take(0, range, CHUNK);
	for (unsigned i = 0; i < 4; i++)
		stand_on(&stand, 0, free_unflushed, &range[i]); /* behind the pointer */
	ck_assert_uint_eq(flushes, 0);
	take(0, range, 2);
	ck_assert_uint_eq(flushes, 1);
	ck_assert_uint_eq(metric("rounds"), 1);
	stand_on(&stand, 0, free_unflushed, &range[8]); /* ahead of it */
	ck_assert_uint_eq(of_ranges, 1);
	ck_assert_uint_eq(metric("freed_ahead"), 1);
	take(0, range + 2, 2);
	take(0, range + 8, 1);
	ck_assert_uint_eq(flushes, 2);
	give(0, range, CHUNK);
	stand_fini(&stand);
}
END_TEST

struct taker {
	struct cpu_work work;
	sim_time got_at;
	struct iova_range range;
};

static void take_one(struct proc *p, void *arg)
{
	const struct iova_req req = { .npages = 1, .limit_pfn = NO_LIMIT };
	struct taker *t = arg;

	ck_assert(stand.ops->alloc(stand.state, p, &req, &t->range));
	t->got_at = proc_now(p);
}

START_TEST(test_nobody_gets_an_address_of_the_round_before_its_flush_is_complete)
{
	static struct taker taker[2];

	begin_lazy();
	take(0, range, CHUNK);
	for (unsigned i = 0; i < 4; i++)
		stand_on(&stand, 0, free_unflushed, &range[i]);
	for (unsigned cpu = 0; cpu < 2; cpu++) { /* the second arrives while the first flushes */
		cpu_work_init(&taker[cpu].work, take_one, &taker[cpu]);
		cpu_post(&stand.bed.machine.cpus[cpu], &taker[cpu].work);
	}
	stand_settle(&stand);
	ck_assert_uint_eq(flushes, 1);
	for (unsigned cpu = 0; cpu < 2; cpu++)
		ck_assert_uint_ge(taker[cpu].got_at, flushed_at);
	give(0, range + 4, CHUNK - 4);
	for (unsigned cpu = 0; cpu < 2; cpu++)
		give(cpu, &taker[cpu].range, 1);
	stand_fini(&stand);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("chunks");

	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, test_own_chunk_then_a_new_one_then_those_of_others, 0, 2);
	tcase_add_loop_test(tc, test_a_cpu_comes_back_to_the_chunks_that_it_has, 0, 2);
	tcase_add_loop_test(tc, test_freeing_elsewhere_takes_and_bounces_the_chunks_lock, 0, 2);
	tcase_add_loop_test(tc, test_cpus_that_keep_to_themselves_never_meet, 0, 2);
	tcase_add_loop_test(tc, test_narrow_devices_share_the_chunk_below_4_gib, 0, 2);
	tcase_add_loop_test(tc, test_what_no_chunk_can_hold_comes_from_below_4_gib, 0, 2);
	tcase_add_test(tc, test_a_round_of_a_chunk_begins_with_a_flush);
	tcase_add_test(tc, test_nobody_gets_an_address_of_the_round_before_its_flush_is_complete);
	return unit_run("percpu-chunk", tc);
}
