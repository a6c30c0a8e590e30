/* Register accesses and what they set off. VT-d 4.1 chapter 11; handshakes 6.2, 6.5.1, 6.5.2. */
#include "models/vtd/vtd.h"

#include "base/bug.h"

#define REG(name, bytes, writable, w1c)                                                            \
	{                                                                                          \
#name, VTD_##name, bytes, writable, w1c                                            \
	}

static const struct reg_desc regs[] = {
	REG(VER, 4, 0, 0),
	REG(CAP, 8, 0, 0),
	REG(ECAP, 8, 0, 0),
	REG(GCMD, 4, 0xffffffff, 0),
	REG(GSTS, 4, 0, 0),
	REG(RTADDR, 8, GENMASK64(63, 10), 0),
	REG(CCMD, 8, CCMD_ICC | CCMD_CIRG | CCMD_FM | CCMD_SID | CCMD_DID, 0),
	REG(FSTS, 4, 0, FSTS_PFO | FSTS_IQE | FSTS_ICE | FSTS_ITE),
	REG(FECTL, 4, FECTL_IM, 0),
	REG(FEDATA, 4, 0xffffffff, 0),
	REG(FEADDR, 4, 0xfffffffc, 0),
	REG(FEUADDR, 4, 0xffffffff, 0),
	REG(IQH, 8, 0, 0),
	REG(IQT, 8, IQT_QT, 0),
	REG(IQA, 8, IQA_IQA | IQA_DW | IQA_QS, 0),
	REG(ICS, 4, 0, ICS_IWC),
	REG(IECTL, 4, IECTL_IM, 0),
	REG(IEDATA, 4, 0xffffffff, 0),
	REG(IEADDR, 4, 0xfffffffc, 0),
	REG(IEUADDR, 4, 0xffffffff, 0),
	REG(IQERCD, 8, 0, 0),
	REG(PQH, 8, PQH_PQH, 0),
	REG(PQT, 8, PQH_PQH, 0),
	REG(PQA, 8, PQA_PQA | PQA_PQS, 0),
	REG(PRS, 4, 0, PRS_PPR | PRS_PRO),
	REG(PECTL, 4, PECTL_IM, 0),
	REG(PEDATA, 4, 0xffffffff, 0),
	REG(PEADDR, 4, 0xfffffffc, 0),
	REG(PEUADDR, 4, 0xffffffff, 0),
	REG(PMEN, 4, PMEN_EPM, 0),
	REG(PLMBASE, 4, GENMASK64(31, 21), 0),
	REG(PLMLIMIT, 4, GENMASK64(31, 21), 0),
	REG(PHMBASE, 8, GENMASK64(63, 21), 0),
	REG(PHMLIMIT, 8, GENMASK64(63, 21), 0),
};

static uint64_t reset_value(const struct vtd_conf *conf, uint32_t offset)
{
	switch (offset) {
	case VTD_VER:
		return 0x10;
	case VTD_CAP:
		return conf->cap;
	case VTD_ECAP:
		return conf->ecap;
	case VTD_FECTL:
		return FECTL_IM;
	case VTD_IECTL:
		return IECTL_IM;
	case VTD_PECTL:
		return PECTL_IM;
	default:
		return 0;
	}
}

static void add_placed_registers(struct vtd_hw *hw)
{
	const struct reg_desc iva = { "IVA", hw->iro, 8, IVA_ADDR | IVA_IH | IVA_AM, 0 };
	const struct reg_desc iotlb = { "IOTLB", hw->iro + 8, 8,
		IOTLB_IVT | IOTLB_IIRG | BIT64(49) | BIT64(48) | IOTLB_DID, 0 };

	regfile_add(&hw->regs, &iva, 0);
	regfile_add(&hw->regs, &iotlb, 0);
	for (unsigned i = 0; i < hw->nfr; i++) {
		const struct reg_desc lo = { "FRCD", hw->fro + 16 * i, 8, 0, 0 };
		const struct reg_desc hi = { "FRCD", hw->fro + 16 * i + 8, 8, 0, FRCD_HI_F };

		regfile_add(&hw->regs, &lo, 0);
		regfile_add(&hw->regs, &hi, 0);
	}
}

