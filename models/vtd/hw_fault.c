/* Primary fault logging, VT-d 4.1 section 7.3: recording registers in order, compression, overflow. */
#include "models/vtd/vtd.h"

static void raise_event(struct vtd *v)
{
	struct vtd_hw *hw = &v->hw;
	uint32_t fectl = reg32(&hw->regs, VTD_FECTL);

	if (fectl & FECTL_IM) {
		reg32_set(&hw->regs, VTD_FECTL, fectl | (uint32_t)FECTL_IP);
		return;
	}
	if (hw->fault_event)
		hw->fault_event(hw->fault_ctx);
}

/* A pending record of the same source stands for this fault too. */
static bool is_recorded(struct vtd_hw *hw, rid_t rid)
{
	for (unsigned i = 0; i < hw->nfr; i++) {
		uint64_t hi = reg64(&hw->regs, hw->fro + 16 * i + 8);

		if ((hi & FRCD_HI_F) && FIELD_GET(FRCD_HI_SID, hi) == rid.bdf)
			return true;
	}
	return false;
}

void vtd_fault_record(struct vtd *v, rid_t rid, iova_t iova, bool write, enum vtd_fault why)
{
	struct vtd_hw *hw = &v->hw;
	uint32_t fsts = reg32(&hw->regs, VTD_FSTS);
	uint32_t at = hw->fro + 16 * hw->next_fault;
	uint64_t hi = FRCD_HI_F | (write ? 0 : FRCD_HI_T) | FIELD_PREP(FRCD_HI_FR, why) |
		      FIELD_PREP(FRCD_HI_SID, rid.bdf);

	if ((fsts & FSTS_PFO) || is_recorded(hw, rid))
		return;
	if (reg64(&hw->regs, at + 8) & FRCD_HI_F) {
		hw->m.fault_overflows++;
		reg32_set(&hw->regs, VTD_FSTS, fsts | (uint32_t)FSTS_PFO);
		return;
	}
	reg64_set(&hw->regs, at, iova.a & GENMASK64(63, 12));
	reg64_set(&hw->regs, at + 8, hi);
	if (!(fsts & FSTS_PPF)) {
		fsts &= ~(uint32_t)FSTS_FRI;
		fsts |= (uint32_t)(FSTS_PPF | FIELD_PREP(FSTS_FRI, hw->next_fault));
		reg32_set(&hw->regs, VTD_FSTS, fsts);
		raise_event(v);
	}
	hw->next_fault = (hw->next_fault + 1) % hw->nfr;
}
