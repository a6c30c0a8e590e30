/*
 * nic_tx: against arithmetic: what the wire carries, what TSO makes of a buffer, bytes read and written to
 * the last one, what tags allow, maps for a buffer, who unmaps.
 */
#include <math.h>
#include <stdlib.h>

#include "tests/run_system/course.h"
#include "tests/unit/unit.h"

#define SETTINGS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define TX            "nic_tx0."

static const char *const common[] = { "workload=nic_tx", "cpu.count=2", "memory.size=1GiB",
	"policy=strict", NULL };

static struct course c;

static void run(sim_time warmup, sim_time measure, const char *const *more)
{
	course_start(&c, common, more);
	course_measure(&c, warmup, measure);
}

static double u64(const char *path)
{
	return (double)course_u64(&c, path);
}

static void end(void)
{
	ck_assert_uint_eq(course_end(&c), 0);
	ck_assert_uint_eq(course_u64(&c, TX "failed"), 0);
	course_fini(&c);
}

START_TEST(a_closed_loop_fills_the_wire)
{
	static const struct {
		const char *link;
		double bps;
	} links[] = { { "workload.link=1Gbps", 1e9 }, { "workload.link=40Gbps", 40e9 } };

	for (unsigned i = 0; i < 2; i++) {
		run(5 * MS, 20 * MS, SETTINGS(links[i].link));
		ck_assert_double_eq_tol(
			u64(TX "wire_bytes") * 8 / 20e-3, links[i].bps, 0.04 * links[i].bps);
		end();
	}
}
END_TEST

/* 64 KiB at 1448 bytes: 46 packets; each 66 bytes of header and 24 of gap and check sequence. Read are
 * payload, one header and 3 descriptors; written one descriptor. */
START_TEST(bytes_and_packets_are_those_of_the_buffers)
{
	uint64_t n;

	run(0, 5 * MS, SETTINGS("iommu=off"));
	ck_assert_uint_eq(course_end(&c), 0);
	n = course_u64(&c, TX "sent");
	ck_assert_uint_gt(n, 100);
	ck_assert_uint_eq(n, course_u64(&c, TX "queued"));
	ck_assert_uint_eq(course_u64(&c, TX "packets"), 46 * n);
	ck_assert_uint_eq(course_u64(&c, TX "wire_bytes"), n * (65536 + 46 * 90));
	ck_assert_uint_eq(course_u64(&c, TX "pcie.bytes_read"), n * (65536 + 66 + 3 * 16));
	ck_assert_uint_eq(course_u64(&c, TX "pcie.bytes_written"), n * 16);
	course_fini(&c);
	/* no TSO: a packet a buffer */
	run(0, 2 * MS, SETTINGS("iommu=off", "workload.size=1448B"));
	ck_assert_uint_eq(course_end(&c), 0);
	ck_assert_uint_eq(course_u64(&c, TX "packets"), course_u64(&c, TX "sent"));
	course_fini(&c);
}
END_TEST

/* Reads are non-posted: so many tags of so many bytes for a round trip. */
START_TEST(tags_bound_what_can_be_read)
{
	/* there, memory, back, and four completions and requests on the wire */
	double trip = 2 * 2e-6 + 90e-9 + 4 * (512 + 3 * 26) * 8 / 63e9, most = 4 * 512 / trip;

	run(2 * MS, 20 * MS,
		SETTINGS("iommu=off", "pcie.read_tags=4", "pcie.mrrs=512B", "pcie.latency=2us",
			"workload.size=32KiB"));
	ck_assert_double_eq_tol(u64(TX "pcie.bytes_read") / 20e-3, most, 0.1 * most);
	end();
}
END_TEST

START_TEST(a_buffer_is_mapped_in_pieces_or_as_a_list)
{
	static const struct {
		const char *mapping, *fragment;
		double maps;
	} styles[] = { { "workload.mapping=pieces", "workload.fragment=32KiB", 3 },
		{ "workload.mapping=pieces", "workload.fragment=4KiB", 17 },
		{ "workload.mapping=list", "workload.fragment=4KiB", 2 } };

	for (unsigned i = 0; i < 3; i++) {
		run(2 * MS, 5 * MS, SETTINGS(styles[i].mapping, styles[i].fragment));
		ck_assert_double_eq_tol(
			u64("dom0.maps"), styles[i].maps * u64(TX "queued"), 2 * styles[i].maps);
		ck_assert_double_eq_tol(
			u64("dom0.unmaps"), styles[i].maps * u64(TX "sent"), 2 * styles[i].maps);
		end();
	}
}
END_TEST

START_TEST(the_cpu_of_the_interrupt_unmaps)
{
	run(2 * MS, 5 * MS, SETTINGS("workload.completion_cpu=0"));
	ck_assert_uint_eq(course_u64(&c, TX "cleaned_elsewhere"), 0);
	end();
	run(2 * MS, 5 * MS, SETTINGS("workload.completion_cpu=1"));
	ck_assert_uint_eq(course_u64(&c, TX "cleaned_elsewhere"), course_u64(&c, TX "sent"));
	end();
}
END_TEST

START_TEST(an_open_loop_offers_its_rate)
{
	double expected = 4e9 / 8 / 16384 * 50e-3;

	run(2 * MS, 50 * MS, SETTINGS("workload.rate=4Gbps", "workload.size=16KiB"));
	ck_assert_double_eq_tol(u64(TX "offered"), expected, 4 * sqrt(expected));
	end();
}
END_TEST

START_TEST(doorbells_and_interrupts_are_for_several)
{
	run(2 * MS, 10 * MS,
		SETTINGS("workload.doorbell_batch=4", "workload.size=4KiB", "workload.window=1MiB",
			"workload.interrupt_interval=50us"));
	ck_assert_double_ge(u64(TX "sent") / u64(TX "doorbells"), 1.5);
	/* at most one in 50 us and queue */
	ck_assert_uint_le(course_u64(&c, TX "interrupts"), 2 * 200 + 2);
	ck_assert_uint_gt(course_u64(&c, TX "sent"), 2 * course_u64(&c, TX "interrupts"));
	end();
}
END_TEST

START_TEST(every_policy_and_narrow_rings)
{
	static const char *const settings[] = { "policy=deferred-global", "policy=flush-queue",
		"workload.ring=32", "workload.window=4KiB", "pcie.fidelity=dma" };

	for (unsigned i = 0; i < ARRAY_SIZE(settings); i++) {
		run(0, 5 * MS, SETTINGS(settings[i], "workload.mapping=list"));
		ck_assert_uint_gt(course_u64(&c, TX "sent"), 50);
		end();
	}
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("nic_tx");

	tcase_set_timeout(t, 120);
	tcase_add_test(t, a_closed_loop_fills_the_wire);
	tcase_add_test(t, bytes_and_packets_are_those_of_the_buffers);
	tcase_add_test(t, tags_bound_what_can_be_read);
	tcase_add_test(t, a_buffer_is_mapped_in_pieces_or_as_a_list);
	tcase_add_test(t, the_cpu_of_the_interrupt_unmaps);
	tcase_add_test(t, an_open_loop_offers_its_rate);
	tcase_add_test(t, doorbells_and_interrupts_are_for_several);
	tcase_add_test(t, every_policy_and_narrow_rings);
	return unit_run("system_nic_tx", t);
}
