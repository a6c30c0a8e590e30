/* VT-d 4.1 sections 7.1.3, 9.1, 9.3 and 9.8: what is wrong in a table, and the reason given for it. */
#include "tests/models/walkrig.h"
#include "tests/unit/unit.h"

#define MISSING  (UINT64_C(13) << 30) /* within the address width, not there */
#define TOO_HIGH BIT64(40) /* beyond the address width */

/* ---- reserved bits: 9.8 ---- */

static void assert_reserved(unsigned level, unsigned leaf, uint64_t bits, bool refused)
{
	uint64_t iova = walk_iova[4], at;

	walk_without_caches();
	hand_map(&walk.hand, walk.pgd, 4, iova, leaf,
		(UINT64_C(5) << 30) | PTE_RW | (leaf > 1 ? PTE_PS : 0));
	at = hand_entry_at(&walk.hand, walk.pgd, 4, iova, level);
	hand_put(&walk.hand, at, hand_get(&walk.hand, at) | bits);
	walk_attach(4);
	for (unsigned write = 0; write < 2; write++) {
		struct xlate x = hand_dma(&walk.hand, SID, iova, write);

		ck_assert_msg(x.ok == !refused, "level %u of a page at level %u, bits %#llx", level,
			leaf, (unsigned long long)bits);
		if (refused)
			ck_assert_uint_eq(x.fault_code, PAGING_RESERVED);
	}
}

START_TEST(addresses_beyond_the_machine_are_reserved_at_every_level)
{
	for (unsigned level = 1; level <= 4; level++) {
		assert_reserved(level, 1, TOO_HIGH, true);
		assert_reserved(level, 1, BIT64(34), true);
		assert_reserved(level, 1, BIT64(51), true);
	}
}
END_TEST

START_TEST(bits_that_hardware_ignores_are_not_reserved)
{
	for (unsigned level = 1; level <= 4; level++)
		assert_reserved(level, 1, GENMASK64(61, 52) | BIT64(63) | BIT64(10), false);
}
END_TEST

START_TEST(the_address_bits_within_a_large_page_are_reserved)
{
	for (unsigned bit = 12; bit < 30; bit++) {
		assert_reserved(3, 3, BIT64(bit), true);
		if (bit < 21)
			assert_reserved(2, 2, BIT64(bit), true);
	}
}
END_TEST

START_TEST(page_size_is_reserved_at_level_4_and_ignored_at_level_1)
{
	assert_reserved(4, 1, PTE_PS, true);
	assert_reserved(1, 1, PTE_PS, false);
}
END_TEST

START_TEST(snoop_and_transient_bits_are_reserved_above_the_leaf)
{
	for (unsigned level = 2; level <= 4; level++) {
		assert_reserved(level, 1, BIT64(11), true);
		assert_reserved(level, 1, BIT64(62), true);
	}
	for (unsigned leaf = 1; leaf <= 3; leaf++) { /* ECAP.SC and ECAP.DT of HAND_ECAP */
		assert_reserved(leaf, leaf, BIT64(11), false);
		assert_reserved(leaf, leaf, BIT64(62), false);
	}
}
END_TEST

static void assert_leaf_bit_needs(uint64_t bit, uint64_t capability)
{
	walk_restart("ecap", HAND_ECAP & ~capability);
	hand_map(&walk.hand, walk.pgd, 4, 0x1000, 1, 0x7000 | PTE_RW | bit);
	walk_attach(4);
	walk_assert_faults_both(0x1000, PAGING_RESERVED);
}

START_TEST(snoop_and_transient_bits_of_a_leaf_need_their_capability)
{
	assert_leaf_bit_needs(BIT64(11), ECAP_SNOOP);
	assert_leaf_bit_needs(BIT64(62), ECAP_DEVICE_TLB);
}
END_TEST

START_TEST(page_sizes_that_the_unit_lacks_are_reserved)
{
	for (unsigned level = 2; level <= 3; level++) {
		walk_restart("cap", HAND_CAP & ~(BIT64(34) << (level - 2)));
		hand_map(&walk.hand, walk.pgd, 4, 0x40000000, level,
			(UINT64_C(5) << 30) | PTE_RW | PTE_PS);
		walk_attach(4);
		walk_assert_faults_both(0x40000000, PAGING_RESERVED);
	}
}
END_TEST

/* An entry without R and W is not present: nothing else in it counts. */
START_TEST(not_present_comes_before_reserved)
{
	hand_map(&walk.hand, walk.pgd, 4, 0x1000, 1, TOO_HIGH | BIT64(62));
	walk_attach(4);
	walk_assert_faults(0x1000, false, NO_READ);
	walk_assert_faults(0x1000, true, NO_WRITE);
}
END_TEST

START_TEST(tables_that_are_not_there)
{
	for (unsigned level = 2; level <= 4; level++) {
		walk_without_caches();
		hand_put(&walk.hand, hand_entry_at(&walk.hand, walk.pgd, 4, walk_iova[4], level),
			MISSING | PTE_RW);
		walk_attach(4);
		walk_assert_faults_both(walk_iova[4], TABLE_ACCESS);
	}
}
END_TEST

