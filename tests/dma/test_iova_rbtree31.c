/*
 * rbtree-3.1: beside giving the kernel's addresses (conform), does it pay for what it does - one lock
 * hold where the kernel has one, cycles for each node on the way, a transfer for nodes of other CPUs?
 */
#include "dma/iova/iova.h"

#include <check.h>
#include <string.h>

#include "hw/cpu.h"
#include "hw/lock.h"
#include "run/conform_bed.h"
#include "tests/unit/unit.h"

#define LIMIT_32BIT ((uint64_t)0xfffff)
#define RANGES      64u

static const struct iova_allocator_ops *const ops = &iova_rbtree31_ops;

static struct conform_bed bed;
static struct engine *engine;
static void *state;
static struct iova_range range[RANGES + 1];
static struct cpu_work job[2];

static void setup(void)
{
	struct iova_env env;
	struct err err;

	engine = engine_create(1);
	conform_bed_init(&bed, 2, engine);
	env = (struct iova_env){ .machine = &bed.machine,
		.scope = metric_scope_child(metrics_root(bed.metrics), "dom0.iova"),
		.name = "dom0",
		.first_pfn = 1,
		.last_pfn = CONFORM_LAST_PFN,
		.ncpus = 2 };
	state = conform_bed_alloc(&bed, ops->state_size);
	ck_assert(ops->init(state, NULL, &env, &err));
}

static void teardown(void)
{
	ops->fini(state);
	engine_destroy(engine);
	conform_bed_fini(&bed);
}

/* Run fn(p, arg) on the CPU to its end; returns the CPU time it took in the allocator. */
static sim_time run_on(unsigned cpu, void (*fn)(struct proc *p, void *arg), void *arg)
{
	struct cpu *c = &bed.machine.cpus[cpu];
	sim_time before = c->m.spent[CPU_iova];

	cpu_work_init(&job[cpu], fn, arg);
	cpu_post(c, &job[cpu]);
	engine_run(engine, engine_now(engine) + 1 * SEC);
	return c->m.spent[CPU_iova] - before;
}

static const struct lock_metrics *lock(void)
{
	list_for_each (at, &bed.machine.locks) {
		struct lock *l = list_entry(at, struct lock, link);

		if (strcmp(l->lock_class, "iova_rbtree_lock") == 0) {
			ck_assert_str_eq(l->name, "dom0.iova_rbtree_lock");
			return &l->m;
		}
	}
	ck_abort_msg("no iova_rbtree_lock");
	return NULL;
}

static bool alloc(struct proc *p, unsigned i, uint64_t limit)
{
	const struct iova_req req = { .npages = 1, .limit_pfn = limit, .size_aligned = true };

	return ops->alloc(state, p, &req, &range[i]);
}

static void alloc_all(struct proc *p, void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < RANGES; i++)
		ck_assert(alloc(p, i, LIMIT_32BIT));
}

static void free_all(struct proc *p, void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < RANGES; i++)
		ops->free(state, p, &range[i]);
}

static void free_all_as_the_driver(struct proc *p, void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < RANGES; i++) {
		struct iova_range found;

		ops->find(state, p, range[i].pfn, &found);
		ops->free(state, p, &found);
	}
}

static void free_all_by_address(struct proc *p, void *arg)
{
	for (unsigned i = 0; i < RANGES; i++)
		range[i].cookie = NULL;
	free_all(p, arg);
}

START_TEST(test_alloc_and_free_take_the_lock_as_often_as_the_kernel)
{
	run_on(0, alloc_all, NULL);
	ck_assert_uint_eq(lock()->acquisitions, RANGES);
	run_on(0, free_all, NULL);
	ck_assert_uint_eq(lock()->acquisitions, 2 * RANGES);
	run_on(0, alloc_all, NULL);
	run_on(0, free_all_as_the_driver, NULL); /* find_iova() and __free_iova() */
	ck_assert_uint_eq(lock()->acquisitions, 5 * RANGES);
	run_on(0, alloc_all, NULL);
	run_on(0, free_all_by_address, NULL); /* free_iova() */
	ck_assert_uint_eq(lock()->acquisitions, 8 * RANGES);
}
END_TEST

static void alloc_one(struct proc *p, void *arg)
{
	ck_assert(alloc(p, RANGES, *(const uint64_t *)arg));
}

