/* Capability bits that change what the driver does when it maps: ZLR, CM, RWBF, as Linux 3.1
 * intel-iommu.c: __intel_map_single, iommu_flush_write_buffer. */
#include "base/bits.h"
#include "tests/models/driverrig.h"
#include "tests/unit/unit.h"

#define IOVA UINT64_C(0x40000000)
#define PA   UINT64_C(0x5000000)

#define CAP_RWBF BIT64(4)
#define CAP_CM   BIT64(7)
#define CAP_ZLR  BIT64(22)

static void map(struct proc *p, void *arg)
{
	const struct iommu_model_ops *ops = driver_rig.ops;

	ops->drv_map(driver_rig.state, p, DID, (iova_t){ IOVA }, (hpa_t){ PA }, PAGE_LG2, 4,
		arg ? IOMMU_PROT_W : IOMMU_PROT_W | IOMMU_PROT_R);
	ops->drv_sync_map(driver_rig.state, p, DID, (iova_t){ IOVA }, 4);
}

static void unmap(struct proc *p, void *arg)
{
	driver_rig.ops->drv_unmap(driver_rig.state, p, DID, (iova_t){ IOVA }, 4, arg);
}

static uint64_t leaf_of_write_only_page(uint64_t cap_off)
{
	struct iommu_freelist freed = { 0 };
	uint64_t at, write_only = 1;

	driver_start(0, cap_off, 1);
	rig_on_cpu(&driver_rig, 0, map, &write_only);
	at = driver_reg(REG_RTADDR) & ~UINT64_C(0xfff);
	at = driver_word(at + 16 * 3) & ~UINT64_C(0xfff); /* context table of bus 3 */
	at = driver_word(at + 16 * 0x42) & ~UINT64_C(0xfff);
	for (unsigned level = 4; level > 0; level--)
		at = driver_word((at & ~UINT64_C(0xfff)) + 8 * (IOVA >> (3 + 9 * level) & 511));
	rig_on_cpu(&driver_rig, 0, unmap, &freed);
	driver_stop();
	return at;
}

START_TEST(without_zlr_the_driver_lets_devices_read_what_they_write)
{
	ck_assert_uint_eq(leaf_of_write_only_page(0) & 3, 2);
	ck_assert_uint_eq(leaf_of_write_only_page(CAP_ZLR) & 3, 3);
}
END_TEST

START_TEST(with_caching_mode_the_driver_flushes_what_it_has_mapped)
{
	struct iommu_freelist freed = { 0 };
	unsigned tail;

	driver_start(0, 0, 1);
	tail = driver_tail();
	rig_on_cpu(&driver_rig, 0, map, NULL);
	ck_assert_uint_eq(driver_tail(), tail);
	rig_on_cpu(&driver_rig, 0, unmap, &freed);
	driver_stop();
	driver_start(CAP_CM, 0, 1);
	tail = driver_tail();
	rig_on_cpu(&driver_rig, 0, map, NULL);
	ck_assert_uint_eq((driver_tail() - tail) % RING, 2);
	ck_assert_uint_eq(driver_last(1).lo, 0x32 | DRAIN_BITS | DID << 16);
	ck_assert_uint_eq(driver_last(1).hi, IOVA | 2);
	rig_on_cpu(&driver_rig, 0, unmap, &freed);
	driver_stop();
}
END_TEST

START_TEST(with_write_buffers_the_driver_flushes_them_and_waits)
{
	struct iommu_freelist freed = { 0 };
	sim_time from;

	driver_start(CAP_RWBF, 0, 1);
	from = rig_now(&driver_rig);
	rig_on_cpu(&driver_rig, 0, map, NULL);
	ck_assert_uint_ge(rig_now(&driver_rig) - from, rig_get(&driver_rig, "command_latency"));
	ck_assert_uint_eq(rig_metric(&driver_rig, "iommu0.driver.write_buffer_flushes"), 1);
	rig_on_cpu(&driver_rig, 0, unmap, &freed);
	driver_stop();
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("vtd driver capabilities");

	tcase_add_test(tc, without_zlr_the_driver_lets_devices_read_what_they_write);
	tcase_add_test(tc, with_caching_mode_the_driver_flushes_what_it_has_mapped);
	tcase_add_test(tc, with_write_buffers_the_driver_flushes_them_and_waits);
	return unit_run("vtd_driver_capabilities", tc);
}
