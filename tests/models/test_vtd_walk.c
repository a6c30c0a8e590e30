/* VT-d 4.1 sections 3.4 to 3.7: legacy-mode walks of tables built by hand: addresses, rights, cost. */
#include "tests/models/walkrig.h"
#include "tests/unit/unit.h"

START_TEST(pages_of_each_size_translate_in_3_and_4_levels)
{
	for (unsigned levels = 3; levels <= 4; levels++)
		for (unsigned leaf = 1; leaf <= 3; leaf++) {
			unsigned lg2 = 12 + 9 * (leaf - 1);
			uint64_t iova = walk_iova[levels], pa = UINT64_C(5) << 30;
			uint64_t in_page = (iova | 0x123) & (BIT64(lg2) - 1);

			walk_restart("cap", HAND_CAP);
			hand_map(&walk.hand, walk.pgd, levels, iova, leaf,
				pa | PTE_RW | (leaf > 1 ? PTE_PS : 0));
			walk_attach(levels);
			walk_assert_leads_to(iova | 0x123, pa | in_page, lg2);
		}
}
END_TEST

START_TEST(first_and_last_addresses_of_the_space_translate)
{
	for (unsigned levels = 3; levels <= 4; levels++) {
		uint64_t last = BIT64(12 + 9 * levels) - PAGE_SIZE;

		walk_restart("cap", HAND_CAP);
		hand_map(&walk.hand, walk.pgd, levels, 0, 1, 0x7000 | PTE_RW);
		hand_map(&walk.hand, walk.pgd, levels, last, 1, 0x9000 | PTE_RW);
		walk_attach(levels);
		walk_assert_leads_to(0, 0x7000, 12);
		walk_assert_leads_to(last | 0xffc, 0x9ffc, 12);
	}
}
END_TEST

START_TEST(the_width_of_the_context_entry_bounds_the_address)
{
	hand_map(&walk.hand, walk.pgd, 3, 0, 1, 0x7000 | PTE_RW);
	walk_attach(3);
	walk_assert_faults_both(BIT64(39), BEYOND_WIDTH);
	walk_assert_faults_both(BIT64(63), BEYOND_WIDTH);
}
END_TEST

START_TEST(the_maximum_guest_width_bounds_the_address)
{
	walk_restart(
		"cap", (HAND_CAP & ~(UINT64_C(0x3f) << 16)) | UINT64_C(41) << 16); /* 42 bits */
	hand_map(&walk.hand, walk.pgd, 4, BIT64(41), 1, 0x7000 | PTE_RW);
	walk_attach(4);
	walk_assert_leads_to(BIT64(41), 0x7000, 12);
	walk_assert_faults_both(BIT64(42), BEYOND_WIDTH);
}
END_TEST

START_TEST(every_level_must_grant_the_access)
{
	uint64_t iova = walk_iova[4];

	for (unsigned level = 1; level <= 4; level++)
		for (unsigned rights = 0; rights < 4; rights++) {
			uint64_t at;

			walk_without_caches();
			hand_map(&walk.hand, walk.pgd, 4, iova, 1, 0x7000 | PTE_RW);
			at = hand_entry_at(&walk.hand, walk.pgd, 4, iova, level);
			hand_put(&walk.hand, at, (hand_get(&walk.hand, at) & ~PTE_RW) | rights);
			walk_attach(4);
			if (rights & PTE_R)
				ck_assert(hand_dma(&walk.hand, SID, iova, false).ok);
			else
				walk_assert_faults(iova, false, NO_READ);
			if (rights & PTE_W)
				ck_assert(hand_dma(&walk.hand, SID, iova, true).ok);
			else
				walk_assert_faults(iova, true, NO_WRITE);
		}
}
END_TEST

START_TEST(rights_of_the_levels_are_combined)
{
	uint64_t iova = walk_iova[4], at;

	hand_map(&walk.hand, walk.pgd, 4, iova, 1, 0x7000 | PTE_R);
	at = hand_entry_at(&walk.hand, walk.pgd, 4, iova, 3);
	hand_put(&walk.hand, at,
		hand_get(&walk.hand, at) & ~PTE_R); /* R below, W above: nothing is left */
	walk_attach(4);
	walk_assert_faults(iova, false, NO_READ);
	walk_assert_faults(iova, true, NO_WRITE);
}
END_TEST

