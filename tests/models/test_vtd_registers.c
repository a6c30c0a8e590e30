/* VT-d 4.1 chapter 11: registers as software sees them, and the handshakes of commands. */
#include "tests/models/hand.h"
#include "tests/unit/unit.h"

static struct hand h;

static void set_up(void)
{
	hand_init(&h);
	hand_start(&h);
}

static void tear_down(void)
{
	hand_stop(&h);
}

START_TEST(reset_values)
{
	static const struct {
		uint32_t offset;
		unsigned bytes;
		uint64_t value;
	} reset[] = {
		{ REG_VER, 4, 0x10 },
		{ REG_CAP, 8, HAND_CAP },
		{ REG_ECAP, 8, HAND_ECAP },
		{ REG_GCMD, 4, 0 },
		{ REG_GSTS, 4, 0 },
		{ REG_RTADDR, 8, 0 },
		{ REG_CCMD, 8, 0 },
		{ REG_FSTS, 4, 0 },
		{ REG_FECTL, 4, 0x80000000 },
		{ REG_IQH, 8, 0 },
		{ REG_IQT, 8, 0 },
		{ REG_IQA, 8, 0 },
		{ REG_ICS, 4, 0 },
		{ REG_IOTLB, 8, 0 },
		{ REG_FRCD, 8, 0 },
		{ REG_FRCD + 8, 8, 0 },
		{ REG_FRCD + 16 * 7 + 8, 8, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(reset); i++)
		ck_assert_uint_eq(hand_read(&h, reset[i].offset, reset[i].bytes), reset[i].value);
}
END_TEST

START_TEST(read_only_registers_stay)
{
	static const uint32_t at[] = { REG_VER, REG_CAP, REG_CAP + 4, REG_ECAP, REG_ECAP + 4,
		REG_GSTS, REG_IQH, REG_IQH + 4, REG_FRCD, REG_FRCD + 4, REG_FRCD + 8,
		REG_FRCD + 12 };

	for (size_t i = 0; i < ARRAY_SIZE(at); i++) {
		uint64_t before = hand_read(&h, at[i], 4);

		hand_write(&h, at[i], 4, 0xffffffff);
		ck_assert_uint_eq(hand_read(&h, at[i], 4), before);
		hand_write(&h, at[i], 4, 0);
		ck_assert_uint_eq(hand_read(&h, at[i], 4), before);
	}
}
END_TEST

START_TEST(only_defined_bits_can_be_written)
{
	hand_write(&h, REG_IQT, 8, UINT64_MAX);
	ck_assert_uint_eq(hand_read(&h, REG_IQT, 8), 0x7fff0);
	hand_write(&h, REG_IQT, 8, 0);
	hand_write(&h, REG_RTADDR, 8, UINT64_C(0xfedcba9876543123));
	ck_assert_uint_eq(hand_read(&h, REG_RTADDR, 8) & 0x3ff, 0);
	ck_assert_uint_eq(hand_read(&h, REG_RTADDR, 8) >> 12, 0xfedcba9876543);
	hand_write(&h, REG_IQA, 8, UINT64_C(0x123456789f07));
	ck_assert_uint_eq(hand_read(&h, REG_IQA, 8) & ~BIT64(11), 0x123456789007);
	hand_write(&h, REG_FECTL, 4, 0x7fffffff); /* IM off; IP is read-only */
	ck_assert_uint_eq(hand_read(&h, REG_FECTL, 4), 0);
}
END_TEST

START_TEST(registers_take_bytes_and_dwords)
{
	hand_write(&h, REG_RTADDR, 4, 0x89abc000);
	hand_write(&h, REG_RTADDR + 4, 4, 0x4567);
	ck_assert_uint_eq(hand_read(&h, REG_RTADDR, 8), UINT64_C(0x456789abc000));
	ck_assert_uint_eq(hand_read(&h, REG_RTADDR + 4, 4), 0x4567);
	ck_assert_uint_eq(hand_read(&h, REG_RTADDR + 3, 1), 0x89);
	hand_write(&h, REG_RTADDR + 3, 1, 0x77);
	ck_assert_uint_eq(hand_read(&h, REG_RTADDR, 8), UINT64_C(0x456777abc000));
	ck_assert_uint_eq(hand_read(&h, REG_CAP + 4, 4), HAND_CAP >> 32);
	ck_assert_uint_eq(hand_read(&h, REG_CAP + 1, 2), HAND_CAP >> 8 & 0xffff);
}
END_TEST

START_TEST(gcmd_reads_as_zero_at_any_width)
{
	hand_command(&h, GCMD_ENABLE, 0);
	ck_assert_uint_eq(hand_read(&h, REG_GCMD, 4), 0);
	ck_assert_uint_eq(hand_read(&h, REG_GCMD + 3, 1), 0);
	ck_assert_uint_eq(hand_read(&h, REG_GCMD + 2, 2), 0);
	ck_assert_uint_eq(hand_read(&h, REG_GCMD, 8), GCMD_ENABLE << 32); /* GSTS above it */
}
END_TEST

START_TEST(beyond_the_block_reads_all_ones)
{
	ck_assert_uint_eq(hand_read(&h, 0x100000, 4), 0xffffffff);
	hand_write(&h, 0x100000, 8, 1);
}
END_TEST

/* The status bits follow the command `command_latency` later, not a picosecond before. */
static void assert_status_follows(uint64_t gcmd, uint64_t status_before, uint64_t status_after)
{
	sim_time from = rig_now(&h.rig), latency = rig_get(&h.rig, "command_latency");

	hand_write(&h, REG_GCMD, 4, gcmd);
	rig_run_to(&h.rig, from + latency - 1);
	ck_assert_uint_eq(hand_read(&h, REG_GSTS, 4), status_before);
	rig_run_to(&h.rig, from + latency);
	ck_assert_uint_eq(hand_read(&h, REG_GSTS, 4), status_after);
}

START_TEST(commands_are_acknowledged_after_their_latency)
{
	hand_write(&h, REG_RTADDR, 8, h.root);
	assert_status_follows(GCMD_SET_ROOT, 0, GCMD_SET_ROOT);
	assert_status_follows(GCMD_QUEUE, GCMD_SET_ROOT, GCMD_SET_ROOT | GCMD_QUEUE);
	assert_status_follows(GCMD_QUEUE | GCMD_ENABLE, GCMD_SET_ROOT | GCMD_QUEUE,
		GCMD_SET_ROOT | GCMD_QUEUE | GCMD_ENABLE);
	assert_status_follows(
		GCMD_QUEUE, GCMD_SET_ROOT | GCMD_QUEUE | GCMD_ENABLE, GCMD_SET_ROOT | GCMD_QUEUE);
	assert_status_follows(0, GCMD_SET_ROOT | GCMD_QUEUE, GCMD_SET_ROOT);
}
END_TEST

/* 11.4.4.2, RTPS: cleared when software sets SRTP, set when the operation is complete. */
START_TEST(a_second_set_root_clears_its_status_until_it_is_done)
{
	hand_write(&h, REG_RTADDR, 8, h.root);
	assert_status_follows(GCMD_SET_ROOT, 0, GCMD_SET_ROOT);
	assert_status_follows(GCMD_SET_ROOT, 0, GCMD_SET_ROOT);
}
END_TEST

START_TEST(the_root_pointer_counts_only_when_it_is_latched)
{
	uint64_t pgd = hand_page(&h), old_root = h.root;

	hand_map(&h, pgd, 4, 0x1000, 1, 0x5000 | PTE_RW);
	hand_context(&h, 0x18, pgd | 1, CONTEXT_48(1));
	hand_on(&h);
	hand_write(&h, REG_RTADDR, 8, hand_page(&h));
	ck_assert(hand_dma(&h, 0x18, 0x1000, false).ok);
	hand_submit(&h, INV_CONTEXT_GLOBAL, 0);
	hand_submit(&h, INV_IOTLB_GLOBAL, 0);
	ck_assert(hand_dma(&h, 0x18, 0x1000, false).ok);
	hand_command(&h, GCMD_SET_ROOT, 0);
	hand_submit(&h, INV_CONTEXT_GLOBAL, 0);
	hand_submit(&h, INV_IOTLB_GLOBAL, 0);
	ck_assert_uint_eq(hand_dma(&h, 0x18, 0x1000, false).fault_code, 1);
	hand_write(&h, REG_RTADDR, 8, old_root);
	hand_command(&h, GCMD_SET_ROOT, 0);
	ck_assert(hand_dma(&h, 0x18, 0x1000, false).ok);
}
END_TEST

/* 11.4.2 CAP.ESRTPS: with it hardware itself drops what it cached from the old tables. */
START_TEST(set_root_invalidates_caches_only_where_the_capability_says_so)
{
	for (unsigned enhanced = 0; enhanced < 2; enhanced++) {
		uint64_t pgd;
		struct xlate x;

		hand_stop(&h);
		hand_init(&h);
		rig_set(&h.rig, "cap", HAND_CAP | (enhanced ? CAP_ESRTPS : 0));
		hand_start(&h);
		pgd = hand_page(&h);
		hand_map(&h, pgd, 4, 0x1000, 1, 0x5000 | PTE_RW);
		hand_context(&h, 0x18, pgd | 1, CONTEXT_48(1));
		hand_on(&h);
		ck_assert(hand_dma(&h, 0x18, 0x1000, false).ok);
		hand_write(&h, REG_RTADDR, 8, hand_page(&h));
		hand_command(&h, GCMD_SET_ROOT, 0);
		x = hand_dma(&h, 0x18, 0x1000, false);
		ck_assert_uint_eq(x.ok, !enhanced);
		if (enhanced)
			ck_assert_uint_eq(x.fault_code, 1);
	}
}
END_TEST

START_TEST(with_translation_off_addresses_pass_unchanged)
{
	struct xlate x = hand_dma(&h, 0x18, 0x123456, true);

	ck_assert(x.ok);
	ck_assert_uint_eq(x.pa.a, 0x123456);
	hand_on(&h);
	ck_assert(!hand_dma(&h, 0x18, 0x123456, true).ok);
	hand_command(&h, 0, GCMD_ENABLE);
	ck_assert(hand_dma(&h, 0x18, 0x123456, true).ok);
}
END_TEST

START_TEST(disabling_the_queue_resets_its_head)
{
	hand_on(&h);
	hand_submit(&h, INV_CONTEXT_GLOBAL, 0);
	hand_submit(&h, INV_CONTEXT_GLOBAL, 0);
	ck_assert_uint_eq(hand_read(&h, REG_IQH, 8), 0x20);
	hand_command(&h, 0, GCMD_QUEUE);
	ck_assert_uint_eq(hand_read(&h, REG_IQH, 8), 0);
}
END_TEST

/* ---- register-based invalidation: 11.4.6, 11.4.8 ---- */

static uint64_t invalidate_by_register(uint32_t offset, uint64_t command)
{
	hand_write(&h, offset, 8, BIT64(63) | command);
	ck_assert(hand_read(&h, offset, 8) & BIT64(63));
	rig_settle(&h.rig);
	ck_assert(!(hand_read(&h, offset, 8) & BIT64(63)));
	return hand_read(&h, offset, 8);
}

static uint64_t caig(uint64_t granularity)
{
	return invalidate_by_register(REG_CCMD, granularity << 61) >> 59 & 3;
}

static uint64_t iaig(uint64_t granularity)
{
	return invalidate_by_register(REG_IOTLB, granularity << 60) >> 57 & 3;
}

START_TEST(ccmd_reports_a_granularity_at_least_as_coarse)
{
	ck_assert_uint_eq(caig(1), 1);
	ck_assert(caig(2) == 1 || caig(2) == 2);
	ck_assert_uint_ge(caig(3), 1);
	ck_assert_uint_eq(caig(0), 0); /* reserved: nothing done */
}
END_TEST

START_TEST(iotlb_register_reports_what_it_did)
{
	ck_assert_uint_eq(iaig(1), 1);
	ck_assert(iaig(2) == 1 || iaig(2) == 2);
	hand_write(&h, REG_IVA, 8, 0x1000 | 18);
	ck_assert_uint_ge(iaig(3), 1);
	hand_write(&h, REG_IVA, 8, 0x1000 | 19); /* above CAP.MAMV */
	ck_assert_uint_eq(iaig(3), 0);
	ck_assert_uint_eq(iaig(0), 0);
}
END_TEST

/* 11.4.6: SID and FM are write-only. */
START_TEST(ccmd_does_not_give_back_source_and_mask)
{
	uint64_t after = invalidate_by_register(
		REG_CCMD, UINT64_C(3) << 61 | UINT64_C(3) << 32 | UINT64_C(0x1234) << 16 | 0x77);

	ck_assert_uint_eq(after >> 16 & 0x3ffff, 0);
	ck_assert_uint_eq(after & 0xffff, 0x77);
}
END_TEST

START_TEST(a_command_register_acts_when_its_last_byte_is_written)
{
	hand_write(&h, REG_CCMD, 4, 0x5);
	rig_settle(&h.rig);
	ck_assert_uint_eq(rig_metric(&h.rig, "iommu0.invq.register_based"), 0);
	hand_write(&h, REG_CCMD + 4, 4, (BIT64(63) | UINT64_C(2) << 61) >> 32);
	rig_settle(&h.rig);
	ck_assert_uint_eq(rig_metric(&h.rig, "iommu0.invq.register_based"), 1);
	ck_assert_uint_eq(hand_read(&h, REG_CCMD, 8) & 0xffff, 5);
}
END_TEST

static void assert_busy_for(uint32_t offset, uint64_t command, const char *key)
{
	sim_time from = rig_now(&h.rig), t = rig_get(&h.rig, key);

	hand_write(&h, offset, 8, BIT64(63) | command);
	rig_run_to(&h.rig, from + t - 1);
	ck_assert(hand_read(&h, offset, 8) & BIT64(63));
	rig_run_to(&h.rig, from + t);
	ck_assert(!(hand_read(&h, offset, 8) & BIT64(63)));
}

START_TEST(register_invalidations_take_their_time)
{
	assert_busy_for(REG_CCMD, UINT64_C(1) << 61, "inv_context");
	assert_busy_for(REG_IOTLB, UINT64_C(1) << 60, "inv_global");
	assert_busy_for(REG_IOTLB, UINT64_C(2) << 60, "inv_domain");
	assert_busy_for(REG_IOTLB, UINT64_C(3) << 60, "inv_page");
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("vtd registers");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, reset_values);
	tcase_add_test(tc, read_only_registers_stay);
	tcase_add_test(tc, only_defined_bits_can_be_written);
	tcase_add_test(tc, registers_take_bytes_and_dwords);
	tcase_add_test(tc, gcmd_reads_as_zero_at_any_width);
	tcase_add_test(tc, beyond_the_block_reads_all_ones);
	tcase_add_test(tc, commands_are_acknowledged_after_their_latency);
	tcase_add_test(tc, a_second_set_root_clears_its_status_until_it_is_done);
	tcase_add_test(tc, the_root_pointer_counts_only_when_it_is_latched);
	tcase_add_test(tc, set_root_invalidates_caches_only_where_the_capability_says_so);
	tcase_add_test(tc, with_translation_off_addresses_pass_unchanged);
	tcase_add_test(tc, disabling_the_queue_resets_its_head);
	tcase_add_test(tc, ccmd_reports_a_granularity_at_least_as_coarse);
	tcase_add_test(tc, iotlb_register_reports_what_it_did);
	tcase_add_test(tc, ccmd_does_not_give_back_source_and_mask);
	tcase_add_test(tc, a_command_register_acts_when_its_last_byte_is_written);
	tcase_add_test(tc, register_invalidations_take_their_time);
	return unit_run("vtd_registers", tc);
}
