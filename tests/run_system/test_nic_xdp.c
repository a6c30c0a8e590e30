/*
 * nic_rx with buffers: xdp: pages stay mapped whatever the program says, the share that passes, what a copy
 * costs, and that every frame has one end.
 */
#include "hw/pages.h"
#include "tests/run_system/course.h"
#include "tests/unit/unit.h"

#define SETTINGS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static const char *const common[] = { "cpu.count=1", "memory.size=256MiB", "policy=strict",
	"workload.buffers=xdp", "workload.arrivals.rate=1Gbps", "workload.sizes.size=1514", NULL };

static struct course c;
static struct nic *nic;

static void start(const char *const *more)
{
	course_start(&c, common, more);
	nic = course_nic(&c);
}

/* Stopped and taken down, so that no frame is half-way; its counters stay. */
static void end(void)
{
	ck_assert_uint_eq(course_end(&c), 0);
}

START_TEST(pages_stay_mapped_whatever_the_program_says)
{
	static const char *const shares[] = { "workload.xdp_pass=0", "workload.xdp_pass=0.5",
		"workload.xdp_pass=1" };

	for (unsigned i = 0; i < ARRAY_SIZE(shares); i++) {
		uint64_t pages;

		start(SETTINGS(shares[i]));
		pages = pages_in_use(c.system.machine.pages);
		course_measure(&c, 1 * MS, 10 * MS);
		ck_assert_uint_gt(nic->m.descriptors, 700);
		ck_assert_uint_eq(course_u64(&c, "dom0.maps"), 0);
		ck_assert_uint_eq(course_u64(&c, "dom0.unmaps"), 0);
		/* beyond those of the ring: what the first batch of refills finds not yet back */
		ck_assert_uint_le(pages_in_use(c.system.machine.pages), pages + 1);
		end();
		course_fini(&c);
	}
}
END_TEST

START_TEST(a_share_of_the_frames_passes)
{
	double frames;

	start(SETTINGS("workload.xdp_pass=0.3"));
	course_measure(&c, 0, 50 * MS);
	end();
	frames = (double)(nic->m.delivered + nic->m.xdp_dropped);
	ck_assert_double_gt(frames, 3500);
	/* five standard deviations of a binomial: 5 * sqrt(0.3 * 0.7 / 3500) */
	ck_assert_double_eq_tol((double)nic->m.delivered / frames, 0.3, 0.039);
	ck_assert_uint_eq(nic->m.latency.count, nic->m.delivered);
	ck_assert_uint_eq(nic->m.delivered_bytes, nic->m.delivered * 1514);
	ck_assert_uint_le(nic->m.offered - nic->m.delivered - nic->m.xdp_dropped, 1);
	course_fini(&c);
}
END_TEST

START_TEST(nothing_and_everything_passes)
{
	start(SETTINGS("workload.xdp_pass=0"));
	course_measure(&c, 0, 5 * MS);
	ck_assert_uint_eq(nic->m.delivered, 0);
	ck_assert_uint_gt(nic->m.xdp_dropped, 300);
	ck_assert_uint_eq(course_u64(&c, "cpus.cpu0.copy"), 0);
	ck_assert_uint_eq(course_u64(&c, "cpus.cpu0.stack"), 0);
	end();
	course_fini(&c);

	start(SETTINGS("workload.xdp_pass=1"));
	course_measure(&c, 0, 5 * MS);
	ck_assert_uint_gt(nic->m.delivered, 300);
	ck_assert_uint_eq(nic->m.xdp_dropped, 0);
	end();
	course_fini(&c);
}
END_TEST

/* 9014 bytes: four buffers of 2 KiB, 32 lines each, and 822 bytes, 13 lines; 10 cycles of 1 ns a line. */
START_TEST(a_copy_costs_its_lines)
{
	uint64_t frames;

	start(SETTINGS("workload.xdp_pass=1", "workload.sizes.size=9014", "cost.copy_line=10",
		"cpu.clock=1GHz"));
	course_measure(&c, 0, 10 * MS);
	end();
	metrics_collect(c.system.metrics, engine_now(c.system.engine));
	frames = nic->m.delivered;
	ck_assert_uint_gt(frames, 100);
	ck_assert_uint_eq(nic->m.descriptors, 5 * frames);
	ck_assert_uint_eq(course_u64(&c, "cpus.cpu0.copy"), frames * (4 * 32 + 13) * 10 * NS);
	course_fini(&c);
}
END_TEST

/* A frame is judged once, however many buffers it has. */
START_TEST(a_frame_of_many_buffers_passes_or_not_as_a_whole)
{
	start(SETTINGS("workload.xdp_pass=0.5", "workload.sizes.size=9014"));
	course_measure(&c, 0, 20 * MS);
	end();
	ck_assert_uint_gt(nic->m.delivered, 50);
	ck_assert_uint_gt(nic->m.xdp_dropped, 50);
	ck_assert_uint_eq(nic->m.delivered_bytes, nic->m.delivered * 9014);
	ck_assert_uint_eq(nic->m.descriptors, 5 * (nic->m.delivered + nic->m.xdp_dropped));
	course_fini(&c);
}
END_TEST

/* Overload: every frame is passed, ended by the program, lost, or still without a descriptor. */
START_TEST(every_frame_has_one_end)
{
	uint64_t waiting;

	start(SETTINGS("workload.xdp_pass=0.2", "workload.arrivals.rate=40Gbps"));
	course_measure(&c, 0, 5 * MS);
	waiting = nic->queues[0].waiting_n;
	end();
	ck_assert_uint_gt(nic->m.dropped_no_descriptor, 100);
	ck_assert_uint_eq(nic->m.offered,
		nic->m.delivered + nic->m.xdp_dropped + nic->m.dropped_no_descriptor +
			nic->m.dropped_fifo + nic->m.dropped_fault + waiting);
	course_fini(&c);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("system_nic_xdp");

	tcase_add_test(tc, pages_stay_mapped_whatever_the_program_says);
	tcase_add_test(tc, a_share_of_the_frames_passes);
	tcase_add_test(tc, nothing_and_everything_passes);
	tcase_add_test(tc, a_copy_costs_its_lines);
	tcase_add_test(tc, a_frame_of_many_buffers_passes_or_not_as_a_whole);
	tcase_add_test(tc, every_frame_has_one_end);
	return unit_run("system_nic_xdp", tc);
}
