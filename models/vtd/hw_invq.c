/*
 * The invalidation engine: descriptors fetched from the ring in memory and executed in order, in
 * simulated time, and the older requests through CCMD and IOTLB_REG. VT-d 4.1 section 6.5.
 */
#include "models/vtd/vtd_invq.h"

#include "hw/mem.h"

/* ---- wait: 6.5.2.8 ---- */

static void complete_event(struct vtd *v)
{
	struct vtd_hw *hw = &v->hw;

	if (reg32(&hw->regs, VTD_ICS) & ICS_IWC)
		return; /* the last one has not been looked at yet */
	reg32_set(&hw->regs, VTD_ICS, (uint32_t)ICS_IWC);
	vtd_raise(v, VTD_IECTL, hw->completion_event);
}

static bool wait_descriptor(struct invq *q, const struct descriptor *d)
{
	struct vtd_hw *hw = &q->v->hw;
	struct mem *mem = q->v->env.machine->mem;
	hpa_t at = { d->hi & QI_WAIT_HI_ADDR };

	if ((d->lo & QI_WAIT_SW) && !mem_exists(mem, at, 4))
		return false;
	hw->q.waits++;
	if (!vtd_ats_wait(q))
		return true; /* abandoned: no status, no event (6.5.2.10) */
	if (d->lo & QI_WAIT_SW) {
		vtd_invq_spend(q, q->v->conf->status_write);
		mem_write32(mem, at, (uint32_t)FIELD_GET(QI_WAIT_DATA, d->lo));
	}
	if (d->lo & QI_WAIT_IF)
		complete_event(q->v);
	return true;
}

/* ---- the queue: 6.5.2 ---- */

static bool context_descriptor(struct invq *q, const struct descriptor *d)
{
	if (FIELD_GET(QI_G, d->lo) == 0)
		return false;
	vtd_invalidate_context(q, FIELD_GET(QI_G, d->lo),
		(uint16_t)FIELD_GET(QI_CONTEXT_SID, d->lo),
		(unsigned)FIELD_GET(QI_CONTEXT_FM, d->lo));
	return true;
}

static bool iotlb_descriptor(struct invq *q, const struct descriptor *d)
{
	return vtd_invalidate_iotlb(
		q, FIELD_GET(QI_G, d->lo), (uint16_t)FIELD_GET(QI_DID, d->lo), d->hi);
}

/* Accepted and counted: interrupt remapping is not modelled. */
static bool interrupt_entry_descriptor(struct invq *q, const struct descriptor *d)
{
	(void)d;
	q->v->hw.q.interrupt_entry++;
	return true;
}

/* What each type may have set in its words; anything else is reserved (IQE). */
static const struct {
	uint64_t lo, hi;
	bool scalable_only;
	bool (*execute)(struct invq *q, const struct descriptor *d);
} types[] = {
	[QI_CONTEXT] = { QI_TYPE | QI_G | QI_DID | QI_CONTEXT_SID | QI_CONTEXT_FM, 0, false,
		context_descriptor },
	[QI_IOTLB] = { QI_TYPE | QI_G | QI_IOTLB_DW | QI_IOTLB_DR | QI_DID,
		QI_IOTLB_HI_ADDR | QI_IOTLB_HI_IH | QI_IOTLB_HI_AM, false, iotlb_descriptor },
	[QI_DEVICE_TLB] = { QI_TYPE | QI_DT_MIP | QI_DT_SID | QI_DT_PFSID,
		QI_IOTLB_HI_ADDR | QI_DT_HI_S, false, vtd_device_tlb },
	[QI_INTERRUPT_ENTRY] = { UINT64_MAX, UINT64_MAX, false, interrupt_entry_descriptor },
	[QI_WAIT] = { QI_TYPE | QI_WAIT_IF | QI_WAIT_SW | QI_WAIT_FN | QI_WAIT_PD | QI_WAIT_DATA,
		QI_WAIT_HI_ADDR, false, wait_descriptor },
	[QI_PASID_IOTLB] = { QI_TYPE | QI_G | QI_DID | QI_PASID,
		QI_IOTLB_HI_ADDR | QI_IOTLB_HI_IH | QI_IOTLB_HI_AM, true,
		vtd_invalidate_pasid_iotlb },
	[QI_PASID_CACHE] = { QI_TYPE | QI_G | QI_DID | QI_PASID, 0, true,
		vtd_invalidate_pasid_cache },
	[QI_PASID_DEVICE_TLB] = { QI_TYPE | QI_PDT_MIP | QI_DT_PFSID | QI_PDT_SID | QI_PASID,
		QI_IOTLB_HI_ADDR | QI_PDT_HI_S | QI_PDT_HI_G, true, vtd_pasid_device_tlb },
	[QI_PAGE_GROUP_RESPONSE] = { UINT64_MAX, UINT64_MAX, true, vtd_page_group_response },
};

/* 0, or what IQERCD reports. */
static unsigned execute(struct invq *q, const struct descriptor *d)
{
	uint64_t type = FIELD_GET(QI_TYPE, d->lo);

	if (type >= ARRAY_SIZE(types) || !types[type].execute)
		return IQEI_TYPE;
	if (types[type].scalable_only && !(q->v->conf->ecap & ECAP_SMTS))
		return IQEI_TYPE;
	if ((d->lo & ~types[type].lo) || (d->hi & ~types[type].hi) || d->rest)
		return IQEI_RESERVED;
	return types[type].execute(q, d) ? 0 : IQEI_FIELD;
}

