/*
 * An unmap and its invalidation against a walk in flight, at exact times. The walk reads the leaf entry
 * at `leaf_read` and answers at `answer`; if the unmap comes in between, the walk holds what is no longer so.
 */
#include "iommu/walker.h"
#include "hw/cpu.h"
#include "tests/models/rig.h"
#include "tests/unit/unit.h"

#define IOVA      UINT64_C(0x40005000)
#define NEIGHBOUR UINT64_C(0x40006000)
#define PA        UINT64_C(0x77000)
#define DOMAIN    1

static const rid_t rid = { 0x0018 };
static struct rig rig;
static sim_time leaf_read, answer; /* of the walk, from its request */

static void bring_up(struct proc *p, void *arg)
{
	struct err err;

	(void)arg;
	rig.ops->drv_start(rig.state, p);
	ck_assert(rig.ops->drv_domain_add(rig.state, p, DOMAIN, &err));
	ck_assert(
		rig.ops->drv_attach(rig.state, p, &(struct iommu_dev){ .rid = rid }, DOMAIN, &err));
	rig.ops->drv_map(rig.state, p, DOMAIN, (iova_t){ IOVA }, (hpa_t){ PA }, PAGE_LG2, 2,
		IOMMU_PROT_R | IOMMU_PROT_W);
}

/* Walks are slow (20 us a read) and CPUs are not: an invalidation ends long before a walk that it does
 * not wait for. The neighbour warms every cache, so that the walk reads the leaf only. */
static void start(enum walker_inflight how)
{
	rig_init(&rig, rig_model("vtd"), 1);
	rig_set(&rig, "inflight", how);
	rig_set(&rig, "walk_read", 20 * US);
	rig_start(&rig);
	rig_on_cpu(&rig, 0, bring_up, NULL);
	ck_assert(rig_access(&rig, rid.bdf, NEIGHBOUR, true).ok);
	leaf_read = rig_get(&rig, "walk_overhead");
	answer = leaf_read + rig.mem.read_latency + rig_get(&rig, "walk_read");
}

static void take_down(struct proc *p, void *arg)
{
	(void)arg;
	rig.ops->drv_detach(rig.state, p, rid);
	rig.ops->drv_domain_del(rig.state, p, DOMAIN);
	rig.ops->drv_stop(rig.state, p);
}

static void stop(void)
{
	rig_settle(&rig);
	rig_on_cpu(&rig, 0, take_down, NULL);
	rig_settle(&rig);
	rig_stop(&rig);
}

static struct race {
	struct cpu_work work;
	struct event begin;
	struct xlate x;
	sim_time unmap_at; /* from the request */
	sim_time answered, flushed; /* the same; 0: not yet */
	sim_time from;
	window_id window;
	bool held_at_mark;
} race;

static void on_answer(struct xlate *x)
{
	(void)x;
	race.answered = rig_now(&rig) - race.from;
}

static void unmap_and_flush(struct proc *p, void *arg)
{
	struct iommu_freelist freed = { .n = 0 };

	(void)arg;
	proc_sleep_until(p, race.from + race.unmap_at);
	ck_assert_uint_eq(proc_now(p), race.from + race.unmap_at);
	rig.ops->drv_unmap(rig.state, p, DOMAIN, (iova_t){ IOVA }, 1, &freed);
	ck_assert_uint_eq(freed.n, 0);
	race.window = window_open(
		rig.windows, DOMAIN, (iova_t){ IOVA }, 1, (hpa_t){ PA }, 0, proc_now(p));
	rig.ops->obs_mark(rig.state, DOMAIN, (iova_t){ IOVA }, 1, race.window);
	race.held_at_mark = window_is_held(rig.windows, race.window);
	rig.ops->drv_flush(rig.state, p,
		&(struct iommu_flush){ .scope = IOMMU_FLUSH_PAGES,
			.domain = DOMAIN,
			.iova = { IOVA },
			.npages = 1,
			.leaf_only = true });
	race.flushed = proc_now(p) - race.from;
	window_flushed(rig.windows, race.window, proc_now(p));
	window_returned(rig.windows, race.window, proc_now(p));
}

static void request(struct event *ev)
{
	(void)ev;
	ck_assert(!rig.ops->hw_translate(rig.state, &race.x)); /* a walk */
}

/* A write request at time 0 and the unmap at unmap_at. */
static void run_race(sim_time unmap_at)
{
	rig_settle(&rig);
	/* Later than whatever the CPU still has to do (it reads back faults). */
	race = (struct race){
		.unmap_at = unmap_at,
		.from = rig_now(&rig) + 20 * US,
		.x = { .rid = rid, .iova = { IOVA }, .write = true, .len = 64, .done = on_answer }
	};
	event_init(&race.begin, rig.engine, request);
	event_schedule(&race.begin, race.from);
	cpu_work_init(&race.work, unmap_and_flush, NULL);
	cpu_post(&rig.machine.cpus[0], &race.work);
	rig_settle(&rig);
	event_fini(&race.begin);
	ck_assert_uint_gt(race.flushed, 0);
}

static bool stale_afterwards(void)
{
	return rig_access(&rig, rid.bdf, IOVA, true).ok;
}

