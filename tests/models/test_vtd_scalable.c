/* VT-d 4.1, 3.4.3 and 3.6 to 3.8: scalable-mode walks: what they read, what they grant, and which accessed
 * and dirty bits they set. Random tables are in test_vtd_scalable_bruteforce.c. */
#include "tests/models/smrig.h"
#include "tests/unit/unit.h"

#define DID    7
#define IOVA   UINT64_C(0x7f8040201000) /* all indices differ */
#define PA     UINT64_C(0x300000000)
#define FIRST  (PE0_PRESENT | PE0_FIRST)
#define SECOND (PE0_PRESENT | PE0_SECOND | PE0_48 | sm.ss)
#define NESTED (PE0_PRESENT | PE0_NESTED | PE0_48 | sm.ss)

static uint64_t entry(uint64_t at)
{
	return hand_get(&sm.hand, at);
}

static void forget(void)
{
	hand_submit(&sm.hand, INV_CONTEXT_GLOBAL, 0);
	hand_submit(&sm.hand, INV_PCACHE_GLOBAL, 0);
	hand_submit(&sm.hand, INV_IOTLB_GLOBAL, 0);
}

static void assert_fault(struct xlate x, unsigned code)
{
	ck_assert_msg(!x.ok && x.fault_code == code, "%s %#x, expected %#x",
		x.ok ? "translated" : "fault", x.ok ? 0 : x.fault_code, code);
}

/* ---- memory reads ---- */

#define SOURCE_READS 4u /* root, context, PASID directory, PASID table */

START_TEST(a_first_stage_walk_reads_its_levels)
{
	uint64_t top;

	sm_without_caches();
	sm_map_first(IOVA, PA);
	sm_pasid_entry(1, FIRST, DID, sm.fs);
	ck_assert_uint_eq(sm_dma(1, IOVA, true).mem_reads, SOURCE_READS + 4);
	top = hand_page(&sm.hand);
	hand_put(&sm.hand, top, sm.fs | FS_ALL | FS_ACC);
	sm_pasid_entry(1, FIRST, DID, top | PE2_5_LEVELS);
	ck_assert_uint_eq(sm_dma(1, IOVA, true).mem_reads, SOURCE_READS + 5);
}
END_TEST

/* 4 first-stage entries, each after a second-stage walk of 4, and one for the page. */
START_TEST(a_nested_walk_of_4_by_4_levels_reads_24_entries)
{
	sm_without_caches();
	sm_map_first(IOVA, PA);
	sm_identity(PA, PA + PAGE_SIZE);
	sm_pasid_entry(1, NESTED, DID, sm.fs);
	ck_assert_uint_eq(sm_dma(1, IOVA, true).mem_reads, SOURCE_READS + 24);
}
END_TEST

START_TEST(caches_spare_a_nested_walk_all_but_what_is_new)
{
	sm_map_first(IOVA, PA);
	sm_map_first(IOVA + PAGE_SIZE, PA + PAGE_SIZE);
	sm_identity(PA, PA + 2 * PAGE_SIZE);
	sm_pasid_entry(1, NESTED, DID, sm.fs);
	ck_assert(sm_dma(1, IOVA, true).ok);
	/* The leaf's table: its second-stage leaf and its entry; the page: its second-stage leaf. */
	ck_assert_uint_eq(sm_dma(1, IOVA + PAGE_SIZE, true).mem_reads, 3);
	ck_assert(sm_dma(1, IOVA + PAGE_SIZE, true).hit);
}
END_TEST

/* ---- accessed and dirty bits ---- */

START_TEST(first_stage_bits_follow_the_access)
{
	uint64_t leaf = sm_map_first(IOVA, PA), upper[3];

	for (unsigned level = 2; level <= 4; level++) {
		upper[level - 2] = sm_entry_at(sm.fs, 4, IOVA, level, 0);
		hand_put(&sm.hand, upper[level - 2], entry(upper[level - 2]) & ~FS_ACC);
	}
	hand_put(&sm.hand, leaf, PA | FS_ALL);
	sm_pasid_entry(1, FIRST, DID, sm.fs);
	ck_assert(sm_dma(1, IOVA, false).ok);
	ck_assert_uint_eq(entry(leaf), PA | FS_ALL | FS_ACC);
	for (unsigned i = 0; i < 3; i++)
		ck_assert_uint_eq(entry(upper[i]) & (FS_ACC | FS_DIRTY), FS_ACC);
	ck_assert(sm_dma(1, IOVA, true).ok);
	ck_assert_uint_eq(entry(leaf), PA | FS_ALL | FS_ACC | FS_DIRTY);
	for (unsigned i = 0; i < 3; i++)
		ck_assert_uint_eq(entry(upper[i]) & FS_DIRTY, 0);
}
END_TEST

