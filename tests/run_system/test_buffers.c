/*
 * The ways of keeping buffers, and systems at their edges: nothing leaks, and each does what its name
 * says.
 */
#include <string.h>

#include "hw/pages.h"
#include "tests/run_system/course.h"
#include "tests/unit/unit.h"

static const char *const common[] = { "cpu.count=2", "workload.sizes.size=1514",
	"workload.arrivals.rate=2Gbps", NULL };

static const char *const styles[] = { "workload.buffers=page", "workload.buffers=half-page",
	"workload.buffers=page-pool", "workload.buffers=xdp" };

START_TEST(no_way_of_keeping_buffers_leaks)
{
	static const char *const policies[] = { "policy=strict", "policy=deferred-global" };
	static const char *const rates[] = { "workload.arrivals.rate=300Mbps",
		"workload.arrivals.rate=30Gbps" };
	static const char *const cpus[] = { "cpu.count=2", NULL };

	for (size_t i = 0; i < ARRAY_SIZE(styles) * 4; i++) {
		const char *const settings[] = { styles[i / 4], policies[i / 2 % 2], rates[i % 2],
			"workload.sizes.type=imix", "workload.xdp_pass=0.5", NULL };
		struct course c;

		course_start(&c, cpus, settings);
		course_measure(&c, 1 * MS, 5 * MS);
		ck_assert_uint_gt(course_u64(&c, "nic_rx0.delivered"), 100);
		ck_assert_uint_eq(course_end(&c), 0);
		ck_assert_uint_eq(course_u64(&c, "dom0.iova.live"), 0);
		ck_assert_uint_eq(course_u64(&c, "dom0.wrong_target"), 0);
		ck_assert_uint_eq(course_u64(&c, "dom0.fault_unexpected"), 0);
		course_fini(&c);
	}
}
END_TEST

START_TEST(a_page_pool_maps_once_and_unmaps_at_the_end)
{
	static const char *const settings[] = { "workload.buffers=page-pool", NULL };
	struct course c;

	course_start(&c, common, settings);
	course_measure(&c, 2 * MS, 10 * MS);
	ck_assert_uint_gt(course_u64(&c, "nic_rx0.delivered"), 1000);
	ck_assert_uint_eq(course_u64(&c, "dom0.unmaps"), 0);
	ck_assert_uint_eq(course_u64(&c, "windows.opened"), 0);
	ck_assert_uint_eq(course_u64(&c, "dma.invalidations"), 0);
	ck_assert_uint_eq(course_end(&c), 0);
	ck_assert_uint_ge(course_u64(&c, "dom0.unmaps"), 2 * 511);
	course_fini(&c);
}
END_TEST

/* Pages in use after set-up, by style. */
static uint64_t pages_after_setup(const char *style)
{
	const char *const settings[] = { style, NULL };
	struct course c;
	uint64_t n;

	course_start(&c, common, settings);
	n = pages_in_use(c.system.machine.pages);
	course_measure(&c, 0, 1 * MS);
	ck_assert_uint_eq(course_end(&c), 0);
	course_fini(&c);
	return n;
}

START_TEST(half_pages_need_half_the_pages)
{
	uint64_t full = pages_after_setup(styles[0]), half = pages_after_setup(styles[1]);

	ck_assert_uint_ge(full, 2 * 511);
	ck_assert_uint_eq(full - half, 2 * 511 - 2 * 256); /* two queues; one half left over each */
}
END_TEST

/* While one half is mapped, the device can reach the other: the measure of it must see that. */
START_TEST(half_pages_map_and_unmap_for_every_packet)
{
	static const char *const settings[] = { "workload.buffers=half-page", NULL };
	struct course c;
	uint64_t unmaps, delivered;

	course_start(&c, common, settings);
	course_measure(&c, 2 * MS, 10 * MS);
	unmaps = course_u64(&c, "dom0.unmaps");
	delivered = course_u64(&c, "nic_rx0.delivered");
	ck_assert_uint_le(unmaps > delivered ? unmaps - delivered : delivered - unmaps, 2);
	ck_assert_double_gt(course_real(&c, "dom0.subpage_exposure"), 0);
	ck_assert_uint_eq(course_end(&c), 0);
	course_fini(&c);
}
END_TEST

START_TEST(without_an_iommu_the_bus_is_memory)
{
	static const char *const settings[] = { "iommu=off", NULL };
	struct course c;

	course_start(&c, common, settings);
	ck_assert_ptr_null(c.system.model);
	course_measure(&c, 1 * MS, 10 * MS);
	ck_assert_uint_gt(course_u64(&c, "nic_rx0.delivered"), 1000);
	ck_assert_uint_eq(course_u64(&c, "nic_rx0.dropped_fault"), 0);
	ck_assert_uint_eq(course_hist(&c, "nic_rx0.pcie.latency_miss")->count, 0);
	ck_assert_uint_eq(course_end(&c), 0);
	course_fini(&c);
}
END_TEST

START_TEST(a_small_mask_runs_out_and_goes_on)
{
	static const char *const settings[] = { "dma.mask_bits=24", "cpu.count=8",
		"workload.arrivals.rate=10Gbps", "policy=deferred-global", NULL };
	struct course c;

	course_start(&c, common, settings); /* 8 x 513 pages in 4096; each search is a long one */
	ck_assert(c.ready);
	ck_assert_uint_gt(course_u64(&c, "nic_rx0.refill_failures"), 0);
	course_measure(&c, 1 * MS, 5 * MS);
	ck_assert_uint_gt(course_u64(&c, "nic_rx0.delivered"), 100);
	ck_assert_uint_gt(course_u64(&c, "nic_rx0.refill_failures"), 0);
	ck_assert_uint_eq(
		course_u64(&c, "dom0.iova.failures"), course_u64(&c, "dom0.map_failures"));
	ck_assert_uint_eq(course_u64(&c, "dom0.fault_unexpected"), 0);
	ck_assert_uint_eq(course_end(&c), 0);
	course_fini(&c);
}
END_TEST

START_TEST(a_mask_too_small_for_the_rings_is_an_error)
{
	static const char *const settings[] = { "dma.mask_bits=24", "cpu.count=10", NULL };
	struct course c;
	char text[512];

	course_start(&c, common, settings);
	ck_assert(!c.ready);
	err_format(&c.err, text, sizeof(text));
	ck_assert_ptr_nonnull(strstr(text, "address"));
	ck_assert_uint_eq(course_give_up(&c), 0);
	course_fini(&c);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("system_buffers");

	tcase_add_test(tc, no_way_of_keeping_buffers_leaks);
	tcase_add_test(tc, a_page_pool_maps_once_and_unmaps_at_the_end);
	tcase_add_test(tc, half_pages_need_half_the_pages);
	tcase_add_test(tc, half_pages_map_and_unmap_for_every_packet);
	tcase_add_test(tc, without_an_iommu_the_bus_is_memory);
	tcase_add_test(tc, a_small_mask_runs_out_and_goes_on);
	tcase_add_test(tc, a_mask_too_small_for_the_rings_is_an_error);
	return unit_run("system_buffers", tc);
}