START_TEST(rights_of_a_cached_upper_level_still_count)
{
	uint64_t iova = walk_iova[4], at;

	hand_map(&walk.hand, walk.pgd, 4, iova, 1, 0x7000 | PTE_RW);
	hand_map(&walk.hand, walk.pgd, 4, iova + PAGE_SIZE, 1, 0x9000 | PTE_RW);
	at = hand_entry_at(&walk.hand, walk.pgd, 4, iova, 4);
	hand_put(&walk.hand, at, hand_get(&walk.hand, at) & ~PTE_W);
	walk_attach(4);
	ck_assert(hand_dma(&walk.hand, SID, iova, false).ok);
	walk_assert_faults(iova + PAGE_SIZE, true, NO_WRITE); /* from the cached page directory */
	ck_assert(hand_dma(&walk.hand, SID, iova + PAGE_SIZE, false).ok);
}
END_TEST
/* ---- cost ---- */

START_TEST(a_walk_without_caches_reads_every_level)
{
	for (unsigned levels = 3; levels <= 4; levels++)
		for (unsigned leaf = 1; leaf <= 3; leaf++) {
			unsigned reads = 2 + levels - leaf + 1; /* root, context, tables */
			struct xlate x;

			walk_without_caches();
			hand_map(&walk.hand, walk.pgd, levels, walk_iova[levels], leaf,
				(UINT64_C(5) << 30) | PTE_RW | (leaf > 1 ? PTE_PS : 0));
			walk_attach(levels);
			for (unsigned i = 0; i < 2; i++) {
				x = hand_dma(&walk.hand, SID, walk_iova[levels], true);
				ck_assert(x.ok && !x.hit);
				ck_assert_uint_eq(x.mem_reads, reads);
				ck_assert_uint_eq(
					x.latency, rig_get(&walk.hand.rig, "walk_overhead") +
							   reads * (walk.hand.rig.mem.read_latency +
									   rig_get(&walk.hand.rig,
										   "walk_read")));
			}
			ck_assert_uint_eq(rig_metric(&walk.hand.rig, "iommu0.reads_root"), 2);
			ck_assert_uint_eq(rig_metric(&walk.hand.rig, "iommu0.reads_context"), 2);
			ck_assert_uint_eq(
				rig_metric(&walk.hand.rig, "iommu0.reads_pt"), leaf == 1 ? 2 : 0);
			ck_assert_uint_eq(rig_metric(&walk.hand.rig, "iommu0.reads_pml4"),
				levels == 4 ? 2 : 0);
		}
}
END_TEST

START_TEST(faults_cost_the_reads_up_to_them)
{
	static const struct {
		unsigned level, reads;
	} missing[] = { { 4, 3 }, { 3, 4 }, { 2, 5 }, { 1, 6 } };

	for (size_t i = 0; i < ARRAY_SIZE(missing); i++) {
		walk_without_caches();
		hand_map(&walk.hand, walk.pgd, 4, walk_iova[4], missing[i].level, 0);
		walk_attach(4);
		ck_assert_uint_eq(
			hand_dma(&walk.hand, SID, walk_iova[4], true).mem_reads, missing[i].reads);
	}
}
END_TEST
int main(void)
{
	TCase *tc = tcase_create("vtd walk");

	tcase_add_checked_fixture(tc, walk_set_up, walk_tear_down);
	tcase_add_test(tc, pages_of_each_size_translate_in_3_and_4_levels);
	tcase_add_test(tc, first_and_last_addresses_of_the_space_translate);
	tcase_add_test(tc, the_width_of_the_context_entry_bounds_the_address);
	tcase_add_test(tc, the_maximum_guest_width_bounds_the_address);
	tcase_add_test(tc, every_level_must_grant_the_access);
	tcase_add_test(tc, rights_of_the_levels_are_combined);
	tcase_add_test(tc, rights_of_a_cached_upper_level_still_count);
	tcase_add_test(tc, a_walk_without_caches_reads_every_level);
	tcase_add_test(tc, faults_cost_the_reads_up_to_them);
	return unit_run("vtd_walk", tc);
}
