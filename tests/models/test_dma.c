/* The DMA API of the simulated kernel: addresses, offsets, masks, page sizes. */
#include "base/bits.h"
#include "hw/mem.h"
#include "hw/pages.h"
#include "tests/models/dmarig.h"
#include "tests/unit/unit.h"

#define FOUR_GIB BIT64(32)

static struct dmarig r;

static void start(const char *model)
{
	dmarig_init(&r, model, "strict", NULL);
	dmarig_start(&r);
}

static void start_with(uint32_t mask_bits, bool forcedac)
{
	dmarig_init(&r, "vtd", "strict", NULL);
	r.dma.mask_bits = mask_bits;
	r.dma.forcedac = forcedac;
	dmarig_start(&r);
}

static uint64_t map(uint64_t pa, uint32_t len)
{
	uint64_t iova;

	ck_assert(dmarig_map(&r, pa, len, DMA_BIDIRECTIONAL, &iova));
	return iova;
}

/* Where the device gets to at iova. */
static struct xlate look(uint64_t iova, bool write)
{
	return rig_access(&r.rig, DMARIG_BDF, iova, write);
}

START_TEST(the_offset_within_the_page_is_kept)
{
	uint64_t iova;

	start("vtd");
	iova = map(0x123456789, 100);
	ck_assert_uint_eq(iova & (PAGE_SIZE - 1), 0x789);
	ck_assert_uint_eq(look(iova, true).pa.a, 0x123456789);
	ck_assert(dmarig_dma(&r, iova, 100, true));
	dmarig_unmap(&r, iova, 100);
	ck_assert(!dmarig_dma(&r, iova, 100, true));
	dmarig_stop(&r);
}
END_TEST

START_TEST(a_buffer_across_pages_takes_all_of_them)
{
	uint64_t iova;

	start("vtd");
	iova = map(0x10ffe, 4); /* two bytes on either page */
	ck_assert_uint_eq(look(iova + 2, true).pa.a, 0x11000);
	ck_assert_uint_eq(rig_metric(&r.rig, "dom0.pages_mapped"), 2);
	ck_assert(!look((iova & ~UINT64_C(0xfff)) + 2 * PAGE_SIZE, true).ok);
	dmarig_unmap(&r, iova, 4);
	ck_assert_uint_eq(rig_metric(&r.rig, "dom0.pages_unmapped"), 2);
	dmarig_stop(&r);
}
END_TEST

START_TEST(the_direction_gives_the_rights)
{
	static const struct {
		enum dma_dir dir;
		bool read, write;
	} rights[] = {
		{ DMA_TO_DEVICE, true, false },
		{ DMA_FROM_DEVICE, false, true },
		{ DMA_BIDIRECTIONAL, true, true },
	};
	uint64_t iova;

	start("vtd");
	for (size_t i = 0; i < ARRAY_SIZE(rights); i++) {
		ck_assert(dmarig_map(&r, 0x40000, 64, rights[i].dir, &iova));
		ck_assert(dmarig_dma(&r, iova, 64, false) == rights[i].read);
		ck_assert(dmarig_dma(&r, iova, 64, true) == rights[i].write);
		dmarig_unmap(&r, iova, 64);
	}
	ck_assert_uint_eq(dmarig_verdict(&r).right, 4);
	ck_assert_uint_eq(dmarig_verdict(&r).fault_expected, 2);
	dmarig_stop(&r);
}
END_TEST

static struct {
	struct dma_sg sg[3];
	iova_t iova;
	hpa_t pa;
} call;

static void map_sg(struct proc *p, void *arg)
{
	(void)arg;
	ck_assert(dma_map_sg(r.dev, p, call.sg, 3, DMA_TO_DEVICE, &call.iova));
}

static void unmap_sg(struct proc *p, void *arg)
{
	(void)arg;
	dma_unmap_sg(r.dev, p, call.sg, 3, DMA_TO_DEVICE, call.iova);
}

