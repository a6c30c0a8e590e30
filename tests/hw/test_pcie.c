/*
 * pcie: how requests are cut, and what they cost on the wire.
 */
#include "hw/pcie.h"

#include "base/rng.h"
#include "tests/hw/pcie_rig.h"
#include "tests/unit/unit.h"

static struct rig r;

static void setup(void)
{
	rig_init(&r);
}

/* The units seen are exactly these lengths, one after another from `iova`. */
static void expect_units(uint64_t iova, const uint32_t *len, unsigned n)
{
	ck_assert_uint_eq(r.nunits, n);
	for (unsigned i = 0; i < n; i++) {
		ck_assert_uint_eq(r.unit[i].iova, iova);
		ck_assert_uint_eq(r.unit[i].len, len[i]);
		iova += len[i];
	}
}

#define EXPECT_UNITS(iova, ...)                                                                    \
	do {                                                                                       \
		const uint32_t len_[] = { __VA_ARGS__ };                                           \
		expect_units(iova, len_, ARRAY_SIZE(len_));                                        \
	} while (0)

/* One DMA alone; from submission until done. */
static sim_time alone(bool write, uint64_t iova, uint32_t len)
{
	unsigned d;
	sim_time took;

	rig_build(&r);
	d = rig_dma(&r, 1000 * NS, write, iova, len);
	rig_run(&r);
	took = rig_done(&r, d) - 1000 * NS;
	return took;
}

START_TEST(a_small_write_takes_wire_way_translation_and_memory)
{
	ck_assert_uint_eq(alone(true, 0x1000, 100), (126 + 200 + 10 + 60) * NS);
	EXPECT_UNITS(0x1000, 100);
	ck_assert_uint_eq(r.port->m.wire_bytes_up, 126);
	ck_assert_uint_eq(r.port->m.wire_bytes_down, 0);
	ck_assert_uint_eq(r.port->m.tlps, 1);
	ck_assert_uint_eq(r.port->m.bytes_written, 100);
	rig_fini(&r);
}
END_TEST

START_TEST(a_write_is_cut_at_the_payload_size)
{
	ck_assert_uint_eq(alone(true, 0x1000, 1000), (1000 + 4 * 26 + 200 + 10 + 60) * NS);
	EXPECT_UNITS(0x1000, 256, 256, 256, 232);
	ck_assert_uint_eq(r.port->m.wire_bytes_up, 1104);
	ck_assert_uint_eq(r.port->m.dma_writes, 1);
	rig_fini(&r);
}
END_TEST

START_TEST(a_request_is_cut_at_the_page)
{
	alone(true, 0x2000 - 100, 300);
	EXPECT_UNITS(0x2000 - 100, 100, 200);
	rig_fini(&r);
	rig_init(&r);
	alone(false, 0x2000 - 600, 1200);
	EXPECT_UNITS(0x2000 - 600, 512, 88, 512, 88);
	rig_fini(&r);
}
END_TEST

/* 512 and 488 bytes: requests of a header each, two completions each on the way back. */
START_TEST(a_read_costs_requests_up_and_completions_down)
{
	sim_time first = 26 + 200 + 10 + 90, second = 52 + 200 + 10 + 90;
	sim_time down = first + 512 + 52;

	down = (second > down ? second : down) + 488 + 52;
	ck_assert_uint_eq(alone(false, 0x1000, 1000), (down + 200) * NS);
	EXPECT_UNITS(0x1000, 512, 488);
	ck_assert_uint_eq(r.port->m.wire_bytes_up, 52);
	ck_assert_uint_eq(r.port->m.wire_bytes_down, 1000 + 4 * 26);
	ck_assert_uint_eq(r.port->m.tlps, 6);
	ck_assert_uint_eq(r.port->m.bytes_read, 1000);
	rig_fini(&r);
}
END_TEST

/* The first completion ends at a boundary: 256 bytes from 0x1010 come in two. */
START_TEST(completions_end_at_the_read_completion_boundary)
{
	alone(false, 0x1010, 256);
	ck_assert_uint_eq(r.port->m.wire_bytes_down, 256 + 2 * 26);
	rig_fini(&r);
	rig_init(&r);
	alone(false, 0x1040, 256);
	ck_assert_uint_eq(r.port->m.wire_bytes_down, 256 + 26);
	rig_fini(&r);
}
END_TEST

START_TEST(the_wire_sends_one_after_another)
{
	unsigned a, b, c;

	rig_build(&r);
	a = rig_dma(&r, 0, true, 0x1000, 256);
	b = rig_dma(&r, 0, true, 0x1100, 256);
	c = rig_dma(&r, 100 * NS, false, 0x1200, 64);
	rig_run(&r);
	ck_assert_uint_eq(rig_done(&r, a), (282 + 200 + 10 + 60) * NS);
	ck_assert_uint_eq(rig_done(&r, b), (2 * 282 + 200 + 10 + 60) * NS);
	/* its request behind both, its completion on the other wire */
	ck_assert_uint_eq(rig_done(&r, c), (2 * 282 + 26 + 200 + 10 + 90 + 64 + 26 + 200) * NS);
	rig_fini(&r);
}
END_TEST

