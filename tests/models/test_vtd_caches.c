/* VT-d 4.1 sections 6.2 and 6.5: what the context cache, the paging-structure caches and the IOTLB keep,
 * and that each invalidation removes exactly what it must. */
#include "tests/models/hand.h"
#include "tests/unit/unit.h"

#define NDOMAINS 2u
#define NPAGES   6u

static const uint16_t sid[NDOMAINS] = { 0x0018, 0x0100 };
static const uint16_t did[NDOMAINS] = { 5, 9 };
/* Two pages of one table, one of the next table, one under another page-directory-pointer entry, a page
 * of 2 MiB and one of 1 GiB. */
static const struct {
	uint64_t iova;
	unsigned level;
} page[NPAGES] = {
	{ 0x40000000, 1 },
	{ 0x40003000, 1 },
	{ 0x40200000, 1 },
	{ 0x80000000, 1 },
	{ 0xc0200000, 2 },
	{ 0x140000000, 3 },
};
enum { P_4K, P_4K_SAME_TABLE, P_4K_NEXT_TABLE, P_4K_FAR, P_2M, P_1G };

static struct hand h;
static uint64_t pgd[NDOMAINS];

static void set_up(void)
{
	hand_init(&h);
	hand_start(&h);
	for (unsigned d = 0; d < NDOMAINS; d++) {
		pgd[d] = hand_page(&h);
		for (unsigned i = 0; i < NPAGES; i++)
			hand_map(&h, pgd[d], 4, page[i].iova, page[i].level,
				(uint64_t)(1 + i + 8 * d) << 30 >> (page[i].level == 1 ? 9 : 0) |
					PTE_RW | (page[i].level > 1 ? PTE_PS : 0));
		hand_context(&h, sid[d], pgd[d] | 1, CONTEXT_48(did[d]));
	}
	hand_on(&h);
}

static void tear_down(void)
{
	hand_stop(&h);
}

static struct xlate access_page(unsigned d, unsigned i)
{
	struct xlate x = hand_dma(&h, sid[d], page[i].iova, true);

	ck_assert_msg(x.ok, "domain %u page %u: fault %#x", d, i, x.fault_code);
	return x;
}

static void warm(void)
{
	for (unsigned d = 0; d < NDOMAINS; d++)
		for (unsigned i = 0; i < NPAGES; i++)
			access_page(d, i);
}

static unsigned reads(unsigned d, unsigned i)
{
	return access_page(d, i).mem_reads;
}

/* Of each domain, a bit for each page that must have gone; every other must be a hit. */
static void assert_gone(unsigned first_domain, unsigned second_domain)
{
	const unsigned gone[NDOMAINS] = { first_domain, second_domain };

	for (unsigned d = 0; d < NDOMAINS; d++)
		for (unsigned i = 0; i < NPAGES; i++)
			ck_assert_msg(access_page(d, i).hit == !(gone[d] >> i & 1),
				"domain %u page %u", d, i);
}

#define ALL ((1u << NPAGES) - 1)

START_TEST(the_first_access_fills_and_the_second_hits)
{
	warm();
	assert_gone(0, 0);
	ck_assert_uint_eq(rig_metric(&h.rig, "iommu0.iotlb_hits"), NDOMAINS * NPAGES);
	ck_assert_uint_eq(access_page(0, 0).latency, rig_get(&h.rig, "iotlb_hit"));
}
END_TEST

START_TEST(caches_spare_the_reads_of_what_they_hold)
{
	ck_assert_uint_eq(reads(0, P_4K), 6);
	ck_assert_uint_eq(reads(0, P_4K_SAME_TABLE), 1); /* page directory entry cached */
	ck_assert_uint_eq(reads(0, P_4K_NEXT_TABLE), 2); /* page-directory-pointer entry */
	ck_assert_uint_eq(reads(0, P_4K_FAR), 3); /* PML4 entry */
	ck_assert_uint_eq(reads(0, P_2M), 2);
	ck_assert_uint_eq(reads(0, P_1G), 1);
	ck_assert_uint_eq(reads(1, P_4K), 6); /* another domain's tables are not used */
}
END_TEST

START_TEST(a_large_page_is_one_entry)
{
	access_page(0, P_2M);
	ck_assert(hand_dma(&h, sid[0], page[P_2M].iova + 0x1ff000, false).hit);
	ck_assert(!hand_dma(&h, sid[0], page[P_2M].iova + 0x200000, false).hit);
	access_page(0, P_1G);
	ck_assert(hand_dma(&h, sid[0], page[P_1G].iova + 0x3ffff000, false).hit);
}
END_TEST

