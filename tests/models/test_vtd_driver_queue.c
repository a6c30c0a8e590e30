/* What the driver half puts on the invalidation queue, and how it waits, as Linux 3.1 drivers/iommu/dmar.c
 * (qi_submit_sync) and intel-iommu.c (iommu_flush_iotlb_psi). */
#include "base/bits.h"
#include "hw/cpu.h"
#include "hw/mem.h"
#include "hw/pages.h"
#include "tests/models/driverrig.h"
#include "tests/unit/unit.h"

#define CAP_PAGES BIT64(39)
#define CAP_DRAIN GENMASK64(55, 54)

/* ---- descriptors ---- */

START_TEST(the_wait_writes_2_to_its_own_status_word)
{
	struct descriptor wait;

	driver_start(0, 0, 1);
	driver_flush_pages(5, 1);
	wait = driver_last(0);
	ck_assert_uint_eq(wait.lo, 0x25 | UINT64_C(2) << 32);
	ck_assert_uint_eq(wait.hi % PAGE_SIZE, 4 * ((driver_tail() + RING - 1) % RING));
	ck_assert_uint_eq(mem_read32(driver_rig.machine.mem, (hpa_t){ wait.hi }), 2);
	driver_stop();
}
END_TEST

START_TEST(page_ranges_become_the_aligned_block_that_covers_them)
{
	static const struct {
		uint64_t pfn;
		uint32_t n;
		uint64_t address;
		unsigned mask;
	} psi[] = {
		{ 1, 1, 0x1000, 0 },
		{ 4, 4, 0x4000, 2 },
		{ 8, 3, 0x8000, 2 }, /* rounded up */
		{ 8, 5, 0x8000, 3 },
		{ 3, 2, 0x0000, 3 }, /* misaligned: 3 and 4 need 0 to 7 */
		{ 0x1ff, 2, 0x0, 10 },
		{ 0x40000, 0x40000, 0x40000000, 18 }, /* 1 GiB: CAP.MAMV */
		{ 0xfffffffff, 1, 0xfffffffff000, 0 },
	};

	driver_start(0, 0, 1);
	for (size_t i = 0; i < ARRAY_SIZE(psi); i++) {
		driver_flush_pages(psi[i].pfn, psi[i].n);
		ck_assert_uint_eq(driver_last(1).lo, 0x32 | DRAIN_BITS | DID << 16);
		ck_assert_uint_eq(driver_last(1).hi, psi[i].address | psi[i].mask);
	}
	driver_stop();
}
END_TEST

START_TEST(ranges_above_the_mask_value_flush_the_domain)
{
	driver_start(0, 0, 1);
	driver_flush_pages(0x40000, 0x40001);
	ck_assert_uint_eq(driver_last(1).lo, 0x22 | DRAIN_BITS | DID << 16);
	ck_assert_uint_eq(driver_last(1).hi, 0);
	driver_flush_pages(0x3ffff, 2); /* crosses 1 GiB */
	ck_assert_uint_eq(driver_last(1).lo, 0x22 | DRAIN_BITS | DID << 16);
	driver_stop();
}
END_TEST

START_TEST(units_without_page_selection_flush_the_domain)
{
	driver_start(0, CAP_PAGES, 1);
	driver_flush_pages(5, 1);
	ck_assert_uint_eq(driver_last(1).lo, 0x22 | DRAIN_BITS | DID << 16);
	driver_stop();
}
END_TEST

START_TEST(domain_and_global_flushes)
{
	driver_start(0, 0, 1);
	driver_flush(&(struct iommu_flush){ .scope = IOMMU_FLUSH_DOMAIN, .domain = 0xabcd });
	ck_assert_uint_eq(driver_last(1).lo, 0x22 | DRAIN_BITS | UINT64_C(0xabcd) << 16);
	driver_flush(&(struct iommu_flush){ .scope = IOMMU_FLUSH_ALL });
	ck_assert_uint_eq(driver_last(1).lo, 0x12 | DRAIN_BITS);
	driver_stop();
}
END_TEST

START_TEST(the_hint_is_given_when_only_leaves_changed)
{
	driver_start(0, 0, 1);
	driver_flush(&(struct iommu_flush){ .scope = IOMMU_FLUSH_PAGES,
		.domain = DID,
		.iova = { 0x5000 },
		.npages = 1,
		.leaf_only = true });
	ck_assert_uint_eq(driver_last(1).hi, 0x5000 | BIT64(6));
	driver_stop();
}
END_TEST

/* qi_flush_iotlb: cap_write_drain, cap_read_drain. */
START_TEST(drain_bits_are_set_only_where_the_unit_has_them)
{
	driver_start(0, CAP_DRAIN, 1);
	driver_flush_pages(5, 1);
	ck_assert_uint_eq(driver_last(1).lo, 0x32 | DID << 16);
	driver_stop();
}
END_TEST

