/* VT-d 4.1 section 7.2.1 and 11.4.7: primary fault logging. */
#include "tests/models/hand.h"
#include "tests/unit/unit.h"

#define FSTS_OVERFLOW BIT64(0)
#define FSTS_PENDING  BIT64(1)
#define RECORDS       8u /* HAND_CAP */

static struct hand h;

static void set_up(void)
{
	hand_init(&h);
	hand_start(&h);
	hand_on(&h); /* and no root entry is present: every DMA faults with reason 1 */
}

static void tear_down(void)
{
	hand_stop(&h);
}

static uint64_t record(unsigned i, unsigned word)
{
	return hand_read(&h, REG_FRCD + 16 * i + 8 * word, 8);
}

static uint32_t fsts(void)
{
	return (uint32_t)hand_read(&h, REG_FSTS, 4);
}

static void clear_record(unsigned i)
{
	hand_write(&h, REG_FRCD + 16 * i + 12, 4, 0x80000000);
}

static void fault(uint16_t sid)
{
	ck_assert(!hand_dma(&h, sid, 0x1000, false).ok);
}

START_TEST(a_record_says_who_where_what_and_why)
{
	struct xlate x = hand_dma(&h, 0x1234, 0x7f0012345678, false);

	ck_assert_uint_eq(x.fault_code, 1);
	ck_assert_uint_eq(record(0, 0), UINT64_C(0x7f0012345000));
	ck_assert_uint_eq(record(0, 1), BIT64(63) | BIT64(62) | UINT64_C(1) << 32 | 0x1234);
	ck_assert_uint_eq(fsts(), FSTS_PENDING);
}
END_TEST

START_TEST(a_write_has_type_0)
{
	hand_dma(&h, 0x18, 0x1000, true);
	ck_assert_uint_eq(record(0, 1), BIT64(63) | UINT64_C(1) << 32 | 0x18);
}
END_TEST

START_TEST(faults_of_one_source_are_recorded_once)
{
	fault(0x18);
	hand_dma(&h, 0x18, 0x5000, true);
	ck_assert_uint_eq(record(0, 0), 0x1000);
	ck_assert_uint_eq(record(1, 1), 0);
	ck_assert_uint_eq(fsts(), FSTS_PENDING);
	clear_record(0);
	hand_dma(&h, 0x18, 0x5000, true);
	ck_assert_uint_eq(record(1, 0), 0x5000);
}
END_TEST

START_TEST(records_are_used_in_order_and_wrap)
{
	for (unsigned i = 0; i < 3 * RECORDS; i++) {
		fault((uint16_t)(0x20 + i));
		ck_assert_uint_eq(record(i % RECORDS, 1) & 0xffff, 0x20 + i);
		ck_assert_uint_eq(fsts() >> 8 & 0xff, i % RECORDS);
		clear_record(i % RECORDS);
		ck_assert_uint_eq(fsts() & FSTS_PENDING, 0);
	}
}
END_TEST

START_TEST(the_index_names_the_first_record_pending)
{
	fault(0x18);
	clear_record(0);
	fault(0x20);
	fault(0x21);
	ck_assert_uint_eq(fsts() >> 8 & 0xff, 1);
}
END_TEST

START_TEST(pending_lasts_until_the_last_record_is_cleared)
{
	fault(0x18);
	fault(0x20);
	hand_write(&h, REG_FSTS, 4, FSTS_PENDING); /* read-only */
	ck_assert(fsts() & FSTS_PENDING);
	clear_record(1);
	ck_assert(fsts() & FSTS_PENDING);
	clear_record(0);
	ck_assert(!(fsts() & FSTS_PENDING));
}
END_TEST

START_TEST(overflow_is_sticky_and_stops_recording)
{
	for (unsigned i = 0; i < RECORDS; i++)
		fault((uint16_t)(0x20 + i));
	ck_assert(!(fsts() & FSTS_OVERFLOW));
	fault(0x80);
	ck_assert(fsts() & FSTS_OVERFLOW);
	ck_assert_uint_eq(record(0, 1) & 0xffff, 0x20);
	clear_record(0);
	fault(0x81); /* a record is free, but the overflow is not cleared */
	ck_assert_uint_eq(record(0, 1) >> 63, 0);
	hand_write(&h, REG_FSTS, 4, FSTS_OVERFLOW);
	ck_assert(!(fsts() & FSTS_OVERFLOW));
	fault(0x82);
	ck_assert_uint_eq(record(0, 1) & 0xffff, 0x82);
}
END_TEST

START_TEST(a_known_source_does_not_overflow)
{
	for (unsigned i = 0; i < RECORDS; i++)
		fault((uint16_t)(0x20 + i));
	fault(0x23);
	ck_assert(!(fsts() & FSTS_OVERFLOW));
}
END_TEST

