/* VT-d 4.1 sections 3.4 to 3.7, 7.1.3 and 9: legacy-mode walks of tables built by hand. */
#include "tests/models/hand.h"
#include "tests/unit/unit.h"

#define SID 0x0218 /* 02:03.0 */
#define DID 0x1234

enum { /* 7.1.3, legacy codes */
	ROOT_NOT_PRESENT = 1,
	CONTEXT_NOT_PRESENT,
	CONTEXT_INVALID,
	BEYOND_WIDTH,
	NO_WRITE,
	NO_READ,
	TABLE_ACCESS,
	ROOT_ACCESS,
	CONTEXT_ACCESS,
	ROOT_RESERVED,
	CONTEXT_RESERVED,
	PAGING_RESERVED,
	INTERRUPT_ADDRESS = 0xe,
};

static const uint64_t iova_of[] = { 0, 0, 0, 0x7fc0201000, 0x7f8040201000 }; /* by levels */
static struct hand h;
static uint64_t pgd;

static void set_up(void)
{
	hand_init(&h);
	/* Twelve of sixteen GiB exist: 34 address bits, and addresses that nobody answers. */
	h.rig.mem.size = UINT64_C(12) << 30;
	hand_start(&h);
	pgd = hand_page(&h);
}

#define MISSING   (UINT64_C(13) << 30) /* within the address width, not there */
#define TOO_HIGH  BIT64(40) /* beyond the address width */

static void tear_down(void)
{
	hand_stop(&h);
}

static void restart(const char *key, uint64_t value)
{
	hand_stop(&h);
	hand_init(&h);
	h.rig.mem.size = UINT64_C(12) << 30;
	rig_set(&h.rig, key, value);
	hand_start(&h);
	pgd = hand_page(&h);
}

static void without_caches(void)
{
	static const char *const keys[] = { "iotlb_entries", "context_entries", "pml4_entries",
		"pdp_entries", "pd_entries" };

	hand_stop(&h);
	hand_init(&h);
	h.rig.mem.size = UINT64_C(12) << 30;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		rig_set(&h.rig, keys[i], 0);
	hand_start(&h);
	pgd = hand_page(&h);
}

static void attach(unsigned levels)
{
	hand_context(&h, SID, pgd | 1, levels == 4 ? CONTEXT_48(DID) : CONTEXT_39(DID));
	hand_on(&h);
}

static void assert_leads_to(uint64_t iova, uint64_t pa, unsigned page_lg2)
{
	for (unsigned write = 0; write < 2; write++) {
		struct xlate x = hand_dma(&h, SID, iova, write);

		ck_assert_msg(x.ok, "fault %#x", x.fault_code);
		ck_assert_uint_eq(x.pa.a, pa);
		ck_assert_uint_eq(x.page_lg2, page_lg2);
	}
}

static void assert_faults(uint64_t iova, bool write, unsigned code)
{
	struct xlate x = hand_dma(&h, SID, iova, write);

	ck_assert(!x.ok);
	ck_assert_uint_eq(x.fault_code, code);
}

static void assert_faults_both(uint64_t iova, unsigned code)
{
	assert_faults(iova, false, code);
	assert_faults(iova, true, code);
}

START_TEST(pages_of_each_size_translate_in_3_and_4_levels)
{
	for (unsigned levels = 3; levels <= 4; levels++)
		for (unsigned leaf = 1; leaf <= 3; leaf++) {
			unsigned lg2 = 12 + 9 * (leaf - 1);
			uint64_t iova = iova_of[levels], pa = UINT64_C(5) << 30;
			uint64_t in_page = (iova | 0x123) & (BIT64(lg2) - 1);

			restart("cap", HAND_CAP);
			hand_map(&h, pgd, levels, iova, leaf, pa | PTE_RW | (leaf > 1 ? PTE_PS : 0));
			attach(levels);
			assert_leads_to(iova | 0x123, pa | in_page, lg2);
		}
}
END_TEST

