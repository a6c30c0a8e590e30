/* VT-d 4.1: why the queue stopped (11.4.11), 256-bit descriptors (6.5.2), the invalidation completion event
 * and its mask (11.4.10), protected memory regions (11.4.12). */
#include "tests/models/smrig.h"
#include "tests/unit/unit.h"

enum {
	REG_PMEN = 0x64,
	REG_PLMBASE = 0x68,
	REG_PLMLIMIT = 0x6c,
	REG_PHMBASE = 0x70,
	REG_PHMLIMIT = 0x78,
	REG_IECTL = 0xa0,
};

#define MASK        BIT64(31) /* of FECTL and IECTL */
#define PENDING     BIT64(30)
#define QUEUE_ERROR BIT64(4) /* of FSTS */
#define FLAG_WAIT   (UINT64_C(5) | BIT64(4)) /* a wait that sets ICS.IWC */

static struct hand *const h = &sm.hand;

/* ---- why the queue stopped ---- */

static void assert_stops(uint64_t lo, uint64_t hi, unsigned why)
{
	uint64_t head = hand_read(h, REG_IQH, 8);

	hand_submit(h, lo, hi);
	ck_assert(hand_read(h, REG_FSTS, 4) & QUEUE_ERROR);
	ck_assert_uint_eq(hand_read(h, REG_IQERCD, 8) & 0xf, why);
	ck_assert_uint_eq(hand_read(h, REG_IQH, 8), head);
	hand_put(h, h->queue + head, INV_CONTEXT_GLOBAL); /* repaired */
	hand_put(h, h->queue + head + 8, 0);
	hand_write(h, REG_FSTS, 4, QUEUE_ERROR);
	rig_settle(&h->rig);
	ck_assert(!(hand_read(h, REG_FSTS, 4) & QUEUE_ERROR));
	ck_assert_uint_eq(hand_read(h, REG_IQH, 8), h->tail);
}

START_TEST(the_error_record_says_what_was_wrong_with_a_descriptor)
{
	assert_stops(0xf, 0, 3); /* type */
	assert_stops(INV_CONTEXT_GLOBAL | BIT64(63), 0, 4); /* reserved field */
	assert_stops(INV_PCACHE_GLOBAL, 1, 4);
	assert_stops(INV_PASID_ALL(1, 1) | BIT64(52), 0, 4);
	assert_stops(INV_IOTLB_PAGE(1), 19, 6); /* mask beyond MAMV */
	assert_stops(INV_PASID_PAGE(1, 1), 19, 6);
	assert_stops(0x16, 0, 6); /* reserved granularities */
	assert_stops(0x27, 0, 6);
}
END_TEST

START_TEST(the_error_record_says_that_the_queue_cannot_be_read)
{
	hand_command(h, 0, GCMD_QUEUE);
	hand_write(h, REG_IQA, 8, h->rig.mem.size);
	hand_write(h, REG_IQT, 8, 0x10);
	hand_command(h, GCMD_QUEUE, 0);
	ck_assert_uint_eq(hand_read(h, REG_IQERCD, 8) & 0xf, 2);
}
END_TEST

START_TEST(the_error_record_says_that_the_tail_is_invalid)
{
	hand_write(h, REG_IQT, 8, 0x1000);
	rig_settle(&h->rig);
	ck_assert_uint_eq(hand_read(h, REG_IQERCD, 8) & 0xf, 1);
}
END_TEST

START_TEST(descriptors_of_scalable_mode_need_the_capability)
{
	hand_stop(h);
	hand_init(h);
	hand_start(h);
	hand_on(h);
	assert_stops(INV_PASID_ALL(1, 1), 0, 3);
	assert_stops(INV_PCACHE_GLOBAL, 0, 3);
}
END_TEST

START_TEST(a_queue_error_raises_the_fault_event)
{
	hand_submit(h, 0xf, 0);
	ck_assert_uint_eq(hand_read(h, REG_FECTL, 4), MASK | PENDING);
	hand_put(h, h->queue, INV_CONTEXT_GLOBAL);
	hand_write(h, REG_FSTS, 4, QUEUE_ERROR);
	ck_assert_uint_eq(hand_read(h, REG_FECTL, 4), MASK); /* serviced */
}
END_TEST

