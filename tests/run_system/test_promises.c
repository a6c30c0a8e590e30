/*
 * What the flush policies promise, held against what the caches did.
 */
#include "tests/run_system/course.h"
#include "tests/unit/unit.h"

static const char *const common[] = { "cpu.count=4", "workload.sizes.size=1514",
	"workload.arrivals.type=poisson", NULL };

static void check_truth(const struct course *c)
{
	ck_assert_uint_gt(course_u64(c, "dom0.right"), 0);
	ck_assert_uint_eq(course_u64(c, "dom0.wrong_target"), 0);
	ck_assert_uint_eq(course_u64(c, "dom0.unmapped_ok"), 0);
	ck_assert_uint_eq(course_u64(c, "dom0.fault_unexpected"), 0);
	ck_assert_uint_eq(course_u64(c, "dom0.fault_expected"), 0);
}

/* The whole run, from the first packet to the last unmap. */
static void check_strict(const char *rate)
{
	const char *const settings[] = { "policy=strict", rate, NULL };
	struct course c;
	uint64_t unmaps;

	course_start(&c, common, settings);
	c.system.workload->start(c.system.workload_state);
	engine_run(c.system.engine, engine_now(c.system.engine) + 5 * MS);
	ck_assert_uint_eq(course_end(&c), 0);
	unmaps = course_u64(&c, "dom0.unmaps");
	ck_assert_uint_gt(unmaps, 4 * 511); /* at least what the rings held */
	ck_assert_uint_eq(course_u64(&c, "iommu0.invq.iotlb_page"), unmaps);
	ck_assert_uint_eq(course_u64(&c, "iommu0.invq.iotlb_domain"), 0);
	ck_assert_uint_eq(course_u64(&c, "dma.by_unmap"), unmaps);
	ck_assert_uint_eq(course_u64(&c, "dma.invalidations"), unmaps);
	ck_assert_uint_eq(course_u64(&c, "windows.opened"), unmaps);
	ck_assert_uint_eq(course_hist(&c, "windows.hw_window")->count, unmaps);
	ck_assert_uint_eq(course_hist(&c, "windows.hw_window")->max, 0);
	ck_assert_uint_eq(course_hist(&c, "windows.policy_window")->count, unmaps);
	ck_assert_uint_eq(course_hist(&c, "windows.policy_window")->max, 0);
	ck_assert_uint_eq(course_u64(&c, "windows.stale_accesses"), 0);
	ck_assert_uint_eq(course_u64(&c, "windows.page_reuse_before_flush"), 0);
	ck_assert_uint_eq(course_u64(&c, "windows.stale_pages_max"), 0);
	ck_assert_uint_eq(course_u64(&c, "dom0.maps"), unmaps);
	check_truth(&c);
	course_fini(&c);
}

START_TEST(strict_leaves_no_window_and_invalidates_once_an_unmap)
{
	check_strict("workload.arrivals.rate=200Mbps");
	check_strict("workload.arrivals.rate=20Gbps");
}
END_TEST

/* ---- deferred ---- */

static void check_bound(const struct course *c, sim_time *bound)
{
	struct dma_totals t;

	dma_totals(c->system.dma, &t);
	*bound = t.window_bound;
	ck_assert_uint_le(
		course_hist(c, "windows.policy_window")->max, t.window_bound + t.flush_max);
	ck_assert_uint_le(course_hist(c, "windows.hw_window")->max, t.window_bound + t.flush_max);
	ck_assert_uint_eq(course_u64(c, "windows.iova_reuse_before_flush"), 0);
	check_truth(c);
}

/* At 80 packets in 10 ms the batch of 250 never fills: it is the timer that flushes. */
static void check_timer(const char *hz, const char *timer, sim_time want_bound)
{
	const char *const settings[] = { "policy=deferred-global", "workload.arrivals.rate=100Mbps",
		"iommu.iotlb_entries=4096", hz, timer, NULL };
	struct course c;
	sim_time bound;

	course_start(&c, common, settings);
	course_measure(&c, 20 * MS, 200 * MS);
	check_bound(&c, &bound);
	ck_assert_uint_eq(bound, want_bound);
	ck_assert_uint_ge(course_hist(&c, "windows.policy_window")->max, bound / 2);
	ck_assert_uint_ge(course_hist(&c, "windows.hw_window")->max, bound / 2);
	ck_assert_uint_gt(course_u64(&c, "dma.by_timer"), 5);
	ck_assert_uint_eq(course_u64(&c, "dma.by_timer"), course_u64(&c, "dma.invalidations"));
	ck_assert_uint_eq(course_u64(&c, "dma.global") + course_u64(&c, "dma.domain"),
		course_u64(&c, "dma.invalidations"));
	ck_assert_uint_eq(course_end(&c), 0);
	course_fini(&c);
}

START_TEST(deferred_windows_are_those_of_the_timer)
{
	check_timer("cpu.hz=250", "cpu.timer=first-tick", 12 * MS);
	check_timer("cpu.hz=1000", "cpu.timer=first-tick", 10 * MS);
	check_timer("cpu.hz=250", "cpu.timer=wheel", 16 * MS);
	check_timer("cpu.hz=1000", "cpu.timer=wheel", 11 * MS);
}
END_TEST

