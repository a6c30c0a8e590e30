/* Capability bits that change what is translated: ZLR, CM (VT-d 4.1, 11.4.2, 3.7.1, 6.1). */
#include "tests/models/hand.h"
#include "tests/unit/unit.h"

#define SID  0x0018
#define IOVA UINT64_C(0x40000000)
#define PA   UINT64_C(0x5000000)

#define CAP_CM  BIT64(7)
#define CAP_ZLR BIT64(22)

static struct hand h;
static uint64_t pte;

static void start(uint64_t cap)
{
	uint64_t pgd;

	hand_init(&h);
	rig_set(&h.rig, "cap", cap);
	hand_start(&h);
	pgd = hand_page(&h);
	pte = hand_entry_at(&h, pgd, 4, IOVA, 1);
	hand_context(&h, SID, pgd | 1, CONTEXT_48(1));
	hand_on(&h);
}

static bool read_of(uint32_t len)
{
	struct xlate x = { .rid = { SID }, .iova = { IOVA }, .len = len };

	rig_translate(&h.rig, &x);
	return x.ok;
}

START_TEST(a_read_of_no_bytes_may_go_where_only_writes_may)
{
	start(HAND_CAP | CAP_ZLR);
	hand_put(&h, pte, PA | PTE_W);
	ck_assert(read_of(0)); /* walked */
	ck_assert(hand_dma(&h, SID, IOVA, true).ok);
	ck_assert(read_of(0)); /* from the IOTLB */
	ck_assert(!read_of(4));
	hand_put(&h, pte, 0);
	hand_submit(&h, INV_IOTLB_GLOBAL, 0);
	ck_assert(!read_of(0)); /* nowhere is not a page */
	hand_stop(&h);
}
END_TEST

START_TEST(without_zlr_it_is_a_read)
{
	start(HAND_CAP & ~CAP_ZLR);
	hand_put(&h, pte, PA | PTE_W);
	ck_assert(!read_of(0));
	ck_assert_uint_eq(hand_read(&h, REG_FRCD + 8, 8) >> 32 & 0xff, 6);
	hand_stop(&h);
}
END_TEST

START_TEST(caching_mode_remembers_what_was_not_there)
{
	start(HAND_CAP | CAP_CM);
	ck_assert_uint_eq(hand_dma(&h, SID, IOVA, true).fault_code, 5);
	hand_put(&h, pte, PA | PTE_RW);
	ck_assert_uint_eq(hand_dma(&h, SID, IOVA, true).fault_code, 5); /* cached */
	hand_submit(&h, INV_IOTLB_PAGE(1), IOVA);
	ck_assert(hand_dma(&h, SID, IOVA, true).ok);
	hand_stop(&h);
	start(HAND_CAP & ~CAP_CM);
	ck_assert_uint_eq(hand_dma(&h, SID, IOVA, true).fault_code, 5);
	hand_put(&h, pte, PA | PTE_RW);
	ck_assert(hand_dma(&h, SID, IOVA, true).ok);
	hand_stop(&h);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("vtd capabilities");

	tcase_add_test(tc, a_read_of_no_bytes_may_go_where_only_writes_may);
	tcase_add_test(tc, without_zlr_it_is_a_read);
	tcase_add_test(tc, caching_mode_remembers_what_was_not_there);
	return unit_run("vtd_capabilities", tc);
}
