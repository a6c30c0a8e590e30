/* Devices with translation caches of their own: VT-d 4.1, 4.1 and 6.5.2.5, 6.5.2.10; PCI Express chapter 10.
 * The tables and descriptors are written by hand, the device is sim/hw's. */
#include "hw/mem.h"
#include "hw/pcie.h"
#include "tests/models/hand.h"
#include "tests/unit/unit.h"

#define SID  0x0300
#define DID  5
#define IOVA UINT64_C(0x40000000)
#define PA   UINT64_C(0x5000000)

#define CONTEXT_ATS    UINT64_C(4) /* translation type 01 */
#define INV_DEVICE     (UINT64_C(3) | (uint64_t)SID << 32)
#define ALL_ADDRESSES  UINT64_C(0x7ffffffffffff001)
#define TIMEOUT_ERROR  BIT64(6) /* of FSTS */
#define COMPLETION_ERR BIT64(5)
#define ATS_TIMEOUT    (100 * US)

static struct hand h;
static struct pcie_conf conf;
static struct pcie_port *device;
static uint64_t pte, status;
static sim_time read_latency, write_latency; /* of memory; 0: the default */
static bool no_context_cache;

static void prepare(uint64_t translation_type)
{
	uint64_t pgd;

	hand_init(&h);
	rig_set(&h.rig, "ats_timeout", ATS_TIMEOUT);
	if (read_latency)
		h.rig.mem.read_latency = read_latency;
	if (write_latency)
		h.rig.mem.write_latency = write_latency;
	if (no_context_cache)
		rig_set(&h.rig, "context_entries", 0);
	hand_start(&h);
	conf.ats = true;
	device = rig_device(&h.rig, SID, &conf);
	pgd = hand_page(&h);
	status = hand_page(&h);
	pte = hand_entry_at(&h, pgd, 4, IOVA, 1);
	hand_put(&h, pte, PA | PTE_RW);
	hand_context(&h, SID, pgd | translation_type | 1, CONTEXT_48(DID));
	hand_on(&h);
}

static void set_up(void)
{
	conf_defaults(&pcie_conf_table, &conf);
	read_latency = write_latency = 0;
	no_context_cache = false;
	prepare(CONTEXT_ATS);
}

static void tear_down(void)
{
	hand_stop(&h);
}

static void restart(void)
{
	hand_stop(&h);
	prepare(CONTEXT_ATS);
}

/* Descriptors that the unit fetches, without waiting for it. */
static void post(uint64_t lo, uint64_t hi)
{
	hand_put(&h, h.queue + h.tail, lo);
	hand_put(&h, h.queue + h.tail + 8, hi);
	h.tail += 16;
	hand_write(&h, REG_IQT, 8, h.tail);
}

static uint64_t waited(void)
{
	return hand_get(&h, status) & UINT32_MAX;
}

static uint64_t requests(void)
{
	return rig_metric(&h.rig, "device.ats.requests");
}

START_TEST(the_device_asks_once_and_then_translates_itself)
{
	ck_assert(rig_dma(&h.rig, device, IOVA, true));
	ck_assert(rig_dma(&h.rig, device, IOVA + 64, false));
	ck_assert_uint_eq(requests(), 1);
	ck_assert_uint_eq(rig_metric(&h.rig, "iommu0.translation_requests"), 1);
	ck_assert_uint_eq(rig_metric(&h.rig, "iommu0.translated_requests"), 2);
	ck_assert_uint_eq(rig_metric(&h.rig, "iommu0.requests"), 3);
}
END_TEST

START_TEST(rights_are_those_of_the_tables)
{
	hand_put(&h, pte, PA | PTE_R);
	ck_assert(rig_dma(&h.rig, device, IOVA, false));
	ck_assert(!rig_dma(&h.rig, device, IOVA, true));
	ck_assert(rig_dma(&h.rig, device, IOVA, false));
	ck_assert_uint_eq(rig_metric(&h.rig, "device.ats.denied"), 1);
	ck_assert_uint_eq(hand_read(&h, REG_FSTS, 4), 0); /* nothing to record */
	ck_assert(!rig_dma(&h.rig, device, IOVA + PAGE_SIZE, false));
	ck_assert_uint_eq(hand_read(&h, REG_FSTS, 4), 0);
}
END_TEST