START_TEST(devices_of_one_domain_share_its_entries)
{
	struct xlate x;

	hand_context(&h, 0x0019, pgd[0] | 1, CONTEXT_48(did[0]));
	access_page(0, P_4K);
	x = hand_dma(&h, 0x0019, page[P_4K_SAME_TABLE].iova, true);
	ck_assert_uint_eq(x.mem_reads, 3); /* root, context, leaf */
	ck_assert(hand_dma(&h, 0x0019, page[P_4K].iova, true).hit);
}
END_TEST

START_TEST(entries_that_are_not_present_are_not_cached)
{
	ck_assert(!hand_dma(&h, sid[0], 0x40001000, true).ok);
	hand_map(&h, pgd[0], 4, 0x40001000, 1, 0x7000 | PTE_RW);
	ck_assert(hand_dma(&h, sid[0], 0x40001000, true).ok); /* CAP.CM is 0: no flush needed */
	ck_assert(!hand_dma(&h, 0x0042, 0x40001000, true).ok);
	hand_context(&h, 0x0042, pgd[0] | 1, CONTEXT_48(did[0]));
	ck_assert(hand_dma(&h, 0x0042, 0x40001000, true).ok);
}
END_TEST

START_TEST(an_address_beyond_the_width_is_never_a_hit)
{
	warm();
	for (unsigned bit = 48; bit < 64; bit++)
		for (unsigned i = 0; i < NPAGES; i++)
			for (unsigned c = 0; c < 3;
				c++) { /* as the page number of each page size */
				uint64_t iova = BIT64(bit) | page[i].iova >> 9 * c;

				ck_assert_uint_eq(hand_dma(&h, sid[0], iova, true).fault_code, 4);
			}
}
END_TEST

START_TEST(without_invalidation_the_old_translation_stays)
{
	access_page(0, P_4K);
	hand_map(&h, pgd[0], 4, page[P_4K].iova, 1, 0);
	ck_assert(hand_dma(&h, sid[0], page[P_4K].iova, true).ok);
	hand_submit(&h, INV_IOTLB_PAGE(did[0]), page[P_4K].iova);
	ck_assert(!hand_dma(&h, sid[0], page[P_4K].iova, true).ok);
}
END_TEST

/* ---- IOTLB invalidations: 6.5.2.3 ---- */

START_TEST(global_takes_everything)
{
	warm();
	hand_submit(&h, INV_IOTLB_GLOBAL, 0);
	ck_assert_uint_eq(reads(0, P_4K), 4); /* the context cache stays, paging structures go */
	hand_submit(&h, INV_IOTLB_GLOBAL, 0);
	assert_gone(ALL, ALL);
	ck_assert_uint_eq(rig_metric(&h.rig, "iommu0.invq.iotlb_global"), 2);
}
END_TEST

START_TEST(domain_takes_its_own_and_no_other)
{
	warm();
	hand_submit(&h, INV_IOTLB_DOMAIN(did[1]), 0);
	assert_gone(0, ALL);
	hand_submit(&h, INV_IOTLB_DOMAIN(did[0]), 0);
	hand_submit(&h, INV_IOTLB_DOMAIN(7), 0); /* nobody's */
	ck_assert_uint_eq(reads(0, P_4K), 4);
	hand_submit(&h, INV_IOTLB_PAGE(did[1]), page[P_4K].iova | INV_HINT);
	ck_assert_uint_eq(reads(1, P_4K), 1); /* the other's paging structures were kept */
}
END_TEST

START_TEST(page_takes_the_page_of_the_domain)
{
	for (unsigned i = 0; i < NPAGES; i++) {
		warm();
		hand_submit(&h, INV_IOTLB_PAGE(did[0]), page[i].iova);
		assert_gone(1u << i, 0);
	}
}
END_TEST

START_TEST(any_page_within_a_large_page_takes_it)
{
	warm();
	hand_submit(&h, INV_IOTLB_PAGE(did[0]), page[P_2M].iova + 0x1ff000);
	assert_gone(1u << P_2M, 0);
	hand_submit(&h, INV_IOTLB_PAGE(did[1]), page[P_1G].iova + 0x3ffff000);
	assert_gone(0, 1u << P_1G);
	hand_submit(&h, INV_IOTLB_PAGE(did[0]), page[P_2M].iova + 0x200000);
	assert_gone(0, 0);
}
END_TEST

