/*
 * pcie: posted ordering. A write that waits for its translation holds back the writes and the
 * interrupts behind it; reads do not pass earlier writes; writes pass reads.
 */
#include "hw/pcie.h"

#include "base/rng.h"
#include "tests/hw/pcie_rig.h"
#include "tests/unit/unit.h"

#define SLOW    0x8000u /* a page that misses */
#define SLOWER  0x9000u
#define REFUSED 0xc000u
#define FAST    0x1000u

static struct rig r;

static void setup(void)
{
	rig_init(&r);
	r.page[SLOW / PAGE_SIZE].walk = 5 * US;
	r.page[SLOWER / PAGE_SIZE].walk = 20 * US;
	r.page[REFUSED / PAGE_SIZE].faults = true;
	rig_build(&r);
}

static void teardown(void)
{
	rig_fini(&r);
}

START_TEST(a_write_that_misses_holds_back_those_behind_it)
{
	unsigned before = rig_dma(&r, 0, true, FAST, 64);
	unsigned missing = rig_dma(&r, 1 * NS, true, SLOW, 64);
	unsigned behind = rig_dma(&r, 2 * NS, true, FAST, 64);

	rig_run(&r);
	ck_assert_uint_eq(rig_done(&r, before), (90 + 200 + 10 + 60) * NS);
	ck_assert_uint_eq(rig_done(&r, missing), (180 + 200 + 60) * NS + 5 * US);
	ck_assert_uint_eq(rig_done(&r, behind), rig_done(&r, missing));
	ck_assert_uint_eq(r.order[1], missing);
	ck_assert(!r.dma[before].d.missed);
	ck_assert(r.dma[missing].d.missed);
	ck_assert(!r.dma[behind].d.missed);
	ck_assert_uint_eq(r.port->m.latency_miss.count, 1);
	ck_assert_uint_eq(r.port->m.latency_hit.count, 2);
}
END_TEST

/* Walks run side by side: the second does not begin when the first ends. */
START_TEST(walks_of_ordered_writes_overlap)
{
	unsigned a = rig_dma(&r, 0, true, SLOWER, 64), b = rig_dma(&r, 0, true, SLOW, 64);

	rig_run(&r);
	ck_assert_uint_eq(rig_done(&r, a), (90 + 200 + 60) * NS + 20 * US);
	ck_assert_uint_eq(rig_done(&r, b), rig_done(&r, a));
}
END_TEST

START_TEST(a_read_does_not_pass_the_writes_before_it)
{
	unsigned write = rig_dma(&r, 0, true, SLOW, 64);
	unsigned read = rig_dma(&r, 1 * NS, false, FAST, 64);

	rig_run(&r);
	ck_assert_uint_gt(rig_done(&r, read), rig_done(&r, write));
	/* memory is read as of the write's commit, not of its visibility */
	ck_assert_uint_eq(rig_done(&r, read), (90 + 200) * NS + 5 * US + (90 + 90 + 200) * NS);
}
END_TEST

START_TEST(a_write_passes_a_read_that_waits)
{
	unsigned read = rig_dma(&r, 0, false, SLOW, 64);
	unsigned write = rig_dma(&r, 1 * NS, true, FAST, 64);

	rig_run(&r);
	ck_assert_uint_eq(rig_done(&r, write), (26 + 90 + 200 + 10 + 60) * NS);
	ck_assert_uint_gt(rig_done(&r, read), 5 * US);
}
END_TEST

START_TEST(a_read_passes_a_read_that_waits)
{
	unsigned slow = rig_dma(&r, 0, false, SLOW, 64);
	unsigned fast = rig_dma(&r, 1 * NS, false, FAST, 64);

	rig_run(&r);
	ck_assert_uint_lt(rig_done(&r, fast), 1 * US);
	ck_assert_uint_gt(rig_done(&r, slow), 5 * US);
}
END_TEST

/* A read that arrived before a write does not wait for it. */
START_TEST(a_read_waits_only_for_writes_that_came_before)
{
	unsigned read = rig_dma(&r, 0, false, FAST, 64);
	unsigned write = rig_dma(&r, 1 * NS, true, SLOW, 64);

	rig_run(&r);
	ck_assert_uint_lt(rig_done(&r, read), 1 * US);
	ck_assert_uint_gt(rig_done(&r, write), 5 * US);
}
END_TEST