START_TEST(segments_become_one_range)
{
	start("vtd");
	call.sg[0] = (struct dma_sg){ { 0x20f00 }, 0x100 };
	call.sg[1] = (struct dma_sg){ { 0x90000 }, 0x2000 };
	call.sg[2] = (struct dma_sg){ { 0x50000 }, 0x10 };
	rig_on_cpu(&r.rig, 0, map_sg, NULL);
	ck_assert_uint_eq(call.iova.a & 0xfff, 0xf00);
	ck_assert_uint_eq(look(call.iova.a, false).pa.a, 0x20f00);
	ck_assert_uint_eq(look(call.iova.a + 0x100, false).pa.a, 0x90000);
	ck_assert_uint_eq(look(call.iova.a + 0x10fc, false).pa.a, 0x90ffc);
	ck_assert_uint_eq(look(call.iova.a + 0x1100, false).pa.a, 0x91000);
	ck_assert_uint_eq(look(call.iova.a + 0x2100, false).pa.a, 0x50000);
	ck_assert_uint_eq(dma_live_ranges(r.system), 1);
	rig_on_cpu(&r.rig, 0, unmap_sg, NULL);
	ck_assert_uint_eq(dma_live_ranges(r.system), 0);
	ck_assert(!look(call.iova.a + 0x1100, false).ok);
	ck_assert(!look(call.iova.a + 0x2100, false).ok);
	dmarig_stop(&r);
}
END_TEST

static void alloc_coherent(struct proc *p, void *arg)
{
	(void)arg;
	ck_assert(dma_alloc_coherent(r.dev, p, 5000, &call.pa, &call.iova));
}

static void free_coherent(struct proc *p, void *arg)
{
	(void)arg;
	dma_free_coherent(r.dev, p, 5000, call.pa, call.iova);
}

START_TEST(coherent_memory_is_aligned_zero_and_for_both_directions)
{
	start("vtd");
	rig_on_cpu(&r.rig, 0, alloc_coherent, NULL);
	ck_assert_uint_eq((call.pa.a | call.iova.a) & 0xfff, 0);
	for (uint64_t at = 0; at < 2 * PAGE_SIZE; at += 8)
		ck_assert_uint_eq(mem_read64(r.rig.machine.mem, (hpa_t){ call.pa.a + at }), 0);
	for (unsigned write = 0; write < 2; write++)
		ck_assert_uint_eq(look(call.iova.a + 0x1ff8, write).pa.a, call.pa.a + 0x1ff8);
	rig_on_cpu(&r.rig, 0, free_coherent, NULL);
	ck_assert(!look(call.iova.a, true).ok);
	dmarig_stop(&r);
}
END_TEST

START_TEST(addresses_below_4_gib_come_first_unless_forcedac)
{
	for (unsigned forcedac = 0; forcedac < 2; forcedac++) {
		uint64_t iova;

		start_with(64, forcedac);
		iova = map(UINT64_C(9) << 30, 64);
		ck_assert(forcedac ? iova >= BIT64(47) : iova < FOUR_GIB);
		ck_assert_uint_eq(rig_metric(&r.rig, "dom0.below_4g"), !forcedac);
		dmarig_unmap(&r, iova, 64);
		dmarig_stop(&r);
	}
}
END_TEST

START_TEST(every_mask_is_respected)
{
	static const uint32_t sizes[] = { 1, 4096, 5 * 4096, 64 * 4096 };

	for (uint32_t bits = 24; bits <= 64; bits++)
		for (unsigned forcedac = 0; forcedac < 2; forcedac++) {
			uint64_t last = bits == 64 ? UINT64_MAX : BIT64(bits) - 1;
			uint64_t iova[ARRAY_SIZE(sizes)];

			start_with(bits, forcedac);
			for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
				iova[i] = map(0x100000, sizes[i]);
				ck_assert_uint_le(iova[i] + sizes[i] - 1, last);
				ck_assert_uint_lt(iova[i], BIT64(48));
			}
			for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
				dmarig_unmap(&r, iova[i], sizes[i]);
			dmarig_stop(&r);
		}
}
END_TEST

START_TEST(a_full_space_refuses_until_something_is_unmapped)
{
	static uint64_t iova[64];
	uint64_t refused;
	unsigned n = 0;

	start_with(24, false); /* 16 MiB */
	while (n < 64 && dmarig_map(&r, 0x100000, 1 << 20, DMA_BIDIRECTIONAL, &iova[n]))
		n++;
	ck_assert_uint_ge(n, 14);
	ck_assert_uint_le(n, 16);
	ck_assert_uint_eq(rig_metric(&r.rig, "dom0.map_failures"), 1);
	ck_assert(!dmarig_map(&r, 0x100000, 1 << 20, DMA_BIDIRECTIONAL, &refused));
	dmarig_unmap(&r, iova[0], 1 << 20);
	ck_assert(dmarig_map(&r, 0x100000, 1 << 20, DMA_BIDIRECTIONAL, &iova[0]));
	for (unsigned i = 0; i < n; i++)
		dmarig_unmap(&r, iova[i], 1 << 20);
	dmarig_stop(&r);
}
END_TEST