START_TEST(the_address_mask_widens_the_range)
{
	warm();
	hand_submit(&h, INV_IOTLB_PAGE(did[0]), 0x40000000 | 1); /* pages 0 and 1 */
	assert_gone(1u << P_4K, 0);
	hand_submit(&h, INV_IOTLB_PAGE(did[0]), 0x40000000 | 2); /* 0 to 3 */
	assert_gone(1u << P_4K | 1u << P_4K_SAME_TABLE, 0);
	hand_submit(&h, INV_IOTLB_PAGE(did[0]), 0x40000000 | 9); /* 2 MiB */
	assert_gone(1u << P_4K | 1u << P_4K_SAME_TABLE, 0);
	hand_submit(&h, INV_IOTLB_PAGE(did[0]), 0x40000000 | 10); /* 4 MiB */
	assert_gone(1u << P_4K | 1u << P_4K_SAME_TABLE | 1u << P_4K_NEXT_TABLE, 0);
	hand_submit(&h, INV_IOTLB_PAGE(did[0]), 0xc0000000 | 10);
	assert_gone(1u << P_2M, 0);
	hand_submit(&h, INV_IOTLB_PAGE(did[0]), 0x140000000 | 18); /* 1 GiB */
	assert_gone(1u << P_1G, 0);
}
END_TEST

START_TEST(the_hint_keeps_the_paging_structures)
{
	warm();
	hand_submit(&h, INV_IOTLB_PAGE(did[0]), page[P_4K].iova | INV_HINT);
	ck_assert_uint_eq(reads(0, P_4K), 1);
	hand_submit(&h, INV_IOTLB_PAGE(did[0]), page[P_4K].iova);
	ck_assert_uint_eq(reads(0, P_4K), 4);
}
END_TEST

START_TEST(without_the_hint_only_paging_structures_of_the_range_go)
{
	warm();
	hand_submit(&h, INV_IOTLB_PAGE(did[0]), page[P_4K].iova);
	hand_submit(&h, INV_IOTLB_PAGE(did[0]), page[P_4K_FAR].iova | INV_HINT);
	ck_assert_uint_eq(reads(0, P_4K_FAR), 1); /* its page directory entry was kept */
	hand_submit(&h, INV_IOTLB_PAGE(did[1]), page[P_4K].iova | INV_HINT);
	ck_assert_uint_eq(reads(1, P_4K), 1);
}
END_TEST

START_TEST(a_table_taken_out_is_not_used_after_its_range_is_invalidated)
{
	uint64_t at = hand_entry_at(&h, pgd[0], 4, page[P_4K].iova, 2), old = hand_get(&h, at);

	warm();
	hand_put(&h, at, 0);
	hand_put(&h, (old & GENMASK64(51, 12)) + 8, 0xbad000 | PTE_RW); /* reused by somebody */
	hand_submit(&h, INV_IOTLB_PAGE(did[0]), 0x40000000 | 9);
	ck_assert(!hand_dma(&h, sid[0], 0x40001000, true).ok);
	ck_assert(!hand_dma(&h, sid[0], 0x40000000, true).ok);
}
END_TEST

/* ---- context cache: 6.5.2.1 ---- */

/* Reads that an IOTLB miss of a domain's device costs with all paging structures cached: 1, or 3 when
 * its context entry has to be read again. */
static unsigned context_reads(unsigned d)
{
	hand_submit(&h, INV_IOTLB_PAGE(did[d]), page[P_4K].iova | INV_HINT);
	return reads(d, P_4K) - 1;
}

START_TEST(global_and_domain_context_invalidation_take_their_devices)
{
	warm();
	ck_assert_uint_eq(context_reads(0) + context_reads(1), 0);
	hand_submit(&h, INV_CONTEXT_GLOBAL, 0);
	ck_assert_uint_eq(context_reads(0), 2);
	ck_assert_uint_eq(context_reads(1), 2);
	hand_submit(&h, INV_CONTEXT_DOMAIN(did[0]), 0); /* its own at least */
	ck_assert_uint_eq(context_reads(0), 2);
	ck_assert_uint_eq(rig_metric(&h.rig, "iommu0.invq.context"), 2);
}
END_TEST

START_TEST(device_context_invalidation_takes_the_device)
{
	warm();
	hand_submit(&h, INV_CONTEXT_DEVICE(did[1], sid[1], 0), 0);
	ck_assert_uint_eq(context_reads(0), 0);
	ck_assert_uint_eq(context_reads(1), 2);
}
END_TEST

START_TEST(the_function_mask_takes_the_functions_it_hides)
{
	static const unsigned hidden[] = { 0, 4, 6, 7 }; /* FM: bits of the function number */

	for (unsigned fm = 0; fm < 4; fm++) {
		for (unsigned fn = 0; fn < 8; fn++) {
			hand_context(&h, (uint16_t)(0x0050 + fn), pgd[0] | 1, CONTEXT_48(did[0]));
			ck_assert(hand_dma(&h, (uint16_t)(0x0050 + fn), page[0].iova, true).ok);
		}
		hand_submit(&h, INV_CONTEXT_DEVICE(did[0], 0x0055, fm), 0);
		for (unsigned fn = 0; fn < 8; fn++) {
			bool gone = (fn & ~hidden[fm]) == (5 & ~hidden[fm]);

			ck_assert(hand_dma(&h, (uint16_t)(0x0050 + fn), page[0].iova, true).hit ==
				  !gone);
		}
	}
}
END_TEST

