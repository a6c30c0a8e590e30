/*
 * flush: does every registered policy keep the contract of flush.h - each range released exactly once,
 * and only after an invalidation that covers it; nothing left after drain; no window longer than
 * promised? A new policy is tested by being registered.
 */
#include "dma/flush/flush.h"

#include <check.h>
#include <string.h>

#include "base/rng.h"
#include "tests/dma/ranges.h"
#include "tests/unit/unit.h"

#define CPUS           8u
#define UNMAPS_PER_CPU 3000u

static struct conform_bed bed;
static struct ranges ranges;

static const struct flush_policy_ops *under_test(int i)
{
	size_t n;
	const struct flush_policy_ops *const *ops = flush_policies(&n);

	ck_assert_int_lt(i, (int)n);
	return ops[i];
}

/* The double of tests/dma/ranges.c asserts the order: unsafe policies alone may release first. */
START_TEST(test_every_range_is_released_once_after_an_invalidation_that_covers_it)
{
	struct rng rng;

	rng_init(&rng, 1, "test.flush");
	conform_bed_init(&bed, 1, NULL);
	ranges_init(&ranges, &bed, under_test(_i), NULL, 3);
	for (unsigned n = 0; n < 20000; n++) {
		ranges_unmap(&ranges, PROC_UNTIMED, (uint16_t)rng_below(&rng, 7),
			1 + (uint32_t)rng_below(&rng, 64));
		if (rng_below(&rng, 100) == 0)
			ranges_fire(&ranges);
		if (rng_below(&rng, 2000) == 0)
			ranges.ops->drain(ranges.state, PROC_UNTIMED);
		ck_assert_uint_eq(ranges.ops->held(ranges.state), ranges.n - ranges.done);
	}
	ranges_fini(&ranges, PROC_UNTIMED);
	conform_bed_fini(&bed);
}
END_TEST

START_TEST(test_drain_leaves_nothing_and_can_be_repeated)
{
	conform_bed_init(&bed, 1, NULL);
	ranges_init(&ranges, &bed, under_test(_i), NULL, 1);
	ranges.ops->drain(ranges.state, PROC_UNTIMED);
	for (unsigned n = 0; n < 5; n++)
		ranges_unmap(&ranges, PROC_UNTIMED, 0, 1);
	ranges.ops->drain(ranges.state, PROC_UNTIMED);
	ck_assert_uint_eq(ranges.ops->held(ranges.state), 0);
	ranges.ops->drain(ranges.state, PROC_UNTIMED);
	ranges_fini(&ranges, PROC_UNTIMED);
	conform_bed_fini(&bed);
}
END_TEST

/* One CPU of the timed test: unmap, do something else, unmap. */
struct worker {
	struct cpu_work work;
	struct rng rng;
	unsigned left;
};

static void work(struct proc *p, void *arg)
{
	struct worker *w = arg;

	while (w->left-- > 0) {
		/* A pause now and then lets timers find a part-filled batch. */
		sim_time pause = rng_below(&w->rng, 200) == 0 ? 8 * MS : 5 * US;

		proc_sleep_until(p, proc_now(p) + rng_below(&w->rng, pause));
		proc_sync(p);
		ranges_unmap(&ranges, p, (uint16_t)rng_below(&w->rng, 4),
			1 + (uint32_t)rng_below(&w->rng, 8));
	}
}

static void drain_all(struct proc *p, void *arg)
{
	(void)arg;
	ranges_fini(&ranges, p);
}

START_TEST(test_many_cpus_keep_the_contract)
{
	static struct worker worker[CPUS];
	struct engine *engine = engine_create(1);
	struct cpu_work end;

	conform_bed_init(&bed, CPUS, engine);
	ranges_init(&ranges, &bed, under_test(_i), NULL, 2);
	ranges.invalidate_time = 2 * US;
	for (unsigned i = 0; i < CPUS; i++) {
		rng_init(&worker[i].rng, i, "test.flush.worker");
		worker[i].left = UNMAPS_PER_CPU;
		cpu_work_init(&worker[i].work, work, &worker[i]);
		cpu_post(&bed.machine.cpus[i], &worker[i].work);
	}
	engine_run(engine, 100 * SEC);
	ck_assert_uint_eq(ranges.n, CPUS * UNMAPS_PER_CPU);
	cpu_work_init(&end, drain_all, NULL);
	cpu_post(&bed.machine.cpus[0], &end);
	engine_run(engine, 101 * SEC);
	ck_assert_uint_eq(ranges.released, ranges.n);
	engine_destroy(engine);
	conform_bed_fini(&bed);
}
END_TEST

