/* The fault interrupt's handler, as Linux 3.1 drivers/iommu/dmar.c:dmar_fault, with its log lines. */
#include "models/vtd/vtd.h"

#include <inttypes.h>

static void log_record(const struct vtd *v, uint64_t lo, uint64_t hi)
{
	uint64_t reason = FIELD_GET(FRCD_HI_FR, hi), sid = FIELD_GET(FRCD_HI_SID, hi);

	if (!v->env.fault_log)
		return;
	fprintf(v->env.fault_log,
		"DMAR:[%s] Request device [%02x:%02x.%u] fault addr %" PRIx64 " \n"
		"DMAR:[fault reason %02u] %s\n",
		hi & FRCD_HI_T ? "DMA Read" : "DMA Write", (unsigned)(sid >> 8),
		(unsigned)(sid >> 3 & 31), (unsigned)(sid & 7), lo, (unsigned)reason,
		vtd_fault_text((uint16_t)reason));
}

/* Until no record is left; records may come in while it reads. */
void vtd_drv_faults(void *state, struct proc *p)
{
	struct vtd *v = state;
	uint32_t fro = (uint32_t)FIELD_GET(CAP_FRO, v->conf->cap) * 16;
	unsigned nfr = (unsigned)FIELD_GET(CAP_NFR, v->conf->cap) + 1;
	uint64_t fsts = vtd_drv_read(v, p, VTD_FSTS, 4, CPU_irq);
	unsigned i = (unsigned)FIELD_GET(FSTS_FRI, fsts);

	while (fsts & FSTS_PPF) {
		uint64_t hi = vtd_drv_read(v, p, fro + 16 * i + 8, 8, CPU_irq);

		if (!(hi & FRCD_HI_F))
			break;
		log_record(v, vtd_drv_read(v, p, fro + 16 * i, 8, CPU_irq), hi);
		vtd_drv_write(v, p, fro + 16 * i + 8, 8, FRCD_HI_F, CPU_irq);
		v->drv.m.faults_reported++;
		i = (i + 1) % nfr;
	}
	fsts = vtd_drv_read(v, p, VTD_FSTS, 4, CPU_irq);
	if (fsts & FSTS_PFO) /* faults were lost meanwhile; none is recorded until it is cleared */
		vtd_drv_write(v, p, VTD_FSTS, 4, FSTS_PFO, CPU_irq);
}