START_TEST(a_refused_access_leaves_the_page_unmarked)
{
	uint64_t leaf = sm_map_first(IOVA, PA);

	hand_put(&sm.hand, leaf, PA | FS_PRESENT | FS_USER);
	sm_pasid_entry(1, FIRST, DID, sm.fs | PE2_SUPERVISOR | PE2_EXECUTE | PE2_NXE);
	assert_fault(sm_dma(1, IOVA, true), 0x85);
	ck_assert_uint_eq(entry(leaf), PA | FS_PRESENT | FS_USER);
	hand_put(&sm.hand, leaf, PA | FS_PRESENT | FS_WRITE);
	assert_fault(sm_dma(1, IOVA, false), 0x81);
	hand_put(&sm.hand, leaf, PA | FS_ALL | FS_NX);
	assert_fault(sm_dma_as(1, IOVA, false, false, true), 0x82);
	ck_assert_uint_eq(entry(leaf), PA | FS_ALL | FS_NX);
}
END_TEST

START_TEST(the_first_write_that_hits_a_clean_entry_sets_dirty)
{
	uint64_t leaf = sm_map_first(IOVA, PA);

	hand_put(&sm.hand, leaf, PA | FS_ALL);
	sm_pasid_entry(1, FIRST, DID, sm.fs);
	ck_assert(sm_dma(1, IOVA, false).ok);
	ck_assert(sm_dma(1, IOVA, false).hit);
	ck_assert(!sm_dma(1, IOVA, true).hit); /* a walk, to set the bit */
	ck_assert(entry(leaf) & FS_DIRTY);
	ck_assert(sm_dma(1, IOVA, true).hit);
	/* Software takes the bit back but has not invalidated yet: nothing sees it. */
	hand_put(&sm.hand, leaf, PA | FS_ALL | FS_ACC);
	ck_assert(sm_dma(1, IOVA, true).hit);
	ck_assert(!(entry(leaf) & FS_DIRTY));
	hand_submit(&sm.hand, INV_PASID_PAGE(DID, 1), IOVA);
	ck_assert(!sm_dma(1, IOVA, true).hit);
	ck_assert(entry(leaf) & FS_DIRTY);
}
END_TEST

START_TEST(second_stage_bits_are_kept_where_the_pasid_entry_asks)
{
	uint64_t leaf = sm_map_second(IOVA & GENMASK64(46, 0), PA);
	uint64_t upper = sm_entry_at(sm.ss, 4, IOVA & GENMASK64(46, 0), 2, 0);

	sm_pasid_entry(1, SECOND, DID, 0);
	ck_assert(sm_dma(1, IOVA, true).ok);
	ck_assert_uint_eq(entry(leaf), PA | PTE_RW);
	sm_pasid_entry(1, SECOND | PE0_SECOND_AD, DID, 0);
	forget();
	ck_assert(sm_dma(1, IOVA, false).ok);
	ck_assert_uint_eq(entry(leaf), PA | PTE_RW | SS_ACC);
	ck_assert_uint_eq(entry(upper) & (SS_ACC | SS_DIRTY), SS_ACC);
	ck_assert(!sm_dma(1, IOVA, true).hit);
	ck_assert_uint_eq(entry(leaf), PA | PTE_RW | SS_ACC | SS_DIRTY);
	ck_assert(sm_dma(1, IOVA, true).hit);
}
END_TEST

/* The first stage's entry is dirty already; the second stage's is not. */
START_TEST(a_nested_write_sets_dirty_in_both_stages)
{
	uint64_t second;

	sm_map_first(IOVA, PA);
	sm_identity(0, 0);
	second = sm_map_second(PA, PA);
	sm_pasid_entry(1, NESTED | PE0_SECOND_AD, DID, sm.fs);
	ck_assert(sm_dma(1, IOVA, false).ok);
	ck_assert_uint_eq(entry(second), PA | PTE_RW | SS_ACC);
	ck_assert(sm_dma(1, IOVA, true).ok);
	ck_assert_uint_eq(entry(second), PA | PTE_RW | SS_ACC | SS_DIRTY);
	ck_assert(sm_dma(1, IOVA, true).hit);
}
END_TEST