/* CPUs that run one unmap at a time and are idle in between serve their timers at once, so the promise
 * holds to the letter: bound plus the longest flush. */
struct source {
	struct event event;
	struct cpu_work work;
	struct rng rng;
	struct cpu *cpu;
	unsigned left;
};

static void unmap_once(struct proc *p, void *arg)
{
	struct source *s = arg;

	ranges_unmap(&ranges, p, (uint16_t)rng_below(&s->rng, 4), 1);
}

static void come(struct event *ev)
{
	struct source *s = container_of(ev, struct source, event);

	cpu_post(s->cpu, &s->work);
	if (--s->left > 0)
		event_schedule(ev, engine_now(ev->engine) + 1 + rng_below(&s->rng, 150 * US));
}

static sim_time longest_flush;

static void find_flush_time(
	void *arg, const char *path, const struct metric_desc *d, const void *base)
{
	(void)arg;
	if (strcmp(path, "flush.flush_time") == 0)
		longest_flush = metric_hist(d, base)->max;
}

START_TEST(test_no_window_is_longer_than_the_bound_plus_one_flush)
{
	static struct source source[CPUS];
	struct engine *engine = engine_create(1);
	struct cpu_work end;
	sim_time bound;

	conform_bed_init(&bed, CPUS, engine);
	ranges_init(&ranges, &bed, under_test(_i), NULL, 2);
	ranges.invalidate_time = 3 * US;
	for (unsigned i = 0; i < CPUS; i++) {
		rng_init(&source[i].rng, i, "test.flush.source");
		source[i].left = UNMAPS_PER_CPU;
		source[i].cpu = &bed.machine.cpus[i];
		cpu_work_init(&source[i].work, unmap_once, &source[i]);
		event_init(&source[i].event, engine, come);
		event_schedule(&source[i].event, i * US);
	}
	engine_run(engine, 10 * SEC);
	longest_flush = 0;
	metrics_visit(bed.metrics, find_flush_time, NULL);
	bound = ranges.ops->window_bound(ranges.state);
	if (bound != SIM_TIME_NEVER)
		ck_assert_uint_le(ranges.worst_window, bound ? bound + longest_flush : 0);
	if (bound != SIM_TIME_NEVER && bound > 0) /* and the bound is no empty promise */
		ck_assert_uint_gt(ranges.worst_window, bound / 2);
	for (unsigned i = 0; i < CPUS; i++)
		event_fini(&source[i].event);
	cpu_work_init(&end, drain_all, NULL);
	cpu_post(&bed.machine.cpus[0], &end);
	engine_run(engine, 11 * SEC);
	ck_assert_uint_eq(ranges.released, ranges.n);
	engine_destroy(engine);
	conform_bed_fini(&bed);
}
END_TEST

START_TEST(test_names_are_unique_and_described)
{
	size_t n;
	const struct flush_policy_ops *const *ops = flush_policies(&n);

	ck_assert_uint_gt(n, 1);
	for (size_t i = 0; i < n; i++) {
		ck_assert_uint_gt(strlen(ops[i]->summary), 10);
		for (size_t k = 0; k < i; k++)
			ck_assert_str_ne(ops[i]->name, ops[k]->name);
	}
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("every policy");
	size_t count;
	int n;

	flush_policies(&count);
	n = (int)count;
	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(
		tc, test_every_range_is_released_once_after_an_invalidation_that_covers_it, 0, n);
	tcase_add_loop_test(tc, test_drain_leaves_nothing_and_can_be_repeated, 0, n);
	tcase_add_loop_test(tc, test_many_cpus_keep_the_contract, 0, n);
	tcase_add_loop_test(tc, test_no_window_is_longer_than_the_bound_plus_one_flush, 0, n);
	tcase_add_test(tc, test_names_are_unique_and_described);
	return unit_run("flush conformance", tc);
}