START_TEST(first_and_last_addresses_of_the_space_translate)
{
	for (unsigned levels = 3; levels <= 4; levels++) {
		uint64_t last = BIT64(12 + 9 * levels) - PAGE_SIZE;

		restart("cap", HAND_CAP);
		hand_map(&h, pgd, levels, 0, 1, 0x7000 | PTE_RW);
		hand_map(&h, pgd, levels, last, 1, 0x9000 | PTE_RW);
		attach(levels);
		assert_leads_to(0, 0x7000, 12);
		assert_leads_to(last | 0xffc, 0x9ffc, 12);
	}
}
END_TEST

START_TEST(the_width_of_the_context_entry_bounds_the_address)
{
	hand_map(&h, pgd, 3, 0, 1, 0x7000 | PTE_RW);
	attach(3);
	assert_faults_both(BIT64(39), BEYOND_WIDTH);
	assert_faults_both(BIT64(63), BEYOND_WIDTH);
}
END_TEST

START_TEST(the_maximum_guest_width_bounds_the_address)
{
	restart("cap", (HAND_CAP & ~(UINT64_C(0x3f) << 16)) | UINT64_C(41) << 16); /* 42 bits */
	hand_map(&h, pgd, 4, BIT64(41), 1, 0x7000 | PTE_RW);
	attach(4);
	assert_leads_to(BIT64(41), 0x7000, 12);
	assert_faults_both(BIT64(42), BEYOND_WIDTH);
}
END_TEST

START_TEST(every_level_must_grant_the_access)
{
	uint64_t iova = iova_of[4];

	for (unsigned level = 1; level <= 4; level++)
		for (unsigned rights = 0; rights < 4; rights++) {
			uint64_t at;

			without_caches();
			hand_map(&h, pgd, 4, iova, 1, 0x7000 | PTE_RW);
			at = hand_entry_at(&h, pgd, 4, iova, level);
			hand_put(&h, at, (hand_get(&h, at) & ~PTE_RW) | rights);
			attach(4);
			if (rights & PTE_R)
				ck_assert(hand_dma(&h, SID, iova, false).ok);
			else
				assert_faults(iova, false, NO_READ);
			if (rights & PTE_W)
				ck_assert(hand_dma(&h, SID, iova, true).ok);
			else
				assert_faults(iova, true, NO_WRITE);
		}
}
END_TEST

START_TEST(rights_of_the_levels_are_combined)
{
	uint64_t iova = iova_of[4], at;

	hand_map(&h, pgd, 4, iova, 1, 0x7000 | PTE_R);
	at = hand_entry_at(&h, pgd, 4, iova, 3);
	hand_put(&h, at, hand_get(&h, at) & ~PTE_R); /* R below, W above: nothing is left */
	attach(4);
	assert_faults(iova, false, NO_READ);
	assert_faults(iova, true, NO_WRITE);
}
END_TEST

START_TEST(rights_of_a_cached_upper_level_still_count)
{
	uint64_t iova = iova_of[4], at;

	hand_map(&h, pgd, 4, iova, 1, 0x7000 | PTE_RW);
	hand_map(&h, pgd, 4, iova + PAGE_SIZE, 1, 0x9000 | PTE_RW);
	at = hand_entry_at(&h, pgd, 4, iova, 4);
	hand_put(&h, at, hand_get(&h, at) & ~PTE_W);
	attach(4);
	ck_assert(hand_dma(&h, SID, iova, false).ok);
	assert_faults(iova + PAGE_SIZE, true, NO_WRITE); /* from the cached page directory */
	ck_assert(hand_dma(&h, SID, iova + PAGE_SIZE, false).ok);
}
END_TEST

/* ---- reserved bits: 9.8 ---- */