START_TEST(above_4_gib_when_below_is_full)
{
	uint64_t iova[3];

	start("vtd");
	for (unsigned i = 0; i < 2; i++) {
		iova[i] = map((uint64_t)i << 30, 1u << 30);
		ck_assert_uint_lt(iova[i], FOUR_GIB);
	}
	/* The highest GiB holds the interrupt window, the lowest the first page: neither is whole. */
	iova[2] = map(0, 1u << 30);
	ck_assert_uint_ge(iova[2], FOUR_GIB);
	ck_assert_uint_eq(rig_metric(&r.rig, "dom0.below_4g"), 2);
	for (unsigned i = 0; i < 3; i++)
		dmarig_unmap(&r, iova[i], 1u << 30);
	dmarig_stop(&r);
}
END_TEST

START_TEST(the_interrupt_window_is_never_given_out)
{
	static uint64_t iova[40];
	unsigned n = 0;

	start_with(32, false);
	for (; n < 40; n++) { /* from the top of 4 GiB down past it */
		iova[n] = map(0x100000, 1 << 20);
		ck_assert(iova[n] + (1 << 20) <= 0xfee00000 || iova[n] > 0xfeefffff);
	}
	ck_assert_uint_lt(iova[n - 1], 0xfee00000);
	while (n--)
		dmarig_unmap(&r, iova[n], 1 << 20);
	dmarig_stop(&r);
}
END_TEST

/* ---- page sizes ---- */

static void assert_pages(uint64_t pa, uint32_t len, uint64_t entries, uint64_t large)
{
	uint64_t written = rig_metric(&r.rig, "iommu0.driver.ptes_written");
	uint64_t super = rig_metric(&r.rig, "iommu0.driver.superpages");
	uint64_t iova = map(pa, len);

	ck_assert_uint_eq(rig_metric(&r.rig, "iommu0.driver.ptes_written") - written, entries);
	ck_assert_uint_eq(rig_metric(&r.rig, "iommu0.driver.superpages") - super, large);
	for (uint64_t at = 0; at < len; at += len / 7 & ~3u)
		ck_assert_uint_eq(look(iova + at, true).pa.a, pa + at);
	ck_assert_uint_eq(look(iova + len - 4, true).pa.a, pa + len - 4);
	dmarig_unmap(&r, iova, len);
	ck_assert(!look(iova, true).ok);
	ck_assert(!look(iova + len - 4, true).ok);
}

START_TEST(aligned_ranges_use_the_largest_pages)
{
	start("vtd");
	assert_pages(0x200000, 0x200000, 1, 1);
	assert_pages(0x600000, 0x600000, 3, 3);
	assert_pages(0x40000000, 0x40000000, 1, 1);
	assert_pages(0x40000000, 0x40200000, 2, 2); /* 1 GiB and 2 MiB */
	assert_pages(0x80000000, 0x40201000, 3, 2); /* and 4 KiB */
	dmarig_stop(&r);
}
END_TEST

START_TEST(ranges_that_are_not_aligned_use_small_pages)
{
	start("vtd");
	assert_pages(0x200000, 0x1ff000, 511, 0);
	assert_pages(0x201000, 0x200000, 512, 0); /* memory out of step with the address */
	assert_pages(0x3ff000, 0x400000, 1024, 0);
	dmarig_stop(&r);
}
END_TEST

START_TEST(units_without_large_pages_use_small_ones)
{
	dmarig_init(&r, "vtd", "strict", NULL);
	rig_set(&r.rig, "cap", rig_get(&r.rig, "cap") & ~GENMASK64(37, 34));
	dmarig_start(&r);
	assert_pages(0x200000, 0x400000, 1024, 0);
	dmarig_stop(&r);
}
END_TEST

