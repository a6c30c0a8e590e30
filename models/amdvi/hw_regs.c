/* Register accesses and what they set off. AMD IOMMU Specification, 48882, section 3.4. */
#include "models/amdvi/amdvi.h"

#define REG(name, writable, w1c)                                                                   \
	{                                                                                          \
#name, AMDVI_##name, 8, writable, w1c                                              \
	}

#define RING_REG      (RING_BASE | RING_LEN)
#define CTRL_WRITABLE (GENMASK64(16, 0) | CTRL_GD_UPDATE_DIS | CTRL_GA_UPDATE_DIS)

static const struct reg_desc regs[] = {
	REG(DEV_TAB_BASE, DEV_TAB_BASE | DEV_TAB_SIZE, 0),
	REG(COM_BASE, RING_REG, 0),
	REG(EVENT_BASE, RING_REG, 0),
	REG(CONTROL, CTRL_WRITABLE, 0),
	REG(EXCL_BASE, EXCL_EX_EN | EXCL_ALLOW | EXCL_ADDR, 0),
	REG(EXCL_LIMIT, EXCL_ADDR, 0),
	REG(EFR, 0, 0),
	REG(PPR_BASE, RING_REG, 0),
	REG(COM_HEAD, RING_PTR, 0),
	REG(COM_TAIL, RING_PTR, 0),
	REG(EVENT_HEAD, RING_PTR, 0),
	REG(EVENT_TAIL, RING_PTR, 0),
	REG(STATUS, 0, STATUS_W1C),
	REG(PPR_HEAD, RING_PTR, 0),
	REG(PPR_TAIL, RING_PTR, 0),
};

static void init_caches(struct amdvi *a)
{
	struct amdvi_hw *hw = &a->hw;
	struct engine *e = a->env.machine->engine;
	const struct amdvi_conf *c = a->conf;
	const struct tagcache_conf dtc = { c->dte_entries, 0, TAGCACHE_LRU, WINDOW_WALK_CACHE };
	const struct tagcache_conf ptc = { c->ptc_entries, c->ptc_ways,
		(enum tagcache_replace)c->ptc_replace, WINDOW_IOTLB };
	const uint32_t pdc[AMDVI_PDC_LEVELS] = { c->pdc2_entries, c->pdc3_entries, c->pdc4_entries,
		c->pdc5_entries, c->pdc6_entries };

	tagcache_init(&hw->dtc, &dtc, e, a->env.windows,
		metric_scope_child(a->env.scope, "device_table_cache"));
	tagcache_init(&hw->ptc, &ptc, e, a->env.windows,
		metric_scope_child(a->env.scope, "page_table_cache"));
	for (unsigned i = 0; i < AMDVI_PDC_LEVELS; i++) {
		const struct tagcache_conf tc = { pdc[i], 0, TAGCACHE_LRU, WINDOW_WALK_CACHE };

		tagcache_init(&hw->pdc[i], &tc, e, a->env.windows,
			metric_scope_child(a->env.scope, "page_directory_cache%u", i + 2));
	}
}

void amdvi_hw_init(struct amdvi *a)
{
	struct amdvi_hw *hw = &a->hw;

	regfile_init(&hw->regs, AMDVI_REGS_SIZE);
	for (size_t i = 0; i < ARRAY_SIZE(regs); i++)
		regfile_add(&hw->regs, &regs[i], regs[i].offset == AMDVI_EFR ? a->conf->efr : 0);
	spaces_init(&hw->spaces, AMDVI_SPACES);
	init_caches(a);
	hw->walkers = walkers_create(a->env.machine, a->conf->walkers, &amdvi_walker_ops, a,
		a->env.windows, metric_scope_child(a->env.scope, "walkers"));
	amdvi_ats_init(a);
	amdvi_cmd_start(a);
}

