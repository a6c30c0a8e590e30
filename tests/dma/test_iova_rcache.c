/*
 * rcache: beside giving the kernel's addresses (conform), do the caches keep CPUs away from the tree,
 * trade whole magazines, and give everything back when the tree is exhausted?
 */
#include <check.h>

#include "tests/dma/stand.h"
#include "tests/unit/unit.h"

#define TREE     "&iovad->iova_rbtree_lock"
#define CPU      "&cpu_rcache->lock"
#define DEPOT    "&rcache->lock"
#define MAGAZINE 127u
#define MANY     1200u

static struct stand stand;
static struct iova_range range[MANY];

static const struct iova_allocator_ops *const both[] = { &iova_rcache61_ops, &iova_rcache612_ops };

static uint64_t metric(const char *name)
{
	return stand_metric(&stand, name);
}

static void alloc_n(unsigned cpu, unsigned from, unsigned n)
{
	for (unsigned i = from; i < from + n; i++)
		ck_assert(stand_alloc(&stand, cpu, 1, STAND_LIMIT_32, &range[i]));
}

static void free_n(unsigned cpu, unsigned from, unsigned n)
{
	for (unsigned i = from; i < from + n; i++)
		stand_free(&stand, cpu, &range[i]);
}

/* Small magazines make large effects. */
static void begin_small(const struct iova_allocator_ops *ops, unsigned ncpus, uint64_t last_pfn)
{
	void *conf = conform_defaults(ops->conf);

	conform_set_u32(ops->conf, conf, "magazine", 4);
	if (ops == &iova_rcache61_ops)
		conform_set_u32(ops->conf, conf, "depot", 1);
	stand_init(&stand, ops, conf, ncpus, last_pfn);
}

START_TEST(test_what_a_cpu_freed_it_gets_again_without_the_tree)
{
	struct iova_range again;

	stand_init(&stand, both[_i], NULL, 2, STAND_LIMIT_32);
	alloc_n(0, 0, 2);
	ck_assert_uint_eq(stand_locked(&stand, TREE), 2);
	free_n(0, 0, 2);
	ck_assert(stand_alloc(&stand, 0, 1, STAND_LIMIT_32, &again));
	ck_assert_uint_eq(again.pfn, range[1].pfn); /* the last freed first */
	ck_assert_uint_eq(stand_locked(&stand, TREE), 2);
	ck_assert_uint_eq(stand_locked(&stand, CPU), 5);
	ck_assert_uint_eq(metric("hits"), 1);
	ck_assert_uint_eq(metric("misses"), 2);
	stand_free(&stand, 0, &again);
	stand_fini(&stand);
}
END_TEST

START_TEST(test_cpus_do_not_meet_until_magazines_are_traded)
{
	stand_init(&stand, both[_i], NULL, 2, STAND_LIMIT_32);
	alloc_n(0, 0, 3 * MAGAZINE);
	free_n(1, 0, 2 * MAGAZINE);
	ck_assert_uint_eq(metric("depot_puts"), 0);
	ck_assert_uint_eq(metric("entry_transfers"), 0);
	stand_free(&stand, 1, &range[2 * MAGAZINE]);
	ck_assert_uint_eq(metric("depot_puts"), 1);
	ck_assert_uint_eq(metric("depot"), 1);
	/* What CPU 1 freed serves CPU 0, a magazine at a time; its lines have to be fetched. */
	alloc_n(0, 0, MAGAZINE);
	ck_assert_uint_eq(metric("depot_gets"), 1);
	ck_assert_uint_eq(metric("hits"), MAGAZINE);
	/* 16 lines, and 15 of them again: read first, written then. */
	ck_assert_uint_ge(metric("entry_transfers"), 1024 / 64);
	ck_assert_uint_le(metric("entry_transfers"), 2 * 1024 / 64);
	free_n(0, 0, MAGAZINE);
	free_n(0, 2 * MAGAZINE + 1, MAGAZINE - 1);
	stand_fini(&stand);
}
END_TEST