/* 7.1.3: reason 0xd, and which type of request it was (FRCD.AT). */
START_TEST(a_context_without_device_tlb_refuses_both_kinds_of_request)
{
	hand_stop(&h);
	prepare(0);
	ck_assert(!rig_dma(&h.rig, device, IOVA, false));
	ck_assert_uint_eq(hand_read(&h, REG_FRCD + 8, 8) >> 32 & 0xff, 0xd);
	ck_assert_uint_eq(hand_read(&h, REG_FRCD + 8, 8) >> 60 & 3, 1);
	hand_write(&h, REG_FRCD + 12, 4, 0x80000000);
	ck_assert(!hand_dma(&h, SID, IOVA, false).fault_code);
	{
		struct xlate x = {
			.rid = { SID }, .len = 4, .iova = { PA }, .at = XLATE_TRANSLATED
		};

		rig_translate(&h.rig, &x);
		ck_assert(!x.ok);
		ck_assert_uint_eq(x.fault_code, 0xd);
	}
}
END_TEST

START_TEST(with_translation_off_only_untranslated_requests_pass)
{
	struct xlate x = { .rid = { SID }, .len = 4, .iova = { PA }, .at = XLATE_TRANSLATED };

	hand_command(&h, 0, GCMD_ENABLE);
	rig_translate(&h.rig, &x);
	ck_assert(!x.ok);
	x.at = XLATE_TRANSLATION_REQUEST;
	rig_translate(&h.rig, &x);
	ck_assert(!x.ok);
	x.at = XLATE_UNTRANSLATED;
	rig_translate(&h.rig, &x);
	ck_assert(x.ok);
}
END_TEST

/* The IOTLB's invalidation does not reach the device. */
START_TEST(only_a_device_tlb_invalidation_reaches_the_device)
{
	ck_assert(rig_dma(&h.rig, device, IOVA, true));
	hand_put(&h, pte, 0);
	hand_submit(&h, INV_IOTLB_GLOBAL, 0);
	ck_assert(rig_dma(&h.rig, device, IOVA, true));
	hand_submit(&h, INV_DEVICE, IOVA);
	ck_assert(!rig_dma(&h.rig, device, IOVA, true));
	ck_assert_uint_eq(rig_metric(&h.rig, "device.ats.cache.invalidated"), 1);
}
END_TEST