START_TEST(under_load_the_batch_fills_before_the_timer)
{
	static const char *const settings[] = { "policy=deferred-global",
		"workload.arrivals.rate=20Gbps", NULL };
	struct course c;
	sim_time bound;
	uint64_t unmaps, flushes;

	course_start(&c, common, settings);
	course_measure(&c, 5 * MS, 20 * MS);
	check_bound(&c, &bound);
	unmaps = course_u64(&c, "dom0.unmaps");
	flushes = course_u64(&c, "dma.by_batch_full");
	ck_assert_uint_gt(flushes, 10);
	ck_assert_uint_ge(unmaps, (flushes - 1) * 250);
	ck_assert_uint_le(unmaps, (flushes + 1) * 250 + 250);
	ck_assert_uint_lt(course_hist(&c, "windows.policy_window")->max, 2 * MS);
	ck_assert_uint_eq(course_end(&c), 0);
	course_fini(&c);
}
END_TEST

/* ---- before reuse ---- */

/* Small enough that rounds begin within the run. */
static const char *const round_robin[][4] = {
	{ "allocator=bitmap-rr" },
	{ "allocator=pooled-bitmap", "allocator.space=64MiB" },
	{ "allocator=bitmap-lockless", "allocator.space=128MiB" },
	{ "allocator=bitmap-lockless", "allocator.space=128MiB", "allocator.cursor=one" },
	{ "allocator=percpu-chunk", "allocator.inside=bitmap", "allocator.chunk=4MiB" },
};

/* Mappings outlive their unmap until the allocator comes round, and no address comes back before. */
START_TEST(flush_on_reuse_flushes_before_reuse_and_not_much_sooner)
{
	const char *const *a = round_robin[_i];
	const char *const settings[] = { "policy=flush-on-reuse", "workload.arrivals.rate=20Gbps",
		"iommu.iotlb_entries=4096", a[0], a[1] ? a[1] : a[0], a[2] ? a[2] : a[0], NULL };
	struct course c;
	uint64_t unmaps;

	course_start(&c, common, settings);
	course_measure(&c, 1 * MS, 40 * MS);
	unmaps = course_u64(&c, "dom0.unmaps");
	ck_assert_uint_gt(course_u64(&c, "dma.by_reuse"), 0);
	ck_assert_uint_lt(course_u64(&c, "dma.invalidations"), unmaps);
	ck_assert_uint_eq(course_u64(&c, "dma.by_reuse") + course_u64(&c, "dma.by_unmap"),
		course_u64(&c, "dma.invalidations"));
	ck_assert_uint_gt(course_u64(&c, "windows.page_reuse_before_flush"), 0);
	ck_assert_uint_eq(course_u64(&c, "windows.iova_reuse_before_flush"), 0);
	check_truth(&c);
	ck_assert_uint_eq(course_end(&c), 0);
	course_fini(&c);
}
END_TEST

/* ---- nothing to unmap ---- */

START_TEST(copies_leave_no_window_and_no_byte_beside_the_buffer)
{
	static const char *const settings[] = { "policy=copy", "allocator=premapped",
		"workload.arrivals.rate=20Gbps", "iommu.iotlb_entries=4096", NULL };
	struct course c;
	uint64_t copied;

	course_start(&c, common, settings);
	course_measure(&c, 1 * MS, 10 * MS);
	ck_assert_uint_gt(course_u64(&c, "dom0.unmaps"), 1000);
	copied = course_u64(&c, "dom0.bytes_copied");
	/* What was mapped, but for calls that the ends of the measurement cut. */
	ck_assert_uint_eq(copied % 2048, 0);
	ck_assert_uint_le(copied, course_u64(&c, "dom0.unmaps") * 2048 + 4 * 2048);
	ck_assert_uint_ge(copied + 4 * 2048, course_u64(&c, "dom0.unmaps") * 2048);
	ck_assert_uint_eq(course_u64(&c, "windows.opened"), 0);
	ck_assert_uint_eq(course_u64(&c, "dma.invalidations"), 0);
	ck_assert(course_real(&c, "dom0.subpage_exposure") == 0);
	ck_assert_uint_gt(course_u64(&c, "cpus.cpu0.copy"), 0);
	check_truth(&c);
	ck_assert_uint_eq(course_end(&c), 0); /* buffers, too */
	course_fini(&c);
}
END_TEST

/* Two buffers to a page: the first maps it, the last unmaps it, under either kind of policy. */
START_TEST(identity_maps_a_page_once_and_never_leads_astray)
{
	static const char *const policy[] = { "policy=strict", "policy=flush-queue" };
	const char *const settings[] = { policy[_i], "allocator=identity",
		"workload.buffers=half-page", "workload.arrivals.rate=20Gbps",
		"iommu.iotlb_entries=4096", NULL };
	struct course c;
	uint64_t maps, shared;

	course_start(&c, common, settings);
	course_measure(&c, 1 * MS, 10 * MS);
	maps = course_u64(&c, "dom0.pages_mapped");
	shared = course_u64(&c, "dom0.pages_shared");
	ck_assert_uint_gt(shared, maps / 4);
	ck_assert_uint_lt(course_u64(&c, "windows.opened"), course_u64(&c, "dom0.unmaps"));
	ck_assert_uint_eq(course_u64(&c, "windows.iova_reuse_before_flush"), 0);
	check_truth(&c);
	ck_assert_uint_eq(course_end(&c), 0);
	course_fini(&c);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("system_promises");

	tcase_add_test(tc, strict_leaves_no_window_and_invalidates_once_an_unmap);
	tcase_add_test(tc, deferred_windows_are_those_of_the_timer);
	tcase_add_test(tc, under_load_the_batch_fills_before_the_timer);
	tcase_add_loop_test(tc, flush_on_reuse_flushes_before_reuse_and_not_much_sooner, 0,
		(int)ARRAY_SIZE(round_robin));
	tcase_add_test(tc, copies_leave_no_window_and_no_byte_beside_the_buffer);
	tcase_add_loop_test(tc, identity_maps_a_page_once_and_never_leads_astray, 0, 2);
	return unit_run("system_promises", tc);
}
