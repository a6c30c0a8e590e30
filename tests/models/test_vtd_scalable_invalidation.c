/* VT-d 4.1, 6.5.2.2 and 6.5.2.4: PASID-cache and PASID-based IOTLB invalidations remove exactly what they
 * must; what the invalidations of legacy mode do to first-stage and nested translations. */
#include "tests/models/smrig.h"
#include "tests/unit/unit.h"

#define NPAGES  4u
#define PA      UINT64_C(0x200000000)
/* Two PASIDs of one domain, and one of another. */
#define NPASIDS 3u

static const uint32_t pasid[NPASIDS] = { 1, 2, 3 };
static const uint16_t did[NPASIDS] = { 5, 5, 6 };
/* Two pages of one table, one of the next table, one far away. */
static const uint64_t page[NPAGES] = { 0x40000000, 0x40001000, 0x40200000, 0xffff800000000000 };

static void set_up(void)
{
	sm_set_up();
	for (unsigned i = 0; i < NPAGES; i++)
		sm_map_first(page[i], PA + i * PAGE_SIZE);
	for (unsigned p = 0; p < NPASIDS; p++)
		sm_pasid_entry(pasid[p], PE0_PRESENT | PE0_FIRST, did[p], sm.fs);
}

static void warm(void)
{
	for (unsigned p = 0; p < NPASIDS; p++)
		for (unsigned i = 0; i < NPAGES; i++)
			ck_assert(sm_dma(pasid[p], page[i], false).ok);
}

/* For each PASID a bit for each page whose entry must have gone; every other must be a hit. */
static void assert_gone(unsigned first, unsigned second, unsigned third)
{
	const unsigned gone[NPASIDS] = { first, second, third };

	for (unsigned p = 0; p < NPASIDS; p++)
		for (unsigned i = 0; i < NPAGES; i++)
			ck_assert_msg(sm_dma(pasid[p], page[i], false).hit == !(gone[p] >> i & 1),
				"PASID %u page %u", pasid[p], i);
}

#define ALL 0xfu

static void after(uint64_t lo, uint64_t hi)
{
	warm();
	hand_submit(&sm.hand, lo, hi);
}

/* ---- PASID-based IOTLB ---- */

START_TEST(a_page_goes_in_its_pasid_and_domain_only)
{
	after(INV_PASID_PAGE(5, 1), page[0]);
	assert_gone(1, 0, 0);
	after(INV_PASID_PAGE(5, 3), page[0]); /* nobody is that */
	assert_gone(0, 0, 0);
	after(INV_PASID_PAGE(6, 3), page[3]);
	assert_gone(0, 0, 8);
}
END_TEST

START_TEST(an_address_mask_names_a_block)
{
	after(INV_PASID_PAGE(5, 2), page[0] | 1);
	assert_gone(0, 3, 0);
	after(INV_PASID_PAGE(5, 2), page[0] | 10);
	assert_gone(0, 7, 0);
}
END_TEST

START_TEST(all_of_a_pasid_goes)
{
	after(INV_PASID_ALL(5, 2), 0);
	assert_gone(0, ALL, 0);
}
END_TEST

START_TEST(the_hint_spares_the_tables_above_the_leaf)
{
	after(INV_PASID_PAGE(5, 1), page[0] | INV_HINT);
	ck_assert_uint_eq(sm_dma(1, page[0], false).mem_reads, 1);
	after(INV_PASID_PAGE(5, 1), page[0]);
	ck_assert_uint_eq(sm_dma(1, page[0], false).mem_reads, 4);
}
END_TEST

START_TEST(invalidations_of_the_domain_reach_its_pasids)
{
	after(INV_IOTLB_DOMAIN(5), 0);
	assert_gone(ALL, ALL, 0);
	after(INV_IOTLB_GLOBAL, 0);
	assert_gone(ALL, ALL, ALL);
}
END_TEST

/* A block of second-stage addresses: no telling which first-stage translations lead through it. */
START_TEST(a_second_stage_block_takes_nested_translations_of_the_domain)
{
	sm_identity(PA, PA + NPAGES * PAGE_SIZE);
	for (unsigned p = 0; p < NPASIDS; p++)
		sm_pasid_entry(pasid[p], PE0_PRESENT | PE0_NESTED | PE0_48 | sm.ss, did[p], sm.fs);
	after(INV_IOTLB_PAGE(5), PA);
	assert_gone(ALL, ALL, 0);
}
END_TEST

/* ---- PASID cache ---- */

/* Entries that are not present any more: who still gets through has his from the cache. */
static void assert_forgotten(uint64_t lo, unsigned who)
{
	for (unsigned p = 0; p < NPASIDS; p++)
		sm_pasid_entry(pasid[p], PE0_PRESENT | PE0_FIRST, did[p], sm.fs);
	hand_submit(&sm.hand, INV_PCACHE_GLOBAL, 0);
	warm();
	for (unsigned p = 0; p < NPASIDS; p++)
		sm_pasid_entry(pasid[p], 0, did[p], sm.fs);
	for (unsigned p = 0; p < NPASIDS; p++)
		ck_assert(sm_dma(pasid[p], page[0], false).ok);
	hand_submit(&sm.hand, lo, 0);
	for (unsigned p = 0; p < NPASIDS; p++) {
		struct xlate x = sm_dma(pasid[p], page[0], false);

		ck_assert_msg(x.ok == !(who >> p & 1), "PASID %u", pasid[p]);
		ck_assert(x.ok || x.fault_code == 0x59);
	}
}

START_TEST(pasid_cache_entries_go_by_granularity)
{
	assert_forgotten(INV_PCACHE_PASID(5, 2), 2);
	assert_forgotten(INV_PCACHE_PASID(6, 2), 0);
	assert_forgotten(INV_PCACHE_PASID(6, 3), 4);
	assert_forgotten(INV_PCACHE_DOMAIN(5), 3);
	assert_forgotten(INV_PCACHE_DOMAIN(7), 0);
	assert_forgotten(INV_PCACHE_GLOBAL, 7);
}
END_TEST

START_TEST(pasid_cache_invalidations_leave_the_iotlb)
{
	after(INV_PCACHE_GLOBAL, 0);
	for (unsigned p = 0; p < NPASIDS; p++) /* directory and table entry, no paging entry */
		ck_assert_uint_eq(sm_dma(pasid[p], page[0], false).mem_reads, 0 + 2 + 1);
	assert_gone(0, 0, 0);
}
END_TEST

START_TEST(iotlb_invalidations_leave_the_pasid_cache)
{
	after(INV_PASID_ALL(5, 1), 0);
	ck_assert_uint_eq(sm_dma(1, page[0], false).mem_reads, 4);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("vtd scalable invalidation");

	tcase_add_checked_fixture(tc, set_up, sm_tear_down);
	tcase_add_test(tc, a_page_goes_in_its_pasid_and_domain_only);
	tcase_add_test(tc, an_address_mask_names_a_block);
	tcase_add_test(tc, all_of_a_pasid_goes);
	tcase_add_test(tc, the_hint_spares_the_tables_above_the_leaf);
	tcase_add_test(tc, invalidations_of_the_domain_reach_its_pasids);
	tcase_add_test(tc, a_second_stage_block_takes_nested_translations_of_the_domain);
	tcase_add_test(tc, pasid_cache_entries_go_by_granularity);
	tcase_add_test(tc, pasid_cache_invalidations_leave_the_iotlb);
	tcase_add_test(tc, iotlb_invalidations_leave_the_pasid_cache);
	return unit_run("vtd_scalable_invalidation", tc);
}