/* 3h: "...a hardware attempt to access the second-stage paging entry referenced through the SSPTPTR
 * field resulted in an error". */
START_TEST(a_top_table_that_is_not_there_is_a_fault_of_the_context_entry)
{
	hand_context(&walk.hand, SID, MISSING | 1, CONTEXT_48(DID));
	hand_on(&walk.hand);
	walk_assert_faults_both(0x1000, CONTEXT_INVALID);
}
END_TEST

START_TEST(a_page_may_lie_where_no_memory_answers)
{
	hand_map(&walk.hand, walk.pgd, 4, 0x1000, 1,
		MISSING | PTE_RW); /* memory-mapped I/O, for all the unit knows */
	walk_attach(4);
	walk_assert_leads_to(0x1008, MISSING + 8, 12);
}
END_TEST

START_TEST(translation_to_the_interrupt_range_is_refused)
{
	hand_map(&walk.hand, walk.pgd, 4, 0x1000, 1, 0xfee00000 | PTE_RW);
	hand_map(&walk.hand, walk.pgd, 4, 0x2000, 1, 0xfeeff000 | PTE_RW);
	hand_map(&walk.hand, walk.pgd, 4, 0x3000, 1, 0xfedff000 | PTE_RW);
	hand_map(&walk.hand, walk.pgd, 4, 0x4000, 1, 0xfef00000 | PTE_RW);
	hand_map(&walk.hand, walk.pgd, 4, 0x200000, 2, 0xfee00000 | PTE_RW | PTE_PS);
	walk_attach(4);
	walk_assert_faults_both(0x1000, INTERRUPT_ADDRESS);
	walk_assert_faults_both(0x2ffc, INTERRUPT_ADDRESS);
	walk_assert_leads_to(0x3000, 0xfedff000, 12);
	walk_assert_leads_to(0x4000, 0xfef00000, 12);
	walk_assert_faults_both(0x200000, INTERRUPT_ADDRESS);
	walk_assert_leads_to(0x300000, 0xfef00000, 21); /* the same page beyond the range */
}
END_TEST

/* ---- root and context entries: 9.1, 9.3 ---- */

static uint64_t root_entry(void)
{
	return walk.hand.root + (SID >> 8) * 16;
}

START_TEST(root_faults)
{
	hand_on(&walk.hand);
	walk_assert_faults_both(0x1000, ROOT_NOT_PRESENT);
	hand_put(&walk.hand, root_entry(),
		0x5000 | 0xffe); /* not present: reserved bits do not count */
	walk_assert_faults_both(0x1000, ROOT_NOT_PRESENT);
	for (unsigned bit = 1; bit < 12; bit++) {
		hand_put(&walk.hand, root_entry(), 0x5000 | 1 | BIT64(bit));
		walk_assert_faults_both(0x1000, ROOT_RESERVED);
	}
	hand_put(&walk.hand, root_entry(), TOO_HIGH | 1);
	walk_assert_faults_both(0x1000, ROOT_RESERVED);
	hand_put(&walk.hand, root_entry(), 0x5000 | 1);
	hand_put(&walk.hand, root_entry() + 8, BIT64(33));
	walk_assert_faults_both(0x1000, ROOT_RESERVED);
	hand_put(&walk.hand, root_entry() + 8, 0);
	hand_put(&walk.hand, root_entry(), MISSING | 1);
	walk_assert_faults_both(0x1000, CONTEXT_ACCESS);
	hand_write(&walk.hand, REG_RTADDR, 8, MISSING);
	hand_command(&walk.hand, GCMD_SET_ROOT, 0);
	walk_assert_faults_both(0x1000, ROOT_ACCESS);
}
END_TEST

START_TEST(context_faults)
{
	hand_context(&walk.hand, SID, 0, CONTEXT_48(DID));
	hand_on(&walk.hand);
	walk_assert_faults_both(0x1000, CONTEXT_NOT_PRESENT);
	hand_context(&walk.hand, SID, walk.pgd | 1, 0); /* 30 bits in 2 levels: not in SAGAW */
	walk_assert_faults_both(0x1000, CONTEXT_INVALID);
	hand_context(&walk.hand, SID, walk.pgd | 1, 3 | DID << 8);
	walk_assert_faults_both(0x1000, CONTEXT_INVALID);
	hand_context(&walk.hand, SID, walk.pgd | 1 | 3 << 2,
		CONTEXT_48(DID)); /* reserved translation type */
	walk_assert_faults_both(0x1000, CONTEXT_INVALID);
	for (unsigned bit = 4; bit < 12; bit++) {
		hand_context(&walk.hand, SID, walk.pgd | 1 | BIT64(bit), CONTEXT_48(DID));
		walk_assert_faults_both(0x1000, CONTEXT_RESERVED);
	}
	hand_context(&walk.hand, SID, TOO_HIGH | 1, CONTEXT_48(DID));
	walk_assert_faults_both(0x1000, CONTEXT_RESERVED);
	hand_context(&walk.hand, SID, walk.pgd | 1, CONTEXT_48(DID) | BIT64(7));
	walk_assert_faults_both(0x1000, CONTEXT_RESERVED);
	for (unsigned bit = 24; bit < 64; bit++) {
		hand_context(&walk.hand, SID, walk.pgd | 1, CONTEXT_48(DID) | BIT64(bit));
		walk_assert_faults_both(0x1000, CONTEXT_RESERVED);
	}
	hand_context(&walk.hand, SID, walk.pgd | 1,
		CONTEXT_48(DID) | GENMASK64(6, 3)); /* ignored bits */
	walk_assert_faults_both(0x1000 + BIT64(48), BEYOND_WIDTH);
}
END_TEST