START_TEST(writes_keep_the_wire_full)
{
	rig_build(&r);
	for (unsigned i = 0; i < 1000; i++)
		rig_dma(&r, 0, true, 0x1000, 256);
	rig_run(&r);
	ck_assert_uint_eq(rig_done(&r, 999), (1000 * 282 + 200 + 10 + 60) * NS);
	metrics_collect(r.bed.metrics, engine_now(r.bed.engine));
	ck_assert_double_eq_tol(r.port->m.wire_share_up, 1.0, 0.002);
	rig_fini(&r);
}
END_TEST

/* With fidelity dma: the same bytes on the wire, in fewer units. */
START_TEST(coarse_units_carry_the_headers_of_their_tlps)
{
	r.conf.fidelity = 1;
	alone(true, 0x1000, 1500);
	ck_assert_uint_eq(r.port->m.wire_bytes_up, 1500 + 6 * 26);
	ck_assert_uint_lt(r.nunits, 6);
	rig_fini(&r);
	rig_init(&r);
	r.conf.fidelity = 1;
	alone(false, 0x1000, 1500);
	ck_assert_uint_eq(r.port->m.wire_bytes_up, 3 * 26);
	ck_assert_uint_eq(r.port->m.wire_bytes_down, 1500 + 6 * 26);
	ck_assert_uint_eq(r.nunits, 1);
	rig_fini(&r);
}
END_TEST

/* ---- doorbells ---- */

START_TEST(a_doorbell_takes_wire_and_way)
{
	rig_build(&r);
	ck_assert_uint_eq(pcie_doorbell(r.port, 500 * NS), (500 + 30 + 200) * NS);
	rig_fini(&r);
}
END_TEST

/* The CPU's clock may run ahead: a doorbell of later must not hold up what comes before it. */
START_TEST(a_doorbell_of_the_future_does_not_hold_up_completions)
{
	unsigned d;

	rig_build(&r);
	ck_assert_uint_eq(pcie_doorbell(r.port, 50 * US), 50 * US + 230 * NS);
	d = rig_dma(&r, 1000 * NS, false, 0x1000, 64);
	rig_run(&r);
	ck_assert_uint_eq(rig_done(&r, d), (1000 + 26 + 200 + 10 + 90 + 64 + 26 + 200) * NS);
	rig_fini(&r);
}
END_TEST

START_TEST(random_requests_lose_no_byte)
{
	struct rng rng;
	uint64_t written = 0, read = 0, seen = 0;

	rng_init(&rng, 1, "test.pcie");
	for (unsigned fidelity = 0; fidelity < 2; fidelity++) {
		rig_init(&r);
		r.conf.fidelity = fidelity;
		r.conf.write_credits = 8;
		r.conf.read_tags = 2;
		written = read = seen = 0;
		rig_build(&r);
		for (unsigned i = 0; i < 300; i++) {
			bool write = rng_below(&rng, 2);
			uint32_t len = 1 + (uint32_t)rng_below(&rng, 4000);

			*(write ? &written : &read) += len;
			rig_dma(&r, rng_below(&rng, 100 * US), write,
				0x1000 + rng_below(&rng, 0x8000), len);
		}
		rig_run(&r);
		ck_assert_uint_le(r.nunits, RIG_UNITS);
		for (unsigned i = 0; i < r.nunits; i++)
			seen += r.unit[i].len;
		ck_assert_uint_eq(seen, written + read);
		ck_assert_uint_eq(r.port->m.bytes_written, written);
		ck_assert_uint_eq(r.port->m.bytes_read, read);
		ck_assert_uint_eq(r.port->m.dma_writes + r.port->m.dma_reads, 300);
		rig_fini(&r);
	}
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("pcie");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, a_small_write_takes_wire_way_translation_and_memory);
	tcase_add_test(tc, a_write_is_cut_at_the_payload_size);
	tcase_add_test(tc, a_request_is_cut_at_the_page);
	tcase_add_test(tc, a_read_costs_requests_up_and_completions_down);
	tcase_add_test(tc, completions_end_at_the_read_completion_boundary);
	tcase_add_test(tc, the_wire_sends_one_after_another);
	tcase_add_test(tc, writes_keep_the_wire_full);
	tcase_add_test(tc, coarse_units_carry_the_headers_of_their_tlps);
	tcase_add_test(tc, a_doorbell_takes_wire_and_way);
	tcase_add_test(tc, a_doorbell_of_the_future_does_not_hold_up_completions);
	tcase_add_test(tc, random_requests_lose_no_byte);
	return unit_run("pcie", tc);
}