static void free_one(struct proc *p, void *arg)
{
	(void)arg;
	ops->free(state, p, &range[RANGES]);
}

/* Nodes that one allocation with the limit pays for, from what dearer nodes do to its time. */
static uint64_t nodes_paid(uint64_t limit)
{
	const struct clock *clock = &bed.machine.cpus[0].clock;
	sim_time cheap, dear;

	cheap = run_on(0, alloc_one, &limit);
	run_on(0, free_one, NULL);
	bed.cost.tree_node += 1000;
	dear = run_on(0, alloc_one, &limit);
	bed.cost.tree_node -= 1000;
	run_on(0, free_one, NULL);
	return (clock_to_cycles(clock, dear - cheap) + 500) / 1000;
}

START_TEST(test_a_search_pays_for_every_range_on_its_way)
{
	run_on(0, alloc_all, NULL);
	/* From the top past all ranges, and the one below which the new range is linked. */
	ck_assert_uint_eq(nodes_paid(LIMIT_32BIT - 1), RANGES + 1);
	run_on(0, free_all, NULL);
	ck_assert_uint_eq(nodes_paid(LIMIT_32BIT - 1), 0);
}
END_TEST

START_TEST(test_below_4_gib_a_search_starts_where_the_last_ended)
{
	run_on(0, alloc_all, NULL);
	/* The cached range, and the way down the tree. */
	ck_assert_uint_le(nodes_paid(LIMIT_32BIT), 1 + 12);
	run_on(0, free_all, NULL);
}
END_TEST

static uint64_t transfers;

static void find_transfers(
	void *arg, const char *path, const struct metric_desc *d, const void *base)
{
	(void)arg;
	if (strcmp(path, "dom0.iova.node_transfers") == 0)
		transfers = metric_u64(d, base);
}

START_TEST(test_nodes_that_another_cpu_wrote_have_to_be_fetched)
{
	sim_time own, other;

	run_on(0, alloc_all, NULL);
	own = run_on(0, free_all_as_the_driver, NULL);
	metrics_visit(bed.metrics, find_transfers, NULL);
	ck_assert_uint_eq(transfers, 0);
	run_on(0, alloc_all, NULL);
	other = run_on(1, free_all_as_the_driver, NULL);
	metrics_visit(bed.metrics, find_transfers, NULL);
	ck_assert_uint_ge(transfers, RANGES / 2);
	ck_assert_uint_ge(other, own + transfers * bed.cpu.line_same_socket);
}
END_TEST

static void alloc_and_free(struct proc *p, void *arg)
{
	struct iova_range r;
	const struct iova_req req = { .npages = 1, .limit_pfn = LIMIT_32BIT, .size_aligned = true };

	for (unsigned i = 0; i < 1000; i++) {
		ck_assert(ops->alloc(state, p, &req, &r));
		ops->free(state, p, &r);
	}
	*(sim_time *)arg = proc_now(p);
}

START_TEST(test_two_cpus_contend_for_the_one_lock)
{
	sim_time end[2];
	struct err err;

	for (unsigned i = 0; i < 2; i++) {
		cpu_work_init(&job[i], alloc_and_free, &end[i]);
		cpu_post(&bed.machine.cpus[i], &job[i]);
	}
	engine_run(engine, 1 * SEC);
	ck_assert_uint_eq(lock()->acquisitions, 4000);
	ck_assert_uint_gt(lock()->contended, 1000);
	/* Never two holders: the holds fit one after another into the time that passed. */
	ck_assert_uint_le(lock()->hold.sum, end[0] > end[1] ? end[0] : end[1]);
	ck_assert(ops->check(state, &err));
	ck_assert_uint_eq(ops->live(state), 0);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("rbtree-3.1");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_alloc_and_free_take_the_lock_as_often_as_the_kernel);
	tcase_add_test(tc, test_a_search_pays_for_every_range_on_its_way);
	tcase_add_test(tc, test_below_4_gib_a_search_starts_where_the_last_ended);
	tcase_add_test(tc, test_nodes_that_another_cpu_wrote_have_to_be_fetched);
	tcase_add_test(tc, test_two_cpus_contend_for_the_one_lock);
	return unit_run("rbtree-3.1", tc);
}