/* ---- 256-bit descriptors ---- */

static void restart_wide(void)
{
	hand_command(h, 0, GCMD_ENABLE);
	hand_command(h, 0, GCMD_QUEUE);
	h->wide = true;
	h->tail = 0;
	hand_write(h, REG_IQT, 8, 0);
	hand_write(h, REG_IQA, 8, h->queue | IQA_WIDE);
	hand_command(h, GCMD_QUEUE, 0);
}

START_TEST(wide_descriptors_take_32_bytes_and_wrap)
{
	uint64_t status = hand_page(h);

	restart_wide();
	for (unsigned i = 1; i < 300; i++) {
		hand_submit(h, INV_WAIT(i), status);
		ck_assert_uint_eq(hand_get(h, status), i);
		ck_assert_uint_eq(hand_read(h, REG_IQH, 8), 32 * i % 0x1000);
	}
	hand_submit(h, INV_PCACHE_GLOBAL, 0);
	ck_assert_uint_eq(rig_metric(&h->rig, "iommu0.invq.pasid_cache"), 1);
}
END_TEST

START_TEST(the_upper_half_of_a_wide_descriptor_is_reserved)
{
	for (unsigned word = 2; word < 4; word++) {
		restart_wide();
		hand_put(h, h->queue, INV_CONTEXT_GLOBAL);
		for (unsigned i = 1; i < 4; i++)
			hand_put(h, h->queue + 8 * i, i == word);
		hand_write(h, REG_IQT, 8, 32);
		rig_settle(&h->rig);
		ck_assert_uint_eq(hand_read(h, REG_IQERCD, 8) & 0xf, 4);
		ck_assert_uint_eq(hand_read(h, REG_IQH, 8), 0);
		hand_command(h, 0, GCMD_QUEUE);
		hand_write(h, REG_FSTS, 4, QUEUE_ERROR);
	}
}
END_TEST

START_TEST(a_wide_tail_must_be_aligned)
{
	restart_wide();
	hand_write(h, REG_IQT, 8, 16);
	rig_settle(&h->rig);
	ck_assert_uint_eq(hand_read(h, REG_IQERCD, 8) & 0xf, 1);
}
END_TEST

/* ---- completion event ---- */

START_TEST(a_masked_completion_event_waits)
{
	ck_assert_uint_eq(hand_read(h, REG_IECTL, 4), MASK); /* as at reset */
	hand_submit(h, FLAG_WAIT, 0);
	ck_assert_uint_eq(hand_read(h, REG_ICS, 4), 1);
	ck_assert_uint_eq(hand_read(h, REG_IECTL, 4), MASK | PENDING);
	hand_write(h, REG_IECTL, 4, 0);
	ck_assert_uint_eq(hand_read(h, REG_IECTL, 4), 0); /* sent */
}
END_TEST

START_TEST(an_unmasked_completion_event_is_not_left_pending)
{
	hand_write(h, REG_IECTL, 4, 0);
	hand_submit(h, FLAG_WAIT, 0);
	ck_assert_uint_eq(hand_read(h, REG_ICS, 4), 1);
	ck_assert_uint_eq(hand_read(h, REG_IECTL, 4), 0);
}
END_TEST

START_TEST(servicing_the_completion_withdraws_the_event)
{
	hand_submit(h, FLAG_WAIT, 0);
	hand_write(h, REG_ICS, 4, 1);
	ck_assert_uint_eq(hand_read(h, REG_IECTL, 4), MASK);
}
END_TEST

START_TEST(a_second_completion_is_no_news_before_the_first_is_serviced)
{
	hand_write(h, REG_IECTL, 4, 0);
	hand_submit(h, FLAG_WAIT, 0);
	hand_write(h, REG_IECTL, 4, MASK);
	hand_submit(h, FLAG_WAIT, 0);
	ck_assert_uint_eq(hand_read(h, REG_IECTL, 4), MASK);
	hand_write(h, REG_ICS, 4, 1);
	hand_submit(h, FLAG_WAIT, 0);
	ck_assert_uint_eq(hand_read(h, REG_IECTL, 4), MASK | PENDING);
}
END_TEST

