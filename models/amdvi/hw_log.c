/*
 * Event log and PPR log: rings in memory that the unit writes and software empties. AMD IOMMU
 * Specification, 48882: 2.5.1, 2.5.2 (event log restart), 2.6, 3.4.14 (status register). A log that
 * overflows stops running, and runs again when software has disabled and enabled it.
 */
#include "models/amdvi/amdvi.h"

#include "hw/mem.h"

const struct amdvi_log amdvi_event_log = { AMDVI_EVENT_BASE, AMDVI_EVENT_HEAD, AMDVI_EVENT_TAIL,
	CTRL_EVENT_LOG_EN, CTRL_EVENT_INT_EN, STATUS_EVENT_OVERFLOW, STATUS_EVENT_LOG_INT,
	STATUS_EVENT_LOG_RUN };
const struct amdvi_log amdvi_ppr_log = { AMDVI_PPR_BASE, AMDVI_PPR_HEAD, AMDVI_PPR_TAIL,
	CTRL_PPR_LOG_EN, CTRL_PPR_INT_EN, STATUS_PPR_OVERFLOW, STATUS_PPR_INT, STATUS_PPR_LOG_RUN };

static void set_status(struct amdvi *a, uint64_t set, uint64_t clear)
{
	struct regfile *rf = &a->hw.regs;

	reg64_set(rf, AMDVI_STATUS, (reg64(rf, AMDVI_STATUS) & ~clear) | set);
}

void amdvi_log_control(struct amdvi *a, const struct amdvi_log *log)
{
	uint64_t now = reg64(&a->hw.regs, AMDVI_CONTROL);
	bool was_on = a->hw.control & log->enable;

	if ((now & log->enable) && !was_on)
		set_status(a, log->run, 0);
	else if (!(now & log->enable))
		set_status(a, 0, log->run);
}

static void raise(struct amdvi *a, const struct amdvi_log *log, uint64_t why)
{
	set_status(a, why, 0);
	if ((reg64(&a->hw.regs, AMDVI_CONTROL) & log->interrupt_enable) && a->hw.event_interrupt)
		a->hw.event_interrupt(a->hw.interrupt_ctx);
}

static uint64_t ring_size(uint64_t base)
{
	uint64_t len = FIELD_GET(RING_LEN, base);

	return RING_ENTRY_BYTES * BIT64(len < RING_LEN_MIN ? RING_LEN_MIN : len);
}

bool amdvi_log_append(struct amdvi *a, const struct amdvi_log *log, uint64_t lo, uint64_t hi)
{
	struct regfile *rf = &a->hw.regs;
	struct mem *mem = a->env.machine->mem;
	uint64_t base = reg64(rf, log->base), size = ring_size(base);
	uint64_t head = reg64(rf, log->head) % size, tail = reg64(rf, log->tail) % size;
	uint64_t next = (tail + RING_ENTRY_BYTES) % size;
	hpa_t at = { (base & RING_BASE) + tail };

	if (!(reg64(rf, AMDVI_STATUS) & log->run) || (reg64(rf, AMDVI_STATUS) & log->overflow))
		return false;
	if (next == head) { /* one entry is always left free */
		set_status(a, 0, log->run);
		raise(a, log, log->overflow);
		return false;
	}
	if (mem_exists(mem, at, RING_ENTRY_BYTES)) {
		mem_write64(mem, at, lo);
		mem_write64(mem, (hpa_t){ at.a + 8 }, hi);
	}
	reg64_set(rf, log->tail, next);
	raise(a, log, log->interrupt);
	return true;
}

void amdvi_event(struct amdvi *a, uint64_t lo, uint64_t hi)
{
	if (amdvi_log_append(a, &amdvi_event_log, lo, hi))
		a->hw.m.events++;
	else
		a->hw.m.events_lost++;
}