START_TEST(a_first_stage_refusal_leaves_the_second_stage_page_unmarked)
{
	uint64_t first = sm_map_first(IOVA, PA), second;

	sm_identity(0, 0);
	second = sm_map_second(PA, PA);
	hand_put(&sm.hand, first, PA | FS_PRESENT | FS_USER);
	sm_pasid_entry(1, NESTED | PE0_SECOND_AD, DID, sm.fs);
	assert_fault(sm_dma(1, IOVA, true), 0x85);
	ck_assert_uint_eq(entry(first), PA | FS_PRESENT | FS_USER);
	ck_assert_uint_eq(entry(second), PA | PTE_RW);
}
END_TEST

START_TEST(accessed_bits_of_a_nested_table_need_a_writable_page)
{
	uint64_t first = sm_map_first(IOVA, PA), table = first & ~UINT64_C(0xfff);

	sm_identity(PA, PA + PAGE_SIZE);
	hand_put(&sm.hand, sm_entry_at(sm.ss, 4, table, 1, 0), table | PTE_R);
	sm_pasid_entry(1, NESTED, DID, sm.fs);
	ck_assert(sm_dma(1, IOVA, false).ok); /* nothing to set */
	hand_put(&sm.hand, first, PA | FS_ALL);
	forget();
	assert_fault(sm_dma(1, IOVA, false), 0x77);
	ck_assert_uint_eq(entry(first), PA | FS_ALL);
}
END_TEST

START_TEST(the_extended_accessed_bit_is_kept_where_it_is_enabled)
{
	uint64_t leaf = sm_map_first(IOVA, PA);

	sm_pasid_entry(1, FIRST, DID, sm.fs);
	ck_assert(sm_dma(1, IOVA, false).ok);
	ck_assert(!(entry(leaf) & FS_EXT));
	sm_pasid_entry(1, FIRST, DID, sm.fs | PE2_EXTENDED);
	forget();
	ck_assert(sm_dma(1, IOVA, false).ok);
	ck_assert(entry(leaf) & FS_EXT);
}
END_TEST

/* ---- rights ---- */

START_TEST(rights_of_the_first_stage)
{
	enum { U, S }; /* the request's privilege */
	const uint64_t all = PE2_SUPERVISOR | PE2_EXECUTE | PE2_NXE;
	const struct {
		uint64_t leaf, flags;
		bool priv, write, exec;
		unsigned fault;
	} cases[] = {
		{ FS_ALL, all, U, true, false, 0 },
		{ FS_PRESENT | FS_WRITE, all, U, false, false, 0x81 },
		{ FS_PRESENT | FS_WRITE, all, S, true, false, 0 },
		{ FS_PRESENT | FS_USER, all, U, true, false, 0x85 },
		{ FS_PRESENT | FS_USER, all, S, true, false, 0 },
		{ FS_PRESENT | FS_USER, all | PE2_WPE, S, true, false, 0x85 },
		{ FS_ALL | FS_NX, all, U, false, false, 0 },
		{ FS_ALL | FS_NX, all, U, false, true, 0x82 },
		{ FS_ALL | FS_NX, all & ~PE2_NXE, U, false, false, 0x72 },
		{ FS_ALL, all, S, false, true, 0 },
		{ FS_ALL, all | PE2_SMEP, S, false, true, 0x82 },
		{ FS_ALL, all | PE2_SMEP, U, false, true, 0 },
		{ FS_PRESENT, all | PE2_SMEP, S, false, true, 0 },
		{ FS_ALL, all & ~PE2_EXECUTE, U, false, true, 0x5c },
		{ FS_ALL, all & ~PE2_SUPERVISOR, S, false, false, 0x5d },
	};
	uint64_t leaf = sm_map_first(IOVA, PA);

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		hand_put(&sm.hand, leaf, PA | cases[i].leaf);
		sm_pasid_entry(1, FIRST, DID, sm.fs | cases[i].flags);
		forget();
		for (unsigned again = 0; again < 2; again++) { /* cached too */
			struct xlate x =
				sm_dma_as(1, IOVA, cases[i].write, cases[i].priv, cases[i].exec);

			ck_assert_msg((x.ok ? 0 : x.fault_code) == cases[i].fault, "case %zu: %#x",
				i, x.ok ? 0 : x.fault_code);
		}
	}
}
END_TEST

/* Another's entry in the IOTLB does not let in a request that the source may not make. */
START_TEST(forbidden_kinds_of_requests_are_refused_on_a_hit_too)
{
	sm_map_first(IOVA, PA);
	sm_pasid_entry(1, FIRST, DID, sm.fs);
	ck_assert(sm_dma(1, IOVA, true).ok);
	ck_assert(sm_dma(1, IOVA, true).hit);
	assert_fault(sm_dma_as(1, IOVA, true, true, false), 0x5d);
	assert_fault(sm_dma_as(1, IOVA, false, false, true), 0x5c);
}
END_TEST