START_TEST(test_a_depot_of_6_1_overflows_into_the_tree_under_one_hold)
{
	uint64_t holds;

	begin_small(&iova_rcache61_ops, 1, STAND_LIMIT_32);
	alloc_n(0, 0, 40);
	free_n(0, 0, 12); /* two magazines of the CPU's and the depot's one */
	holds = stand_locked(&stand, TREE);
	ck_assert_uint_eq(metric("tree_frees"), 0);
	stand_free(&stand, 0, &range[12]);
	ck_assert_uint_eq(metric("depot_overflows"), 1);
	ck_assert_uint_eq(metric("tree_frees"), 4);
	ck_assert_uint_eq(stand_locked(&stand, TREE), holds + 1);
	free_n(0, 13, 27);
	stand_fini(&stand);
}
END_TEST

START_TEST(test_a_depot_of_6_12_grows_and_is_trimmed_to_the_number_of_cpus)
{
	const unsigned ncpus = 3, full = 10;
	sim_time begin;

	begin_small(&iova_rcache612_ops, ncpus, STAND_LIMIT_32);
	alloc_n(0, 0, 4 * (full + 2));
	free_n(0, 0, 4 * (full + 2));
	ck_assert_uint_eq(metric("depot"), full);
	ck_assert_uint_eq(metric("tree_frees"), 0);
	begin = engine_now(stand.engine);
	stand_settle(&stand);
	ck_assert_uint_eq(metric("depot"), ncpus);
	ck_assert_uint_eq(metric("trims"), full - ncpus);
	ck_assert_uint_eq(metric("tree_frees"), 4 * (full - ncpus));
	ck_assert_uint_ge(engine_now(stand.engine) - begin, (full - ncpus) * 96 * MS);
	ck_assert_uint_le(engine_now(stand.engine) - begin, (full - ncpus + 2) * 110 * MS);
	stand_fini(&stand);
}
END_TEST

START_TEST(test_the_end_may_come_while_a_trim_is_due)
{
	begin_small(&iova_rcache612_ops, 1, STAND_LIMIT_32);
	alloc_n(0, 0, 40);
	free_n(0, 0, 40);
	stand_fini(&stand);
}
END_TEST

static void post_due_work(struct proc *p, void *arg)
{
	(void)arg;
	stand.ops->work(stand.state, p);
}

static void stop_early(struct proc *p, void *arg)
{
	(void)arg;
	proc_sleep_until(p, proc_now(p) + 50 * NS); /* CPU 1 is in the middle of it */
	stand.ops->stop(stand.state, p);
	*(uint64_t *)arg = stand_metric(&stand, "trims");
}

START_TEST(test_stop_waits_for_a_trim_under_way)
{
	static struct cpu_work work[2];
	uint64_t trims_at_stop = 0;

	begin_small(&iova_rcache612_ops, 2, STAND_LIMIT_32);
	alloc_n(0, 0, 40);
	free_n(0, 0, 40);
	cpu_work_init(&work[0], stop_early, &trims_at_stop);
	cpu_work_init(&work[1], post_due_work, NULL);
	for (unsigned i = 0; i < 2; i++)
		cpu_post(&stand.bed.machine.cpus[i], &work[i]);
	stand_settle(&stand);
	ck_assert_uint_eq(trims_at_stop, 1);
	ck_assert_uint_eq(metric("trims"), 1); /* and what it scheduled is cancelled */
	stand_fini(&stand);
}
END_TEST

START_TEST(test_sizes_are_rounded_up_below_the_largest_class_only)
{
	struct iova_range r[3];
	uint64_t holds;

	stand_init(&stand, both[_i], NULL, 1, STAND_LIMIT_32);
	ck_assert(stand_alloc(&stand, 0, 5, STAND_LIMIT_32, &r[0]));
	ck_assert_uint_eq(metric("pages_rounded"), 3);
	ck_assert(stand_alloc(&stand, 0, 33, STAND_LIMIT_32, &r[1]));
	ck_assert_uint_eq(metric("pages_rounded"), 3);
	ck_assert_uint_eq(metric("uncached"), 1);
	stand_free(&stand, 0, &r[0]);
	ck_assert(stand_alloc(&stand, 0, 8, STAND_LIMIT_32, &r[2])); /* the same class */
	ck_assert_uint_eq(r[2].pfn, r[0].pfn);
	holds = stand_locked(&stand, TREE);
	stand_free(&stand, 0, &r[1]);
	ck_assert_uint_eq(stand_locked(&stand, TREE), holds + 1);
	stand_free(&stand, 0, &r[2]);
	stand_fini(&stand);
}
END_TEST

