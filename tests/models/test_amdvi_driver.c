/* The driver half of the AMD IOMMU by what it writes: commands, tables, and how long it waits. */
#include <string.h>

#include "hw/cpu.h"
#include "hw/mem.h"
#include "hw/pages.h"
#include "tests/models/amdhand.h"
#include "tests/unit/unit.h"

#define DOMAIN UINT64_C(7)
#define WAIT   UINT64_C(0x1000000000000001)

static struct rig r;
static const rid_t rid = { 0x0342 };

static uint64_t reg(uint32_t offset)
{
	return r.ops->hw_mmio_read(r.state, offset, 8);
}

static uint64_t word(uint64_t at)
{
	return mem_read64(r.machine.mem, (hpa_t){ at });
}

static unsigned tail(void)
{
	return (unsigned)(reg(AREG_COMMAND_TAIL) / 16);
}

/* Word of the n-th last command; 0: the last. */
static uint64_t last(unsigned n, unsigned w)
{
	return word(
		(reg(AREG_COMMANDS) & GENMASK64(51, 12)) + 16 * ((tail() + 511 - n) % 512) + 8 * w);
}

static void bring_up(struct proc *p, void *arg)
{
	const struct iommu_dev dev = { .rid = rid };
	struct err err;

	(void)arg;
	r.ops->drv_start(r.state, p);
	ck_assert(r.ops->drv_domain_add(r.state, p, DOMAIN, &err));
	ck_assert(r.ops->drv_attach(r.state, p, &dev, DOMAIN, &err));
}

static void start(const char *key, uint64_t value, unsigned ncpus)
{
	rig_init(&r, rig_model("amdvi"), ncpus);
	if (key)
		rig_set(&r, key, value);
	rig_start(&r);
	rig_on_cpu(&r, 0, bring_up, NULL);
}

static void take_down(struct proc *p, void *arg)
{
	(void)arg;
	r.ops->drv_detach(r.state, p, rid);
	r.ops->drv_domain_del(r.state, p, DOMAIN);
	r.ops->drv_stop(r.state, p);
	ck_assert_uint_eq(pages_in_use(r.machine.pages), 0);
}

static void stop(void)
{
	rig_settle(&r);
	rig_on_cpu(&r, 0, take_down, NULL);
	rig_settle(&r);
	rig_stop(&r);
}

static void do_flush(struct proc *p, void *arg)
{
	r.ops->drv_flush(r.state, p, arg);
}

static void flush(enum iommu_flush_scope scope, uint64_t pfn, uint32_t n)
{
	struct iommu_flush f = {
		.scope = scope, .domain = DOMAIN, .iova = { pfn << PAGE_LG2 }, .npages = n
	};

	rig_on_cpu(&r, 0, do_flush, &f);
}

static void map_pages(struct proc *p, void *arg)
{
	const uint64_t *m = arg; /* iova, pa, log2 of the page size, pages */

	r.ops->drv_map(r.state, p, DOMAIN, (iova_t){ m[0] }, (hpa_t){ m[1] }, (unsigned)m[2],
		(uint32_t)m[3], IOMMU_PROT_R | IOMMU_PROT_W);
}

static void map(uint64_t iova, uint64_t pa, unsigned lg2, uint32_t n)
{
	uint64_t m[] = { iova, pa, lg2, n };

	rig_on_cpu(&r, 0, map_pages, m);
}

/* ---- commands ---- */

/* 3.5 of the kernel's coding: one page is itself; a range has S and ones below its highest different bit. */
START_TEST(a_strict_unmap_is_one_invalidation_and_one_wait)
{
	static const struct {
		uint64_t pfn;
		uint32_t n;
		uint64_t address;
	} cases[] = { { 0x12345, 1, 0x12345002 }, { 0x12344, 2, 0x12344003 },
		{ 0x12345, 2, 0x12345003 | 0x2000 }, { 0x10000, 3, 0x10001003 },
		{ 0x10000, 256, 0x1007f003 }, { 0, 512, 0xff003 } };

	start(NULL, 0, 1);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		unsigned before = tail();
		uint64_t first = cases[i].pfn, end = first + cases[i].n - 1;
		unsigned msb = first == end ? 0 : ilog2_floor((first ^ end) << 12);
		uint64_t want = first == end ? (first << 12 | 2)
					     : (((first << 12) | (BIT64(msb) - 1)) & ~BIT64(msb) &
						       ~UINT64_C(0xfff)) |
						       3;

		flush(IOMMU_FLUSH_PAGES, cases[i].pfn, cases[i].n);
		ck_assert_uint_eq((tail() - before + 512) % 512, 2);
		ck_assert_uint_eq(last(1, 0), UINT64_C(3) << 60 | DOMAIN << 32);
		ck_assert_uint_eq(last(1, 1), want);
		if (i != 2)
			ck_assert_uint_eq(want, cases[i].address);
		ck_assert_uint_eq(last(0, 0) & ~GENMASK64(51, 3), WAIT);
	}
	stop();
}
END_TEST

