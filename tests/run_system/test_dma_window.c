/*
 * dma_window: against arithmetic: how long a read takes, how much fits on the wire, how far an IOTLB
 * reaches.
 */
#include <math.h>
#include <stdlib.h>

#include "tests/run_system/course.h"
#include "tests/unit/unit.h"

#define SETTINGS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static const char *const common[] = { "workload=dma_window", "cpu.count=1", "memory.size=2GiB",
	"memory.bandwidth=10000Gbps", NULL };

static struct course c;

static void run(const char *const *more)
{
	course_start(&c, common, more);
	course_measure(&c, 100 * US, 1 * MS);
}

static void end(void)
{
	ck_assert_uint_eq(course_end(&c), 0);
	course_fini(&c);
}

#define PCIE "dma_window0.pcie."

/* Request to the root complex, memory, completion back: both ways' latency, the headers' and the data's
 * time on the wire, memory. */
START_TEST(a_read_takes_its_way_there_and_back)
{
	static const struct {
		const char *size;
		double bytes, completions;
	} reads[] = { { "workload.size=64B", 64, 1 }, { "workload.size=512B", 512, 2 } };

	for (unsigned i = 0; i < 2; i++) {
		double wire = (26 + 26 * reads[i].completions + reads[i].bytes) * 8 / 64e9 * 1e12;
		double expected = 2 * 200e3 + 90e3 + wire;
		const struct hist *h;

		run(SETTINGS("iommu=off", "workload.in_flight=1", "pcie.bandwidth=64Gbps",
			"pcie.latency=200ns", "pcie.mps=256B", "memory.read_latency=90ns",
			reads[i].size));
		h = course_hist(&c, "dma_window0.latency");
		/* the only thing on the link: every one as long as the other */
		ck_assert_uint_eq(h->min, h->max);
		ck_assert_double_eq_tol((double)h->min, expected, 0.02 * expected);
		ck_assert_double_eq_tol(
			(double)course_u64(&c, "dma_window0.requests"), 1e9 / (double)h->min, 1.5);
		end();
	}
}
END_TEST

/* As many writes as the wire carries, headers and all, when there are credits enough. */
START_TEST(writes_fill_the_wire)
{
	double per, requests;

	run(SETTINGS("iommu=off", "workload.op=write", "workload.size=256B",
		"workload.in_flight=256", "pcie.bandwidth=64Gbps", "pcie.mps=256B",
		"pcie.write_credits=4096"));
	requests = (double)course_u64(&c, "dma_window0.requests");
	per = (256 + 26) * 8 / 64e9;
	ck_assert_double_eq_tol(requests, 1e-3 / per, 0.01 * 1e-3 / per);
	ck_assert_double_eq_tol(course_real(&c, PCIE "wire_share_up"), 1, 0.01);
	ck_assert_double_eq_tol((double)course_u64(&c, PCIE "wire_bytes_up"), requests * 282,
		0.01 * requests * 282);
	end();
}
END_TEST

/* Little: with few requests in flight, their number is rate x latency. */
START_TEST(requests_in_flight_are_rate_times_latency)
{
	run(SETTINGS("iommu=off", "workload.in_flight=7", "workload.size=64B"));
	ck_assert_double_eq_tol((double)course_u64(&c, "dma_window0.requests") / 1e9 *
					hist_mean(course_hist(&c, "dma_window0.latency")),
		7, 0.05);
	end();
}
END_TEST

/* Random pages, an associative cache: hits as the part of the window that it holds. */
START_TEST(misses_are_the_part_of_the_window_that_the_iotlb_does_not_hold)
{
	static const struct {
		const char *window;
		double pages;
	} windows[] = { { "workload.window=128KiB", 32 }, { "workload.window=512KiB", 128 },
		{ "workload.window=2MiB", 512 } };

	for (unsigned i = 0; i < 3; i++) {
		double held = 64 / windows[i].pages, miss = held >= 1 ? 0 : 1 - held, seen;

		run(SETTINGS("iommu.iotlb_entries=64", "iommu.iotlb_ways=0", "workload.in_flight=1",
			windows[i].window));
		seen = (double)course_u64(&c, PCIE "misses") /
		       (double)course_u64(&c, PCIE "requests");
		ck_assert_double_eq_tol(seen, miss, 0.05);
		end();
	}
}
END_TEST

START_TEST(a_superpage_reaches_further)
{
	run(SETTINGS("workload.window=8MiB", "workload.mapping=whole", "workload.in_flight=4"));
	ck_assert_uint_le(course_u64(&c, PCIE "misses"), 4);
	ck_assert_uint_gt(course_u64(&c, "dma_window0.requests"), 1000);
	end();
}
END_TEST

/* The read of a place just written waits for the write: longer than a read alone. */
START_TEST(a_read_pushes_the_write_before_it)
{
	uint64_t read;

	run(SETTINGS("iommu=off", "workload.in_flight=1"));
	read = course_hist(&c, "dma_window0.latency")->min;
	end();
	run(SETTINGS("iommu=off", "workload.in_flight=1", "workload.op=write-read"));
	ck_assert_uint_gt(course_hist(&c, "dma_window0.latency")->min, read);
	ck_assert_uint_eq(
		course_u64(&c, "dma_window0.bytes"), 128 * course_u64(&c, "dma_window0.requests"));
	end();
}
END_TEST

START_TEST(sequential_order_misses_once_a_page)
{
	run(SETTINGS(
		"workload.window=4MiB", "workload.pattern=sequential", "workload.in_flight=1"));
	/* 64 requests of a line a page */
	ck_assert_double_eq_tol((double)course_u64(&c, PCIE "misses") * 64,
		(double)course_u64(&c, PCIE "requests"),
		64 + 0.01 * (double)course_u64(&c, PCIE "requests"));
	end();
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("dma_window");

	tcase_set_timeout(t, 120);
	tcase_add_test(t, a_read_takes_its_way_there_and_back);
	tcase_add_test(t, writes_fill_the_wire);
	tcase_add_test(t, requests_in_flight_are_rate_times_latency);
	tcase_add_test(t, misses_are_the_part_of_the_window_that_the_iotlb_does_not_hold);
	tcase_add_test(t, a_superpage_reaches_further);
	tcase_add_test(t, a_read_pushes_the_write_before_it);
	tcase_add_test(t, sequential_order_misses_once_a_page);
	return unit_run("system_dma_window", t);
}
