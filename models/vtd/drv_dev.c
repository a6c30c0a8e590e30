/*
 * Devices with translation caches of their own, as Linux 3.1 drivers/iommu/intel-iommu.c:
 * iommu_enable_dev_iotlb, iommu_flush_dev_iotlb; dmar.c:qi_flush_dev_iotlb.
 */
#include "models/vtd/vtd.h"

#include <stdlib.h>

#include "base/alloc.h"

#define ALL_ADDRESSES UINT64_C(0x7ffffffffffff000)

void vtd_drv_dev_init(struct vtd *v)
{
	list_init(&v->drv.devices);
	lock_init(&v->drv.device_lock, v->env.machine, "device_domain_lock",
		"iommu%u.device_domain_lock", v->env.index);
}

void vtd_drv_dev_fini(struct vtd *v)
{
	lock_fini(&v->drv.device_lock);
}

void vtd_drv_dev_add(struct vtd *v, struct proc *p, const struct iommu_dev *dev, uint16_t domain)
{
	struct vtd_device *d;

	if (!dev->ats)
		return;
	d = xcalloc(1, sizeof(*d));
	d->dev = *dev;
	d->domain = domain;
	list_init(&d->link);
	lock_acquire(&v->drv.device_lock, p);
	list_push_back(&v->drv.devices, &d->link);
	lock_release(&v->drv.device_lock, p);
}

static struct vtd_device *find(struct vtd *v, rid_t rid)
{
	list_for_each (n, &v->drv.devices) {
		struct vtd_device *d = list_entry(n, struct vtd_device, link);

		if (d->dev.rid.bdf == rid.bdf)
			return d;
	}
	return NULL;
}

void vtd_drv_dev_del(struct vtd *v, struct proc *p, rid_t rid)
{
	struct vtd_device *d;

	lock_acquire(&v->drv.device_lock, p);
	d = find(v, rid);
	if (d)
		list_remove(&d->link);
	lock_release(&v->drv.device_lock, p);
	free(d);
}

/* The size of the block is coded in its address: S, and ones up to the bit below it. */
static uint64_t block_word(const struct iommu_flush *f)
{
	uint64_t first = f->iova.a >> PAGE_LG2, last = first + f->npages - 1;
	unsigned lg2;

	if (f->scope != IOMMU_FLUSH_PAGES)
		return ALL_ADDRESSES | QI_DT_HI_S;
	if (first == last)
		return f->iova.a & QI_IOTLB_HI_ADDR;
	lg2 = PAGE_LG2 + ilog2_floor(first ^ last) + 1;
	return round_down_lg2(f->iova.a, lg2) | ((BIT64(lg2 - 1) - 1) & QI_IOTLB_HI_ADDR) |
	       QI_DT_HI_S;
}

static void flush(struct vtd *v, struct proc *p, struct vtd_device *d, const struct iommu_flush *f)
{
	uint64_t lo = QI_DEVICE_TLB | FIELD_PREP(QI_DT_SID, d->dev.rid.bdf) |
		      FIELD_PREP(QI_DT_MIP, d->dev.ats_queue % ITAGS);

	v->drv.m.device_flushes++;
	if (vtd_drv_submit(v, p, lo, block_word(f)))
		return;
	v->drv.m.devices_lost++;
	d->dev.ats = false;
	if (v->env.fault_log)
		fprintf(v->env.fault_log,
			"DMAR: device [%02x:%02x.%u] does not answer invalidate requests\n",
			d->dev.rid.bdf >> 8, d->dev.rid.bdf >> 3 & 31, d->dev.rid.bdf & 7);
}

void vtd_drv_dev_flush(struct vtd *v, struct proc *p, const struct iommu_flush *f)
{
	lock_acquire(&v->drv.device_lock, p);
	list_for_each (n, &v->drv.devices) {
		struct vtd_device *d = list_entry(n, struct vtd_device, link);

		if (d->dev.ats && (f->scope == IOMMU_FLUSH_ALL || d->domain == f->domain))
			flush(v, p, d, f);
	}
	lock_release(&v->drv.device_lock, p);
}
