#include "tests/models/hand.h"

#include "base/bug.h"
#include "hw/mem.h"

#define FIRST_PAGE  UINT64_C(0x1000000)
#define QUEUE_BYTES 0x1000u

void hand_init(struct hand *h)
{
	*h = (struct hand){ .next = FIRST_PAGE };
	rig_init(&h->rig, rig_model("vtd"), 1);
	rig_set(&h->rig, "cap", HAND_CAP);
	rig_set(&h->rig, "ecap", HAND_ECAP);
	rig_set(&h->rig, "haw", HAND_HAW);
}

void hand_start(struct hand *h)
{
	/* The rig's own conf pointers moved with it if the caller copied the struct. */
	h->rig.machine_conf =
		(struct machine_conf){ &h->rig.cpu, &h->rig.cost, &h->rig.lock, &h->rig.mem };
	rig_start(&h->rig);
	h->root = hand_page(h);
	h->queue = hand_page(h);
}

void hand_stop(struct hand *h)
{
	rig_settle(&h->rig);
	rig_stop(&h->rig);
}

uint64_t hand_read(struct hand *h, uint32_t offset, unsigned bytes)
{
	return h->rig.ops->hw_mmio_read(h->rig.state, offset, bytes);
}

void hand_write(struct hand *h, uint32_t offset, unsigned bytes, uint64_t value)
{
	h->rig.ops->hw_mmio_write(h->rig.state, offset, bytes, value);
}

void hand_command(struct hand *h, uint64_t set, uint64_t clear)
{
	uint32_t bits = (h->gcmd | (uint32_t)set) & ~(uint32_t)clear;

	hand_write(h, REG_GCMD, 4, bits);
	h->gcmd = bits & ~(uint32_t)GCMD_SET_ROOT;
	h->queued = h->gcmd & GCMD_QUEUE;
	rig_settle(&h->rig);
}

void hand_on(struct hand *h)
{
	hand_write(h, REG_RTADDR, 8, h->root | h->mode);
	hand_command(h, GCMD_SET_ROOT, 0);
	hand_write(h, REG_IQT, 8, 0);
	hand_write(h, REG_IQA, 8, h->queue | (h->wide ? IQA_WIDE : 0));
	hand_command(h, GCMD_QUEUE, 0);
	hand_command(h, GCMD_ENABLE, 0);
}

uint64_t hand_page(struct hand *h)
{
	static const unsigned char zeros[PAGE_SIZE];
	uint64_t at = h->next;

	h->next += PAGE_SIZE;
	mem_write(h->rig.machine.mem, (hpa_t){ at }, zeros, sizeof(zeros));
	return at;
}

uint64_t hand_get(struct hand *h, uint64_t at)
{
	return mem_read64(h->rig.machine.mem, (hpa_t){ at });
}

void hand_put(struct hand *h, uint64_t at, uint64_t value)
{
	mem_write64(h->rig.machine.mem, (hpa_t){ at }, value);
}

uint64_t hand_context_at(struct hand *h, uint16_t bdf)
{
	uint64_t root = h->root + (uint64_t)(bdf >> 8) * 16;

	if (!(hand_get(h, root) & 1))
		hand_put(h, root, hand_page(h) | 1);
	return (hand_get(h, root) & ~UINT64_C(0xfff)) + (uint64_t)(bdf & 0xff) * 16;
}

void hand_context(struct hand *h, uint16_t bdf, uint64_t lo, uint64_t hi)
{
	uint64_t at = hand_context_at(h, bdf);

	hand_put(h, at, lo);
	hand_put(h, at + 8, hi);
}

uint64_t hand_entry_at(
	struct hand *h, uint64_t table, unsigned levels, uint64_t iova, unsigned level)
{
	for (unsigned l = levels;; l--) {
		uint64_t at = table + 8 * (iova >> (12 + 9 * (l - 1)) & 511);

		if (l == level)
			return at;
		if (!(hand_get(h, at) & PTE_RW))
			hand_put(h, at, hand_page(h) | PTE_RW);
		table = hand_get(h, at) & GENMASK64(51, 12);
	}
}

void hand_map(struct hand *h, uint64_t table, unsigned levels, uint64_t iova, unsigned level,
	uint64_t entry)
{
	hand_put(h, hand_entry_at(h, table, levels, iova, level), entry);
}

void hand_submit(struct hand *h, uint64_t lo, uint64_t hi)
{
	BUG_ON(!h->queued);
	hand_put(h, h->queue + h->tail, lo);
	hand_put(h, h->queue + h->tail + 8, hi);
	if (h->wide) {
		hand_put(h, h->queue + h->tail + 16, 0);
		hand_put(h, h->queue + h->tail + 24, 0);
	}
	h->tail = (h->tail + (h->wide ? 32 : 16)) % QUEUE_BYTES;
	hand_write(h, REG_IQT, 8, h->tail);
	rig_settle(&h->rig);
}

struct xlate hand_dma(struct hand *h, uint16_t bdf, uint64_t iova, bool write)
{
	return rig_access(&h->rig, bdf, iova, write);
}
