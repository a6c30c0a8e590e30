/*
 * The command processor: commands fetched from the buffer in memory and executed in order, in simulated
 * time. AMD IOMMU Specification, 48882: 2.4 "Commands"; 2.5.7, 2.5.8 what stops it.
 */
#include "models/amdvi/amdvi_cmd.h"

#include "hw/mem.h"

static bool completion_wait(struct cmdproc *q, const struct amdvi_command *c);
static bool devtab(struct cmdproc *q, const struct amdvi_command *c);
static bool pages(struct cmdproc *q, const struct amdvi_command *c);
static bool iotlb(struct cmdproc *q, const struct amdvi_command *c);
static bool interrupt_table(struct cmdproc *q, const struct amdvi_command *c);
static bool prefetch(struct cmdproc *q, const struct amdvi_command *c);
static bool complete_ppr(struct cmdproc *q, const struct amdvi_command *c);
static bool all(struct cmdproc *q, const struct amdvi_command *c);

/* What each command may have set in its words (anything else is reserved), and the feature that it
 * needs. */
static const struct {
	uint64_t lo, hi, efr;
	bool invalidates;
	/* False: a hardware error, reported; the processor stops. */
	bool (*execute)(struct cmdproc *q, const struct amdvi_command *c);
} commands[] = {
	[CMD_COMPLETION_WAIT] = { CMD_WAIT_S | CMD_WAIT_I | CMD_WAIT_F | CMD_WAIT_ADDR, UINT64_MAX,
		0, false, completion_wait },
	[CMD_INVALIDATE_DEVTAB_ENTRY] = { CMD_DEVICE, 0, 0, true, devtab },
	[CMD_INVALIDATE_IOMMU_PAGES] = { CMD_PAGES_PASID | CMD_PAGES_DOMAIN,
		CMD1_S | CMD1_PDE | CMD1_GN | CMD1_ADDR, 0, true, pages },
	[CMD_INVALIDATE_IOTLB_PAGES] = { CMD_DEVICE | CMD_IOTLB_PASID_LOW | CMD_IOTLB_MAXPEND |
						 CMD_IOTLB_QUEUE | CMD_IOTLB_PASID_HIGH,
		CMD1_S | CMD1_GN | CMD1_IOTLB_TYPE | CMD1_ADDR, 0, true, iotlb },
	[CMD_INVALIDATE_INTERRUPT_TABLE] = { CMD_DEVICE, 0, 0, true, interrupt_table },
	[CMD_PREFETCH_IOMMU_PAGES] = { CMD_DEVICE | CMD_PREF_PASID_LOW | CMD_PREF_COUNT |
					       CMD_PREF_PASID_HIGH,
		CMD1_S | CMD1_GN | CMD1_PREF_INVAL | CMD1_ADDR, EFR_PREF_SUP, false, prefetch },
	[CMD_COMPLETE_PPR_REQUEST] = { CMD_DEVICE | CMD_PPR_PASID,
		CMD1_GN | CMD1_PPR_TAG | CMD1_PPR_STATUS, EFR_PPR_SUP, false, complete_ppr },
	[CMD_INVALIDATE_IOMMU_ALL] = { 0, 0, EFR_IA_SUP, true, all },
};

/* ---- stopping: the head stays at the command ---- */

static void stop(struct amdvi *a, enum amdvi_event event, uint64_t flags, uint64_t address)
{
	struct regfile *rf = &a->hw.regs;

	a->hw.q.errors++;
	reg64_set(rf, AMDVI_STATUS, reg64(rf, AMDVI_STATUS) & ~STATUS_CMD_BUF_RUN);
	amdvi_event(a, FIELD_PREP(RING_CODE, event) | flags, address);
}

static void hardware_error(struct amdvi *a, uint64_t address)
{
	stop(a, EVENT_COMMAND_HW_ERROR, FIELD_PREP(EVENT_HW_TYPE, HW_MASTER_ABORT), address);
}

/* ---- commands ---- */

/* 2.4.1: everything before it is complete, for commands are executed one after another, and devices have
 * answered (or are given up); F, which holds back what follows, is so as well. */
static bool completion_wait(struct cmdproc *q, const struct amdvi_command *c)
{
	struct amdvi *a = q->a;
	struct mem *mem = a->env.machine->mem;
	hpa_t at = { c->lo & CMD_WAIT_ADDR };

	itags_wait(&a->hw.device_tlb, q->p);
	if (c->lo & CMD_WAIT_S) {
		if (!mem_exists(mem, at, 8)) {
			hardware_error(a, at.a);
			return false;
		}
		amdvi_cmd_spend(q, a->conf->completion_store);
		mem_write64(mem, at, c->hi);
	}
	if (c->lo & CMD_WAIT_I) {
		reg64_set(&a->hw.regs, AMDVI_STATUS,
			reg64(&a->hw.regs, AMDVI_STATUS) | STATUS_COM_WAIT_INT);
		if ((reg64(&a->hw.regs, AMDVI_CONTROL) & CTRL_COM_WAIT_INT) &&
			a->hw.event_interrupt)
			a->hw.event_interrupt(a->hw.interrupt_ctx);
	}
	a->hw.q.waits++;
	return true;
}

