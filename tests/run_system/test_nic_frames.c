/*
 * nic_rx: frames against arithmetic: buffers that a frame of any size takes, its bytes, when it is lost.
 */
#include "tests/run_system/course.h"
#include "tests/unit/unit.h"

#define SETTINGS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static const char *const common[] = { "cpu.count=1", "memory.size=256MiB", "policy=strict",
	"workload.arrivals.rate=500Mbps", NULL };

static struct course c;
static struct nic *nic;

static void run(sim_time measure, const char *const *more)
{
	course_start(&c, common, more);
	nic = course_nic(&c);
	course_measure(&c, 0, measure);
}

static void end(void)
{
	ck_assert_uint_eq(course_end(&c), 0);
	course_fini(&c);
}

static uint64_t lost(void)
{
	return nic->m.dropped_no_descriptor + nic->m.dropped_fifo + nic->m.dropped_fault;
}

START_TEST(a_frame_takes_as_many_buffers_as_it_fills)
{
	static const struct {
		const char *frame, *buffer;
		uint64_t bytes, descriptors;
	} cases[] = {
		{ "workload.sizes.size=2048", "workload.buffer=2KiB", 2048, 1 },
		{ "workload.sizes.size=2049", "workload.buffer=2KiB", 2049, 2 },
		{ "workload.sizes.size=9014", "workload.buffer=2KiB", 9014, 5 },
		{ "workload.sizes.size=9014", "workload.buffer=4KiB", 9014, 3 },
		{ "workload.sizes.size=9014", "workload.buffer=256B", 9014, 36 },
	};
	static const char *const fetches[] = { "workload.fetch_batch=16",
		"workload.fetch_batch=1" };

	for (unsigned i = 0; i < 2 * ARRAY_SIZE(cases); i++) {
		const char *const buffer = cases[i / 2].buffer, *const frame = cases[i / 2].frame;
		uint64_t taken;

		run(5 * MS, SETTINGS(frame, buffer, fetches[i % 2]));
		ck_assert_uint_eq(course_end(&c), 0);
		taken = nic->m.delivered;
		ck_assert_uint_gt(taken, 20);
		ck_assert_uint_eq(lost(), 0);
		ck_assert_uint_le(
			nic->m.offered - taken, 1); /* may wait for descriptors at the end */
		ck_assert_uint_eq(nic->m.delivered_bytes, taken * cases[i / 2].bytes);
		ck_assert_uint_eq(nic->m.descriptors, taken * cases[i / 2].descriptors);
		course_fini(&c);
	}
}
END_TEST

/* A ring of 16 has 15 descriptors to give: a frame of 15 buffers passes, one of 16 never does. */
START_TEST(a_frame_that_the_ring_has_too_few_buffers_for_is_lost)
{
	static const char *const ring[] = { "workload.ring=16", "workload.refill=1",
		"workload.buffer=256B", "workload.arrivals.rate=20Mbps",
		"workload.arrivals.type=constant", NULL };
	static const char *const sizes[] = { "workload.sizes.size=3840",
		"workload.sizes.size=3841" };

	for (unsigned i = 0; i < 2; i++) {
		run(50 * MS, SETTINGS(ring[0], ring[1], ring[2], ring[3], ring[4], sizes[i]));
		ck_assert_uint_gt(nic->m.offered, 30);
		ck_assert_uint_eq(nic->m.dropped_no_descriptor, i == 0 ? 0 : nic->m.offered);
		ck_assert_uint_eq(nic->m.descriptors, i == 0 ? 15 * nic->m.offered : 0);
		ck_assert_uint_eq(nic->m.dropped_fifo, 0);
		end();
	}
}
END_TEST

START_TEST(a_poll_counts_frames_not_buffers)
{
	run(5 * MS, SETTINGS("workload.sizes.size=9014", "workload.arrivals.rate=20Gbps",
			    "workload.budget=8"));
	ck_assert_uint_gt(nic->m.polls_full, 10);
	ck_assert_uint_eq(nic->m.packets_per_poll.max, 8);
	ck_assert_uint_eq(course_end(&c), 0);
	ck_assert_uint_eq(nic->m.packets_per_poll.sum, nic->m.delivered);
	course_fini(&c);
}
END_TEST

/* The card has a wrong address for the second of a frame's five buffers. */
START_TEST(a_frame_refused_in_part_is_lost_as_a_whole)
{
	struct nic_queue *q;

	course_start(&c, common, SETTINGS("workload.sizes.size=9014"));
	nic = course_nic(&c);
	engine_run(c.system.engine, engine_now(c.system.engine) + 1 * MS);
	q = &nic->queues[0];
	ck_assert_uint_ge(q->fetched, q->used + 5);
	q->address[(q->used + 1) % q->size] = (iova_t){ 0x1000 };
	course_measure(&c, 0, 5 * MS);
	ck_assert_uint_eq(nic->m.dropped_fault, 1);
	ck_assert_uint_gt(nic->m.delivered, 20);
	ck_assert_uint_eq(nic->m.delivered_bytes, nic->m.delivered * 9014);
	ck_assert_uint_eq(nic->m.descriptors % 5, 0);
	end();
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("system_nic_frames");

	tcase_add_test(tc, a_frame_takes_as_many_buffers_as_it_fills);
	tcase_add_test(tc, a_frame_that_the_ring_has_too_few_buffers_for_is_lost);
	tcase_add_test(tc, a_poll_counts_frames_not_buffers);
	tcase_add_test(tc, a_frame_refused_in_part_is_lost_as_a_whole);
	return unit_run("system_nic_frames", tc);
}
