#include "tests/models/walkrig.h"

#include <check.h>

struct walkrig walk;
const uint64_t walk_iova[] = { 0, 0, 0, 0x7fc0201000, 0x7f8040201000 };

static void init(void)
{
	hand_init(&walk.hand);
	walk.hand.rig.mem.size = UINT64_C(12) << 30;
}

static void start(void)
{
	hand_start(&walk.hand);
	walk.pgd = hand_page(&walk.hand);
}

void walk_set_up(void)
{
	init();
	start();
}

void walk_tear_down(void)
{
	hand_stop(&walk.hand);
}

void walk_restart(const char *key, uint64_t value)
{
	hand_stop(&walk.hand);
	init();
	rig_set(&walk.hand.rig, key, value);
	start();
}

void walk_without_caches(void)
{
	static const char *const keys[] = { "iotlb_entries", "context_entries", "pml4_entries",
		"pdp_entries", "pd_entries" };

	hand_stop(&walk.hand);
	init();
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		rig_set(&walk.hand.rig, keys[i], 0);
	start();
}

void walk_attach(unsigned levels)
{
	hand_context(
		&walk.hand, SID, walk.pgd | 1, levels == 4 ? CONTEXT_48(DID) : CONTEXT_39(DID));
	hand_on(&walk.hand);
}

void walk_assert_leads_to(uint64_t iova, uint64_t pa, unsigned page_lg2)
{
	for (unsigned write = 0; write < 2; write++) {
		struct xlate x = hand_dma(&walk.hand, SID, iova, write);

		ck_assert_msg(x.ok, "fault %#x", x.fault_code);
		ck_assert_uint_eq(x.pa.a, pa);
		ck_assert_uint_eq(x.page_lg2, page_lg2);
	}
}

void walk_assert_faults(uint64_t iova, bool write, unsigned code)
{
	struct xlate x = hand_dma(&walk.hand, SID, iova, write);

	ck_assert(!x.ok);
	ck_assert_uint_eq(x.fault_code, code);
}

void walk_assert_faults_both(uint64_t iova, unsigned code)
{
	walk_assert_faults(iova, false, code);
	walk_assert_faults(iova, true, code);
}