/* 11.4.4.1: one command bit at a time changes; the status follows after the unit has acted. */
static void command_done(struct event *ev)
{
	struct vtd *v = container_of(ev, struct vtd, hw.command);
	struct vtd_hw *hw = &v->hw;
	uint32_t gcmd = hw->gcmd_pending;
	uint32_t levels = (uint32_t)(GSTS_TES | GSTS_QIES); /* follow the command's level */
	uint32_t gsts = (reg32(&hw->regs, VTD_GSTS) & ~levels) | (gcmd & levels);

	if (gcmd & GCMD_SRTP) {
		hw->root_register = reg64(&hw->regs, VTD_RTADDR);
		if (v->conf->cap & CAP_ESRTPS) { /* the unit forgets the old tables by itself */
			tagcache_invalidate(&hw->context, 0, 0);
			tagcache_invalidate(&hw->pasid, 0, 0);
			vtd_sweep_everything(v);
		}
		gsts |= (uint32_t)GSTS_RTPS;
	}
	if (!(gsts & GSTS_QIES))
		reg64_set(&hw->regs, VTD_IQH, 0);
	gsts &= ~(uint32_t)GSTS_WBFS; /* buffers are written through: nothing to flush */
	reg32_set(&hw->regs, VTD_GSTS, gsts);
	vtd_invq_ring(v);
}

void vtd_hw_init(struct vtd *v)
{
	struct vtd_hw *hw = &v->hw;
	struct engine *e = v->env.machine->engine;
	struct metric_scope *s = v->env.scope;
	const struct vtd_conf *c = v->conf;
	const struct tagcache_conf iotlb = { c->iotlb_entries, c->iotlb_ways,
		(enum tagcache_replace)c->iotlb_replace, WINDOW_IOTLB };
	const struct tagcache_conf context = { c->context_entries, 0, TAGCACHE_LRU,
		WINDOW_WALK_CACHE };
	const struct tagcache_conf pasid = { c->pasid_entries, 0, TAGCACHE_LRU, WINDOW_WALK_CACHE };
	const uint32_t pwc[VTD_PWC_LEVELS] = { c->pd_entries, c->pdp_entries, c->pml4_entries,
		c->pml5_entries };
	static const char *const pwc_name[VTD_PWC_LEVELS] = { "pd_cache", "pdp_cache", "pml4_cache",
		"pml5_cache" };

	hw->iro = (uint32_t)FIELD_GET(ECAP_IRO, c->ecap) * 16;
	hw->fro = (uint32_t)FIELD_GET(CAP_FRO, c->cap) * 16;
	hw->nfr = (uint32_t)FIELD_GET(CAP_NFR, c->cap) + 1;
	regfile_init(&hw->regs, VTD_REGS_SIZE);
	for (size_t i = 0; i < ARRAY_SIZE(regs); i++)
		regfile_add(&hw->regs, &regs[i], reset_value(c, regs[i].offset));
	add_placed_registers(hw);
	event_init(&hw->command, e, command_done);
	spaces_init(&hw->spaces, VTD_SPACES);
	tagcache_init(
		&hw->context, &context, e, v->env.windows, metric_scope_child(s, "context_cache"));
	tagcache_init(&hw->pasid, &pasid, e, v->env.windows, metric_scope_child(s, "pasid_cache"));
	tagcache_init(&hw->iotlb, &iotlb, e, v->env.windows, metric_scope_child(s, "iotlb"));
	for (unsigned i = 0; i < VTD_PWC_LEVELS; i++) {
		const struct tagcache_conf tc = { pwc[i], 0, TAGCACHE_LRU, WINDOW_WALK_CACHE };

		tagcache_init(&hw->pwc[i], &tc, e, v->env.windows,
			metric_scope_child(s, "%s", pwc_name[i]));
	}
	hw->walkers = walkers_create(v->env.machine, c->walkers, &vtd_walker_ops, v, v->env.windows,
		metric_scope_child(s, "walkers"));
	vtd_ats_init(v);
	vtd_prq_init(v);
	vtd_invq_start(v);
}