/* Small pages leave an empty table behind; a large page at the same address finds it. */
START_TEST(a_large_page_may_follow_small_ones_at_the_same_address)
{
	start("vtd");
	assert_pages(0x203000, 0x1ff000, 511, 0);
	assert_pages(0x200000, 0x200000, 1, 1);
	dmarig_stop(&r);
}
END_TEST

/* ---- accounts ---- */

START_TEST(what_a_page_holds_beyond_the_buffer_is_exposed)
{
	uint64_t iova;
	sim_time from;

	start("vtd");
	metrics_reset(r.rig.metrics, rig_now(&r.rig));
	from = rig_now(&r.rig);
	iova = map(0x10100, 96);
	rig_run_to(&r.rig, from + 5 * MS);
	dmarig_unmap(&r, iova, 96);
	rig_run_to(&r.rig, from + 10 * MS);
	metrics_collect(r.rig.metrics, rig_now(&r.rig));
	/* 4000 bytes for 5 of 10 ms: 2000 on average, less what the calls took. */
	ck_assert_double_eq_tol(rig_real(&r.rig, "dom0.subpage_exposure") / 1e6, 2000, 2);
	dmarig_stop(&r);
}
END_TEST

START_TEST(strict_flushes_once_for_each_unmap)
{
	uint64_t iova;

	start("vtd");
	for (unsigned i = 0; i < 10; i++) {
		iova = map(0x10000, 8192);
		ck_assert(dmarig_dma(&r, iova, 64, true));
		dmarig_unmap(&r, iova, 8192);
	}
	ck_assert_uint_eq(rig_metric(&r.rig, "dma.invalidations"), 10);
	ck_assert_uint_eq(rig_metric(&r.rig, "dma.by_unmap"), 10);
	ck_assert_uint_eq(rig_metric(&r.rig, "dma.pages"), 10);
	ck_assert_uint_eq(rig_hist(&r.rig, "windows.hw_window")->count, 10);
	ck_assert_uint_eq(rig_hist(&r.rig, "windows.hw_window")->max, 0);
	ck_assert_uint_eq(rig_hist(&r.rig, "windows.policy_window")->max, 0);
	dmarig_stop(&r);
}
END_TEST

START_TEST(without_an_iommu_the_address_is_the_memory_s)
{
	uint64_t iova;

	start(NULL);
	iova = map(0x123456789, 100);
	ck_assert_uint_eq(iova, 0x123456789);
	ck_assert(dmarig_dma(&r, iova, 100, true));
	dmarig_unmap(&r, iova, 100);
	dmarig_stop(&r);
	dmarig_init(&r, NULL, "strict", NULL);
	r.dma.mask_bits = 32;
	dmarig_start(&r);
	ck_assert(!dmarig_map(&r, FOUR_GIB - 4, 8, DMA_TO_DEVICE, &iova));
	ck_assert(dmarig_map(&r, FOUR_GIB - 8, 8, DMA_TO_DEVICE, &iova));
	dmarig_unmap(&r, iova, 8);
	dmarig_stop(&r);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("dma");

	tcase_set_timeout(tc, 0);
	tcase_add_test(tc, the_offset_within_the_page_is_kept);
	tcase_add_test(tc, a_buffer_across_pages_takes_all_of_them);
	tcase_add_test(tc, the_direction_gives_the_rights);
	tcase_add_test(tc, segments_become_one_range);
	tcase_add_test(tc, coherent_memory_is_aligned_zero_and_for_both_directions);
	tcase_add_test(tc, addresses_below_4_gib_come_first_unless_forcedac);
	tcase_add_test(tc, every_mask_is_respected);
	tcase_add_test(tc, a_full_space_refuses_until_something_is_unmapped);
	tcase_add_test(tc, above_4_gib_when_below_is_full);
	tcase_add_test(tc, the_interrupt_window_is_never_given_out);
	tcase_add_test(tc, aligned_ranges_use_the_largest_pages);
	tcase_add_test(tc, ranges_that_are_not_aligned_use_small_pages);
	tcase_add_test(tc, units_without_large_pages_use_small_ones);
	tcase_add_test(tc, a_large_page_may_follow_small_ones_at_the_same_address);
	tcase_add_test(tc, what_a_page_holds_beyond_the_buffer_is_exposed);
	tcase_add_test(tc, strict_flushes_once_for_each_unmap);
	tcase_add_test(tc, without_an_iommu_the_address_is_the_memory_s);
	return unit_run("dma", tc);
}
