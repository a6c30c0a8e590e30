/*
 * bitmap-lockless: are its retries, its line transfers and its time what its steps make them?
 */
#include <check.h>

#include "tests/dma/stand.h"
#include "tests/unit/unit.h"

#define NO_LIMIT UINT64_MAX

static const struct iova_allocator_ops *const ops = &iova_bitmap_lockless_ops;

static struct stand stand;

static void churn(struct proc *p, void *arg)
{
	const struct iova_req req = { .npages = 1, .limit_pfn = NO_LIMIT };
	struct iova_range r;

	(void)arg;
	for (unsigned i = 0; i < 1000; i++) {
		ck_assert(ops->alloc(stand.state, p, &req, &r));
		ops->free(stand.state, p, &r);
	}
}

static void run(uint32_t cursor, unsigned ncpus)
{
	static struct cpu_work work[16];
	void *conf = conform_defaults(ops->conf);

	conform_set_u32(ops->conf, conf, "cursor", cursor);
	stand_init(&stand, ops, conf, ncpus, (1u << 20) - 1);
	for (unsigned i = 0; i < ncpus; i++) {
		cpu_work_init(&work[i], churn, NULL);
		cpu_post(&stand.bed.machine.cpus[i], &work[i]);
	}
	stand_settle(&stand);
}

START_TEST(test_cursors_of_their_own_keep_cpus_apart)
{
	uint64_t retries, transfers;

	run(1, 16);
	retries = stand_metric(&stand, "retries") + stand_metric(&stand, "conflicts");
	transfers = stand_metric(&stand, "line_transfers");
	ck_assert_uint_gt(retries, 100);
	ck_assert_uint_gt(stand_metric(&stand, "cursor_lost"), 100);
	ck_assert_uint_gt(stand_metric(&stand, "cursor_transfers"), 8000);
	ck_assert_uint_gt(transfers, 16000);
	stand_fini(&stand);
	run(0, 16);
	ck_assert_uint_eq(stand_metric(&stand, "retries"), 0);
	ck_assert_uint_eq(stand_metric(&stand, "conflicts"), 0);
	ck_assert_uint_eq(stand_metric(&stand, "line_transfers"), 0);
	ck_assert_uint_eq(stand_metric(&stand, "cursor_transfers"), 0);
	stand_fini(&stand);
}
END_TEST

START_TEST(test_one_cpu_alone_pays_for_its_steps)
{
	struct iova_range r;
	sim_time before, plain_cost, dear_cost;

	run(0, 1);
	ck_assert_uint_eq(stand_metric(&stand, "claimed_words"), 1000);
	before = stand.bed.machine.cpus[0].m.spent[CPU_iova];
	ck_assert(stand_alloc(&stand, 0, 1, NO_LIMIT, &r));
	plain_cost = stand.bed.machine.cpus[0].m.spent[CPU_iova] - before;
	stand_free(&stand, 0, &r);
	stand.bed.cpu.atomic += 1000;
	before = stand.bed.machine.cpus[0].m.spent[CPU_iova];
	ck_assert(stand_alloc(&stand, 0, 1, NO_LIMIT, &r));
	dear_cost = stand.bed.machine.cpus[0].m.spent[CPU_iova] - before;
	stand_free(&stand, 0, &r);
	/* One locked instruction: the claim. The cursor of its own is stored. */
	ck_assert_uint_eq(
		(clock_to_cycles(&stand.bed.machine.cpus[0].clock, dear_cost - plain_cost) + 500) /
			1000,
		1);
	stand_fini(&stand);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("lockless cost");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_cursors_of_their_own_keep_cpus_apart);
	tcase_add_test(tc, test_one_cpu_alone_pays_for_its_steps);
	return unit_run("bitmap-lockless cost", tc);
}
