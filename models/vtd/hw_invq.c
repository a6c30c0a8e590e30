/*
 * The invalidation engine: descriptors fetched from the ring in memory and executed in order, in
 * simulated time, and the older requests through CCMD and IOTLB_REG. VT-d 4.1 section 6.5.
 */
#include "models/vtd/vtd.h"

#include "hw/mem.h"

#define DESC_BYTES 16u
#define LINE_BYTES 64u

struct invq {
	struct vtd *v;
	struct proc *p;
	uint64_t line_at; /* address of the line of descriptors last fetched; 0: none */
	uint64_t line_upto; /* descriptors below this ring offset are in it */
};

static void wait_for(struct invq *q, sim_time t)
{
	proc_sleep_until(q->p, proc_now(q->p) + t);
}

/* Walks in flight first, then the caches: what began earlier must not refill afterwards. */
static void settle_walks(struct invq *q)
{
	struct vtd *v = q->v;
	sim_time from = proc_now(q->p);

	walkers_invalidate(v->hw.walkers, q->p, (enum walker_inflight)v->conf->inflight);
	v->hw.q.drained += proc_now(q->p) - from;
}

/* ---- context cache: 6.5.2.1 ---- */

static void invalidate_context(struct invq *q, uint64_t g, uint16_t sid, unsigned fm)
{
	/* FM masks the low function bits of the source id: 1, 2 or 3 of them. */
	static const uint64_t ignored[] = { 0, 4, 6, 7 };
	struct tagcache *tc = &q->v->hw.context;

	settle_walks(q);
	if (g == VTD_SELECTIVE)
		tagcache_invalidate(tc, sid, fm ? 0xffff & ~ignored[fm] : UINT64_MAX);
	else /* domain-selective is done as global: entries do not carry their domain as a tag */
		tagcache_invalidate(tc, 0, 0);
	q->v->hw.q.context++;
	wait_for(q, q->v->conf->inv_context);
}

/* ---- IOTLB and paging-structure caches: 6.5.2.3 ---- */

static void sweep_pages(struct vtd_hw *hw, uint16_t did, uint64_t addr, unsigned am, bool leaf_only)
{
	for (unsigned c = 0; c < 3; c++) {
		unsigned skip = am > VTD_LEVEL_BITS * c ? am - VTD_LEVEL_BITS * c : 0;

		tagcache_invalidate(&hw->iotlb, vtd_key(did, c, addr), ~(BIT64(skip) - 1));
	}
	for (unsigned level = 2; !leaf_only && level <= VTD_MAX_LEVELS; level++) {
		unsigned lg2 = vtd_level_lg2(level) - PAGE_LG2;
		unsigned skip = am > lg2 ? am - lg2 : 0;

		tagcache_invalidate(
			&hw->pwc[level - 2], vtd_pwc_key(did, level, addr), ~(BIT64(skip) - 1));
	}
}

static void sweep_all(struct vtd_hw *hw, uint64_t key, uint64_t mask)
{
	tagcache_invalidate(&hw->iotlb, key, mask);
	for (unsigned i = 0; i < VTD_PWC_LEVELS; i++)
		tagcache_invalidate(&hw->pwc[i], key, mask);
}

/* False: not a valid request. */
static bool invalidate_iotlb(struct invq *q, uint64_t g, uint16_t did, uint64_t addr_word)
{
	struct vtd *v = q->v;
	unsigned am = (unsigned)FIELD_GET(QI_IOTLB_HI_AM, addr_word);
	uint64_t addr = addr_word & QI_IOTLB_HI_ADDR & ~(BIT64(am + PAGE_LG2) - 1);

	if (g == VTD_SELECTIVE && am > FIELD_GET(CAP_MAMV, v->conf->cap))
		return false;
	settle_walks(q);
	switch (g) {
	case VTD_GLOBAL:
		wait_for(q, v->conf->inv_global);
		sweep_all(&v->hw, 0, 0);
		v->hw.q.iotlb_global++;
		return true;
	case VTD_DOMAIN:
		wait_for(q, v->conf->inv_domain);
		sweep_all(&v->hw, (uint64_t)did << 47, VTD_KEY_DOMAIN);
		v->hw.q.iotlb_domain++;
		return true;
	case VTD_SELECTIVE:
		wait_for(q, v->conf->inv_page);
		sweep_pages(&v->hw, did, addr, am, addr_word & QI_IOTLB_HI_IH);
		v->hw.q.iotlb_page++;
		return true;
	default:
		return false;
	}
}

/* ---- wait: 6.5.2.8 ---- */