static bool devtab(struct cmdproc *q, const struct amdvi_command *c)
{
	amdvi_invalidate_devtab(q, c);
	return true;
}

static bool pages(struct cmdproc *q, const struct amdvi_command *c)
{
	amdvi_invalidate_pages(q, c);
	return true;
}

static bool iotlb(struct cmdproc *q, const struct amdvi_command *c)
{
	amdvi_invalidate_iotlb(q, c, q->command);
	return true;
}

/* Accepted and counted: interrupts are not remapped. */
static bool interrupt_table(struct cmdproc *q, const struct amdvi_command *c)
{
	(void)c;
	q->a->hw.q.interrupt_table++;
	return true;
}

static bool prefetch(struct cmdproc *q, const struct amdvi_command *c)
{
	amdvi_prefetch(q, c);
	return true;
}

static bool complete_ppr(struct cmdproc *q, const struct amdvi_command *c)
{
	amdvi_complete_ppr(q, c);
	return true;
}

static bool all(struct cmdproc *q, const struct amdvi_command *c)
{
	(void)c;
	amdvi_invalidate_all(q);
	return true;
}

/* ---- the buffer ---- */

static bool is_legal(const struct amdvi *a, unsigned code, const struct amdvi_command *c)
{
	return code < ARRAY_SIZE(commands) && commands[code].execute &&
	       !(c->lo & ~(commands[code].lo | RING_CODE)) && !(c->hi & ~commands[code].hi) &&
	       (a->conf->efr & commands[code].efr) == commands[code].efr;
}

static bool execute(struct cmdproc *q, const struct amdvi_command *c)
{
	struct amdvi_hw *hw = &q->a->hw;
	unsigned code = (unsigned)FIELD_GET(RING_CODE, c->lo);
	const struct amdvi_origin from = { .device = (uint16_t)FIELD_GET(CMD_DEVICE, c->lo) };

	amdvi_cmd_spend(q, q->a->conf->cmd_decode);
	if (!is_legal(q->a, code, c)) {
		stop(q->a, EVENT_ILLEGAL_COMMAND, 0, q->command);
		return false;
	}
	if (!commands[code].execute(q, c))
		return false;
	hw->q.commands++;
	AMDVI_COUNT(hw, cmd_processed, &from, 1);
	if (commands[code].invalidates)
		AMDVI_COUNT(hw, cmd_processed_inv, &from, 1);
	return true;
}

static uint64_t ring_size(const struct amdvi_hw *hw)
{
	uint64_t len = FIELD_GET(RING_LEN, reg64(&hw->regs, AMDVI_COM_BASE));

	return RING_ENTRY_BYTES * BIT64(len < RING_LEN_MIN ? RING_LEN_MIN : len);
}

static bool is_ready(const struct amdvi_hw *hw)
{
	uint64_t size = ring_size(hw);

	return (reg64(&hw->regs, AMDVI_STATUS) & STATUS_CMD_BUF_RUN) &&
	       reg64(&hw->regs, AMDVI_COM_HEAD) % size != reg64(&hw->regs, AMDVI_COM_TAIL) % size;
}

static void next_command(struct cmdproc *q)
{
	struct amdvi_hw *hw = &q->a->hw;
	struct mem *mem = q->a->env.machine->mem;
	uint64_t base = reg64(&hw->regs, AMDVI_COM_BASE) & RING_BASE, size = ring_size(hw);
	uint64_t head = reg64(&hw->regs, AMDVI_COM_HEAD) % size;
	uint64_t tail = reg64(&hw->regs, AMDVI_COM_TAIL) % size;
	struct amdvi_command c;

	if (!linefetch(&q->fetch, mem, q->p, base, head, tail, RING_ENTRY_BYTES)) {
		hardware_error(q->a, base + head);
		return;
	}
	c.lo = mem_read64(mem, (hpa_t){ base + head });
	c.hi = mem_read64(mem, (hpa_t){ base + head + 8 });
	q->command = base + head;
	if (execute(q, &c))
		reg64_set(&hw->regs, AMDVI_COM_HEAD, (head + RING_ENTRY_BYTES) % size);
	else
		linefetch_forget(&q->fetch);
}

static void cmd_main(struct proc *p, void *arg)
{
	struct amdvi *a = arg;
	struct amdvi_hw *hw = &a->hw;
	struct cmdproc q = { .a = a, .p = p };

	for (;;) {
		sim_time from = proc_now(p);

		if (!is_ready(hw)) {
			hw->busy = false;
			linefetch_forget(&q.fetch);
			proc_wait(p, &hw->doorbell);
			continue;
		}
		hw->busy = true;
		next_command(&q);
		hw->q.busy += proc_now(p) - from;
		probe_span(a->env.machine->probe,
			(struct probe_track){ PROBE_QUEUE, a, 0, "command buffer" }, "command",
			from, proc_now(p));
	}
}

void amdvi_cmd_start(struct amdvi *a)
{
	waitq_init(&a->hw.doorbell);
	waitq_init(&a->hw.prefetched);
	proc_spawn(a->env.machine->engine, "cmdproc", cmd_main, a, NULL);
}

void amdvi_cmd_ring(struct amdvi *a)
{
	waitq_wake_one(&a->hw.doorbell, engine_now(a->env.machine->engine));
}