void vtd_hw_fini(struct vtd *v)
{
	struct vtd_hw *hw = &v->hw;

	vtd_prq_fini(v);
	vtd_ats_fini(v);
	walkers_destroy(hw->walkers);
	for (unsigned i = 0; i < VTD_PWC_LEVELS; i++)
		tagcache_fini(&hw->pwc[i]);
	tagcache_fini(&hw->iotlb);
	tagcache_fini(&hw->pasid);
	tagcache_fini(&hw->context);
	spaces_fini(&hw->spaces);
	event_fini(&hw->command);
	regfile_fini(&hw->regs);
}

static void print_register(
	const struct vtd_hw *hw, const char *name, uint32_t at, unsigned bytes, FILE *out)
{
	fprintf(out, "%-8s 0x%03x  0x%0*llx\n", name, at, (int)bytes * 2,
		(unsigned long long)regfile_read(&hw->regs, at, bytes));
}

void vtd_hw_print_registers(const struct vtd *v, FILE *out)
{
	const struct vtd_hw *hw = &v->hw;

	for (size_t i = 0; i < ARRAY_SIZE(regs); i++)
		print_register(hw, regs[i].name, regs[i].offset, regs[i].bytes, out);
	print_register(hw, "IVA", hw->iro, 8, out);
	print_register(hw, "IOTLB", hw->iro + 8, 8, out);
	for (unsigned i = 0; i < hw->nfr; i++) {
		print_register(hw, "FRCD.lo", hw->fro + 16 * i, 8, out);
		print_register(hw, "FRCD.hi", hw->fro + 16 * i + 8, 8, out);
	}
}

uint64_t vtd_mmio_read(struct vtd *v, uint32_t offset, unsigned bytes)
{
	return regfile_read(&v->hw.regs, offset, bytes);
}

/* FSTS.PPF is the logical OR of the F bits of all records (11.4.7.1). */
static void update_ppf(struct vtd_hw *hw)
{
	uint32_t fsts = reg32(&hw->regs, VTD_FSTS) & ~(uint32_t)FSTS_PPF;

	for (unsigned i = 0; i < hw->nfr; i++)
		if (reg64(&hw->regs, hw->fro + 16 * i + 8) & FRCD_HI_F)
			fsts |= (uint32_t)FSTS_PPF;
	reg32_set(&hw->regs, VTD_FSTS, fsts);
	/* Nothing is left to report: a pending event is withdrawn (11.4.7.2). */
	if (!(fsts & (uint32_t)FSTS_EVENTS))
		reg32_set(&hw->regs, VTD_FECTL, reg32(&hw->regs, VTD_FECTL) & ~(uint32_t)FECTL_IP);
}

/* 11.4.12: without the region registers the enable bit has nothing to enable. */
static void pmen_written(struct vtd *v)
{
	uint32_t pmen = reg32(&v->hw.regs, VTD_PMEN);
	bool has = v->conf->cap & (CAP_PLMR | CAP_PHMR);
	bool on = has && (pmen & PMEN_EPM);

	reg32_set(&v->hw.regs, VTD_PMEN, on ? (uint32_t)(PMEN_EPM | PMEN_PRS) : 0);
}

bool vtd_is_protected(const struct vtd *v, uint64_t pa)
{
	const struct regfile *rf = &v->hw.regs;
	uint64_t low = BIT64(21) - 1; /* bases and limits are of 2 MiB */

	if (!(reg32(rf, VTD_PMEN) & PMEN_PRS))
		return false;
	if ((v->conf->cap & CAP_PLMR) && pa >= reg32(rf, VTD_PLMBASE) &&
		pa <= (reg32(rf, VTD_PLMLIMIT) | low))
		return true;
	return (v->conf->cap & CAP_PHMR) && pa >= reg64(rf, VTD_PHMBASE) &&
	       pa <= (reg64(rf, VTD_PHMLIMIT) | low);
}

