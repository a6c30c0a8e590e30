/*
 * pcie: what credits and tags let through. Where the wire does not limit, throughput is what may be
 * outstanding over the time that it is: Little's law.
 */
#include "hw/pcie.h"

#include "base/rng.h"
#include "tests/hw/pcie_rig.h"
#include "tests/unit/unit.h"

#define LATENCY (200.0 * NS)
#define N       3000u

static struct rig r;

static void setup(void)
{
	rig_init(&r);
	r.conf.bandwidth = 8000000000000; /* a byte is a picosecond */
}

/* Bytes per picosecond of N requests of that length, all waiting from the start. */
static double throughput(bool write, uint32_t len)
{
	double rate;

	rig_build(&r);
	for (unsigned i = 0; i < N; i++)
		rig_dma(&r, 0, write, 0x1000, len);
	rig_run(&r);
	rate = (double)N * len / (double)rig_done(&r, N - 1);
	return rate;
}

static void expect(double rate, double bytes, double latency)
{
	ck_assert_double_eq_tol(rate, bytes / latency, 0.02 * bytes / latency);
}

START_TEST(writes_are_limited_by_credits)
{
	static const uint32_t credits[] = { 8, 16, 64, 92 };
	double held = LATENCY + (double)RIG_HIT + 60.0 * NS + 282;

	for (size_t i = 0; i < ARRAY_SIZE(credits); i++) {
		setup();
		r.conf.write_credits = credits[i];
		expect(throughput(true, 256), credits[i] / 4 * 256.0, held);
		ck_assert_uint_gt(r.port->m.credit_stalls, 0);
		rig_fini(&r);
	}
}
END_TEST

/* 10 credits hold two TLPs of 4 lines; 100 bytes take 2 lines. */
START_TEST(credits_are_whole_lines)
{
	double held = LATENCY + (double)RIG_HIT + 60.0 * NS;

	r.conf.write_credits = 10;
	expect(throughput(true, 256), 2 * 256.0, held + 282);
	rig_fini(&r);
	setup();
	r.conf.write_credits = 10;
	expect(throughput(true, 100), 5 * 100.0, held + 126);
	rig_fini(&r);
}
END_TEST

/* The walk holds credits, too: this is how an IOTLB miss costs throughput. */
START_TEST(a_walk_keeps_its_credits)
{
	r.page[1].walk = 1 * US;
	r.conf.write_credits = 32;
	expect(throughput(true, 256), 8 * 256.0, LATENCY + 1e6 + 60.0 * NS + 282);
	rig_fini(&r);
}
END_TEST

START_TEST(with_credits_to_spare_the_wire_limits)
{
	r.conf.bandwidth = 8000000000;
	r.conf.write_credits = 92;
	expect(throughput(true, 256), 256, 282.0 * NS);
	ck_assert_uint_eq(r.port->m.credit_stalls, 0);
	rig_fini(&r);
}
END_TEST

static uint32_t credits_back(void)
{
	uint32_t n = r.port->credits;

	for (uint32_t i = r.port->release_head; i != r.port->release_tail; i++)
		n += r.port->releases[i & r.port->release_mask].lines;
	return n;
}

START_TEST(every_credit_comes_back_of_refused_writes_too)
{
	r.page[2].faults = true;
	r.page[3].walk = 3 * US;
	for (unsigned fidelity = 0; fidelity < 2; fidelity++) {
		struct rng rng;

		rng_init(&rng, 1, "test.pcie.credits");
		r.conf.fidelity = fidelity;
		r.conf.write_credits = 8 + 21 * fidelity;
		rig_build(&r);
		for (unsigned i = 0; i < 500; i++)
			rig_dma(&r, i * 100 * NS, true, 0x1000 + rng_below(&rng, 0x3000),
				1 + (uint32_t)rng_below(&rng, 4000));
		rig_run(&r);
		ck_assert_uint_gt(r.port->m.faulted, 100);
		ck_assert_uint_eq(credits_back(), r.conf.write_credits);
		ck_assert(pcie_port_idle(r.port));
		rig_fini(&r);
		r.nwalks = r.ndmas = r.nunits = r.ndone = 0;
	}
}
END_TEST

START_TEST(reads_are_limited_by_tags)
{
	static const uint32_t tags[] = { 1, 4, 32 };
	double held = 2 * LATENCY + (double)RIG_HIT + 90.0 * NS + 26 + 512 + 52;

	for (size_t i = 0; i < ARRAY_SIZE(tags); i++) {
		setup();
		r.conf.read_tags = tags[i];
		expect(throughput(false, 512), tags[i] * 512.0, held);
		ck_assert_uint_eq(r.port->tags, tags[i]);
		rig_fini(&r);
	}
}
END_TEST

/* One read of many requests obeys the same law as many reads. */
START_TEST(requests_of_one_read_share_the_tags)
{
	double held = 2 * LATENCY + (double)RIG_HIT + 90.0 * NS + 26 + 512 + 52;

	r.conf.read_tags = 2;
	expect(throughput(false, 4096), 2 * 512.0, held);
	rig_fini(&r);
}
END_TEST

START_TEST(with_tags_to_spare_the_wire_limits)
{
	r.conf.bandwidth = 8000000000;
	expect(throughput(false, 512), 512, (512 + 52) * 1.0 * NS);
	rig_fini(&r);
}
END_TEST

START_TEST(reads_and_writes_have_limits_of_their_own)
{
	r.page[2].walk = 500 * US;
	r.conf.write_credits = 8;
	r.conf.read_tags = 1;
	rig_build(&r);
	rig_dma(&r, 0, false, 0x2000, 64); /* holds the only tag */
	for (unsigned i = 0; i < 10; i++)
		rig_dma(&r, 1 * NS, true, 0x1000, 512);
	rig_run(&r);
	ck_assert_uint_lt(rig_done(&r, 10), 10 * US);
	ck_assert_uint_gt(rig_done(&r, 0), 500 * US);
	rig_fini(&r);
}
END_TEST

/* The smallest buffers that the configuration allows: every write gets through, if slowly. */
START_TEST(coarse_units_never_need_more_credits_than_there_are)
{
	static const uint64_t mps[] = { 128, 256, 512, 1024 };

	for (size_t i = 0; i < ARRAY_SIZE(mps); i++)
		for (uint32_t extra = 0; extra < 40; extra += 3) {
			uint32_t least = (uint32_t)mps[i] / 64;

			setup();
			r.conf.fidelity = 1;
			r.conf.mps = mps[i];
			r.conf.write_credits = (least < 8 ? 8 : least) + extra;
			rig_build(&r);
			for (uint32_t k = 0; k < 40; k++)
				rig_dma(&r, 0, true, 0x1000 + k * 4, 4096 - k * 101);
			rig_run(&r);
			ck_assert_uint_eq(credits_back(), r.conf.write_credits);
			rig_fini(&r);
		}
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("pcie_limits");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, writes_are_limited_by_credits);
	tcase_add_test(tc, credits_are_whole_lines);
	tcase_add_test(tc, a_walk_keeps_its_credits);
	tcase_add_test(tc, with_credits_to_spare_the_wire_limits);
	tcase_add_test(tc, every_credit_comes_back_of_refused_writes_too);
	tcase_add_test(tc, reads_are_limited_by_tags);
	tcase_add_test(tc, requests_of_one_read_share_the_tags);
	tcase_add_test(tc, with_tags_to_spare_the_wire_limits);
	tcase_add_test(tc, reads_and_writes_have_limits_of_their_own);
	tcase_add_test(tc, coarse_units_never_need_more_credits_than_there_are);
	return unit_run("pcie_limits", tc);
}