static bool wait_descriptor(struct invq *q, uint64_t lo, uint64_t hi)
{
	struct vtd_hw *hw = &q->v->hw;
	struct mem *mem = q->v->env.machine->mem;
	hpa_t at = { hi & QI_WAIT_HI_ADDR };

	hw->q.waits++;
	if (lo & QI_WAIT_SW) {
		if (!mem_exists(mem, at, 4))
			return false;
		wait_for(q, q->v->conf->status_write);
		mem_write32(mem, at, (uint32_t)FIELD_GET(QI_WAIT_DATA, lo));
	}
	if (lo & QI_WAIT_IF)
		reg32_set(&hw->regs, VTD_ICS, (uint32_t)ICS_IWC);
	return true;
}

/* ---- the queue: 6.5.2 ---- */

static bool execute(struct invq *q, uint64_t lo, uint64_t hi)
{
	switch (FIELD_GET(QI_TYPE, lo)) {
	case QI_CONTEXT:
		if (FIELD_GET(QI_G, lo) == 0)
			return false;
		invalidate_context(q, FIELD_GET(QI_G, lo), (uint16_t)FIELD_GET(QI_CONTEXT_SID, lo),
			(unsigned)FIELD_GET(QI_CONTEXT_FM, lo));
		return true;
	case QI_IOTLB:
		return invalidate_iotlb(
			q, FIELD_GET(QI_G, lo), (uint16_t)FIELD_GET(QI_DID, lo), hi);
	case QI_WAIT:
		return wait_descriptor(q, lo, hi);
	default:
		return false;
	}
}

static bool queue_ready(const struct vtd_hw *hw)
{
	return (reg32(&hw->regs, VTD_GSTS) & GSTS_QIES) &&
	       !(reg32(&hw->regs, VTD_FSTS) & FSTS_IQE) &&
	       reg64(&hw->regs, VTD_IQH) != reg64(&hw->regs, VTD_IQT);
}

/* A line of descriptors comes in one read; what software has not handed over yet is read again. */
static bool fetch(struct invq *q, uint64_t base, uint64_t head, uint64_t tail)
{
	struct mem *mem = q->v->env.machine->mem;
	uint64_t line = head & ~(uint64_t)(LINE_BYTES - 1);
	uint64_t upto = line + LINE_BYTES;

	if (!mem_exists(mem, (hpa_t){ base + head }, DESC_BYTES))
		return false;
	if (tail >= line && tail < upto)
		upto = tail;
	if (q->line_at == base + line && head < q->line_upto)
		return true;
	q->line_at = base + line;
	q->line_upto = upto;
	proc_sleep_until(q->p, mem_read_done(mem, proc_now(q->p), LINE_BYTES));
	return true;
}

static void next_descriptor(struct invq *q)
{
	struct vtd_hw *hw = &q->v->hw;
	struct mem *mem = q->v->env.machine->mem;
	uint64_t iqa = reg64(&hw->regs, VTD_IQA), base = iqa & IQA_IQA;
	uint64_t size = (uint64_t)1 << (FIELD_GET(IQA_QS, iqa) + 12);
	uint64_t head = reg64(&hw->regs, VTD_IQH);
	bool good = fetch(q, base, head, reg64(&hw->regs, VTD_IQT));

	if (good) {
		uint64_t lo = mem_read64(mem, (hpa_t){ base + head });
		uint64_t hi = mem_read64(mem, (hpa_t){ base + head + 8 });

		wait_for(q, q->v->conf->inv_decode);
		good = execute(q, lo, hi);
	}
	if (!good) { /* 6.5.2.10: the head stays at the bad descriptor */
		hw->q.errors++;
		reg32_set(&hw->regs, VTD_FSTS, reg32(&hw->regs, VTD_FSTS) | (uint32_t)FSTS_IQE);
		return;
	}
	hw->q.descriptors++;
	reg64_set(&hw->regs, VTD_IQH, (head + DESC_BYTES) & (size - 1));
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
			invalidate_context(q, g, (uint16_t)FIELD_GET(CCMD_SID, ccmd),
				(unsigned)FIELD_GET(CCMD_FM, ccmd));
		ccmd = (ccmd & ~(CCMD_ICC | CCMD_CAIG)) | FIELD_PREP(CCMD_CAIG, g);
		reg64_set(&hw->regs, VTD_CCMD, ccmd);
	}
	if (iotlb & IOTLB_IVT) {
		uint64_t g = FIELD_GET(IOTLB_IIRG, iotlb);

		hw->q.register_based++;
		if (!invalidate_iotlb(
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
			q.line_at = 0;
			proc_wait(p, &hw->doorbell);
			continue;
		}
		hw->q.busy += proc_now(p) - from;
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