/* An event whose mask was lifted while it was pending is raised then (11.4.7.2, 11.4.10). */
static void unmasked(struct vtd *v, uint32_t control, uint64_t mask, uint64_t pending,
	void (*raise)(void *ctx), void *ctx)
{
	uint32_t value = reg32(&v->hw.regs, control);

	if ((value & mask) || !(value & pending))
		return;
	reg32_set(&v->hw.regs, control, value & ~(uint32_t)pending);
	if (raise)
		raise(ctx);
}

/* GCMD is write-only: it reads as zero. A new root pointer is "not set" until the unit has it. */
static void gcmd_written(struct vtd *v)
{
	struct vtd_hw *hw = &v->hw;
	struct engine *e = v->env.machine->engine;
	uint32_t gsts = reg32(&hw->regs, VTD_GSTS);

	hw->gcmd_pending = reg32(&hw->regs, VTD_GCMD);
	reg32_set(&hw->regs, VTD_GCMD, 0);
	if (hw->gcmd_pending & GCMD_WBF)
		gsts |= (uint32_t)GSTS_WBFS;
	if (hw->gcmd_pending & GCMD_SRTP)
		gsts &= ~(uint32_t)GSTS_RTPS;
	reg32_set(&hw->regs, VTD_GSTS, gsts);
	event_schedule(&hw->command, engine_now(e) + v->conf->command_latency);
}

void vtd_mmio_write(struct vtd *v, uint32_t offset, unsigned bytes, uint64_t value)
{
	struct vtd_hw *hw = &v->hw;

	regfile_write(&hw->regs, offset, bytes, value);
	if (reg_touches(offset, bytes, VTD_GCMD))
		gcmd_written(v);
	/* The command bits of 64-bit registers stand in the last byte. */
	if (reg_touches(offset, bytes, VTD_CCMD + 7) ||
		reg_touches(offset, bytes, hw->iro + 8 + 7)) {
		hw->register_request = true;
		vtd_invq_ring(v);
	}
	if (reg_touches(offset, bytes, VTD_IQT)) {
		uint64_t iqa = reg64(&hw->regs, VTD_IQA);
		uint64_t size = (uint64_t)1 << (FIELD_GET(IQA_QS, iqa) + 12);
		uint64_t depth =
			(reg64(&hw->regs, VTD_IQT) - reg64(&hw->regs, VTD_IQH)) & (size - 1);

		hist_add(&hw->q.depth, depth / 16);
		vtd_invq_ring(v);
	}
	if ((offset + bytes > hw->fro && offset < hw->fro + 16 * hw->nfr) ||
		reg_touches(offset, bytes, VTD_FSTS))
		update_ppf(hw);
	if (reg_touches(offset, bytes, VTD_PMEN + 3))
		pmen_written(v);
	if (reg_touches(offset, bytes, VTD_FECTL + 3))
		unmasked(v, VTD_FECTL, FECTL_IM, FECTL_IP, hw->fault_event, hw->fault_ctx);
	if (reg_touches(offset, bytes, VTD_ICS) && !(reg32(&hw->regs, VTD_ICS) & ICS_IWC))
		reg32_set(&hw->regs, VTD_IECTL, /* serviced: withdrawn (11.4.10) */
			reg32(&hw->regs, VTD_IECTL) & ~(uint32_t)IECTL_IP);
	if (reg_touches(offset, bytes, VTD_PRS) &&
		!(reg32(&hw->regs, VTD_PRS) & (PRS_PPR | PRS_PRO)))
		reg32_set(&hw->regs, VTD_PECTL, reg32(&hw->regs, VTD_PECTL) & ~(uint32_t)PECTL_IP);
	if (reg_touches(offset, bytes, VTD_PECTL + 3))
		unmasked(v, VTD_PECTL, PECTL_IM, PECTL_IP, hw->page_event, hw->fault_ctx);
	if (reg_touches(offset, bytes, VTD_IECTL + 3))
		unmasked(v, VTD_IECTL, IECTL_IM, IECTL_IP, hw->completion_event, hw->fault_ctx);
	if (reg_touches(offset, bytes, VTD_FSTS))
		vtd_invq_ring(v); /* a cleared IQE lets the queue go on */
}