/* ---- protected memory ---- */

#define MIB2 UINT64_C(0x200000)

static void protect(void)
{
	hand_write(h, REG_PLMBASE, 4, 4 * MIB2);
	hand_write(h, REG_PLMLIMIT, 4, 5 * MIB2); /* inclusive, in units of 2 MiB */
	hand_write(h, REG_PHMBASE, 8, BIT64(32));
	hand_write(h, REG_PHMLIMIT, 8, BIT64(32));
	hand_write(h, REG_PMEN, 4, BIT64(31));
}

static bool allowed(uint64_t pa)
{
	return hand_dma(h, SM_SID, pa, true).ok;
}

START_TEST(protected_memory_is_out_of_reach_while_translation_is_off)
{
	hand_command(h, 0, GCMD_ENABLE);
	ck_assert(allowed(4 * MIB2));
	protect();
	ck_assert_uint_eq(hand_read(h, REG_PMEN, 4), BIT64(31) | 1);
	ck_assert(allowed(4 * MIB2 - 4));
	ck_assert(!allowed(4 * MIB2));
	ck_assert(!allowed(6 * MIB2 - 4));
	ck_assert(allowed(6 * MIB2));
	ck_assert(allowed(BIT64(32) - 4));
	ck_assert(!allowed(BIT64(32)));
	ck_assert(allowed(BIT64(32) + MIB2));
	ck_assert_uint_eq(hand_read(h, REG_FSTS, 4), 0); /* no record of it */
	ck_assert_uint_eq(rig_metric(&h->rig, "iommu0.protected_memory"), 3);
	hand_write(h, REG_PMEN, 4, 0);
	ck_assert_uint_eq(hand_read(h, REG_PMEN, 4), 0);
	ck_assert(allowed(4 * MIB2));
}
END_TEST

START_TEST(translation_takes_the_place_of_protected_memory)
{
	sm_pasid_entry(0, PE0_PRESENT | PE0_PASS | PE0_48, 1, 0);
	protect();
	ck_assert(allowed(4 * MIB2));
}
END_TEST

START_TEST(without_the_capability_nothing_is_protected)
{
	hand_stop(h);
	hand_init(h);
	rig_set(&h->rig, "cap", HAND_CAP & ~(BIT64(5) | BIT64(6)));
	hand_start(h);
	protect();
	ck_assert_uint_eq(hand_read(h, REG_PMEN, 4), 0);
	ck_assert(allowed(4 * MIB2));
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("vtd events");

	tcase_add_checked_fixture(tc, sm_set_up, sm_tear_down);
	tcase_add_test(tc, the_error_record_says_what_was_wrong_with_a_descriptor);
	tcase_add_test(tc, the_error_record_says_that_the_queue_cannot_be_read);
	tcase_add_test(tc, the_error_record_says_that_the_tail_is_invalid);
	tcase_add_test(tc, descriptors_of_scalable_mode_need_the_capability);
	tcase_add_test(tc, a_queue_error_raises_the_fault_event);
	tcase_add_test(tc, wide_descriptors_take_32_bytes_and_wrap);
	tcase_add_test(tc, the_upper_half_of_a_wide_descriptor_is_reserved);
	tcase_add_test(tc, a_wide_tail_must_be_aligned);
	tcase_add_test(tc, a_masked_completion_event_waits);
	tcase_add_test(tc, an_unmasked_completion_event_is_not_left_pending);
	tcase_add_test(tc, servicing_the_completion_withdraws_the_event);
	tcase_add_test(tc, a_second_completion_is_no_news_before_the_first_is_serviced);
	tcase_add_test(tc, protected_memory_is_out_of_reach_while_translation_is_off);
	tcase_add_test(tc, translation_takes_the_place_of_protected_memory);
	tcase_add_test(tc, without_the_capability_nothing_is_protected);
	return unit_run("vtd_events", tc);
}