START_TEST(a_lazy_flush_is_the_whole_domain)
{
	start(NULL, 0, 1);
	flush(IOMMU_FLUSH_DOMAIN, 0, 0);
	ck_assert_uint_eq(last(1, 0), UINT64_C(3) << 60 | DOMAIN << 32);
	ck_assert_uint_eq(last(1, 1), UINT64_C(0x7ffffffffffff003));
	stop();
	start("range_flush", 1, 1); /* 3.1: more than a page is the domain */
	flush(IOMMU_FLUSH_PAGES, 0x100, 2);
	ck_assert_uint_eq(last(1, 1), UINT64_C(0x7ffffffffffff003));
	flush(IOMMU_FLUSH_PAGES, 0x100, 1);
	ck_assert_uint_eq(last(1, 1), 0x100002);
	stop();
}
END_TEST

START_TEST(np_cache_flushes_what_was_mapped_in_aligned_pieces)
{
	unsigned before;

	start("np_cache", 1, 1);
	map(0x200000, 0x800000, 12, 1); /* the tables on the way are there now */
	before = tail();
	map(0x100000 + 0x4000, 0x400000, 12, 6); /* 4 + 2 */
	ck_assert_uint_eq((tail() - before + 512) % 512, 3);
	ck_assert_uint_eq(last(2, 1), 0x105003);
	ck_assert_uint_eq(last(1, 1), 0x108003);
	stop();
	start(NULL, 0, 1);
	before = tail();
	map(0x104000, 0x400000, 12, 6);
	ck_assert_uint_eq(tail(), before);
	stop();
}
END_TEST

/* ---- tables ---- */

static uint64_t dte(unsigned w)
{
	return word((reg(AREG_DEVICE_TABLE) & GENMASK64(51, 12)) + UINT64_C(32) * rid.bdf + 8 * w);
}

START_TEST(a_table_grows_when_an_address_needs_it)
{
	uint64_t root;

	start("start_levels", 2, 1);
	ck_assert_uint_eq(dte(0) >> 9 & 7, 2);
	map(0x3fff0000, 0x10000, 12, 16); /* up to 1 GiB */
	ck_assert_uint_eq(dte(0) >> 9 & 7, 2);
	root = dte(0) & GENMASK64(51, 12);
	map(UINT64_C(1) << 39, 0x20000, 12, 1);
	ck_assert_uint_eq(dte(0) >> 9 & 7, 4);
	ck_assert_uint_eq(rig_metric(&r, "iommu0.driver.grown"), 2);
	/* Entry 0 of the new root leads to the one between, and that to the old. */
	ck_assert_uint_eq(word(dte(0) & GENMASK64(51, 12)) >> 9 & 7, 3);
	ck_assert_uint_eq(word(word(dte(0) & GENMASK64(51, 12)) & GENMASK64(51, 12)),
		root | A_NEXT(2) | A_PR | A_RW);
	ck_assert_uint_eq(rig_access(&r, rid.bdf, 0x3fff0000, true).pa.a, 0x10000);
	ck_assert_uint_eq(rig_access(&r, rid.bdf, UINT64_C(1) << 39, true).pa.a, 0x20000);
	stop();
}
END_TEST

START_TEST(a_page_of_several_entries_is_one_page)
{
	uint64_t table;
	struct xlate x;

	start(NULL, 0, 1);
	map(0x40000000, 0x10000000, 16, 1); /* 64 KiB: 16 entries at level 1 */
	table = dte(0) & GENMASK64(51, 12);
	table = word(table + 8) & GENMASK64(51, 12);
	table = word(table) & GENMASK64(51, 12);
	for (unsigned i = 0; i < 16; i++)
		ck_assert_uint_eq(
			word(table + 8 * i) & ~BIT64(60), 0x10007000 | A_NEXT(7) | A_PR | A_RW);
	ck_assert_uint_eq(word(table + 8 * 16), 0);
	x = rig_access(&r, rid.bdf, 0x4000f004, true);
	ck_assert_uint_eq(x.pa.a, 0x1000f004);
	ck_assert_uint_eq(x.page_lg2, 16);
	stop();
}
END_TEST

START_TEST(page_sizes_by_kernel)
{
	static const uint64_t sizes[] = { UINT64_C(0xfffffffffffff000),
		UINT64_C(0xffffff7ffffff000), UINT64_C(0x000fff7ffffff000), 0x1000, 0x40201000 };

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		start("page_sizes", i, 1);
		ck_assert_uint_eq(r.ops->drv_page_sizes(r.state), sizes[i]);
		stop();
	}
}
END_TEST

/* ---- the three ways to wait ---- */

static void many_flushes(struct proc *p, void *arg)
{
	const struct iommu_flush f = { .scope = IOMMU_FLUSH_PAGES,
		.domain = *(uint16_t *)arg,
		.iova = { 0x1000 },
		.npages = 1 };

	for (unsigned i = 0; i < 50; i++)
		r.ops->drv_flush(r.state, p, &f);
}