static uint64_t windows_open(void)
{
	metrics_collect(rig.metrics, rig_now(&rig));
	return rig_metric(&rig, "windows.never_closed");
}

START_TEST(an_unmap_before_the_leaf_is_read_is_seen)
{
	start((enum walker_inflight)_i);
	run_race(leaf_read - 1);
	ck_assert(!race.x.ok);
	ck_assert(!race.held_at_mark);
	ck_assert(!stale_afterwards());
	ck_assert_uint_eq(windows_open(), 0);
	stop();
}
END_TEST

START_TEST(an_unmap_after_the_leaf_is_read_leaves_the_walk_with_the_old_page)
{
	start((enum walker_inflight)_i);
	run_race(leaf_read + 1);
	ck_assert(race.held_at_mark);
	ck_assert(race.x.ok); /* the DMA was on its way before the unmap */
	ck_assert_uint_eq(race.x.pa.a, PA);
	ck_assert_uint_eq(race.answered, answer);
	stop();
}
END_TEST

START_TEST(drain_completes_after_the_walk_and_leaves_nothing)
{
	start(WALKER_DRAIN);
	run_race(leaf_read + 1);
	ck_assert_uint_ge(
		race.flushed, answer + rig_get(&rig, "inv_page") + rig_get(&rig, "status_write"));
	ck_assert(!stale_afterwards());
	ck_assert(!window_is_held(rig.windows, race.window));
	ck_assert_uint_eq(windows_open(), 0);
	ck_assert_uint_eq(rig_hist(&rig, "windows.hw_window")->max, 0); /* before unmap returned */
	stop();
}
END_TEST

START_TEST(no_fill_completes_before_the_walk_and_leaves_nothing)
{
	start(WALKER_NO_FILL);
	run_race(leaf_read + 1);
	ck_assert_uint_lt(race.flushed, answer);
	ck_assert(!stale_afterwards());
	ck_assert_uint_eq(windows_open(), 0);
	/* The walk in flight was reachable until its answer: that is the window. */
	ck_assert_uint_eq(rig_hist(&rig, "windows.hw_window")->max, answer - race.flushed);
	ck_assert_uint_eq(rig_hist(&rig, "windows.hw_window_in_flight")->count, 1);
	stop();
}
END_TEST

START_TEST(allow_refills_the_iotlb_and_the_tracker_sees_it)
{
	start(WALKER_ALLOW);
	run_race(leaf_read + 1);
	ck_assert_uint_lt(race.flushed, answer);
	ck_assert(window_is_held(rig.windows, race.window));
	ck_assert(stale_afterwards()); /* translated, long after the flush was complete */
	ck_assert(rig_access(&rig, rid.bdf, IOVA, true).hit);
	ck_assert_uint_eq(windows_open(), 1);
	stop();
}
END_TEST

static void flush_all(struct proc *p, void *arg)
{
	(void)arg;
	rig.ops->drv_flush(rig.state, p, &(struct iommu_flush){ .scope = IOMMU_FLUSH_ALL });
}

START_TEST(a_stale_refill_lasts_until_the_next_invalidation)
{
	start(WALKER_ALLOW);
	run_race(leaf_read + 1);
	ck_assert(window_is_held(rig.windows, race.window));
	rig_on_cpu(&rig, 0, flush_all, NULL);
	ck_assert(!window_is_held(rig.windows, race.window));
	ck_assert(!stale_afterwards());
	stop();
}
END_TEST

START_TEST(no_moment_of_the_unmap_leaves_a_stale_entry)
{
	start((enum walker_inflight)_i); /* drain, no-fill */
	for (sim_time t = 0; t < answer + US; t += 173 * NS) {
		run_race(t);
		ck_assert_msg(!stale_afterwards(), "unmapped %llu ps after the request",
			(unsigned long long)t);
		ck_assert(!window_is_held(rig.windows, race.window));
		rig.ops->drv_map(rig.state, PROC_UNTIMED, DOMAIN, (iova_t){ IOVA }, (hpa_t){ PA },
			PAGE_LG2, 1, IOMMU_PROT_R | IOMMU_PROT_W);
	}
	stop();
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("stale refill");

	tcase_set_timeout(tc, 0);
	tcase_add_loop_test(
		tc, an_unmap_before_the_leaf_is_read_is_seen, WALKER_DRAIN, WALKER_ALLOW + 1);
	tcase_add_loop_test(tc, an_unmap_after_the_leaf_is_read_leaves_the_walk_with_the_old_page,
		WALKER_DRAIN, WALKER_ALLOW + 1);
	tcase_add_test(tc, drain_completes_after_the_walk_and_leaves_nothing);
	tcase_add_test(tc, no_fill_completes_before_the_walk_and_leaves_nothing);
	tcase_add_test(tc, allow_refills_the_iotlb_and_the_tracker_sees_it);
	tcase_add_test(tc, a_stale_refill_lasts_until_the_next_invalidation);
	tcase_add_loop_test(
		tc, no_moment_of_the_unmap_leaves_a_stale_entry, WALKER_DRAIN, WALKER_NO_FILL + 1);
	return unit_run("stale_refill", tc);
}