START_TEST(an_interrupt_stays_behind_the_data)
{
	unsigned data = rig_dma(&r, 0, true, SLOW, 1000), msi;
	unsigned units;

	msi = rig_dma(&r, 1 * NS, true, 0xfee00000, 4);
	r.dma[msi].d.interrupt = true;
	rig_run(&r);
	units = r.nunits;
	ck_assert_uint_ge(rig_done(&r, msi), rig_done(&r, data));
	ck_assert_uint_eq(r.order[0], data);
	ck_assert_uint_eq(units, 4); /* the interrupt is not translated, nor seen */
	ck_assert_uint_eq(r.port->m.dma_writes, 1);
}
END_TEST

START_TEST(a_refused_write_faults_and_lets_the_others_go)
{
	unsigned refused = rig_dma(&r, 0, true, REFUSED, 64);
	unsigned behind = rig_dma(&r, 1 * NS, true, FAST, 64);

	rig_run(&r);
	ck_assert(r.dma[refused].d.faulted);
	ck_assert(!r.dma[behind].d.faulted);
	ck_assert_uint_eq(
		rig_done(&r, refused), (90 + 200 + 10) * NS); /* memory has no part in it */
	ck_assert_uint_eq(r.port->m.faulted, 1);
}
END_TEST

START_TEST(a_refused_read_comes_back_without_data)
{
	unsigned d = rig_dma(&r, 0, false, REFUSED, 512);

	rig_run(&r);
	ck_assert(r.dma[d].d.faulted);
	ck_assert_uint_eq(rig_done(&r, d), (26 + 200 + 10 + 26 + 200) * NS);
	ck_assert_uint_eq(r.port->m.wire_bytes_down, 26);
}
END_TEST

START_TEST(a_dma_is_refused_when_one_of_its_pages_is)
{
	unsigned d = rig_dma(&r, 0, true, REFUSED - 100, 200);

	rig_run(&r);
	ck_assert(r.dma[d].d.faulted);
	ck_assert_uint_eq(r.nunits, 2);
	ck_assert(r.unit[0].ok);
	ck_assert(!r.unit[1].ok);
}
END_TEST

/* Random traffic over fast and slow pages: completions of writes come in order of submission. */
START_TEST(random_writes_complete_in_order)
{
	struct rng rng;
	sim_time at = 0;
	unsigned last = 0;

	rng_init(&rng, 1, "test.pcie.order");
	for (unsigned i = 0; i < 1000; i++) {
		static const uint64_t pages[] = { FAST, FAST, FAST, SLOW, SLOWER, REFUSED };

		at += rng_below(&rng, 1000 * NS);
		rig_dma(&r, at, rng_below(&rng, 4) != 0, pages[rng_below(&rng, ARRAY_SIZE(pages))],
			1 + (uint32_t)rng_below(&rng, 600));
	}
	rig_run(&r);
	for (unsigned i = 0; i < r.ndone; i++)
		if (r.dma[r.order[i]].d.write && !r.dma[r.order[i]].d.faulted) {
			ck_assert_uint_ge(r.order[i], last);
			last = r.order[i];
		}
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("pcie_order");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_write_that_misses_holds_back_those_behind_it);
	tcase_add_test(tc, walks_of_ordered_writes_overlap);
	tcase_add_test(tc, a_read_does_not_pass_the_writes_before_it);
	tcase_add_test(tc, a_write_passes_a_read_that_waits);
	tcase_add_test(tc, a_read_passes_a_read_that_waits);
	tcase_add_test(tc, a_read_waits_only_for_writes_that_came_before);
	tcase_add_test(tc, an_interrupt_stays_behind_the_data);
	tcase_add_test(tc, a_refused_write_faults_and_lets_the_others_go);
	tcase_add_test(tc, a_refused_read_comes_back_without_data);
	tcase_add_test(tc, a_dma_is_refused_when_one_of_its_pages_is);
	tcase_add_test(tc, random_writes_complete_in_order);
	return unit_run("pcie_order", tc);
}