START_TEST(without_write_protection_the_second_stage_still_counts)
{
	uint64_t first = sm_map_first(IOVA, PA), second;

	sm_identity(0, 0);
	second = sm_map_second(PA, PA);
	hand_put(&sm.hand, first, PA | FS_PRESENT | FS_USER | FS_ACC | FS_DIRTY);
	sm_pasid_entry(1, NESTED, DID, sm.fs | PE2_SUPERVISOR);
	ck_assert(sm_dma_as(1, IOVA, true, true, false).ok);
	hand_put(&sm.hand, second, PA | PTE_R);
	forget();
	assert_fault(sm_dma_as(1, IOVA, true, true, false), 0x85);
	hand_put(&sm.hand, second, 0);
	forget();
	assert_fault(sm_dma_as(1, IOVA, true, true, false), 0x85);
}
END_TEST

/* ---- whose request it is ---- */

START_TEST(requests_without_pasid_have_that_of_the_context_entry)
{
	sm_map_first(IOVA, PA);
	sm_pasid_entry(5, FIRST, DID, sm.fs);
	assert_fault(hand_dma(&sm.hand, SM_SID, IOVA, false), 0x59); /* PASID 0 */
	hand_put(&sm.hand, sm.context + 8, 5);
	forget();
	ck_assert(hand_dma(&sm.hand, SM_SID, IOVA, false).ok);
	hand_put(&sm.hand, sm.context + 8, 0x2000);
	forget();
	assert_fault(hand_dma(&sm.hand, SM_SID, IOVA, false), 0x48);
	assert_fault(sm_dma(0x2000, IOVA, false), 0x46);
}
END_TEST

START_TEST(scalable_pass_through_leaves_addresses_alone)
{
	struct xlate x;

	sm_pasid_entry(1, PE0_PRESENT | PE0_PASS | PE0_48, DID, 0);
	for (unsigned again = 0; again < 2; again++) {
		x = sm_dma(1, 0x123456789000, true);
		ck_assert(x.ok);
		ck_assert_uint_eq(x.pa.a, 0x123456789000);
	}
}
END_TEST

START_TEST(root_register_faults)
{
	hand_write(&sm.hand, REG_RTADDR, 8, sm.hand.root); /* legacy mode */
	hand_command(&sm.hand, GCMD_SET_ROOT, 0);
	assert_fault(sm_dma(1, IOVA, false), 0x31);
	hand_write(&sm.hand, REG_RTADDR, 8, sm.hand.root | BIT64(11)); /* reserved modes */
	hand_command(&sm.hand, GCMD_SET_ROOT, 0);
	assert_fault(sm_dma(1, IOVA, false), 0x30);
	assert_fault(hand_dma(&sm.hand, SM_SID, IOVA, false), 0x30);
	hand_write(&sm.hand, REG_RTADDR, 8, sm.hand.rig.mem.size | RTADDR_SCALABLE);
	hand_command(&sm.hand, GCMD_SET_ROOT, 0);
	assert_fault(sm_dma(1, IOVA, false), 0x38);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("vtd scalable");

	tcase_add_checked_fixture(tc, sm_set_up, sm_tear_down);
	tcase_add_test(tc, a_first_stage_walk_reads_its_levels);
	tcase_add_test(tc, a_nested_walk_of_4_by_4_levels_reads_24_entries);
	tcase_add_test(tc, caches_spare_a_nested_walk_all_but_what_is_new);
	tcase_add_test(tc, first_stage_bits_follow_the_access);
	tcase_add_test(tc, a_refused_access_leaves_the_page_unmarked);
	tcase_add_test(tc, the_first_write_that_hits_a_clean_entry_sets_dirty);
	tcase_add_test(tc, second_stage_bits_are_kept_where_the_pasid_entry_asks);
	tcase_add_test(tc, a_nested_write_sets_dirty_in_both_stages);
	tcase_add_test(tc, a_first_stage_refusal_leaves_the_second_stage_page_unmarked);
	tcase_add_test(tc, accessed_bits_of_a_nested_table_need_a_writable_page);
	tcase_add_test(tc, the_extended_accessed_bit_is_kept_where_it_is_enabled);
	tcase_add_test(tc, rights_of_the_first_stage);
	tcase_add_test(tc, forbidden_kinds_of_requests_are_refused_on_a_hit_too);
	tcase_add_test(tc, without_write_protection_the_second_stage_still_counts);
	tcase_add_test(tc, requests_without_pasid_have_that_of_the_context_entry);
	tcase_add_test(tc, scalable_pass_through_leaves_addresses_alone);
	tcase_add_test(tc, root_register_faults);
	return unit_run("vtd_scalable", tc);
}
