/*
 * The card and its driver under load: does every packet go somewhere, and do the ring's positions
 * stay in order?
 */
#include "tests/run_system/course.h"
#include "tests/unit/unit.h"

static const char *const common[] = { "cpu.count=2", "workload.ring=64", "workload.sizes.size=1514",
	"workload.arrivals.type=poisson", "policy=deferred-global", NULL };

static uint64_t in_flight(struct nic *nic)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < nic->nqueues; i++) {
		const struct nic_queue *q = &nic->queues[i];

		n += q->waiting_n + (q->used - q->next_to_clean);
	}
	return n;
}

static uint64_t dropped(const struct nic_metrics *m)
{
	return m->dropped_no_descriptor + m->dropped_fifo + m->dropped_fault;
}

static void check_positions(const struct nic_queue *q)
{
	ck_assert_uint_le(q->next_to_clean, q->written);
	ck_assert_uint_le(q->written, q->finished);
	ck_assert_uint_le(q->finished, q->used);
	ck_assert_uint_le(q->used, q->fetched);
	ck_assert_uint_le(q->fetched, q->tail);
	ck_assert_uint_le(q->tail, q->next_to_use);
	ck_assert_uint_le(q->next_to_use - q->next_to_clean, q->size - 1);
}

/* Frames fit a buffer each, so that a descriptor is a packet. */
static void watch(const char *rate, const char *buffers)
{
	const char *const settings[] = { rate, buffers, NULL };
	struct course c;
	struct nic *nic;

	course_start(&c, common, settings);
	nic = course_nic(&c);
	c.system.workload->start(c.system.workload_state);
	for (unsigned i = 0; i < 3000; i++) {
		engine_run(c.system.engine, engine_now(c.system.engine) + 1777 * NS);
		ck_assert_uint_eq(
			nic->m.offered, nic->m.delivered + dropped(&nic->m) + in_flight(nic));
		ck_assert_uint_eq(nic->m.offered_bytes, nic->m.offered * 1514);
		ck_assert_uint_eq(nic->m.delivered_bytes, nic->m.delivered * 1514);
		for (unsigned k = 0; k < nic->nqueues; k++)
			check_positions(&nic->queues[k]);
	}
	ck_assert_uint_gt(nic->m.delivered, 100);
	ck_assert_uint_eq(nic->m.ring_available.count, nic->m.offered);
	ck_assert_uint_le(nic->m.ring_available.max, 63);
	ck_assert_uint_eq(nic->m.dropped_fault, 0);
	ck_assert_uint_eq(course_end(&c), 0);
	course_fini(&c);
}

START_TEST(every_packet_goes_somewhere)
{
	watch("workload.arrivals.rate=1Gbps", "workload.buffers=page");
	watch("workload.arrivals.rate=20Gbps", "workload.buffers=page");
	watch("workload.arrivals.rate=20Gbps", "workload.buffers=page-pool");
	watch("workload.arrivals.rate=20Gbps", "workload.buffers=half-page");
}
END_TEST

/* After the end, what was offered is delivered, dropped, or was waiting without a descriptor. */
START_TEST(what_is_in_flight_at_the_end_is_finished)
{
	static const char *const settings[] = { "workload.arrivals.rate=10Gbps", NULL };
	struct course c;
	struct nic *nic;
	uint64_t waiting = 0;

	course_start(&c, common, settings);
	nic = course_nic(&c);
	c.system.workload->start(c.system.workload_state);
	engine_run(c.system.engine, engine_now(c.system.engine) + 5 * MS);
	for (unsigned i = 0; i < nic->nqueues; i++)
		waiting += nic->queues[i].waiting_n;
	ck_assert_uint_eq(course_end(&c), 0);
	ck_assert_uint_eq(nic->m.offered, nic->m.delivered + dropped(&nic->m) + waiting);
	course_fini(&c);
}
END_TEST

START_TEST(a_dry_ring_drops)
{
	static const char *const settings[] = { "workload.arrivals.rate=40Gbps", NULL };
	struct course c;

	course_start(&c, common, settings);
	course_measure(&c, 1 * MS, 5 * MS);
	ck_assert_uint_gt(course_u64(&c, "nic_rx0.dropped_no_descriptor"), 0);
	ck_assert_uint_eq(course_hist(&c, "nic_rx0.ring_available")->min, 0);
	ck_assert_uint_eq(course_end(&c), 0);
	course_fini(&c);
}
END_TEST

START_TEST(a_light_load_loses_nothing)
{
	static const char *const settings[] = { "workload.arrivals.rate=500Mbps", NULL };
	struct course c;

	course_start(&c, common, settings);
	course_measure(&c, 1 * MS, 20 * MS);
	ck_assert_uint_eq(dropped(&course_nic(&c)->m), 0);
	ck_assert_uint_gt(course_u64(&c, "nic_rx0.delivered"), 500);
	ck_assert_uint_eq(course_end(&c), 0);
	course_fini(&c);
}
END_TEST

/* A packet is taken only when a descriptor is free, so no more than a ring of packets lies before it:
 * under overload the stack's time per packet bounds the latency. Fails when the card learns of
 * refilled buffers before the CPU has got to ringing the doorbell. */
START_TEST(the_ring_bounds_what_waits)
{
	static const char *const settings[] = { "cpu.count=1", "workload.ring=16",
		"workload.refill=1", "workload.buffers=page-pool", "workload.cycles_stack=26000",
		"workload.cycles_line=0", "workload.arrivals.rate=5Gbps", "cpu.clock=2.6GHz",
		"workload.interrupt_interval=0", NULL };
	const sim_time per_packet = 11 * US; /* 10 of stack, the driver's part */
	struct course c;

	course_start(&c, common, settings);
	course_measure(&c, 1 * MS, 20 * MS);
	ck_assert_uint_gt(course_u64(&c, "nic_rx0.dropped_no_descriptor"), 1000);
	ck_assert_uint_le(course_hist(&c, "nic_rx0.latency")->max, 17 * per_packet);
	ck_assert_uint_eq(course_end(&c), 0);
	course_fini(&c);
}
END_TEST

START_TEST(interrupts_keep_their_distance)
{
	static const char *const settings[] = { "workload.arrivals.rate=1Gbps",
		"workload.interrupt_interval=50us", NULL };
	struct course c;
	uint64_t n;

	course_start(&c, common, settings);
	course_measure(&c, 1 * MS, 20 * MS);
	n = course_u64(&c, "nic_rx0.interrupts");
	ck_assert_uint_le(n, 2 * (20 * MS / (50 * US) + 1));
	ck_assert_uint_gt(n, 400);
	ck_assert_uint_eq(course_end(&c), 0);
	course_fini(&c);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("system_nic_queue");

	tcase_add_test(tc, every_packet_goes_somewhere);
	tcase_add_test(tc, what_is_in_flight_at_the_end_is_finished);
	tcase_add_test(tc, a_dry_ring_drops);
	tcase_add_test(tc, a_light_load_loses_nothing);
	tcase_add_test(tc, the_ring_bounds_what_waits);
	tcase_add_test(tc, interrupts_keep_their_distance);
	return unit_run("system_nic_queue", tc);
}
