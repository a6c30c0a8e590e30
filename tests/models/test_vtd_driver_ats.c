/* The driver and devices with translation caches of their own: what it puts on the queue for them, as a
 * capture of Linux with ATS shows (one device-TLB descriptor after each IOTLB descriptor, with a wait of
 * its own; all addresses for a domain), and what becomes of one that does not answer. */
#include "hw/mem.h"
#include "hw/pcie.h"
#include "tests/models/driverrig.h"
#include "tests/unit/unit.h"

#define ALL_ADDRESSES UINT64_C(0x7ffffffffffff001)
#define INV_DEVICE    (UINT64_C(3) | UINT64_C(0x342) << 32)
#define PAGES         16u

static struct pcie_conf conf;
static struct pcie_port *device;
static hpa_t page;

static void attach(struct proc *p, void *arg)
{
	const struct iommu_dev dev = { .rid = driver_rid, .ats = true, .ats_queue = 4 };
	struct err err;

	(void)arg;
	driver_rig.ops->drv_detach(driver_rig.state, p, driver_rid);
	ck_assert(driver_rig.ops->drv_attach(driver_rig.state, p, &dev, DID, &err));
}

static void set_up(void)
{
	conf_defaults(&pcie_conf_table, &conf);
	conf.ats = true;
}

static void start(void)
{
	driver_start(0, 0, 1);
	device = rig_device(&driver_rig, driver_rid.bdf, &conf);
	rig_on_cpu(&driver_rig, 0, attach, NULL);
	page = (hpa_t){ 0x5000000 };
}

static void map(struct proc *p, void *arg)
{
	(void)arg;
	driver_rig.ops->drv_map(driver_rig.state, p, DID, (iova_t){ 0 }, page, PAGE_LG2, PAGES, 3);
}

static void unmap(struct proc *p, void *arg)
{
	struct iommu_freelist freed = { 0 };

	(void)arg;
	driver_rig.ops->drv_unmap(driver_rig.state, p, DID, (iova_t){ 0 }, PAGES, &freed);
	ck_assert_uint_eq(freed.n, 0);
}

START_TEST(the_unit_says_that_it_serves_device_tlbs)
{
	start();
	ck_assert(driver_rig.ops->drv_has_ats(driver_rig.state));
	driver_stop();
}
END_TEST

START_TEST(each_iotlb_flush_is_followed_by_the_devices)
{
	static const struct {
		uint64_t pfn;
		uint32_t n;
		uint64_t word;
	} block[] = {
		{ 5, 1, 0x5000 },
		{ 4, 2, 0x4001 }, /* 2 pages: S, lowest address bit 0 */
		{ 8, 3, 0x9001 }, /* 4 pages: 8 to 11 */
		{ 8, 8, 0xb001 },
		{ 0x200, 0x200, 0x2ff001 },
	};

	start();
	for (size_t i = 0; i < ARRAY_SIZE(block); i++) {
		unsigned tail = driver_tail();

		driver_flush_pages(block[i].pfn, block[i].n);
		ck_assert_uint_eq((driver_tail() - tail) % RING, 4);
		ck_assert_uint_eq(driver_last(3).lo & 0xf, 2);
		ck_assert_uint_eq(driver_last(2).lo & 0xf, 5);
		ck_assert_uint_eq(driver_last(1).lo, INV_DEVICE | 4 << 16);
		ck_assert_uint_eq(driver_last(1).hi, block[i].word);
		ck_assert_uint_eq(driver_last(0).lo & 0xf, 5);
	}
	driver_stop();
}
END_TEST

START_TEST(a_domain_is_flushed_from_the_device_whole)
{
	start();
	driver_flush(&(struct iommu_flush){ .scope = IOMMU_FLUSH_DOMAIN, .domain = DID });
	ck_assert_uint_eq(driver_last(1).hi, ALL_ADDRESSES);
	driver_flush(&(struct iommu_flush){ .scope = IOMMU_FLUSH_DOMAIN, .domain = DID + 1 });
	ck_assert_uint_eq(driver_last(1).lo & 0xf, 2); /* not its domain */
	driver_flush(&(struct iommu_flush){ .scope = IOMMU_FLUSH_ALL });
	ck_assert_uint_eq(driver_last(1).hi, ALL_ADDRESSES);
	driver_stop();
}
END_TEST

static void assert_access(bool works)
{
	ck_assert(rig_dma(&driver_rig, device, 0x3000, true) == works);
}

START_TEST(a_flush_ends_what_the_device_can_reach)
{
	start();
	rig_on_cpu(&driver_rig, 0, map, NULL);
	assert_access(true);
	rig_on_cpu(&driver_rig, 0, unmap, NULL);
	assert_access(true); /* from the device's cache */
	driver_flush_pages(0, PAGES);
	assert_access(false);
	driver_stop();
}
END_TEST

START_TEST(a_device_that_ignores_invalidations_goes_on)
{
	conf.ats_invalidations = 1;
	start();
	rig_on_cpu(&driver_rig, 0, map, NULL);
	assert_access(true);
	rig_on_cpu(&driver_rig, 0, unmap, NULL);
	driver_flush_pages(0, PAGES);
	assert_access(true);
	driver_stop();
}
END_TEST

/* Time-out: the driver tries again, then gives the device's cache up and goes on. */
START_TEST(a_silent_device_is_given_up)
{
	uint64_t timeouts;

	conf.ats_invalidations = 2;
	start(); /* the detach in set-up was before it had its cache */
	driver_flush_pages(5, 1);
	timeouts = rig_metric(&driver_rig, "iommu0.invq.timeouts");
	ck_assert_uint_eq(timeouts, 3);
	ck_assert_uint_eq(rig_metric(&driver_rig, "iommu0.driver.devices_lost"), 1);
	ck_assert_ptr_nonnull(strstr(rig_log(&driver_rig), "[03:08.2] does not answer"));
	driver_flush_pages(5, 1);
	ck_assert_uint_eq(rig_metric(&driver_rig, "iommu0.invq.timeouts"), timeouts);
	ck_assert_uint_eq(driver_last(1).lo & 0xf, 2);
	driver_stop();
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("vtd driver ats");

	tcase_add_checked_fixture(tc, set_up, NULL);
	tcase_add_test(tc, the_unit_says_that_it_serves_device_tlbs);
	tcase_add_test(tc, each_iotlb_flush_is_followed_by_the_devices);
	tcase_add_test(tc, a_domain_is_flushed_from_the_device_whole);
	tcase_add_test(tc, a_flush_ends_what_the_device_can_reach);
	tcase_add_test(tc, a_device_that_ignores_invalidations_goes_on);
	tcase_add_test(tc, a_silent_device_is_given_up);
	return unit_run("vtd_driver_ats", tc);
}
