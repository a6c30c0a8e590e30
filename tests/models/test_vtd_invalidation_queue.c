/* VT-d 4.1 section 6.5.2: the invalidation queue as a mechanism: fetching, waiting, wrapping, errors.
 * What invalidations do to the caches is in test_vtd_caches.c. */
#include "tests/models/hand.h"
#include "tests/unit/unit.h"

#define FSTS_QUEUE_ERROR BIT64(4)
#define DONE             UINT64_C(0xd02e)

static struct hand h;
static uint64_t status;

static void set_up(void)
{
	hand_init(&h);
	hand_start(&h);
	hand_on(&h);
	status = hand_page(&h);
}

static void tear_down(void)
{
	hand_stop(&h);
}

static void descriptor(unsigned slot, uint64_t lo, uint64_t hi)
{
	hand_put(&h, h.queue + 16 * slot, lo);
	hand_put(&h, h.queue + 16 * slot + 8, hi);
}

static void ring(unsigned slot)
{
	hand_write(&h, REG_IQT, 8, 16 * slot);
	rig_settle(&h.rig);
}

static uint64_t head(void)
{
	return hand_read(&h, REG_IQH, 8) / 16;
}

static bool stopped(void)
{
	return hand_read(&h, REG_FSTS, 4) & FSTS_QUEUE_ERROR;
}

START_TEST(descriptors_run_in_order_up_to_the_tail)
{
	descriptor(0, INV_CONTEXT_GLOBAL, 0);
	descriptor(1, INV_WAIT(1), status);
	descriptor(2, INV_IOTLB_GLOBAL, 0);
	descriptor(3, INV_WAIT(2), status + 4);
	descriptor(4, INV_WAIT(3), status + 8);
	ring(4);
	ck_assert_uint_eq(head(), 4);
	ck_assert_uint_eq(hand_get(&h, status), UINT64_C(2) << 32 | 1);
	ck_assert_uint_eq(hand_get(&h, status + 8), 0);
	ring(5);
	ck_assert_uint_eq(hand_get(&h, status + 8), 3);
	ck_assert_uint_eq(rig_metric(&h.rig, "iommu0.invq.descriptors"), 5);
	ck_assert_uint_eq(rig_metric(&h.rig, "iommu0.invq.waits"), 3);
}
END_TEST

START_TEST(nothing_runs_while_the_queue_is_off)
{
	hand_command(&h, 0, GCMD_QUEUE);
	descriptor(0, INV_WAIT(DONE), status);
	ring(1);
	ck_assert_uint_eq(hand_get(&h, status), 0);
	hand_command(&h, GCMD_QUEUE, 0);
	ck_assert_uint_eq(hand_get(&h, status), DONE);
}
END_TEST

START_TEST(the_status_is_written_after_decode_and_write_latency)
{
	sim_time from, t = h.rig.mem.read_latency + rig_get(&h.rig, "inv_decode") +
			   rig_get(&h.rig, "status_write");

	descriptor(0, INV_WAIT(DONE), status);
	from = rig_now(&h.rig);
	hand_write(&h, REG_IQT, 8, 16);
	rig_run_to(&h.rig, from + t - 1);
	ck_assert_uint_eq(hand_get(&h, status), 0);
	rig_run_to(&h.rig, from + t);
	ck_assert_uint_eq(hand_get(&h, status), DONE);
}
END_TEST

START_TEST(a_line_of_descriptors_is_fetched_once)
{
	uint64_t before = rig_metric(&h.rig, "memory.reads");

	for (unsigned i = 0; i < 8; i++)
		descriptor(i, INV_WAIT(i), status);
	ring(8);
	ck_assert_uint_eq(rig_metric(&h.rig, "memory.reads") - before, 2);
}
END_TEST

START_TEST(what_is_handed_over_later_is_read_afresh)
{
	descriptor(0, INV_WAIT(1), status);
	descriptor(1, INV_WAIT(0xbad), status);
	hand_write(&h, REG_IQT, 8, 16);
	rig_run_to(&h.rig, rig_now(&h.rig) + h.rig.mem.read_latency + 1);
	descriptor(1, INV_WAIT(2), status + 8);
	ring(2);
	ck_assert_uint_eq(hand_get(&h, status), 1);
	ck_assert_uint_eq(hand_get(&h, status + 8), 2);
}
END_TEST

