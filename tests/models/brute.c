#include "tests/models/brute.h"

#include "hw/mem.h"

struct brute {
	struct hand *h;
	uint64_t cap, ecap;
	uint64_t too_high; /* address bits that this machine does not have */
};

static bool get(const struct brute *b, uint64_t at, uint64_t *v)
{
	if (!mem_exists(b->h->rig.machine.mem, (hpa_t){ at }, 8))
		return false;
	*v = hand_get(b->h, at);
	return true;
}

static struct brute_result refuse(unsigned fault, unsigned level)
{
	return (struct brute_result){ .fault = fault, .level = level };
}

/* 9.8: bits that must be zero in a present entry. */
static uint64_t must_be_zero(const struct brute *b, unsigned level, uint64_t entry)
{
	bool leaf = level == 1 || (entry >> 7 & 1);
	bool large_known = level == 2 ? b->cap >> 34 & 1 : level == 3 ? b->cap >> 35 & 1 : false;
	uint64_t zero = b->too_high;

	if (level > 1 && leaf && !large_known)
		return zero | BIT64(7);
	if (!leaf)
		return zero | BIT64(11) | BIT64(62);
	if (!(b->ecap >> 7 & 1))
		zero |= BIT64(11);
	if (!(b->ecap >> 2 & 1))
		zero |= BIT64(62);
	if (level == 2)
		zero |= 0x1ff000;
	if (level == 3)
		zero |= 0x3ffff000;
	return zero;
}

static struct brute_result walk_paging(
	const struct brute *b, uint64_t table, unsigned levels, uint64_t iova, bool write)
{
	uint64_t entry = 0, granted = 3;
	unsigned level = levels, lg2 = 0;
	uint64_t pa;

	for (;; level--) {
		lg2 = 12 + 9 * (level - 1);
		if (!get(b, table + 8 * (iova >> lg2 & 0x1ff), &entry))
			return refuse(level == levels ? 3 : 7, level);
		if ((entry & 3) == 0)
			return refuse(write ? 5 : 6, level);
		if (entry & must_be_zero(b, level, entry))
			return refuse(0xc, level);
		granted &= entry;
		if (level == 1 || (entry >> 7 & 1))
			break;
		table = entry & 0x000ffffffffff000;
	}
	if (!(granted & (write ? 2 : 1)))
		return refuse(write ? 5 : 6, level);
	pa = (entry & 0x000ffffffffff000) | (iova & (((uint64_t)1 << lg2) - 1));
	if (pa >> 20 == 0xfee)
		return refuse(0xe, level);
	return (struct brute_result){ .pa = pa, .page_lg2 = lg2, .level = level };
}

struct brute_result brute_walk(struct hand *h, uint16_t bdf, uint64_t iova, bool write)
{
	struct brute b = {
		.h = h, .cap = hand_read(h, REG_CAP, 8), .ecap = hand_read(h, REG_ECAP, 8)
	};
	unsigned have = (unsigned)rig_get(&h->rig, "haw"), bits, mgaw, type;
	uint64_t lo = 0, hi = 0, aw;

	b.too_high = ~(((uint64_t)1 << have) - 1) & 0x000ffffffffff000;
	if (!get(&b, h->root + 16 * (bdf >> 8), &lo) ||
		!get(&b, h->root + 16 * (bdf >> 8) + 8, &hi))
		return refuse(8, 0);
	if (!(lo & 1))
		return refuse(1, 0);
	if ((lo & 0xffe) || hi || lo >> have)
		return refuse(0xa, 0);
	lo = (lo & ~(uint64_t)0xfff) + 16 * (uint64_t)(bdf & 0xff);
	if (!get(&b, lo + 8, &hi) || !get(&b, lo, &lo))
		return refuse(9, 0);
	if (!(lo & 1))
		return refuse(2, 0);
	if ((lo & 0xff0) || (hi & ~(uint64_t)0xffff7f))
		return refuse(0xb, 0);
	type = lo >> 2 & 3;
	aw = hi & 7;
	if ((type == 1 && !(b.ecap >> 2 & 1)) || (type == 2 && !(b.ecap >> 6 & 1)) || type == 3)
		return refuse(3, 0);
	if (aw > 4 || !(b.cap >> (8 + aw) & 1)) /* pass-through: any width that is supported */
		return refuse(3, 0);
	if (type == 2)
		return (struct brute_result){ .pa = iova, .page_lg2 = 12 };
	if (lo >> have)
		return refuse(0xb, 0);
	bits = 30 + 9 * (unsigned)aw;
	mgaw = (b.cap >> 16 & 0x3f) + 1;
	if (iova >> (bits < mgaw ? bits : mgaw))
		return refuse(4, 0);
	return walk_paging(&b, lo & ~(uint64_t)0xfff, (unsigned)aw + 2, iova, write);
}
