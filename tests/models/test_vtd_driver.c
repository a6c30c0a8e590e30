/* The driver half alone: bring-up, tables and faults, as Linux 3.1 (drivers/iommu/intel-iommu.c, dmar.c),
 * by numbers and not by the model's names. */
#include "base/bits.h"
#include "hw/cpu.h"
#include "hw/mem.h"
#include "hw/pages.h"
#include "tests/models/driverrig.h"
#include "tests/unit/unit.h"

#define CAP_CACHING BIT64(7)

/* ---- bring-up ---- */

START_TEST(bring_up_turns_on_root_queue_and_translation)
{
	driver_start(0, 0, 1);
	ck_assert_uint_eq(driver_rig.ops->hw_mmio_read(driver_rig.state, REG_GSTS, 4),
		BIT64(31) | BIT64(30) | BIT64(26));
	ck_assert_uint_eq(driver_reg(REG_RTADDR) & 0xfff, 0);
	ck_assert_uint_eq(driver_reg(REG_IQA) & 7, 0); /* one page, 256 descriptors */
	ck_assert_uint_eq(driver_tail(), 4);
	ck_assert_uint_eq(driver_last(3).lo, 0x11); /* global context, then global IOTLB */
	ck_assert_uint_eq(driver_last(1).lo, 0x12 | DRAIN_BITS);
	ck_assert_uint_eq(driver_last(1).hi, 0);
	driver_stop();
}
END_TEST

START_TEST(root_and_context_entries_of_an_attached_device)
{
	uint64_t root, context;

	driver_start(0, 0, 1);
	root = driver_reg(REG_RTADDR);
	ck_assert_uint_eq(driver_word(root + 3 * 16) & 0xfff, 1);
	ck_assert_uint_eq(driver_word(root + 3 * 16 + 8), 0);
	ck_assert_uint_eq(driver_word(root + 4 * 16), 0);
	context = (driver_word(root + 3 * 16) & ~UINT64_C(0xfff)) + 0x42 * 16;
	ck_assert_uint_eq(
		driver_word(context) & 0xfff, 1); /* present, multi-level, faults recorded */
	ck_assert_uint_eq(driver_word(context + 8), 2 | DID << 8); /* 48 bits in 4 levels */
	ck_assert_uint_eq(driver_word(context - 16), 0);
	driver_stop();
}
END_TEST

START_TEST(narrow_units_get_three_levels)
{
	driver_start(BIT64(9), BIT64(10), 1);
	ck_assert_uint_eq(driver_rig.ops->drv_addr_width(driver_rig.state), 39);
	ck_assert_uint_eq(
		driver_word((driver_word(driver_reg(REG_RTADDR) + 3 * 16) & ~UINT64_C(0xfff)) +
			    0x42 * 16 + 8),
		1 | DID << 8);
	driver_stop();
}
END_TEST

START_TEST(attach_flushes_only_in_caching_mode)
{
	driver_start(CAP_CACHING, 0, 1);
	ck_assert_uint_eq(driver_tail(), 8);
	ck_assert_uint_eq(driver_last(3).lo & ~GENMASK64(31, 16), 0x31 | UINT64_C(0x342) << 32);
	ck_assert_uint_eq(driver_last(1).lo, 0x22 | DRAIN_BITS | DID << 16);
	driver_stop();
}
END_TEST

/* ---- page tables ---- */

static uint64_t pgd(void)
{
	return driver_word((driver_word(driver_reg(REG_RTADDR) + 3 * 16) & ~UINT64_C(0xfff)) +
			   0x42 * 16) &
	       ~UINT64_C(0xfff);
}

static uint64_t entry(uint64_t iova, unsigned level)
{
	uint64_t table = pgd();

	for (unsigned l = 4;; l--) {
		uint64_t e = driver_word(table + 8 * (iova >> (12 + 9 * (l - 1)) & 511));

		if (l == level)
			return e;
		ck_assert_uint_eq(e & 0xfff, 3); /* tables carry R and W */
		table = e & GENMASK64(51, 12);
	}
}

struct mapping {
	uint64_t iova, pa;
	unsigned lg2;
	uint32_t n;
	unsigned prot;
	struct iommu_freelist freed;
};

static void do_map(struct proc *p, void *arg)
{
	const struct mapping *m = arg;

	driver_rig.ops->drv_map(driver_rig.state, p, DID, (iova_t){ m->iova }, (hpa_t){ m->pa },
		m->lg2, m->n, m->prot);
}

static void do_unmap(struct proc *p, void *arg)
{
	struct mapping *m = arg;

	driver_rig.ops->drv_unmap(driver_rig.state, p, DID, (iova_t){ m->iova },
		(uint32_t)(m->n << (m->lg2 - PAGE_LG2)), &m->freed);
}

static void free_tables(struct proc *p, void *arg)
{
	struct iommu_freelist *l = arg;

	for (; l->n; l->n--) {
		hpa_t page = l->head;

		l->head.a = driver_word(page.a);
		pages_free(driver_rig.machine.pages, p, page);
	}
}

static void unmap(struct mapping *m, uint32_t tables)
{
	rig_on_cpu(&driver_rig, 0, do_unmap, m);
	ck_assert_uint_eq(m->freed.n, tables);
	rig_on_cpu(&driver_rig, 0, free_tables, &m->freed);
}

