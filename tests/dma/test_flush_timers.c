/*
 * flush: when do the timers of the batched policies fire, at the ticks of several kernels, and is that
 * what the policies promise?
 */
#include "dma/flush/flush.h"

#include <check.h>

#include "tests/dma/ranges.h"
#include "tests/unit/unit.h"

static struct engine *engine;
static struct conform_bed bed;
static struct ranges ranges;

static void unmap(struct proc *p, void *arg)
{
	(void)arg;
	ranges_unmap(&ranges, p, 0, 1);
}

static void finish(struct proc *p, void *arg)
{
	(void)arg;
	ranges_fini(&ranges, p);
}

enum { FIRST_TICK, WHEEL }; /* words of cpu.timer */

static const struct flush_policy_ops *const with_timer[] = { &flush_deferred_global_ops,
	&flush_deferred_percpu_ops, &flush_queue_ops };

static const struct {
	uint32_t hz, timer;
	sim_time bound;
} kernels[] = {
	{ 250, FIRST_TICK, 12 * MS },
	{ 250, WHEEL, 16 * MS },
	{ 1000, FIRST_TICK, 10 * MS },
	{ 1000, WHEEL, 11 * MS },
};

/* Alone on a machine, a range waits for its timer: within a tick below the bound, never above. */
static void lone_unmap(const struct flush_policy_ops *ops, size_t kernel, sim_time at)
{
	sim_time tick = SEC / kernels[kernel].hz, waited;
	struct cpu_work work;

	engine = engine_create(1);
	conform_bed_init(&bed, 2, engine);
	ranges_init(&ranges, &bed, ops, NULL, 1);
	bed.cpu.hz = kernels[kernel].hz;
	bed.cpu.timer = kernels[kernel].timer;
	ck_assert_uint_eq(ranges.ops->window_bound(ranges.state), kernels[kernel].bound);
	engine_run(engine, at);
	cpu_work_init(&work, unmap, NULL);
	cpu_post(&bed.machine.cpus[1], &work);
	engine_run(engine, 100 * MS);
	ck_assert_uint_eq(ranges.released, 1);
	ck_assert_uint_eq(ranges.triggers[FLUSH_BY_timer], 1);
	waited = ranges.t[0].t_flushed - ranges.t[0].t_return;
	ck_assert_uint_ge(waited, kernels[kernel].bound - tick - 1 * US);
	ck_assert_uint_le(waited, kernels[kernel].bound + 1 * US);
	conform_bed_on(&bed, 0, finish, NULL);
	engine_destroy(engine);
	conform_bed_fini(&bed);
}

START_TEST(test_a_lone_unmap_waits_for_the_tick_that_its_timer_fires_at)
{
	for (size_t i = 0; i < ARRAY_SIZE(with_timer); i++)
		for (sim_time at = 20 * MS; at < 24 * MS; at += 700 * US)
			lone_unmap(with_timer[i], (size_t)_i, at);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("flush timers");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, test_a_lone_unmap_waits_for_the_tick_that_its_timer_fires_at, 0,
		(int)ARRAY_SIZE(kernels));
	return unit_run("flush timers", tc);
}
