/* Page requests and their answers: VT-d 4.1, 7.4, 7.6, 11.4.13. The tables, the queue and the answers are
 * written by hand, the device is sim/hw's. */
#include "hw/pcie.h"
#include "tests/models/smrig.h"
#include "tests/unit/unit.h"

enum {
	REG_PQH = 0xc0,
	REG_PQT = 0xc8,
	REG_PQA = 0xd0,
	REG_PRS = 0xdc,
	REG_PECTL = 0xe0,
};

#define DID     5
#define IOVA    UINT64_C(0x7f0040003000)
#define PA      UINT64_C(0x5000000)
#define DTE     BIT64(2) /* of the context entry: device TLB, page requests */
#define PRE     BIT64(4)
#define PENDING BIT64(0) /* of PRS */
#define LOST    BIT64(1)
#define MASK    BIT64(31) /* of PECTL */
#define RAISED  BIT64(30)
#define LAST    BIT64(2) /* of a request's high word */
#define WANTS_W BIT64(1)

#define RESPONSE(code) (UINT64_C(9) | (uint64_t)(code) << 12 | (uint64_t)SM_SID << 16)

static struct hand *const h = &sm.hand;
static struct pcie_conf conf;
static struct pcie_port *device;
static struct pcie_dma dma;
static uint64_t queue;

static void set_up(void)
{
	sm_set_up();
	conf_defaults(&pcie_conf_table, &conf);
	conf.ats = conf.pri = true;
	device = rig_device(&h->rig, SM_SID, &conf);
	sm_pasid_entry(0, PE0_PRESENT | PE0_48 | PE0_SECOND | sm.ss, DID, 0);
	hand_put(h, sm.context, hand_get(h, sm.context) | DTE | PRE);
	hand_submit(h, INV_CONTEXT_GLOBAL, 0);
	queue = hand_page(h);
	hand_write(h, REG_PQA, 8, queue);
	dma = (struct pcie_dma){ .iova = { IOVA }, .len = 64, .write = true };
}

/* The device's DMA has come as far as it can. */
static void submit(void)
{
	pcie_submit(device, &dma);
	rig_settle(&h->rig);
}

static uint64_t refused(void)
{
	return rig_metric(&h->rig, "iommu0.page_requests_refused");
}

START_TEST(a_page_that_is_not_there_is_requested)
{
	submit();
	ck_assert(dma.busy);
	ck_assert_uint_eq(hand_read(h, REG_PQT, 8), 32);
	ck_assert_uint_eq(hand_get(h, queue), 1 | (uint64_t)SM_SID << 16);
	ck_assert_uint_eq(hand_get(h, queue + 8) & ~UINT64_C(0xff8), IOVA | LAST | WANTS_W);
	ck_assert(hand_read(h, REG_PRS, 4) & PENDING);
	ck_assert(hand_read(h, REG_PECTL, 4) & RAISED); /* masked at reset: pending */
	ck_assert_uint_eq(hand_read(h, REG_FSTS, 4), 0);
	hand_submit(h, RESPONSE(1), hand_get(h, queue + 8) & 0xff8);
	ck_assert(!dma.busy && dma.faulted);
}
END_TEST

START_TEST(success_lets_the_device_try_again)
{
	submit();
	sm_map_second(IOVA, PA);
	hand_submit(h, RESPONSE(0), hand_get(h, queue + 8) & 0xff8);
	ck_assert(!dma.busy && !dma.faulted);
	ck_assert_uint_eq(rig_metric(&h->rig, "device.ats.page_responses"), 1);
	ck_assert_uint_eq(rig_metric(&h->rig, "device.ats.requests"), 2);
}
END_TEST

/* Failure: the device stops to ask. */
START_TEST(failure_switches_page_requests_off)
{
	submit();
	hand_submit(h, RESPONSE(15), hand_get(h, queue + 8) & 0xff8);
	ck_assert(!dma.busy && dma.faulted);
	submit();
	ck_assert(!dma.busy && dma.faulted);
	ck_assert_uint_eq(rig_metric(&h->rig, "device.ats.page_requests"), 1);
}
END_TEST

START_TEST(a_source_that_may_not_request_pages_is_told_so)
{
	hand_put(h, sm.context, hand_get(h, sm.context) & ~PRE);
	hand_submit(h, INV_CONTEXT_GLOBAL, 0);
	submit();
	ck_assert(!dma.busy && dma.faulted);
	ck_assert_uint_eq(refused(), 1);
	ck_assert_uint_eq(hand_read(h, REG_FRCD + 8, 8) >> 32 & 0xff, 0x47);
	ck_assert_uint_eq(hand_read(h, REG_PQT, 8), 0);
}
END_TEST

/* A full queue loses the request and answers Success, so that the device comes again. */
START_TEST(an_overflow_is_answered_and_noted)
{
	hand_write(h, REG_PQH, 8, 32); /* one place is left: none */
	pcie_submit(device, &dma);
	while (refused() < 3) {
		ck_assert(dma.busy);
		rig_run_to(&h->rig, rig_now(&h->rig) + US);
	}
	ck_assert(hand_read(h, REG_PRS, 4) & LOST);
	hand_write(h, REG_PQH, 8, 0);
	hand_write(h, REG_PRS, 4, LOST);
	rig_settle(&h->rig);
	ck_assert_uint_eq(hand_read(h, REG_PRS, 4), PENDING);
	ck_assert_uint_eq(hand_read(h, REG_PQT, 8), 32);
	hand_submit(h, RESPONSE(1), hand_get(h, queue + 8) & 0xff8);
	ck_assert(!dma.busy);
}
END_TEST

START_TEST(the_pending_event_goes_with_its_cause)
{
	submit();
	ck_assert(hand_read(h, REG_PECTL, 4) & RAISED);
	hand_write(h, REG_PRS, 4, PENDING);
	ck_assert_uint_eq(hand_read(h, REG_PECTL, 4), MASK);
	hand_submit(h, RESPONSE(1), hand_get(h, queue + 8) & 0xff8);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("vtd pri");

	tcase_add_checked_fixture(tc, set_up, sm_tear_down);
	tcase_add_test(tc, a_page_that_is_not_there_is_requested);
	tcase_add_test(tc, success_lets_the_device_try_again);
	tcase_add_test(tc, failure_switches_page_requests_off);
	tcase_add_test(tc, a_source_that_may_not_request_pages_is_told_so);
	tcase_add_test(tc, an_overflow_is_answered_and_noted);
	tcase_add_test(tc, the_pending_event_goes_with_its_cause);
	return unit_run("vtd_pri", tc);
}