static void assert_reserved(unsigned level, unsigned leaf, uint64_t bits, bool refused)
{
	uint64_t iova = iova_of[4], at;

	without_caches();
	hand_map(&h, pgd, 4, iova, leaf, (UINT64_C(5) << 30) | PTE_RW | (leaf > 1 ? PTE_PS : 0));
	at = hand_entry_at(&h, pgd, 4, iova, level);
	hand_put(&h, at, hand_get(&h, at) | bits);
	attach(4);
	for (unsigned write = 0; write < 2; write++) {
		struct xlate x = hand_dma(&h, SID, iova, write);

		ck_assert_msg(x.ok == !refused, "level %u of a page at level %u, bits %#llx", level, leaf,
			(unsigned long long)bits);
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
	restart("ecap", HAND_ECAP & ~capability);
	hand_map(&h, pgd, 4, 0x1000, 1, 0x7000 | PTE_RW | bit);
	attach(4);
	assert_faults_both(0x1000, PAGING_RESERVED);
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
		restart("cap", HAND_CAP & ~(BIT64(34) << (level - 2)));
		hand_map(&h, pgd, 4, 0x40000000, level, (UINT64_C(5) << 30) | PTE_RW | PTE_PS);
		attach(4);
		assert_faults_both(0x40000000, PAGING_RESERVED);
	}
}
END_TEST

/* An entry without R and W is not present: nothing else in it counts. */
START_TEST(not_present_comes_before_reserved)
{
	hand_map(&h, pgd, 4, 0x1000, 1, TOO_HIGH | BIT64(62));
	attach(4);
	assert_faults(0x1000, false, NO_READ);
	assert_faults(0x1000, true, NO_WRITE);
}
END_TEST

START_TEST(tables_that_are_not_there)
{
	for (unsigned level = 2; level <= 4; level++) {
		without_caches();
		hand_put(&h, hand_entry_at(&h, pgd, 4, iova_of[4], level), MISSING | PTE_RW);
		attach(4);
		assert_faults_both(iova_of[4], TABLE_ACCESS);
	}
}
END_TEST

/* 3h: "...a hardware attempt to access the second-stage paging entry referenced through the SSPTPTR
 * field resulted in an error". */
START_TEST(a_top_table_that_is_not_there_is_a_fault_of_the_context_entry)
{
	hand_context(&h, SID, MISSING | 1, CONTEXT_48(DID));
	hand_on(&h);
	assert_faults_both(0x1000, CONTEXT_INVALID);
}
END_TEST

START_TEST(a_page_may_lie_where_no_memory_answers)
{
	hand_map(&h, pgd, 4, 0x1000, 1, MISSING | PTE_RW); /* memory-mapped I/O, for all the unit knows */
	attach(4);
	assert_leads_to(0x1008, MISSING + 8, 12);
}
END_TEST

START_TEST(translation_to_the_interrupt_range_is_refused)
{
	hand_map(&h, pgd, 4, 0x1000, 1, 0xfee00000 | PTE_RW);
	hand_map(&h, pgd, 4, 0x2000, 1, 0xfeeff000 | PTE_RW);
	hand_map(&h, pgd, 4, 0x3000, 1, 0xfedff000 | PTE_RW);
	hand_map(&h, pgd, 4, 0x4000, 1, 0xfef00000 | PTE_RW);
	hand_map(&h, pgd, 4, 0x200000, 2, 0xfee00000 | PTE_RW | PTE_PS);
	attach(4);
	assert_faults_both(0x1000, INTERRUPT_ADDRESS);
	assert_faults_both(0x2ffc, INTERRUPT_ADDRESS);
	assert_leads_to(0x3000, 0xfedff000, 12);
	assert_leads_to(0x4000, 0xfef00000, 12);
	assert_faults_both(0x200000, INTERRUPT_ADDRESS);
	assert_leads_to(0x300000, 0xfef00000, 21); /* the same page beyond the range */
}
END_TEST

/* ---- root and context entries: 9.1, 9.3 ---- */

static uint64_t root_entry(void)
{
	return h.root + (SID >> 8) * 16;
}