START_TEST(a_wait_may_ask_for_an_interrupt_flag)
{
	descriptor(0, INV_WAIT(0) & ~BIT64(5), 0); /* neither status nor flag */
	ring(1);
	ck_assert_uint_eq(hand_read(&h, REG_ICS, 4), 0);
	descriptor(1, (INV_WAIT(0) & ~BIT64(5)) | BIT64(4), 0);
	ring(2);
	ck_assert_uint_eq(hand_read(&h, REG_ICS, 4), 1);
	hand_write(&h, REG_ICS, 4, 0);
	ck_assert_uint_eq(hand_read(&h, REG_ICS, 4), 1);
	hand_write(&h, REG_ICS, 4, 1);
	ck_assert_uint_eq(hand_read(&h, REG_ICS, 4), 0);
}
END_TEST

START_TEST(a_fence_alone_is_a_valid_wait)
{
	descriptor(0, UINT64_C(5) | BIT64(6), 0);
	descriptor(1, INV_WAIT(DONE), status);
	ring(2);
	ck_assert(!stopped());
	ck_assert_uint_eq(hand_get(&h, status), DONE);
}
END_TEST

START_TEST(the_queue_wraps_after_256_descriptors)
{
	for (unsigned i = 0; i < 600; i++) {
		descriptor(i % 256, INV_WAIT(i + 1), status);
		ring((i + 1) % 256);
		ck_assert_uint_eq(hand_get(&h, status), i + 1);
		ck_assert_uint_eq(head(), (i + 1) % 256);
	}
}
END_TEST

START_TEST(a_batch_may_cross_the_end)
{
	for (unsigned i = 0; i < 255; i++)
		descriptor(i, INV_CONTEXT_GLOBAL, 0);
	ring(254);
	for (unsigned i = 254; i < 259; i++)
		descriptor(i % 256, INV_WAIT(i), status + 8 * (i - 254));
	ring(3);
	for (unsigned i = 254; i < 259; i++)
		ck_assert_uint_eq(hand_get(&h, status + 8 * (i - 254)), i);
}
END_TEST

START_TEST(queue_size_doubles_with_qs)
{
	uint64_t queue;

	hand_command(&h, 0, GCMD_QUEUE);
	queue = h.queue = hand_page(&h);
	ck_assert_uint_eq(hand_page(&h), queue + PAGE_SIZE);
	hand_write(&h, REG_IQA, 8, queue | 1);
	hand_write(&h, REG_IQT, 8, 0);
	hand_command(&h, GCMD_QUEUE, 0);
	for (unsigned i = 0; i < 512; i++)
		descriptor(i, INV_WAIT(i), status);
	ring(511);
	ck_assert_uint_eq(hand_get(&h, status), 510);
	ring(0);
	ck_assert_uint_eq(hand_get(&h, status), 511);
	ck_assert_uint_eq(head(), 0);
}
END_TEST

/* ---- errors: 6.5.2.10, 11.4.7.1 FSTS.IQE ---- */

static void assert_refused(uint64_t lo, uint64_t hi)
{
	unsigned at = (unsigned)head();

	hand_put(&h, status, 0);
	descriptor(at, lo, hi);
	descriptor((at + 1) % 256, INV_WAIT(DONE), status);
	ring((at + 2) % 256);
	ck_assert_msg(stopped(), "descriptor %#llx %#llx was accepted", (unsigned long long)lo,
		(unsigned long long)hi);
	ck_assert_uint_eq(head(), at); /* stays at the bad one */
	ck_assert_uint_eq(hand_get(&h, status), 0);
	/* Software repairs the descriptor and clears the error: the queue goes on. */
	descriptor(at, INV_CONTEXT_GLOBAL, 0);
	hand_write(&h, REG_FSTS, 4, FSTS_QUEUE_ERROR);
	rig_settle(&h.rig);
	ck_assert(!stopped());
	ck_assert_uint_eq(head(), (at + 2) % 256);
	ck_assert_uint_eq(hand_get(&h, status), DONE);
}

START_TEST(unknown_types_stop_the_queue_until_repaired)
{
	assert_refused(0, 0);
	assert_refused(0xe, 0);
	assert_refused(0xf, 0);
	ck_assert_uint_eq(rig_metric(&h.rig, "iommu0.invq.errors"), 3);
}
END_TEST

