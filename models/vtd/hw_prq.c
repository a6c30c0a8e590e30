/*
 * Page requests: messages of devices become descriptors in the page request queue; software answers
 * with page group responses. VT-d 4.1: 7.4 (page requests), 7.6 (responses), 11.4.13 (registers).
 *
 * What software could not be told is answered by the unit: Invalid Request when the source may not
 * request pages, Success when the queue is full (the device tries again).
 */
#include "models/vtd/vtd_walk.h"

#include "hw/mem.h"
#include "models/vtd/vtd_invq.h"

void vtd_prq_message(void *state, const struct page_request *r)
{
	struct vtd *v = state;

	pagereqs_add(&v->hw.page_requests, r);
}

static void refuse(struct vtd *v, const struct page_request *r, enum page_response code)
{
	v->hw.m.page_requests_refused++;
	if (r->last)
		pagereqs_respond(&v->hw.page_requests, r->rid, r->group, code);
}

/* Only scalable-mode context entries let page requests in (PRE). */
static enum vtd_fault check(struct vtd *v, struct proc *p, const struct page_request *r)
{
	struct walk w = { .rid = r->rid,
		.page = r->iova.a >> PAGE_LG2,
		.has_pasid = r->has_pasid,
		.pasid = r->pasid,
		.at = XLATE_UNTRANSLATED };
	struct vtd_walk s = { .v = v, .p = p, .w = &w, .iova = r->iova.a };
	enum vtd_fault why = vtd_source_find(&s);
	struct xlate x = { .rid = r->rid,
		.iova = r->iova,
		.has_pasid = r->has_pasid,
		.pasid = r->pasid,
		.priv = r->priv,
		.exec = r->exec };

	if (!why && !s.src.scalable)
		return VTD_FAULT_TRANSLATION_BLOCKED; /* there is no code for it: not recorded */
	if (!why && !s.src.pre)
		why = VTD_FAULT_PAGE_REQUEST_DISABLED;
	x.fault_code = vtd_fault_code(why, s.src.scalable);
	if (why && !s.src.fpd)
		vtd_fault_record(v, &x);
	return why;
}

static void write_descriptor(
	struct vtd *v, struct proc *p, uint64_t at, const struct page_request *r)
{
	struct mem *mem = v->env.machine->mem;
	uint64_t lo = FIELD_PREP(PRQ_LO_TYPE, PRQ_TYPE) | FIELD_PREP(PRQ_LO_RID, r->rid.bdf);
	uint64_t hi = (r->read ? PRQ_HI_RD : 0) | (r->write ? PRQ_HI_WR : 0) |
		      (r->last ? PRQ_HI_LPIG : 0) | FIELD_PREP(PRQ_HI_PRGI, r->group) |
		      (r->iova.a & PRQ_HI_ADDR);

	if (r->has_pasid)
		lo |= PRQ_LO_PASID_P | FIELD_PREP(PRQ_LO_PASID, r->pasid) |
		      (r->exec ? PRQ_LO_EXE : 0) | (r->priv ? PRQ_LO_PRIV : 0);
	mem_write64(mem, (hpa_t){ at }, lo);
	mem_write64(mem, (hpa_t){ at + 8 }, hi);
	mem_write64(mem, (hpa_t){ at + 16 }, 0);
	mem_write64(mem, (hpa_t){ at + 24 }, 0);
	proc_sleep_until(p, mem_write_done(mem, proc_now(p), PRQ_BYTES));
}

static void overflow(struct vtd *v)
{
	struct vtd_hw *hw = &v->hw;
	uint32_t prs = reg32(&hw->regs, VTD_PRS);

	reg32_set(&hw->regs, VTD_PRS, prs | (uint32_t)PRS_PRO);
	if (!(prs & (PRS_PRO | PRS_PPR)))
		vtd_raise(v, VTD_PECTL, hw->page_event);
}

static void enqueue(struct vtd *v, struct proc *p, const struct page_request *r)
{
	struct vtd_hw *hw = &v->hw;
	uint64_t pqa = reg64(&hw->regs, VTD_PQA);
	uint64_t size = BIT64(FIELD_GET(PQA_PQS, pqa) + 12);
	uint64_t head = reg64(&hw->regs, VTD_PQH) & (size - 1);
	uint64_t tail = reg64(&hw->regs, VTD_PQT) & (size - 1);
	uint64_t next = (tail + PRQ_BYTES) & (size - 1), at = (pqa & PQA_PQA) + tail;
	uint32_t prs = reg32(&hw->regs, VTD_PRS);

	if ((prs & PRS_PRO) || next == head ||
		!mem_exists(v->env.machine->mem, (hpa_t){ at }, PRQ_BYTES)) {
		overflow(v);
		refuse(v, r, PAGE_RESPONSE_SUCCESS);
		return;
	}
	write_descriptor(v, p, at, r);
	hw->m.page_requests++;
	reg64_set(&hw->regs, VTD_PQT, next);
	prs = reg32(&hw->regs, VTD_PRS);
	reg32_set(&hw->regs, VTD_PRS, prs | (uint32_t)PRS_PPR);
	if (!(prs & (PRS_PRO | PRS_PPR)))
		vtd_raise(v, VTD_PECTL, hw->page_event);
}

static void serve(void *model, struct proc *p, const struct page_request *r)
{
	struct vtd *v = model;

	if (!(v->conf->ecap & ECAP_PRS) || !(reg32(&v->hw.regs, VTD_GSTS) & GSTS_TES) ||
		check(v, p, r))
		refuse(v, r, PAGE_RESPONSE_INVALID);
	else
		enqueue(v, p, r);
}

void vtd_prq_init(struct vtd *v)
{
	pagereqs_init(&v->hw.page_requests, v->env.machine, serve, v);
}

void vtd_prq_fini(struct vtd *v)
{
	pagereqs_fini(&v->hw.page_requests);
}

bool vtd_page_group_response(struct invq *q, const struct descriptor *d)
{
	uint64_t code = FIELD_GET(QI_PGR_CODE, d->lo);

	q->v->hw.q.page_group++;
	if (!(q->v->conf->ecap & ECAP_PRS))
		return false;
	pagereqs_respond(&q->v->hw.page_requests, (rid_t){ (uint16_t)FIELD_GET(QI_PGR_RID, d->lo) },
		(uint16_t)FIELD_GET(QI_PGR_HI_PRGI, d->hi),
		code == PAGE_RESPONSE_SUCCESS   ? PAGE_RESPONSE_SUCCESS
		: code == PAGE_RESPONSE_INVALID ? PAGE_RESPONSE_INVALID
						: PAGE_RESPONSE_FAILURE);
	return true;
}