void amdvi_hw_fini(struct amdvi *a)
{
	struct amdvi_hw *hw = &a->hw;

	amdvi_ats_fini(a);
	walkers_destroy(hw->walkers);
	for (unsigned i = 0; i < AMDVI_PDC_LEVELS; i++)
		tagcache_fini(&hw->pdc[i]);
	tagcache_fini(&hw->ptc);
	tagcache_fini(&hw->dtc);
	spaces_fini(&hw->spaces);
	regfile_fini(&hw->regs);
}

void amdvi_hw_print_registers(const struct amdvi *a, FILE *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(regs); i++)
		fprintf(out, "%-12s 0x%04x  0x%016llx\n", regs[i].name, regs[i].offset,
			(unsigned long long)reg64(&a->hw.regs, regs[i].offset));
}

static bool is_counter(const struct amdvi *a, uint32_t offset)
{
	return offset >= AMDVI_REGS_SIZE && (a->conf->efr & EFR_PC_SUP);
}

uint64_t amdvi_mmio_read(struct amdvi *a, uint32_t offset, unsigned bytes)
{
	if (is_counter(a, offset))
		return amdvi_counter_read(&a->hw.counters, offset, bytes);
	return regfile_read(&a->hw.regs, offset, bytes);
}

/* The command buffer runs while it is enabled and nothing has stopped it; after an error it takes up
 * again when it has been disabled and enabled. */
static void command_control(struct amdvi *a, uint64_t now)
{
	struct regfile *rf = &a->hw.regs;
	const uint64_t on = CTRL_CMD_BUF_EN | CTRL_IOMMU_EN;
	uint64_t status = reg64(rf, AMDVI_STATUS);

	if ((now & on) != on)
		reg64_set(rf, AMDVI_STATUS, status & ~STATUS_CMD_BUF_RUN);
	else if ((a->hw.control & on) != on)
		reg64_set(rf, AMDVI_STATUS, status | STATUS_CMD_BUF_RUN);
}

static void control_written(struct amdvi *a)
{
	uint64_t now = reg64(&a->hw.regs, AMDVI_CONTROL);

	command_control(a, now);
	amdvi_log_control(a, &amdvi_event_log);
	amdvi_log_control(a, &amdvi_ppr_log);
	a->hw.control = now;
	amdvi_cmd_ring(a);
}

/* 3.4.1: writing a buffer's base register resets its head and tail. */
static void base_written(struct amdvi *a, uint32_t offset, unsigned bytes)
{
	static const struct {
		uint32_t base, head, tail;
	} rings[] = { { AMDVI_COM_BASE, AMDVI_COM_HEAD, AMDVI_COM_TAIL },
		{ AMDVI_EVENT_BASE, AMDVI_EVENT_HEAD, AMDVI_EVENT_TAIL },
		{ AMDVI_PPR_BASE, AMDVI_PPR_HEAD, AMDVI_PPR_TAIL } };

	for (size_t i = 0; i < ARRAY_SIZE(rings); i++)
		if (offset < rings[i].base + 8 && offset + bytes > rings[i].base) {
			reg64_set(&a->hw.regs, rings[i].head, 0);
			reg64_set(&a->hw.regs, rings[i].tail, 0);
		}
}

void amdvi_mmio_write(struct amdvi *a, uint32_t offset, unsigned bytes, uint64_t value)
{
	struct amdvi_hw *hw = &a->hw;

	if (is_counter(a, offset)) {
		amdvi_counter_write(&hw->counters, offset, bytes, value);
		return;
	}
	regfile_write(&hw->regs, offset, bytes, value);
	base_written(a, offset, bytes);
	if (offset < AMDVI_CONTROL + 8 && offset + bytes > AMDVI_CONTROL)
		control_written(a);
	if (reg_touches(offset, bytes, AMDVI_COM_TAIL)) {
		uint64_t tail = reg64(&hw->regs, AMDVI_COM_TAIL);

		hist_add(&hw->q.depth,
			(tail - reg64(&hw->regs, AMDVI_COM_HEAD)) / RING_ENTRY_BYTES % BIT64(15));
		amdvi_cmd_ring(a);
	}
}
