/*
 * Devices with translation caches of their own: INVALIDATE_IOTLB_PAGES becomes an invalidate request, its
 * answer or a time-out; page requests become entries of the PPR log, COMPLETE_PPR_REQUEST a response. AMD
 * IOMMU Specification, 48882: 2.4.4, 2.4.7, 2.5.9, 2.5.11, 2.6; the messages are PCI Express's.
 *
 * What software could not be told is answered by the unit: Invalid Request when the source may not
 * request pages, Success when the log is full (the device tries again).
 */
#include "hw/mem.h"
#include "hw/pcie.h"
#include "models/amdvi/amdvi_cmd.h"
#include "models/amdvi/amdvi_walk.h"

/* ---- invalidate requests ---- */

/* 2.5.9: the event names the command; the buffer goes on. */
static void late(void *model, rid_t rid, uint64_t command)
{
	struct amdvi *a = model;

	a->hw.q.timeouts++;
	amdvi_event(a, FIELD_PREP(RING_CODE, EVENT_IOTLB_INV_TIMEOUT) | rid.bdf, command);
}

void amdvi_ats_completion(void *state, rid_t rid, uint8_t itag)
{
	struct amdvi *a = state;

	if (!itags_answered(&a->hw.device_tlb, rid, itag))
		a->hw.q.unexpected++; /* there is no event for it */
}

static sim_time timeout_of(const struct amdvi *a)
{
	static const sim_time times[8] = { SIM_TIME_NEVER, MS, 10 * MS, 100 * MS, SEC, 10 * SEC,
		100 * SEC, SIM_TIME_NEVER };

	return times[FIELD_GET(CTRL_INV_TIMEOUT, reg64(&a->hw.regs, AMDVI_CONTROL))];
}

/* Devices here cache translations of requests without PASID only. Where there is no device the request
 * is refused on its way, and complete. */
void amdvi_invalidate_iotlb(struct cmdproc *q, const struct amdvi_command *c, uint64_t command)
{
	struct amdvi *a = q->a;
	rid_t rid = { (uint16_t)FIELD_GET(CMD_DEVICE, c->lo) };
	unsigned lg2 = c->hi & CMD1_S ? amdvi_coded_lg2(c->hi & CMD1_ADDR) : PAGE_LG2;

	a->hw.q.iotlb++;
	if (!pcie_find(a->env.machine, rid))
		return;
	itags_send(&a->hw.device_tlb, q->p, rid, (unsigned)FIELD_GET(CMD_IOTLB_MAXPEND, c->lo),
		c->hi & CMD1_ADDR, c->hi & CMD1_GN ? PCIE_INVALIDATE_NOTHING : lg2, timeout_of(a),
		command);
}

/* ---- page requests ---- */

void amdvi_ppr_message(void *state, const struct page_request *r)
{
	struct amdvi *a = state;

	pagereqs_add(&a->hw.page_requests, r);
}

void amdvi_complete_ppr(struct cmdproc *q, const struct amdvi_command *c)
{
	uint64_t status = FIELD_GET(CMD1_PPR_STATUS, c->hi);

	q->a->hw.q.complete_ppr++;
	pagereqs_respond(&q->a->hw.page_requests, (rid_t){ (uint16_t)FIELD_GET(CMD_DEVICE, c->lo) },
		(uint16_t)FIELD_GET(CMD1_PPR_TAG, c->hi),
		status == PAGE_RESPONSE_SUCCESS   ? PAGE_RESPONSE_SUCCESS
		: status == PAGE_RESPONSE_INVALID ? PAGE_RESPONSE_INVALID
						  : PAGE_RESPONSE_FAILURE);
}

static void refuse(struct amdvi *a, const struct page_request *r, enum page_response code)
{
	a->hw.m.page_requests_refused++;
	if (r->last)
		pagereqs_respond(&a->hw.page_requests, r->rid, r->group, code);
}

static uint64_t invalid_request(const struct page_request *r)
{
	return FIELD_PREP(RING_CODE, EVENT_INVALID_PPR_REQUEST) | r->rid.bdf |
	       (r->write ? EVENT_RW : 0) |
	       (r->has_pasid ? EVENT_GN | FIELD_PREP(EVENT_PASID_HIGH, r->pasid >> 16) |
				       FIELD_PREP(EVENT_DOMAIN, r->pasid & 0xffff)
			     : 0);
}

/* The device may request pages: its entry is legal, and says so (I, PPR; for a PASID GV). */
static bool is_allowed(struct amdvi *a, struct proc *p, const struct page_request *r)
{
	struct walk w = { .rid = r->rid, .page = r->iova.a >> PAGE_LG2 };
	struct amdvi_walk s = { .a = a, .p = p, .w = &w };
	struct amdvi_leaf l = { 0 };

	if (!amdvi_dte_find(&s, &l)) {
		amdvi_event(a, FIELD_PREP(RING_CODE, l.event) | r->rid.bdf | l.event_flags,
			l.event == EVENT_DEV_TAB_HW_ERROR ? l.event_address : r->iova.a);
		return false;
	}
	if (s.src.valid && s.src.iotlb && s.src.ppr && (!r->has_pasid || s.src.guest))
		return true;
	amdvi_event(a, invalid_request(r), r->iova.a);
	return false;
}

/* 2.6.1 PAGE_SERVICE_REQUEST. Bit 9 of the tag: the last of its group. */
static bool append(struct amdvi *a, struct proc *p, const struct page_request *r)
{
	struct mem *mem = a->env.machine->mem;
	uint64_t lo = FIELD_PREP(RING_CODE, PPR_PAGE_SERVICE_REQUEST) | r->rid.bdf |
		      FIELD_PREP(PPR_TAG, r->group | (r->last ? 0x200 : 0)) |
		      (r->read ? PPR_READ : 0) | (r->write ? PPR_WRITE : 0);

	if (r->has_pasid)
		lo |= PPR_GN | FIELD_PREP(PPR_PASID_LOW, r->pasid & 0xffff) |
		      FIELD_PREP(PPR_PASID_HIGH, r->pasid >> 16) | (r->exec ? PPR_EXEC : 0) |
		      (r->priv ? 0 : PPR_US);
	proc_sleep_until(p, mem_write_done(mem, proc_now(p), RING_ENTRY_BYTES));
	return amdvi_log_append(a, &amdvi_ppr_log, lo, r->iova.a & PPR1_ADDR);
}

static void serve(void *model, struct proc *p, const struct page_request *r)
{
	struct amdvi *a = model;
	uint64_t on = CTRL_IOMMU_EN | CTRL_PPR_EN;

	if (!(a->conf->efr & EFR_PPR_SUP) || (reg64(&a->hw.regs, AMDVI_CONTROL) & on) != on ||
		!is_allowed(a, p, r)) {
		refuse(a, r, PAGE_RESPONSE_INVALID);
	} else if (append(a, p, r)) {
		a->hw.m.page_requests++;
	} else {
		a->hw.m.page_requests_lost++;
		refuse(a, r, PAGE_RESPONSE_SUCCESS);
	}
}

void amdvi_ats_init(struct amdvi *a)
{
	itags_init(&a->hw.device_tlb, a->env.machine, late, a, &a->hw.q.device_time);
	pagereqs_init(&a->hw.page_requests, a->env.machine, serve, a);
}

void amdvi_ats_fini(struct amdvi *a)
{
	pagereqs_fini(&a->hw.page_requests);
	itags_fini(&a->hw.device_tlb);
}
