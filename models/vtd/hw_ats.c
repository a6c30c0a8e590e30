/*
 * Device-TLB invalidations: invalidate requests to devices, their completions, time-outs. VT-d 4.1:
 * 4.1 (device TLBs), 6.5.2.5, 6.5.2.6 (descriptors), 6.5.2.10 (errors); the messages are PCI Express's,
 * sim/hw/pcie_ats_invalidate.c. Not architectural: 32 requests at the same time, and `ats_timeout`.
 */
#include "models/vtd/vtd_invq.h"

#include "base/bug.h"
#include "hw/pcie.h"

static sim_time now_of(const struct vtd *v)
{
	return engine_now(v->env.machine->engine);
}

/* The next request to time out, if it is not answered before. */
static void arm(struct vtd *v)
{
	sim_time first = SIM_TIME_NEVER;

	for (unsigned i = 0; i < VTD_ITAGS; i++)
		if (v->hw.tag[i].pending && v->hw.tag[i].sent < first)
			first = v->hw.tag[i].sent;
	event_cancel(&v->hw.timeout);
	if (first != SIM_TIME_NEVER)
		event_schedule(&v->hw.timeout, first + v->conf->ats_timeout);
}

/* ITE: everything that is under way is given up, and with it the waits for it. */
static void expired(struct event *ev)
{
	struct vtd *v = container_of(ev, struct vtd, hw.timeout);
	struct vtd_hw *hw = &v->hw;
	uint64_t record = reg64(&hw->regs, VTD_IQERCD) & ~IQERCD_ITESID;
	rid_t late = { 0 };

	for (unsigned i = VTD_ITAGS; i-- > 0;) {
		if (!hw->tag[i].pending)
			continue;
		if (hw->tag[i].sent + v->conf->ats_timeout <= now_of(v))
			late = hw->tag[i].sid;
		hw->tag[i].pending = false;
		hw->q.timeouts++;
	}
	hw->ntags = 0;
	hw->timed_out = true;
	reg64_set(&hw->regs, VTD_IQERCD, record | FIELD_PREP(IQERCD_ITESID, late.bdf));
	vtd_fault_status(v, (uint32_t)FSTS_ITE);
	waitq_wake_all(&hw->answered, now_of(v));
}

void vtd_ats_init(struct vtd *v)
{
	waitq_init(&v->hw.answered);
	event_init(&v->hw.timeout, v->env.machine->engine, expired);
}

void vtd_ats_fini(struct vtd *v)
{
	event_fini(&v->hw.timeout);
}

void vtd_ats_completion(void *state, rid_t rid, uint8_t itag)
{
	struct vtd *v = state;
	struct vtd_hw *hw = &v->hw;
	uint64_t record = reg64(&hw->regs, VTD_IQERCD) & ~IQERCD_ICESID;

	if (itag >= VTD_ITAGS || !hw->tag[itag].pending || hw->tag[itag].sid.bdf != rid.bdf) {
		hw->q.unexpected++;
		reg64_set(&hw->regs, VTD_IQERCD, record | FIELD_PREP(IQERCD_ICESID, rid.bdf));
		vtd_fault_status(v, (uint32_t)FSTS_ICE);
		return;
	}
	hw->tag[itag].pending = false;
	hw->ntags--;
	hist_add(&hw->q.device_time, now_of(v) - hw->tag[itag].sent);
	arm(v);
	waitq_wake_all(&hw->answered, now_of(v));
}

/* ---- descriptors ---- */

static unsigned pending_of(const struct vtd_hw *hw, rid_t sid)
{
	unsigned n = 0;

	for (unsigned i = 0; i < VTD_ITAGS; i++)
		n += hw->tag[i].pending && hw->tag[i].sid.bdf == sid.bdf;
	return n;
}

static uint8_t free_tag(const struct vtd_hw *hw)
{
	uint8_t i = 0;

	while (hw->tag[i].pending)
		i++;
	return i;
}

/* `lg2` of the block; the address counts above it. mip: as many as the device takes. */
static void send(struct invq *q, rid_t sid, unsigned mip, uint64_t address, unsigned lg2)
{
	struct vtd *v = q->v;
	struct vtd_hw *hw = &v->hw;
	struct pcie_port *port = pcie_find(v->env.machine, sid);
	uint8_t tag;

	hw->q.device_tlb++;
	mip = mip ? mip : VTD_ITAGS;
	while (hw->ntags == VTD_ITAGS || pending_of(hw, sid) >= mip)
		proc_wait(q->p, &hw->answered);
	proc_sync(q->p);
	tag = free_tag(hw);
	hw->tag[tag].pending = true;
	hw->tag[tag].sid = sid;
	hw->tag[tag].sent = now_of(v);
	hw->ntags++;
	hw->timed_out = false;
	arm(v);
	if (port) /* nobody there: nobody answers */
		pcie_invalidate(port, tag, address, lg2);
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

	while (hw->ntags > 0)
		proc_wait(q->p, &hw->answered);
	if (!hw->timed_out)
		return true;
	hw->timed_out = false;
	return false;
}
