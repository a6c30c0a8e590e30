/*
 * Primary fault logging, VT-d 4.1 section 7.1.3: recording registers in order, one pending record for a
 * source, overflow.
 */
#include "models/vtd/vtd.h"

static const struct {
	uint8_t legacy, scalable;
	const char *text;
} faults[VTD_FAULT_COUNT] = {
#define VTD_FAULT_ROW_(id, legacy, scalable, text) [VTD_FAULT_##id] = { legacy, scalable, text },
	VTD_FAULTS(VTD_FAULT_ROW_)
#undef VTD_FAULT_ROW_
};

uint16_t vtd_fault_code(enum vtd_fault fault, bool scalable)
{
	return scalable ? faults[fault].scalable : faults[fault].legacy;
}

const char *vtd_fault_text(uint16_t code)
{
	for (unsigned i = 1; code && i < VTD_FAULT_COUNT; i++)
		if (faults[i].legacy == code || faults[i].scalable == code)
			return faults[i].text;
	return "Unknown";
}

void vtd_raise(struct vtd *v, uint32_t control, void (*event)(void *ctx))
{
	uint32_t value = reg32(&v->hw.regs, control);

	if (value & FECTL_IM) /* the bits stand in the same places in all of them */
		reg32_set(&v->hw.regs, control, value | (uint32_t)FECTL_IP);
	else if (event)
		event(v->hw.fault_ctx);
}

/* An event is for the first of them: while any is pending, another is no news (11.4.7.2). */
void vtd_fault_status(struct vtd *v, uint32_t set)
{
	struct vtd_hw *hw = &v->hw;
	uint32_t fsts = reg32(&hw->regs, VTD_FSTS);

	reg32_set(&hw->regs, VTD_FSTS, fsts | set);
	if (fsts & (uint32_t)FSTS_EVENTS)
		return;
	vtd_raise(v, VTD_FECTL, hw->fault_event);
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

static uint64_t record_of(const struct xlate *x)
{
	uint64_t hi = FRCD_HI_F | (x->write ? 0 : FRCD_HI_T) | FIELD_PREP(FRCD_HI_AT, x->at) |
		      FIELD_PREP(FRCD_HI_FR, x->fault_code) | FIELD_PREP(FRCD_HI_SID, x->rid.bdf);

	if (x->has_pasid)
		hi |= FRCD_HI_PP | FIELD_PREP(FRCD_HI_PV, x->pasid) | (x->exec ? FRCD_HI_EXE : 0) |
		      (x->priv ? FRCD_HI_PRIV : 0);
	return hi;
}

void vtd_fault_record(struct vtd *v, const struct xlate *x)
{
	struct vtd_hw *hw = &v->hw;
	uint32_t fsts = reg32(&hw->regs, VTD_FSTS);
	uint32_t at = hw->fro + 16 * hw->next_fault;

	if ((fsts & FSTS_PFO) || is_recorded(hw, x->rid))
		return;
	if (reg64(&hw->regs, at + 8) & FRCD_HI_F) {
		hw->m.fault_overflows++;
		reg32_set(&hw->regs, VTD_FSTS, fsts | (uint32_t)FSTS_PFO);
		return;
	}
	reg64_set(&hw->regs, at, x->iova.a & GENMASK64(63, 12));
	reg64_set(&hw->regs, at + 8, record_of(x));
	if (!(fsts & FSTS_PPF)) {
		reg32_set(&hw->regs, VTD_FSTS, fsts & ~(uint32_t)FSTS_FRI);
		vtd_fault_status(v, (uint32_t)(FSTS_PPF | FIELD_PREP(FSTS_FRI, hw->next_fault)));
	}
	hw->next_fault = (hw->next_fault + 1) % hw->nfr;
}