START_TEST(reserved_granularities_stop_the_queue)
{
	assert_refused(0x1, 0);
	assert_refused(0xc2, 0);
}
END_TEST

START_TEST(an_address_mask_above_mamv_stops_the_queue)
{
	hand_submit(&h, INV_IOTLB_PAGE(1), 18);
	ck_assert(!stopped());
	assert_refused(INV_IOTLB_PAGE(1), 19);
	assert_refused(INV_IOTLB_PAGE(1), 63);
}
END_TEST

/* 6.5.2: reserved fields must be zero. */
START_TEST(reserved_bits_of_descriptors_stop_the_queue)
{
	assert_refused(INV_CONTEXT_GLOBAL | BIT64(6), 0);
	assert_refused(INV_CONTEXT_GLOBAL | BIT64(50), 0);
	assert_refused(INV_CONTEXT_GLOBAL, 1);
	assert_refused(INV_IOTLB_GLOBAL | BIT64(8), 0);
	assert_refused(INV_IOTLB_GLOBAL | BIT64(32), 0);
	assert_refused(INV_IOTLB_PAGE(1), BIT64(7));
	assert_refused(INV_IOTLB_PAGE(1), BIT64(11));
	assert_refused(INV_WAIT(0) | BIT64(8), status);
}
END_TEST

START_TEST(a_status_address_outside_memory_stops_the_queue)
{
	assert_refused(INV_WAIT(1), h.rig.mem.size);
}
END_TEST

START_TEST(a_stopped_queue_ignores_the_doorbell)
{
	descriptor(0, 0, 0);
	descriptor(1, INV_WAIT(DONE), status);
	ring(1);
	ck_assert(stopped());
	ring(2);
	ck_assert_uint_eq(hand_get(&h, status), 0);
	ck_assert_uint_eq(rig_metric(&h.rig, "iommu0.invq.errors"), 1);
}
END_TEST

START_TEST(a_queue_outside_memory_stops)
{
	hand_command(&h, 0, GCMD_QUEUE);
	hand_write(&h, REG_IQA, 8, h.rig.mem.size);
	hand_command(&h, GCMD_QUEUE, 0);
	ring(1);
	ck_assert(stopped());
}
END_TEST

/* IQEI 1, "invalid tail pointer". The engine must not run round the ring for ever. */
START_TEST(a_tail_beyond_the_queue_stops_it)
{
	bool error;

	for (unsigned i = 0; i < 256; i++)
		descriptor(i, INV_CONTEXT_GLOBAL, 0);
	hand_write(&h, REG_IQT, 8, 16 * 256);
	rig_run_to(&h.rig, rig_now(&h.rig) + MS);
	error = stopped();
	hand_write(&h, REG_GCMD, 4, 0); /* an engine that did not stop would hold up the rig */
	ck_assert(error);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("vtd invalidation queue");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, descriptors_run_in_order_up_to_the_tail);
	tcase_add_test(tc, nothing_runs_while_the_queue_is_off);
	tcase_add_test(tc, the_status_is_written_after_decode_and_write_latency);
	tcase_add_test(tc, a_line_of_descriptors_is_fetched_once);
	tcase_add_test(tc, what_is_handed_over_later_is_read_afresh);
	tcase_add_test(tc, a_wait_may_ask_for_an_interrupt_flag);
	tcase_add_test(tc, a_fence_alone_is_a_valid_wait);
	tcase_add_test(tc, the_queue_wraps_after_256_descriptors);
	tcase_add_test(tc, a_batch_may_cross_the_end);
	tcase_add_test(tc, queue_size_doubles_with_qs);
	tcase_add_test(tc, unknown_types_stop_the_queue_until_repaired);
	tcase_add_test(tc, reserved_granularities_stop_the_queue);
	tcase_add_test(tc, an_address_mask_above_mamv_stops_the_queue);
	tcase_add_test(tc, reserved_bits_of_descriptors_stop_the_queue);
	tcase_add_test(tc, a_status_address_outside_memory_stops_the_queue);
	tcase_add_test(tc, a_stopped_queue_ignores_the_doorbell);
	tcase_add_test(tc, a_queue_outside_memory_stops);
	tcase_add_test(tc, a_tail_beyond_the_queue_stops_it);
	return unit_run("vtd_invalidation_queue", tc);
}