/* 11.4.6 CAIG: "Domain-selective invalidation performed" only when no other domain was touched. */
START_TEST(the_granularity_reported_is_the_one_performed)
{
	uint64_t caig;

	warm();
	hand_command(&h, 0, GCMD_QUEUE);
	hand_write(&h, REG_CCMD, 8, BIT64(63) | UINT64_C(2) << 61 | did[0]);
	rig_settle(&h.rig);
	caig = hand_read(&h, REG_CCMD, 8) >> 59 & 3;
	hand_command(&h, GCMD_QUEUE, 0);
	h.tail = 0;
	hand_write(&h, REG_IQT, 8, 0);
	ck_assert_uint_eq(context_reads(0), 2);
	ck_assert_uint_eq(context_reads(1), caig == 1 ? 2 : 0);
}
END_TEST

START_TEST(context_invalidation_leaves_the_iotlb)
{
	warm();
	hand_submit(&h, INV_CONTEXT_GLOBAL, 0);
	for (unsigned i = 0; i < NPAGES; i++) {
		struct xlate x = access_page(0, i);

		ck_assert(i == 0 ? x.mem_reads <= 3 : x.hit);
	}
}
END_TEST

START_TEST(a_device_moves_to_another_domain_with_its_context_flushed)
{
	access_page(0, P_4K);
	hand_context(&h, sid[0], pgd[1] | 1, CONTEXT_48(did[1]));
	hand_submit(&h, INV_CONTEXT_DEVICE(did[0], sid[0], 0), 0);
	ck_assert_uint_eq(hand_dma(&h, sid[0], page[P_4K].iova, true).pa.a,
		hand_dma(&h, sid[1], page[P_4K].iova, true).pa.a);
}
END_TEST

/* ---- the register form does the same ---- */

START_TEST(register_invalidations_take_the_same_entries)
{
	hand_command(&h, 0, GCMD_QUEUE);
	warm();
	hand_write(&h, REG_IVA, 8, 0x40000000 | 2);
	hand_write(&h, REG_IOTLB, 8, BIT64(63) | UINT64_C(3) << 60 | (uint64_t)did[0] << 32);
	rig_settle(&h.rig);
	assert_gone(1u << P_4K | 1u << P_4K_SAME_TABLE, 0);
	hand_write(&h, REG_IOTLB, 8, BIT64(63) | UINT64_C(2) << 60 | (uint64_t)did[1] << 32);
	rig_settle(&h.rig);
	assert_gone(0, ALL);
	hand_write(&h, REG_IOTLB, 8, BIT64(63) | UINT64_C(1) << 60);
	rig_settle(&h.rig);
	assert_gone(ALL, ALL);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("vtd caches");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, the_first_access_fills_and_the_second_hits);
	tcase_add_test(tc, caches_spare_the_reads_of_what_they_hold);
	tcase_add_test(tc, a_large_page_is_one_entry);
	tcase_add_test(tc, devices_of_one_domain_share_its_entries);
	tcase_add_test(tc, entries_that_are_not_present_are_not_cached);
	tcase_add_test(tc, an_address_beyond_the_width_is_never_a_hit);
	tcase_add_test(tc, without_invalidation_the_old_translation_stays);
	tcase_add_test(tc, global_takes_everything);
	tcase_add_test(tc, domain_takes_its_own_and_no_other);
	tcase_add_test(tc, page_takes_the_page_of_the_domain);
	tcase_add_test(tc, any_page_within_a_large_page_takes_it);
	tcase_add_test(tc, the_address_mask_widens_the_range);
	tcase_add_test(tc, the_hint_keeps_the_paging_structures);
	tcase_add_test(tc, without_the_hint_only_paging_structures_of_the_range_go);
	tcase_add_test(tc, a_table_taken_out_is_not_used_after_its_range_is_invalidated);
	tcase_add_test(tc, global_and_domain_context_invalidation_take_their_devices);
	tcase_add_test(tc, device_context_invalidation_takes_the_device);
	tcase_add_test(tc, the_function_mask_takes_the_functions_it_hides);
	tcase_add_test(tc, the_granularity_reported_is_the_one_performed);
	tcase_add_test(tc, context_invalidation_leaves_the_iotlb);
	tcase_add_test(tc, a_device_moves_to_another_domain_with_its_context_flushed);
	tcase_add_test(tc, register_invalidations_take_the_same_entries);
	return unit_run("vtd_caches", tc);
}