static bool queue_ready(const struct vtd_hw *hw)
{
	return (reg32(&hw->regs, VTD_GSTS) & GSTS_QIES) &&
	       !(reg32(&hw->regs, VTD_FSTS) & (FSTS_IQE | FSTS_ITE)) &&
	       reg64(&hw->regs, VTD_IQH) != reg64(&hw->regs, VTD_IQT);
}

static struct descriptor read_descriptor(struct invq *q, uint64_t at, unsigned bytes)
{
	struct mem *mem = q->v->env.machine->mem;
	struct descriptor d = { mem_read64(mem, (hpa_t){ at }), mem_read64(mem, (hpa_t){ at + 8 }),
		0 };

	if (bytes == 32)
		d.rest = mem_read64(mem, (hpa_t){ at + 16 }) | mem_read64(mem, (hpa_t){ at + 24 });
	return d;
}

/* 6.5.2.10: the head stays at the bad descriptor. */
static void stop_queue(struct vtd *v, unsigned why)
{
	struct vtd_hw *hw = &v->hw;

	hw->q.errors++;
	reg64_set(&hw->regs, VTD_IQERCD,
		(reg64(&hw->regs, VTD_IQERCD) & ~IQERCD_IQEI) | FIELD_PREP(IQERCD_IQEI, why));
	vtd_fault_status(v, (uint32_t)FSTS_IQE);
}

static void next_descriptor(struct invq *q)
{
	struct vtd_hw *hw = &q->v->hw;
	uint64_t iqa = reg64(&hw->regs, VTD_IQA), base = iqa & IQA_IQA;
	uint64_t size = (uint64_t)1 << (FIELD_GET(IQA_QS, iqa) + 12);
	uint64_t head = reg64(&hw->regs, VTD_IQH), tail = reg64(&hw->regs, VTD_IQT);
	unsigned bytes = iqa & IQA_DW ? 32 : 16, why = 0;

	if (head >= size || tail >= size || head % bytes || tail % bytes)
		why = IQEI_TAIL;
	else if (!linefetch(&q->fetch, q->v->env.machine->mem, q->p, base, head, tail, bytes))
		why = IQEI_FETCH;
	if (!why) {
		struct descriptor d = read_descriptor(q, base + head, bytes);

		vtd_invq_spend(q, q->v->conf->inv_decode);
		why = execute(q, &d);
	}
	if (why) {
		stop_queue(q->v, why);
		return;
	}
	hw->q.descriptors++;
	reg64_set(&hw->regs, VTD_IQH, (head + bytes) & (size - 1));
}

/* ---- registers: 6.5.1 ---- */

static void register_requests(struct invq *q)
{
	struct vtd_hw *hw = &q->v->hw;
	uint64_t ccmd = reg64(&hw->regs, VTD_CCMD), iotlb = reg64(&hw->regs, hw->iro + 8);

	hw->register_request = false;
	if (ccmd & CCMD_ICC) {
		uint64_t g = FIELD_GET(CCMD_CIRG, ccmd);

		hw->q.register_based++;
		if (g)
			vtd_invalidate_context(q, g, (uint16_t)FIELD_GET(CCMD_SID, ccmd),
				(unsigned)FIELD_GET(CCMD_FM, ccmd));
		if (g == VTD_DOMAIN)
			g = VTD_GLOBAL; /* what was really done */
		/* SID and FM are write-only. */
		ccmd &= ~(CCMD_ICC | CCMD_CAIG | CCMD_SID | CCMD_FM);
		reg64_set(&hw->regs, VTD_CCMD, ccmd | FIELD_PREP(CCMD_CAIG, g));
	}
	if (iotlb & IOTLB_IVT) {
		uint64_t g = FIELD_GET(IOTLB_IIRG, iotlb);

		hw->q.register_based++;
		if (!vtd_invalidate_iotlb(
			    q, g, (uint16_t)FIELD_GET(IOTLB_DID, iotlb), reg64(&hw->regs, hw->iro)))
			g = 0; /* reported as "nothing done" */
		iotlb = (iotlb & ~(IOTLB_IVT | IOTLB_IAIG)) | FIELD_PREP(IOTLB_IAIG, g);
		reg64_set(&hw->regs, hw->iro + 8, iotlb);
	}
}

static void invq_main(struct proc *p, void *arg)
{
	struct vtd *v = arg;
	struct vtd_hw *hw = &v->hw;
	struct invq q = { .v = v, .p = p };

	for (;;) {
		sim_time from = proc_now(p);

		hw->busy = true;
		if (hw->register_request) {
			register_requests(&q);
		} else if (queue_ready(hw)) {
			next_descriptor(&q);
		} else {
			hw->busy = false;
			linefetch_forget(&q.fetch);
			proc_wait(p, &hw->doorbell);
			continue;
		}
		hw->q.busy += proc_now(p) - from;
		probe_span(v->env.machine->probe,
			(struct probe_track){ PROBE_QUEUE, v, 0, "invalidation queue" },
			"invalidate", from, proc_now(p));
	}
}

void vtd_invq_start(struct vtd *v)
{
	waitq_init(&v->hw.doorbell);
	proc_spawn(v->env.machine->engine, "invq", invq_main, v, NULL);
}

void vtd_invq_ring(struct vtd *v)
{
	waitq_wake_one(&v->hw.doorbell, engine_now(v->env.machine->engine));
}