START_TEST(the_size_of_the_block_is_coded_in_the_address)
{
	static const struct {
		uint64_t word;
		bool hits;
	} inv[] = {
		{ IOVA + PAGE_SIZE, false }, /* a neighbour */
		{ (IOVA + 2 * PAGE_SIZE) | 1, false }, /* two pages, not this one */
		{ IOVA | 1, true }, /* two pages */
		{ IOVA | 0x3001, true }, /* eight */
		{ (IOVA + 0x8000) | 0x3001, false },
		{ ALL_ADDRESSES, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(inv); i++) {
		uint64_t before;

		ck_assert(rig_dma(&h.rig, device, IOVA, true));
		before = requests();
		hand_submit(&h, INV_DEVICE, inv[i].word);
		ck_assert(rig_dma(&h.rig, device, IOVA, true));
		ck_assert_msg((requests() > before) == inv[i].hits, "word %zu", i);
	}
}
END_TEST

/* To the device and back: twice the link's latency, the wire, and the device's work. */
START_TEST(a_wait_waits_for_the_devices_answer)
{
	sim_time from = rig_now(&h.rig), least = 2 * conf.latency + conf.ats_invalidate, took;

	post(INV_DEVICE, IOVA);
	post(INV_WAIT(7), status);
	while (!waited())
		rig_run_to(&h.rig, rig_now(&h.rig) + NS);
	took = rig_now(&h.rig) - from;
	ck_assert_uint_gt(took, least);
	ck_assert_uint_lt(took, least + 500 * NS);
	ck_assert_uint_gt(rig_hist(&h.rig, "iommu0.invq.device_time")->max, least);
	ck_assert_uint_lt(rig_hist(&h.rig, "iommu0.invq.device_time")->max, least + 20 * NS);
}
END_TEST

/* MaxInvsPend: no more than the device takes, one after the other. */
START_TEST(no_more_requests_than_the_device_takes)
{
	sim_time one, two;

	conf.ats_invalidate = 10 * US;
	restart();
	for (unsigned mip = 1; mip <= 2; mip++) {
		sim_time from = rig_now(&h.rig);

		hand_put(&h, status, 0);
		post(INV_DEVICE | (uint64_t)mip << 16, IOVA);
		post(INV_DEVICE | (uint64_t)mip << 16, IOVA);
		post(INV_WAIT(7), status);
		while (!waited())
			rig_run_to(&h.rig, rig_now(&h.rig) + NS);
		*(mip == 1 ? &one : &two) = rig_now(&h.rig) - from;
	}
	/* The device's work is the same; a second way there and back is what one at a time costs. */
	ck_assert_uint_gt(one, two + 2 * conf.latency - 20 * NS);
}
END_TEST

static bool read_done;
static sim_time write_done_at;

static struct pcie_dma dma; /* outlives a failed test */

static void note_read(struct pcie_dma *d)
{
	(void)d;
	read_done = true;
}

/* A read on its way uses the old translation: the device does not answer before it is back. */
START_TEST(the_answer_waits_for_reads_on_their_way)
{
	dma = (struct pcie_dma){ .iova = { IOVA }, .len = 64, .done = note_read };
	read_latency = 5 * US;
	restart();
	ck_assert(rig_dma(&h.rig, device, IOVA, false));
	read_done = false;
	post(INV_DEVICE, IOVA);
	post(INV_WAIT(7), status);
	rig_run_to(&h.rig, rig_now(&h.rig) + read_latency); /* the descriptors are fetched */
	pcie_submit(device, &dma);
	while (!waited()) {
		ck_assert(rig_now(&h.rig) < SEC);
		rig_run_to(&h.rig, rig_now(&h.rig) + NS);
	}
	ck_assert(read_done);
}
END_TEST

static void note_write(struct pcie_dma *d)
{
	(void)d;
	write_done_at = engine_now(h.rig.engine);
}

/* Posted: the completion cannot pass the device's writes. */
START_TEST(the_answer_does_not_pass_writes)
{
	dma = (struct pcie_dma){ .iova = { IOVA }, .len = 64, .write = true, .done = note_write };
	write_latency = 9 * US;
	read_latency = 3 * US; /* of the context entry, which the write needs */
	no_context_cache = true;
	restart();
	ck_assert(rig_dma(&h.rig, device, IOVA, true));
	write_done_at = SIM_TIME_NEVER;
	post(INV_DEVICE, IOVA);
	post(INV_WAIT(7), status);
	rig_run_to(&h.rig, rig_now(&h.rig) + read_latency); /* the descriptors are fetched */
	pcie_submit(device, &dma);
	while (!waited())
		rig_run_to(&h.rig, rig_now(&h.rig) + NS);
	ck_assert(write_done_at <= rig_now(&h.rig));
}
END_TEST

/* A translation that is on its way when the invalidation passes it is void: the device asks again. */
START_TEST(an_invalidation_voids_translations_on_their_way)
{
	dma = (struct pcie_dma){ .iova = { IOVA }, .len = 64, .write = true };
	pcie_submit(device, &dma);
	while (rig_metric(&h.rig, "iommu0.walkers.walks") == 0)
		rig_run_to(&h.rig, rig_now(&h.rig) + NS);
	pcie_invalidate(device, 9, IOVA, PAGE_LG2); /* nobody has asked for this answer: ICE */
	rig_settle(&h.rig);
	ck_assert(!dma.busy && !dma.faulted);
	ck_assert_uint_eq(rig_metric(&h.rig, "device.ats.discarded"), 1);
	ck_assert_uint_eq(requests(), 2);
	ck_assert(hand_read(&h, REG_FSTS, 4) & COMPLETION_ERR);
	ck_assert_uint_eq(hand_read(&h, REG_IQERCD, 8) >> 48, SID);
	hand_write(&h, REG_FSTS, 4, COMPLETION_ERR);
	ck_assert_uint_eq(hand_read(&h, REG_FSTS, 4), 0);
}
END_TEST

/* 6.5.2.10: the wait is abandoned, the queue stands still until software clears ITE. */
static void assert_times_out(void)
{
	sim_time from = rig_now(&h.rig);

	post(INV_DEVICE, IOVA);
	post(INV_WAIT(7), status);
	post(INV_WAIT(8), status);
	rig_run_to(&h.rig, from + ATS_TIMEOUT - NS);
	ck_assert_uint_eq(hand_read(&h, REG_FSTS, 4), 0);
	rig_run_to(&h.rig, from + ATS_TIMEOUT + US);
	ck_assert_uint_eq(hand_read(&h, REG_FSTS, 4), TIMEOUT_ERROR);
	ck_assert_uint_eq(hand_read(&h, REG_IQERCD, 8) >> 32 & 0xffff, SID);
	ck_assert_uint_eq(hand_read(&h, REG_IQH, 8), h.tail - 16);
	ck_assert_uint_eq(waited(), 0);
	hand_write(&h, REG_FSTS, 4, TIMEOUT_ERROR);
	rig_run_to(&h.rig, rig_now(&h.rig) + US);
	ck_assert_uint_eq(waited(), 8);
}

START_TEST(a_device_that_is_silent_times_out)
{
	conf.ats_invalidations = 2;
	restart();
	assert_times_out();
}
END_TEST

START_TEST(a_device_that_is_not_there_times_out)
{
	uint64_t nobody = UINT64_C(3) | UINT64_C(0x400) << 32;

	post(nobody, IOVA);
	post(INV_WAIT(7), status);
	rig_settle(&h.rig);
	ck_assert(hand_read(&h, REG_FSTS, 4) & TIMEOUT_ERROR);
	ck_assert_uint_eq(waited(), 0);
}
END_TEST

/* What comes after its time-out is an unexpected completion. */
START_TEST(a_late_answer_is_a_completion_error)
{
	conf.ats_invalidate = 2 * ATS_TIMEOUT;
	restart();
	assert_times_out();
	rig_settle(&h.rig);
	ck_assert(hand_read(&h, REG_FSTS, 4) & COMPLETION_ERR);
	ck_assert_uint_eq(rig_metric(&h.rig, "iommu0.invq.unexpected"), 1);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("vtd ats");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, the_device_asks_once_and_then_translates_itself);
	tcase_add_test(tc, rights_are_those_of_the_tables);
	tcase_add_test(tc, a_context_without_device_tlb_refuses_both_kinds_of_request);
	tcase_add_test(tc, with_translation_off_only_untranslated_requests_pass);
	tcase_add_test(tc, only_a_device_tlb_invalidation_reaches_the_device);
	tcase_add_test(tc, the_size_of_the_block_is_coded_in_the_address);
	tcase_add_test(tc, a_wait_waits_for_the_devices_answer);
	tcase_add_test(tc, no_more_requests_than_the_device_takes);
	tcase_add_test(tc, the_answer_waits_for_reads_on_their_way);
	tcase_add_test(tc, the_answer_does_not_pass_writes);
	tcase_add_test(tc, an_invalidation_voids_translations_on_their_way);
	tcase_add_test(tc, a_device_that_is_silent_times_out);
	tcase_add_test(tc, a_device_that_is_not_there_times_out);
	tcase_add_test(tc, a_late_answer_is_a_completion_error);
	return unit_run("vtd_ats", tc);
}