/* ---- the ring under load ---- */

static void many_flushes(struct proc *p, void *arg)
{
	uint64_t first = *(unsigned *)arg;

	for (uint32_t i = 0; i < 300; i++)
		driver_rig.ops->drv_flush(driver_rig.state, p,
			&(struct iommu_flush){ .scope = IOMMU_FLUSH_PAGES,
				.domain = DID,
				.iova = { (first + i) << PAGE_LG2 },
				.npages = 1 });
}

START_TEST(the_ring_wraps)
{
	unsigned zero = 0, before;

	driver_start(0, 0, 1);
	before = driver_tail();
	rig_on_cpu(&driver_rig, 0, many_flushes, &zero);
	ck_assert_uint_eq(driver_tail(), (before + 600) % RING);
	ck_assert_uint_eq(driver_reg(REG_IQH), driver_reg(REG_IQT));
	ck_assert_uint_eq(rig_metric(&driver_rig, "iommu0.invq.iotlb_page"), 300);
	driver_stop();
}
END_TEST

START_TEST(many_cpus_share_the_ring)
{
	enum { NCPUS = 8 };
	struct cpu_work work[NCPUS];
	unsigned first[NCPUS];

	driver_start(0, 0, NCPUS);
	for (unsigned c = 0; c < NCPUS; c++) {
		first[c] = 1000 * c;
		cpu_work_init(&work[c], many_flushes, &first[c]);
		cpu_post(&driver_rig.machine.cpus[c], &work[c]);
	}
	rig_settle(&driver_rig);
	ck_assert_uint_eq(rig_metric(&driver_rig, "iommu0.invq.iotlb_page"), 300 * NCPUS);
	ck_assert_uint_eq(rig_metric(&driver_rig, "iommu0.driver.submissions"), 300 * NCPUS + 2);
	ck_assert_uint_eq(driver_reg(REG_IQH), driver_reg(REG_IQT));
	ck_assert_uint_eq(rig_metric(&driver_rig, "iommu0.invq.errors"), 0);
	ck_assert_uint_gt(rig_metric(&driver_rig, "locks.iommu0.q_lock.contended"), 300);
	driver_stop();
}
END_TEST

/* dmar.c: qi_check_fault() reads FSTS under the lock in every poll; only cpu_relax() is outside. */
START_TEST(every_poll_holds_the_lock_for_its_register_read)
{
	uint64_t polls, acquired, reads, hold;
	const struct hist *held;

	driver_start(0, 0, 1);
	held = rig_hist(&driver_rig, "locks.iommu0.q_lock.hold");
	polls = rig_metric(&driver_rig, "iommu0.driver.polls");
	acquired = rig_metric(&driver_rig, "locks.iommu0.q_lock.acquisitions");
	reads = rig_metric(&driver_rig, "iommu0.driver.mmio_reads");
	hold = held->sum;
	driver_flush_pages(5, 1);
	polls = rig_metric(&driver_rig, "iommu0.driver.polls") - polls;
	acquired = rig_metric(&driver_rig, "locks.iommu0.q_lock.acquisitions") - acquired;
	reads = rig_metric(&driver_rig, "iommu0.driver.mmio_reads") - reads;
	hold = held->sum - hold;
	ck_assert_uint_ge(polls, 2);
	ck_assert_uint_eq(reads, polls - 1); /* the last poll finds the status */
	ck_assert_uint_eq(acquired, polls); /* once to submit, once again after each read */
	ck_assert_uint_ge(hold,
		reads * clock_to_ps(&driver_rig.machine.cpus[0].clock, driver_rig.cpu.mmio_read));
	driver_stop();
}
END_TEST
int main(void)
{
	TCase *tc = tcase_create("vtd driver queue");

	tcase_add_test(tc, the_wait_writes_2_to_its_own_status_word);
	tcase_add_test(tc, page_ranges_become_the_aligned_block_that_covers_them);
	tcase_add_test(tc, ranges_above_the_mask_value_flush_the_domain);
	tcase_add_test(tc, units_without_page_selection_flush_the_domain);
	tcase_add_test(tc, domain_and_global_flushes);
	tcase_add_test(tc, the_hint_is_given_when_only_leaves_changed);
	tcase_add_test(tc, drain_bits_are_set_only_where_the_unit_has_them);
	tcase_add_test(tc, the_ring_wraps);
	tcase_add_test(tc, many_cpus_share_the_ring);
	tcase_add_test(tc, every_poll_holds_the_lock_for_its_register_read);
	return unit_run("vtd_driver_queue", tc);
}
