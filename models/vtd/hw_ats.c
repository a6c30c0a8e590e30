/*
 * Device-TLB invalidations: invalidate requests to devices, their completions, time-outs. VT-d 4.1:
 * 4.1 (device TLBs), 6.5.2.5, 6.5.2.6 (descriptors), 6.5.2.10 (errors); the messages are PCI Express's,
 * sim/hw/pcie_ats_invalidate.c. Not architectural: 32 requests at the same time, and `ats_timeout`.
 */
#include "models/vtd/vtd_invq.h"

#include "hw/pcie.h"

/* ITE: everything that is under way is given up, and with it the waits for it. */
static void late(void *model, rid_t rid, uint64_t cookie)
{
	struct vtd *v = model;
	struct vtd_hw *hw = &v->hw;
	uint64_t record = reg64(&hw->regs, VTD_IQERCD) & ~IQERCD_ITESID;

	(void)cookie;
	hw->q.timeouts += 1 + itags_give_up(&hw->device_tlb);
	hw->timed_out = true;
	reg64_set(&hw->regs, VTD_IQERCD, record | FIELD_PREP(IQERCD_ITESID, rid.bdf));
	vtd_fault_status(v, (uint32_t)FSTS_ITE);
}

void vtd_ats_init(struct vtd *v)
{
	itags_init(&v->hw.device_tlb, v->env.machine, late, v, &v->hw.q.device_time);
}

void vtd_ats_fini(struct vtd *v)
{
	itags_fini(&v->hw.device_tlb);
}

void vtd_ats_completion(void *state, rid_t rid, uint8_t itag)
{
	struct vtd *v = state;
	struct vtd_hw *hw = &v->hw;
	uint64_t record = reg64(&hw->regs, VTD_IQERCD) & ~IQERCD_ICESID;

	if (itags_answered(&hw->device_tlb, rid, itag))
		return;
	hw->q.unexpected++;
	reg64_set(&hw->regs, VTD_IQERCD, record | FIELD_PREP(IQERCD_ICESID, rid.bdf));
	vtd_fault_status(v, (uint32_t)FSTS_ICE);
}

/* ---- descriptors ---- */

/* `lg2` of the block; the address counts above it. mip: as many as the device takes. */
static void send(struct invq *q, rid_t sid, unsigned mip, uint64_t address, unsigned lg2)
{
	struct vtd *v = q->v;

	v->hw.q.device_tlb++;
	itags_send(&v->hw.device_tlb, q->p, sid, mip, address, lg2, v->conf->ats_timeout, 0);
	v->hw.timed_out = false;
}

/* S set: the block's size is coded in the address, the lowest 0 from bit 12 up being its top bit. */
static unsigned block_lg2(uint64_t address, bool s)
{
	uint64_t zeros = ~(address >> PAGE_LG2);

	if (!s)
		return PAGE_LG2;
	return zeros << PAGE_LG2 == 0 || ilog2_floor(zeros & (~zeros + 1)) >= 51
		       ? 64
		       : PAGE_LG2 + 1 + ilog2_floor(zeros & (~zeros + 1));
}

bool vtd_device_tlb(struct invq *q, const struct descriptor *d)
{
	if (!(q->v->conf->ecap & ECAP_DT))
		return false;
	send(q, (rid_t){ (uint16_t)FIELD_GET(QI_DT_SID, d->lo) },
		(unsigned)FIELD_GET(QI_DT_MIP, d->lo), d->hi & QI_IOTLB_HI_ADDR,
		block_lg2(d->hi, d->hi & QI_DT_HI_S));
	return true;
}

/* The devices modelled cache translations of requests without PASID only: there is nothing of a PASID
 * to remove, but the message goes its way and is answered (lg2 0: a block that no page is in). */
bool vtd_pasid_device_tlb(struct invq *q, const struct descriptor *d)
{
	if (!(q->v->conf->ecap & ECAP_DT))
		return false;
	send(q, (rid_t){ (uint16_t)FIELD_GET(QI_PDT_SID, d->lo) },
		(unsigned)FIELD_GET(QI_PDT_MIP, d->lo), 0, PCIE_INVALIDATE_NOTHING);
	return true;
}

bool vtd_ats_wait(struct invq *q)
{
	struct vtd_hw *hw = &q->v->hw;

	itags_wait(&hw->device_tlb, q->p);
	if (!hw->timed_out)
		return true;
	hw->timed_out = false;
	return false;
}