START_TEST(test_a_cached_address_above_the_limit_is_left_where_it_is)
{
	struct iova_range low, high;

	stand_init(&stand, both[_i], NULL, 1, STAND_LIMIT_32);
	ck_assert(stand_alloc(&stand, 0, 1, STAND_LIMIT_32, &high));
	ck_assert(stand_alloc(&stand, 0, 1, 0x1000, &low));
	ck_assert_uint_gt(high.pfn, 0x1000);
	stand_free(&stand, 0, &low);
	stand_free(&stand, 0, &high); /* on top */
	ck_assert(stand_alloc(&stand, 0, 1, 0x1000, &range[0]));
	ck_assert_uint_eq(range[0].pfn, low.pfn);
	ck_assert_uint_eq(metric("hits"), 1);
	ck_assert(stand_alloc(&stand, 0, 1, 0x1000, &range[1])); /* none left below it */
	ck_assert_uint_eq(metric("hits"), 1);
	ck_assert_uint_eq(metric("cached"), 1);
	free_n(0, 0, 2);
	stand_fini(&stand);
}
END_TEST

struct
try {
	struct iova_req req;
	struct iova_range range;
	bool ok;
};

static void try_alloc(struct proc *p, void *arg)
{
	struct try *t = arg;

	t->ok = stand.ops->alloc(stand.state, p, &t->req, &t->range);
}

START_TEST(test_caches_are_emptied_when_the_tree_is_exhausted_unless_told_not_to)
{
	struct try t = { .req = { .npages = 8, .limit_pfn = 15, .keep_caches = true } };

	begin_small(both[_i], 2, 15);
	alloc_n(0, 0, 15);
	free_n(1, 0, 12); /* two magazines of CPU 1 and one in the depot */
	free_n(0, 12, 3);
	ck_assert_uint_eq(metric("depot"), 1);
	stand_on(&stand, 0, try_alloc, &t);
	ck_assert(!t.ok);
	ck_assert_uint_eq(metric("flushes"), 0);
	ck_assert_uint_eq(metric("failures"), 1);
	t.req.keep_caches = false;
	stand_on(&stand, 0, try_alloc, &t);
	ck_assert(t.ok);
	ck_assert_uint_eq(metric("flushes"), 1);
	ck_assert_uint_eq(metric("cached"), 0);
	ck_assert_uint_eq(metric("depot"), 0);
	ck_assert_uint_eq(metric("tree_frees"), 15);
	alloc_n(1, 0, 7);
	free_n(1, 0, 7);
	stand_free(&stand, 0, &t.range);
	stand_fini(&stand);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("rcache");

	tcase_add_loop_test(tc, test_what_a_cpu_freed_it_gets_again_without_the_tree, 0, 2);
	tcase_add_loop_test(tc, test_cpus_do_not_meet_until_magazines_are_traded, 0, 2);
	tcase_add_test(tc, test_a_depot_of_6_1_overflows_into_the_tree_under_one_hold);
	tcase_add_test(tc, test_a_depot_of_6_12_grows_and_is_trimmed_to_the_number_of_cpus);
	tcase_add_test(tc, test_the_end_may_come_while_a_trim_is_due);
	tcase_add_test(tc, test_stop_waits_for_a_trim_under_way);
	tcase_add_loop_test(tc, test_sizes_are_rounded_up_below_the_largest_class_only, 0, 2);
	tcase_add_loop_test(tc, test_a_cached_address_above_the_limit_is_left_where_it_is, 0, 2);
	tcase_add_loop_test(
		tc, test_caches_are_emptied_when_the_tree_is_exhausted_unless_told_not_to, 0, 2);
	return unit_run("rcache", tc);
}