START_TEST(leaf_entries_carry_address_rights_and_size)
{
	struct mapping small = { 0x7f1234567000, 0xabc000, 12, 3, IOMMU_PROT_W, { .n = 0 } };
	struct mapping medium = { 0x7f0000200000, 0x600000, 21, 2, IOMMU_PROT_R, { .n = 0 } };
	struct mapping large = { 0x7e0040000000, 0x80000000, 30, 1, 3, { .n = 0 } };

	driver_start(0, 0, 1);
	rig_on_cpu(&driver_rig, 0, do_map, &small);
	rig_on_cpu(&driver_rig, 0, do_map, &medium);
	rig_on_cpu(&driver_rig, 0, do_map, &large);
	for (unsigned i = 0; i < 3; i++)
		ck_assert_uint_eq(
			entry(small.iova + i * PAGE_SIZE, 1), (small.pa + i * PAGE_SIZE) | 2);
	ck_assert_uint_eq(entry(small.iova + 3 * PAGE_SIZE, 1), 0);
	ck_assert_uint_eq(entry(medium.iova, 2), 0x600000 | 0x81);
	ck_assert_uint_eq(entry(medium.iova + 0x200000, 2), 0x800000 | 0x81);
	ck_assert_uint_eq(entry(large.iova, 3), 0x80000000 | 0x83);
	unmap(&small, 0);
	ck_assert_uint_eq(entry(small.iova, 1), 0);
	unmap(&medium, 0);
	unmap(&large, 0);
	ck_assert_uint_eq(entry(large.iova, 3), 0);
	driver_stop();
}
END_TEST

START_TEST(unmap_takes_out_exactly_the_tables_it_covers)
{
	struct mapping whole = { 0x40000000, 0, 12, 512, 3, { .n = 0 } };
	struct mapping short_by_one = { 0x40000000, 0, 12, 511, 3, { .n = 0 } };
	struct mapping across = { 0x401ff000, 0, 12, 514, 3, { .n = 0 } }; /* 1 + 512 + 1 */
	struct mapping directory = { 0x80000000, 0, 21, 512, 3, { .n = 0 } };

	driver_start(0, 0, 1);
	rig_on_cpu(&driver_rig, 0, do_map, &whole);
	unmap(&whole, 1);
	ck_assert_uint_eq(entry(whole.iova, 2), 0);
	rig_on_cpu(&driver_rig, 0, do_map, &short_by_one);
	unmap(&short_by_one, 0);
	ck_assert_uint_ne(entry(whole.iova, 2), 0);
	rig_on_cpu(&driver_rig, 0, do_map, &across);
	unmap(&across, 1);
	rig_on_cpu(&driver_rig, 0, do_map, &directory);
	unmap(&directory, 1);
	ck_assert_uint_eq(entry(directory.iova, 3), 0);
	driver_stop();
}
END_TEST

/* Linux 3.2 __domain_mapping: "ensure that old small page tables are removed to make room". */
START_TEST(a_large_page_replaces_the_empty_table_of_small_ones)
{
	struct mapping small = { 0x40000000, 0, 12, 5, 3, { .n = 0 } };
	struct mapping large = { 0x40000000, 0x600000, 21, 1, 3, { .n = 0 } };

	driver_start(0, 0, 1);
	rig_on_cpu(&driver_rig, 0, do_map, &small);
	ck_assert(rig_access(&driver_rig, driver_rid.bdf, small.iova, true)
			  .ok); /* caches point to the table */
	unmap(&small, 0);
	driver_flush_pages(small.iova >> PAGE_LG2, 5);
	rig_on_cpu(&driver_rig, 0, do_map, &large);
	ck_assert_uint_eq(entry(large.iova, 2), 0x600000 | 0x83);
	ck_assert_uint_eq(rig_access(&driver_rig, driver_rid.bdf, 0x40001000, true).pa.a, 0x601000);
	unmap(&large, 0);
	driver_stop();
}
END_TEST

/* ---- faults ---- */

START_TEST(faults_are_logged_as_the_kernel_prints_them)
{
	driver_start(0, 0, 1);
	rig_access(&driver_rig, driver_rid.bdf, 0x6df084123, true);
	rig_settle(&driver_rig);
	rig_access(&driver_rig, 0x00f9, 0x1000, false);
	rig_settle(&driver_rig);
	ck_assert_str_eq(rig_log(&driver_rig),
		"DMAR:[DMA Write] Request device [03:08.2] fault addr 6df084000 \n"
		"DMAR:[fault reason 05] PTE Write access is not set\n"
		"DMAR:[DMA Read] Request device [00:1f.1] fault addr 1000 \n"
		"DMAR:[fault reason 01] Present bit in root entry is clear\n");
	driver_stop();
}
END_TEST

START_TEST(a_burst_of_faults_leaves_nothing_pending)
{
	driver_start(0, 0, 1);
	for (uint16_t bdf = 0x400; bdf < 0x420; bdf++)
		rig_access(&driver_rig, bdf, 0x1000, true);
	rig_settle(&driver_rig);
	ck_assert_uint_eq(driver_rig.ops->hw_mmio_read(driver_rig.state, 0x34, 4) & 3, 0);
	ck_assert_uint_ge(rig_metric(&driver_rig, "iommu0.driver.faults_reported"), 8);
	driver_stop();
}
END_TEST
int main(void)
{
	TCase *tc = tcase_create("vtd driver");

	tcase_add_test(tc, bring_up_turns_on_root_queue_and_translation);
	tcase_add_test(tc, root_and_context_entries_of_an_attached_device);
	tcase_add_test(tc, narrow_units_get_three_levels);
	tcase_add_test(tc, attach_flushes_only_in_caching_mode);
	tcase_add_test(tc, leaf_entries_carry_address_rights_and_size);
	tcase_add_test(tc, unmap_takes_out_exactly_the_tables_it_covers);
	tcase_add_test(tc, a_large_page_replaces_the_empty_table_of_small_ones);
	tcase_add_test(tc, faults_are_logged_as_the_kernel_prints_them);
	tcase_add_test(tc, a_burst_of_faults_leaves_nothing_pending);
	return unit_run("vtd_driver", tc);
}