START_TEST(fault_processing_disable_silences_the_record_not_the_fault)
{
	uint64_t pgd = hand_page(&h);

	hand_context(&h, 0x18, pgd | 1 | BIT64(1), CONTEXT_48(1));
	ck_assert_uint_eq(hand_dma(&h, 0x18, 0x1000, true).fault_code, 5);
	ck_assert_uint_eq(fsts(), 0);
	ck_assert_uint_eq(hand_dma(&h, 0x18, 0x1000, true).fault_code, 5); /* context cached now */
	ck_assert_uint_eq(fsts(), 0);
	hand_context(&h, 0x20, pgd | 1 | BIT64(1) | BIT64(5), CONTEXT_48(1)); /* reserved bit */
	ck_assert_uint_eq(hand_dma(&h, 0x20, 0x1000, true).fault_code, 0xb);
	ck_assert_uint_eq(fsts(), 0);
	hand_context(&h, 0x21, pgd | 1, CONTEXT_48(1));
	ck_assert_uint_eq(hand_dma(&h, 0x21, 0x1000, true).fault_code, 5);
	ck_assert_uint_eq(fsts(), FSTS_PENDING);
}
END_TEST

/* FPD of an entry that is not present: 9.3, "fault processing disable" counts when P is 0 too. */
START_TEST(a_context_entry_that_is_not_present_can_be_silent)
{
	hand_context(&h, 0x18, BIT64(1), 0);
	ck_assert_uint_eq(hand_dma(&h, 0x18, 0x1000, true).fault_code, 2);
	ck_assert_uint_eq(fsts(), 0);
}
END_TEST

START_TEST(the_event_is_masked_at_reset_and_waits)
{
	ck_assert_uint_eq(hand_read(&h, REG_FECTL, 4), 0x80000000);
	fault(0x18);
	ck_assert_uint_eq(hand_read(&h, REG_FECTL, 4), 0xc0000000);
}
END_TEST

/* 11.4.7.2 FECTL.IP: cleared when the message goes out as IM is cleared, or when software has serviced
 * all of FSTS. */
START_TEST(a_waiting_event_goes_out_when_it_is_unmasked)
{
	fault(0x18);
	hand_write(&h, REG_FECTL, 4, 0);
	ck_assert_uint_eq(hand_read(&h, REG_FECTL, 4), 0);
	rig_settle(&h.rig);
	ck_assert_str_eq(rig_log(&h.rig),
		"DMAR:[DMA Read] Request device [00:03.0] fault addr 1000 \n"
		"DMAR:[fault reason 01] Present bit in root entry is clear\n");
}
END_TEST

START_TEST(a_waiting_event_is_withdrawn_when_its_cause_is_serviced)
{
	fault(0x18);
	clear_record(0);
	ck_assert_uint_eq(hand_read(&h, REG_FECTL, 4), 0x80000000);
}
END_TEST

START_TEST(an_unmasked_event_reaches_the_driver_at_once)
{
	hand_write(&h, REG_FECTL, 4, 0);
	fault(0x18);
	rig_settle(&h.rig);
	ck_assert_uint_eq(fsts() & FSTS_PENDING, 0); /* read back and cleared */
	ck_assert_uint_eq(rig_metric(&h.rig, "iommu0.driver.faults_reported"), 1);
	fault(0x18);
	rig_settle(&h.rig);
	ck_assert_uint_eq(rig_metric(&h.rig, "iommu0.driver.faults_reported"), 2);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("vtd faults");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, a_record_says_who_where_what_and_why);
	tcase_add_test(tc, a_write_has_type_0);
	tcase_add_test(tc, faults_of_one_source_are_recorded_once);
	tcase_add_test(tc, records_are_used_in_order_and_wrap);
	tcase_add_test(tc, the_index_names_the_first_record_pending);
	tcase_add_test(tc, pending_lasts_until_the_last_record_is_cleared);
	tcase_add_test(tc, overflow_is_sticky_and_stops_recording);
	tcase_add_test(tc, a_known_source_does_not_overflow);
	tcase_add_test(tc, fault_processing_disable_silences_the_record_not_the_fault);
	tcase_add_test(tc, a_context_entry_that_is_not_present_can_be_silent);
	tcase_add_test(tc, the_event_is_masked_at_reset_and_waits);
	tcase_add_test(tc, a_waiting_event_goes_out_when_it_is_unmasked);
	tcase_add_test(tc, a_waiting_event_is_withdrawn_when_its_cause_is_serviced);
	tcase_add_test(tc, an_unmasked_event_reaches_the_driver_at_once);
	return unit_run("vtd_faults", tc);
}