START_TEST(root_faults)
{
	hand_on(&h);
	assert_faults_both(0x1000, ROOT_NOT_PRESENT);
	hand_put(&h, root_entry(), 0x5000 | 0xffe); /* not present: reserved bits do not count */
	assert_faults_both(0x1000, ROOT_NOT_PRESENT);
	for (unsigned bit = 1; bit < 12; bit++) {
		hand_put(&h, root_entry(), 0x5000 | 1 | BIT64(bit));
		assert_faults_both(0x1000, ROOT_RESERVED);
	}
	hand_put(&h, root_entry(), TOO_HIGH | 1);
	assert_faults_both(0x1000, ROOT_RESERVED);
	hand_put(&h, root_entry(), 0x5000 | 1);
	hand_put(&h, root_entry() + 8, BIT64(33));
	assert_faults_both(0x1000, ROOT_RESERVED);
	hand_put(&h, root_entry() + 8, 0);
	hand_put(&h, root_entry(), MISSING | 1);
	assert_faults_both(0x1000, CONTEXT_ACCESS);
	hand_write(&h, REG_RTADDR, 8, MISSING);
	hand_command(&h, GCMD_SET_ROOT, 0);
	assert_faults_both(0x1000, ROOT_ACCESS);
}
END_TEST

START_TEST(context_faults)
{
	hand_context(&h, SID, 0, CONTEXT_48(DID));
	hand_on(&h);
	assert_faults_both(0x1000, CONTEXT_NOT_PRESENT);
	hand_context(&h, SID, pgd | 1, 0); /* 30 bits in 2 levels: not in SAGAW */
	assert_faults_both(0x1000, CONTEXT_INVALID);
	hand_context(&h, SID, pgd | 1, 3 | DID << 8);
	assert_faults_both(0x1000, CONTEXT_INVALID);
	hand_context(&h, SID, pgd | 1 | 3 << 2, CONTEXT_48(DID)); /* reserved translation type */
	assert_faults_both(0x1000, CONTEXT_INVALID);
	for (unsigned bit = 4; bit < 12; bit++) {
		hand_context(&h, SID, pgd | 1 | BIT64(bit), CONTEXT_48(DID));
		assert_faults_both(0x1000, CONTEXT_RESERVED);
	}
	hand_context(&h, SID, TOO_HIGH | 1, CONTEXT_48(DID));
	assert_faults_both(0x1000, CONTEXT_RESERVED);
	hand_context(&h, SID, pgd | 1, CONTEXT_48(DID) | BIT64(7));
	assert_faults_both(0x1000, CONTEXT_RESERVED);
	for (unsigned bit = 24; bit < 64; bit++) {
		hand_context(&h, SID, pgd | 1, CONTEXT_48(DID) | BIT64(bit));
		assert_faults_both(0x1000, CONTEXT_RESERVED);
	}
	hand_context(&h, SID, pgd | 1, CONTEXT_48(DID) | GENMASK64(6, 3)); /* ignored bits */
	assert_faults_both(0x1000 + BIT64(48), BEYOND_WIDTH);
}
END_TEST

START_TEST(pass_through_needs_its_capability)
{
	hand_context(&h, SID, 1 | 2 << 2, CONTEXT_48(DID));
	hand_on(&h);
	assert_leads_to(0x7f0012345678, 0x7f0012345678, 12);
	ck_assert_uint_eq(rig_metric(&h.rig, "iommu0.pass_through"), 2);
	restart("ecap", HAND_ECAP & ~ECAP_PASS);
	hand_context(&h, SID, 1 | 2 << 2, CONTEXT_48(DID));
	hand_on(&h);
	assert_faults_both(0x1000, CONTEXT_INVALID);
}
END_TEST

START_TEST(device_tlb_contexts_translate_plain_requests_where_the_unit_knows_them)
{
	hand_map(&h, pgd, 4, 0x1000, 1, 0x7000 | PTE_RW);
	hand_context(&h, SID, pgd | 1 | 1 << 2, CONTEXT_48(DID));
	hand_on(&h);
	assert_leads_to(0x1000, 0x7000, 12);
	restart("ecap", HAND_ECAP & ~ECAP_DEVICE_TLB);
	hand_map(&h, pgd, 4, 0x1000, 1, 0x7000 | PTE_RW);
	hand_context(&h, SID, pgd | 1 | 1 << 2, CONTEXT_48(DID));
	hand_on(&h);
	assert_faults_both(0x1000, CONTEXT_INVALID);
}
END_TEST

