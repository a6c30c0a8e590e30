/*
 * Devices of a domain, as Linux drivers/iommu/amd/iommu.c: attach_device, device_flush_iotlb, iommu_poll_
 * ppr_log. Nobody handles page faults here, for all DMA is to pinned pages: every page request is
 * answered with Invalid.
 */
#include "models/amdvi/amdvi.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "hw/mem.h"
#include "hw/pages.h"

#define PPR_LOG_BYTES 8192u
#define PPR_LOG_PAGES 2u
#define PPR_LOG_LEN   9u

void amdvi_drv_dev_add(struct amdvi *a, const struct iommu_dev *dev, uint16_t domain)
{
	struct amdvi_device *d = xcalloc(1, sizeof(*d));

	d->dev = *dev;
	d->domain = domain;
	list_init(&d->link);
	list_push_back(&a->drv.domains[domain]->devices, &d->link);
	a->drv.devices[dev->rid.bdf] = d;
}

void amdvi_drv_dev_del(struct amdvi *a, rid_t rid)
{
	struct amdvi_device *d = a->drv.devices[rid.bdf];

	list_remove(&d->link);
	a->drv.devices[rid.bdf] = NULL;
	free(d);
}

/* device_flush_iotlb() */
bool amdvi_drv_dev_command(
	const struct amdvi_device *d, const struct amdvi_command *pages, struct amdvi_command *c)
{
	c->lo = FIELD_PREP(RING_CODE, CMD_INVALIDATE_IOTLB_PAGES) | d->dev.rid.bdf |
		FIELD_PREP(CMD_IOTLB_MAXPEND, d->dev.ats_queue) |
		FIELD_PREP(CMD_IOTLB_QUEUE, d->dev.rid.bdf);
	c->hi = pages->hi & ~CMD1_PDE;
	return d->dev.ats;
}

/* ---- page requests ---- */

void amdvi_drv_ppr_start(struct amdvi *a, struct proc *p)
{
	uint64_t control;

	if (!(a->conf->efr & EFR_PPR_SUP))
		return;
	a->drv.page_requests = pages_alloc_contig(a->env.machine->pages, p, PPR_LOG_PAGES);
	amdvi_drv_write(a, p, AMDVI_PPR_BASE, 8,
		a->drv.page_requests.a | FIELD_PREP(RING_LEN, PPR_LOG_LEN), CPU_driver);
	amdvi_drv_write(a, p, AMDVI_PPR_HEAD, 8, 0, CPU_driver);
	amdvi_drv_write(a, p, AMDVI_PPR_TAIL, 8, 0, CPU_driver);
	control = amdvi_drv_read(a, p, AMDVI_CONTROL, 8, CPU_driver);
	amdvi_drv_write(a, p, AMDVI_CONTROL, 8,
		control | CTRL_PPR_LOG_EN | CTRL_PPR_INT_EN | CTRL_PPR_EN, CPU_driver);
}

void amdvi_drv_ppr_stop(struct amdvi *a, struct proc *p)
{
	if (a->conf->efr & EFR_PPR_SUP)
		pages_free_contig(a->env.machine->pages, p, a->drv.page_requests, PPR_LOG_PAGES);
}

static void answer(struct amdvi *a, struct proc *p, uint64_t request)
{
	uint64_t tag = FIELD_GET(PPR_TAG, request);
	const struct amdvi_command c = {
		FIELD_PREP(RING_CODE, CMD_COMPLETE_PPR_REQUEST) | (request & PPR_DEVICE),
		FIELD_PREP(CMD1_PPR_TAG, tag) | FIELD_PREP(CMD1_PPR_STATUS, PAGE_RESPONSE_INVALID)
	};

	a->drv.m.page_requests_answered++;
	if (tag & 0x200) /* the last of its group */
		amdvi_drv_queue(a, p, &c);
}

static void restart_log(struct amdvi *a, struct proc *p)
{
	uint64_t control = amdvi_drv_read(a, p, AMDVI_CONTROL, 8, CPU_irq);

	amdvi_drv_write(a, p, AMDVI_CONTROL, 8, control & ~CTRL_PPR_LOG_EN, CPU_irq);
	amdvi_drv_write(a, p, AMDVI_STATUS, 8, STATUS_PPR_OVERFLOW, CPU_irq);
	amdvi_drv_write(a, p, AMDVI_CONTROL, 8, control | CTRL_PPR_LOG_EN, CPU_irq);
}

void amdvi_drv_page_requests(struct amdvi *a, struct proc *p)
{
	uint64_t head, tail;

	amdvi_drv_write(a, p, AMDVI_STATUS, 8, STATUS_PPR_INT, CPU_irq);
	head = amdvi_drv_read(a, p, AMDVI_PPR_HEAD, 8, CPU_irq);
	tail = amdvi_drv_read(a, p, AMDVI_PPR_TAIL, 8, CPU_irq);
	while (head != tail) {
		answer(a, p,
			mem_read64(a->env.machine->mem, (hpa_t){ a->drv.page_requests.a + head }));
		head = (head + RING_ENTRY_BYTES) % PPR_LOG_BYTES;
		amdvi_drv_write(a, p, AMDVI_PPR_HEAD, 8, head, CPU_irq);
		tail = amdvi_drv_read(a, p, AMDVI_PPR_TAIL, 8, CPU_irq);
	}
	if (amdvi_drv_read(a, p, AMDVI_STATUS, 8, CPU_irq) & STATUS_PPR_OVERFLOW)
		restart_log(a, p);
}