static void second_domain(struct proc *p, void *arg)
{
	struct err err;

	(void)arg;
	ck_assert(r.ops->drv_domain_add(r.state, p, DOMAIN + 1, &err));
}

static void delete_second(struct proc *p, void *arg)
{
	(void)arg;
	r.ops->drv_domain_del(r.state, p, DOMAIN + 1);
}

/* Two CPUs flush two domains; until both are done. */
static sim_time two_cpus(uint64_t way)
{
	static uint16_t domains[] = { DOMAIN, DOMAIN + 1 };
	struct cpu_work work[2];
	sim_time from;

	start("completion_wait", way, 2);
	rig_on_cpu(&r, 0, second_domain, NULL);
	from = rig_now(&r);
	for (unsigned c = 0; c < 2; c++) {
		cpu_work_init(&work[c], many_flushes, &domains[c]);
		cpu_post(&r.machine.cpus[c], &work[c]);
	}
	rig_settle(&r);
	from = rig_now(&r) - from;
	ck_assert_uint_eq(rig_metric(&r, "iommu0.driver.wait_timeouts"), 0);
	rig_on_cpu(&r, 0, delete_second, NULL);
	stop();
	return from;
}

START_TEST(waiting_under_the_lock_serialises)
{
	sim_time locked = two_cpus(1), sequence = two_cpus(2);

	/* 50 flushes of a CPU, each at least one poll of 1 us; one after another under the lock. */
	ck_assert_uint_ge(locked, 100 * US);
	ck_assert_uint_lt(sequence, locked * 3 / 4);
}
END_TEST

/* ---- devices with caches of their own ---- */

static struct pcie_conf pcie;

static void attach_ats(struct proc *p, void *arg)
{
	const struct iommu_dev dev = { .rid = { 0x0100 }, .ats = true, .ats_queue = 8 };
	struct err err;

	(void)arg;
	ck_assert(r.ops->drv_attach(r.state, p, &dev, DOMAIN, &err));
}

static void detach_ats(struct proc *p, void *arg)
{
	(void)arg;
	r.ops->drv_detach(r.state, p, (rid_t){ 0x0100 });
}

static void with_device(uint32_t invalidations)
{
	conf_defaults(&pcie_conf_table, &pcie);
	pcie.ats = true;
	pcie.ats_invalidations = invalidations;
	start(NULL, 0, 1);
	rig_device(&r, 0x0100, &pcie);
	rig_on_cpu(&r, 0, attach_ats, NULL);
}

START_TEST(a_device_with_a_cache_is_told_before_the_one_wait)
{
	unsigned before;

	with_device(0);
	before = tail();
	flush(IOMMU_FLUSH_PAGES, 0x12344, 2);
	ck_assert_uint_eq((tail() - before + 512) % 512, 3);
	ck_assert_uint_eq(last(1, 0) >> 60, 4);
	ck_assert_uint_eq(last(1, 0) & 0xffff, 0x0100);
	ck_assert_uint_eq(last(1, 1), 0x12344001);
	ck_assert_uint_eq(rig_hist(&r, "iommu0.commands.device_time")->count, 1);
	ck_assert_uint_gt(rig_hist(&r, "iommu0.commands.device_time")->max, 0);
	rig_on_cpu(&r, 0, detach_ats, NULL);
	stop();
}
END_TEST

/* The kernel gives up after 0.1 s; the unit after the second that the driver has set, with an event. */
START_TEST(a_silent_device_times_out)
{
	with_device(2);
	flush(IOMMU_FLUSH_PAGES, 0x12344, 1);
	ck_assert_uint_eq(rig_metric(&r, "iommu0.driver.wait_timeouts"), 1);
	rig_settle(&r);
	ck_assert_uint_eq(rig_metric(&r, "iommu0.commands.timeouts"), 1);
	ck_assert_ptr_nonnull(strstr(rig_log(&r), "Completion-Wait loop timed out"));
	ck_assert_ptr_nonnull(strstr(rig_log(&r), "[IOTLB_INV_TIMEOUT device=0000:01:00.0"));
	rig_on_cpu(&r, 0, detach_ats, NULL);
	stop();
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("amdvi driver");

	tcase_add_test(tc, a_strict_unmap_is_one_invalidation_and_one_wait);
	tcase_add_test(tc, a_lazy_flush_is_the_whole_domain);
	tcase_add_test(tc, np_cache_flushes_what_was_mapped_in_aligned_pieces);
	tcase_add_test(tc, a_table_grows_when_an_address_needs_it);
	tcase_add_test(tc, a_page_of_several_entries_is_one_page);
	tcase_add_test(tc, page_sizes_by_kernel);
	tcase_add_test(tc, waiting_under_the_lock_serialises);
	tcase_add_test(tc, a_device_with_a_cache_is_told_before_the_one_wait);
	tcase_add_test(tc, a_silent_device_times_out);
	return unit_run("amdvi_driver", tc);
}
