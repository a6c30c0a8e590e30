#include "tests/models/driverrig.h"

#include <check.h>

#include "hw/mem.h"
#include "hw/pages.h"

struct rig driver_rig;
const rid_t driver_rid = { 0x0342 };

uint64_t driver_reg(uint32_t offset)
{
	return driver_rig.ops->hw_mmio_read(driver_rig.state, offset, 8);
}

uint64_t driver_word(uint64_t at)
{
	return mem_read64(driver_rig.machine.mem, (hpa_t){ at });
}

unsigned driver_tail(void)
{
	return (unsigned)(driver_reg(REG_IQT) / 16);
}

struct descriptor driver_last(unsigned n)
{
	uint64_t at = (driver_reg(REG_IQA) & ~UINT64_C(0xfff)) +
		      16 * ((driver_tail() + RING - 1 - n) % RING);

	return (struct descriptor){ driver_word(at), driver_word(at + 8) };
}

static void bring_up(struct proc *p, void *arg)
{
	struct err err;

	(void)arg;
	driver_rig.ops->drv_start(driver_rig.state, p);
	ck_assert(driver_rig.ops->drv_domain_add(driver_rig.state, p, DID, &err));
	ck_assert(driver_rig.ops->drv_attach(
		driver_rig.state, p, &(struct iommu_dev){ .rid = driver_rid }, DID, &err));
}

void driver_start(uint64_t cap_on, uint64_t cap_off, unsigned ncpus)
{
	rig_init(&driver_rig, rig_model("vtd"), ncpus);
	rig_set(&driver_rig, "cap", (rig_get(&driver_rig, "cap") | cap_on) & ~cap_off);
	rig_start(&driver_rig);
	rig_on_cpu(&driver_rig, 0, bring_up, NULL);
}

static void take_down(struct proc *p, void *arg)
{
	(void)arg;
	driver_rig.ops->drv_detach(driver_rig.state, p, driver_rid);
	driver_rig.ops->drv_domain_del(driver_rig.state, p, DID);
	driver_rig.ops->drv_stop(driver_rig.state, p);
	ck_assert_uint_eq(pages_in_use(driver_rig.machine.pages), 0);
}

void driver_stop(void)
{
	rig_settle(&driver_rig);
	rig_on_cpu(&driver_rig, 0, take_down, NULL);
	rig_settle(&driver_rig);
	rig_stop(&driver_rig);
}

static void do_flush(struct proc *p, void *arg)
{
	driver_rig.ops->drv_flush(driver_rig.state, p, arg);
}

void driver_flush(const struct iommu_flush *f)
{
	struct iommu_flush copy = *f;

	rig_on_cpu(&driver_rig, 0, do_flush, &copy);
}

void driver_flush_pages(uint64_t pfn, uint32_t n)
{
	driver_flush(&(struct iommu_flush){ .scope = IOMMU_FLUSH_PAGES,
		.domain = DID,
		.iova = { pfn << PAGE_LG2 },
		.npages = n });
}