START_TEST(pass_through_needs_its_capability)
{
	hand_context(&walk.hand, SID, 1 | 2 << 2, CONTEXT_48(DID));
	hand_on(&walk.hand);
	walk_assert_leads_to(0x7f0012345678, 0x7f0012345678, 12);
	ck_assert_uint_eq(rig_metric(&walk.hand.rig, "iommu0.pass_through"), 2);
	walk_restart("ecap", HAND_ECAP & ~ECAP_PASS);
	hand_context(&walk.hand, SID, 1 | 2 << 2, CONTEXT_48(DID));
	hand_on(&walk.hand);
	walk_assert_faults_both(0x1000, CONTEXT_INVALID);
}
END_TEST

START_TEST(device_tlb_contexts_translate_plain_requests_where_the_unit_knows_them)
{
	hand_map(&walk.hand, walk.pgd, 4, 0x1000, 1, 0x7000 | PTE_RW);
	hand_context(&walk.hand, SID, walk.pgd | 1 | 1 << 2, CONTEXT_48(DID));
	hand_on(&walk.hand);
	walk_assert_leads_to(0x1000, 0x7000, 12);
	walk_restart("ecap", HAND_ECAP & ~ECAP_DEVICE_TLB);
	hand_map(&walk.hand, walk.pgd, 4, 0x1000, 1, 0x7000 | PTE_RW);
	hand_context(&walk.hand, SID, walk.pgd | 1 | 1 << 2, CONTEXT_48(DID));
	hand_on(&walk.hand);
	walk_assert_faults_both(0x1000, CONTEXT_INVALID);
}
END_TEST

START_TEST(devices_have_entries_of_their_own)
{
	uint64_t other = hand_page(&walk.hand);

	hand_map(&walk.hand, walk.pgd, 4, 0x1000, 1, 0x7000 | PTE_RW);
	hand_map(&walk.hand, other, 4, 0x1000, 1, 0x9000 | PTE_RW);
	hand_context(&walk.hand, 0xff07, other | 1, CONTEXT_48(2));
	walk_attach(4);
	ck_assert_uint_eq(hand_dma(&walk.hand, SID, 0x1000, true).pa.a, 0x7000);
	ck_assert_uint_eq(hand_dma(&walk.hand, 0xff07, 0x1000, true).pa.a, 0x9000);
	ck_assert_uint_eq(
		hand_dma(&walk.hand, 0xff06, 0x1000, true).fault_code, CONTEXT_NOT_PRESENT);
}
END_TEST
int main(void)
{
	TCase *tc = tcase_create("vtd walk faults");

	tcase_add_checked_fixture(tc, walk_set_up, walk_tear_down);
	tcase_add_test(tc, addresses_beyond_the_machine_are_reserved_at_every_level);
	tcase_add_test(tc, bits_that_hardware_ignores_are_not_reserved);
	tcase_add_test(tc, the_address_bits_within_a_large_page_are_reserved);
	tcase_add_test(tc, page_size_is_reserved_at_level_4_and_ignored_at_level_1);
	tcase_add_test(tc, snoop_and_transient_bits_are_reserved_above_the_leaf);
	tcase_add_test(tc, snoop_and_transient_bits_of_a_leaf_need_their_capability);
	tcase_add_test(tc, page_sizes_that_the_unit_lacks_are_reserved);
	tcase_add_test(tc, not_present_comes_before_reserved);
	tcase_add_test(tc, tables_that_are_not_there);
	tcase_add_test(tc, a_top_table_that_is_not_there_is_a_fault_of_the_context_entry);
	tcase_add_test(tc, a_page_may_lie_where_no_memory_answers);
	tcase_add_test(tc, translation_to_the_interrupt_range_is_refused);
	tcase_add_test(tc, root_faults);
	tcase_add_test(tc, context_faults);
	tcase_add_test(tc, pass_through_needs_its_capability);
	tcase_add_test(tc, device_tlb_contexts_translate_plain_requests_where_the_unit_knows_them);
	tcase_add_test(tc, devices_have_entries_of_their_own);
	return unit_run("vtd_walk_faults", tc);
}