START_TEST(devices_have_entries_of_their_own)
{
	uint64_t other = hand_page(&h);

	hand_map(&h, pgd, 4, 0x1000, 1, 0x7000 | PTE_RW);
	hand_map(&h, other, 4, 0x1000, 1, 0x9000 | PTE_RW);
	hand_context(&h, 0xff07, other | 1, CONTEXT_48(2));
	attach(4);
	ck_assert_uint_eq(hand_dma(&h, SID, 0x1000, true).pa.a, 0x7000);
	ck_assert_uint_eq(hand_dma(&h, 0xff07, 0x1000, true).pa.a, 0x9000);
	ck_assert_uint_eq(hand_dma(&h, 0xff06, 0x1000, true).fault_code, CONTEXT_NOT_PRESENT);
}
END_TEST

/* ---- cost ---- */

START_TEST(a_walk_without_caches_reads_every_level)
{
	for (unsigned levels = 3; levels <= 4; levels++)
		for (unsigned leaf = 1; leaf <= 3; leaf++) {
			unsigned reads = 2 + levels - leaf + 1; /* root, context, tables */
			struct xlate x;

			without_caches();
			hand_map(&h, pgd, levels, iova_of[levels], leaf,
				(UINT64_C(5) << 30) | PTE_RW | (leaf > 1 ? PTE_PS : 0));
			attach(levels);
			for (unsigned i = 0; i < 2; i++) {
				x = hand_dma(&h, SID, iova_of[levels], true);
				ck_assert(x.ok && !x.hit);
				ck_assert_uint_eq(x.mem_reads, reads);
				ck_assert_uint_eq(x.latency,
					rig_get(&h.rig, "walk_overhead") +
						reads * (h.rig.mem.read_latency +
								rig_get(&h.rig, "walk_read")));
			}
			ck_assert_uint_eq(rig_metric(&h.rig, "iommu0.reads_root"), 2);
			ck_assert_uint_eq(rig_metric(&h.rig, "iommu0.reads_context"), 2);
			ck_assert_uint_eq(rig_metric(&h.rig, "iommu0.reads_pt"), leaf == 1 ? 2 : 0);
			ck_assert_uint_eq(
				rig_metric(&h.rig, "iommu0.reads_pml4"), levels == 4 ? 2 : 0);
		}
}
END_TEST

START_TEST(faults_cost_the_reads_up_to_them)
{
	static const struct {
		unsigned level, reads;
	} missing[] = { { 4, 3 }, { 3, 4 }, { 2, 5 }, { 1, 6 } };

	for (size_t i = 0; i < ARRAY_SIZE(missing); i++) {
		without_caches();
		hand_map(&h, pgd, 4, iova_of[4], missing[i].level, 0);
		attach(4);
		ck_assert_uint_eq(hand_dma(&h, SID, iova_of[4], true).mem_reads, missing[i].reads);
	}
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("vtd walk");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, pages_of_each_size_translate_in_3_and_4_levels);
	tcase_add_test(tc, first_and_last_addresses_of_the_space_translate);
	tcase_add_test(tc, the_width_of_the_context_entry_bounds_the_address);
	tcase_add_test(tc, the_maximum_guest_width_bounds_the_address);
	tcase_add_test(tc, every_level_must_grant_the_access);
	tcase_add_test(tc, rights_of_the_levels_are_combined);
	tcase_add_test(tc, rights_of_a_cached_upper_level_still_count);
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
	tcase_add_test(tc, a_walk_without_caches_reads_every_level);
	tcase_add_test(tc, faults_cost_the_reads_up_to_them);
	return unit_run("vtd_walk", tc);
}
