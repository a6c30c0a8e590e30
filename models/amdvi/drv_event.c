/* The event interrupt's handler, as Linux drivers/iommu/amd/iommu.c: iommu_poll_events, with its log
 * lines, and amd_iommu_restart_event_logging. */
#include "models/amdvi/amdvi.h"

#include <inttypes.h>

#include "hw/mem.h"

#define EVENT_BUFFER_BYTES 8192u

static const char *name_of(unsigned code)
{
	static const char *const names[16] = {
#define AMDVI_EVENT_NAME_(id, code, name) [code] = name,
		AMDVI_EVENTS(AMDVI_EVENT_NAME_)
#undef AMDVI_EVENT_NAME_
	};

	return names[code];
}

static uint32_t pasid_of(uint64_t lo)
{
	return (uint32_t)(FIELD_GET(EVENT_PASID_HIGH, lo) << 16 | FIELD_GET(EVENT_DOMAIN, lo));
}

static void log_event(const struct amdvi *a, uint64_t lo, uint64_t hi)
{
	unsigned code = (unsigned)FIELD_GET(RING_CODE, lo);
	unsigned device = (unsigned)FIELD_GET(EVENT_DEVICE, lo);
	unsigned flags = (unsigned)FIELD_GET(EVENT_FLAGS, lo);
	FILE *out = a->env.fault_log;

	if (!out)
		return;
	if (!name_of(code)) {
		fprintf(out,
			"AMD-Vi: Event logged [UNKNOWN event[0]=0x%016" PRIx64
			" event[1]=0x%016" PRIx64 "\n",
			lo, hi);
		return;
	}
	fprintf(out, "AMD-Vi: Event logged [%s", name_of(code));
	if (code != EVENT_ILLEGAL_COMMAND && code != EVENT_COMMAND_HW_ERROR)
		fprintf(out, " device=0000:%02x:%02x.%x", device >> 8, device >> 3 & 31,
			device & 7);
	if (code == EVENT_IO_PAGE_FAULT)
		fprintf(out, " domain=0x%04x", (unsigned)FIELD_GET(EVENT_DOMAIN, lo));
	else if (code == EVENT_ILLEGAL_DTE || code == EVENT_PAGE_TAB_HW_ERROR ||
		 code == EVENT_INVALID_DEVICE_REQUEST || code == EVENT_INVALID_PPR_REQUEST)
		fprintf(out, " pasid=0x%05x", pasid_of(lo));
	fprintf(out, " address=0x%" PRIx64, hi);
	if (code != EVENT_ILLEGAL_COMMAND && code != EVENT_IOTLB_INV_TIMEOUT)
		fprintf(out, " flags=0x%04x", flags);
	fputs("]\n", out);
}

/* No event is logged from the overflow on, until the log was disabled and enabled again. */
static void restart_log(struct amdvi *a, struct proc *p)
{
	uint64_t control = amdvi_drv_read(a, p, AMDVI_CONTROL, 8, CPU_irq);

	amdvi_drv_write(a, p, AMDVI_CONTROL, 8, control & ~CTRL_EVENT_LOG_EN, CPU_irq);
	amdvi_drv_write(a, p, AMDVI_STATUS, 8, STATUS_EVENT_OVERFLOW, CPU_irq);
	amdvi_drv_write(a, p, AMDVI_CONTROL, 8, control | CTRL_EVENT_LOG_EN, CPU_irq);
}

/* Until no event is left; events may come in while it reads. */
void amdvi_drv_faults(void *state, struct proc *p)
{
	struct amdvi *a = state;
	struct mem *mem = a->env.machine->mem;
	uint64_t head, tail;

	amdvi_drv_write(a, p, AMDVI_STATUS, 8, STATUS_EVENT_LOG_INT, CPU_irq);
	head = amdvi_drv_read(a, p, AMDVI_EVENT_HEAD, 8, CPU_irq);
	tail = amdvi_drv_read(a, p, AMDVI_EVENT_TAIL, 8, CPU_irq);
	while (head != tail) {
		hpa_t at = { a->drv.events.a + head };

		log_event(a, mem_read64(mem, at), mem_read64(mem, (hpa_t){ at.a + 8 }));
		a->drv.m.events_reported++;
		head = (head + RING_ENTRY_BYTES) % EVENT_BUFFER_BYTES;
		amdvi_drv_write(a, p, AMDVI_EVENT_HEAD, 8, head, CPU_irq);
		tail = amdvi_drv_read(a, p, AMDVI_EVENT_TAIL, 8, CPU_irq);
	}
	if (amdvi_drv_read(a, p, AMDVI_STATUS, 8, CPU_irq) & STATUS_EVENT_OVERFLOW)
		restart_log(a, p);
}
