#include "hw/mem.h"
#include "tests/models/brute_sm_priv.h"

bool brute_get(const struct brute_walk *b, uint64_t at, uint64_t *v, unsigned words)
{
	if (!mem_exists(b->h->rig.machine.mem, (hpa_t){ at }, 8 * words))
		return false;
	for (unsigned i = 0; i < words; i++)
		v[i] = hand_get(b->h, at + 8 * i);
	return true;
}

/* ---- whose request it is: 3.4.3, 9.2, 9.4 to 9.6 ---- */

static unsigned context(struct brute_walk *b, const struct xlate *x, uint64_t *e)
{
	uint64_t root[2], half, lower = x->rid.bdf & 0x7f;

	if (!brute_get(b, b->h->root + 16 * (x->rid.bdf >> 8), root, 2))
		return 0x38;
	half = root[x->rid.bdf >> 7 & 1];
	if (!(half & 1))
		return 0x39;
	if ((half & 0xffe) || (half & b->too_high))
		return 0x3a;
	if (!brute_get(b, (half & ~UINT64_C(0xfff)) + 32 * lower, e, 4))
		return 0x40;
	b->r->recorded = !(e[0] & 2);
	if (!(e[0] & 1))
		return 0x41;
	if ((e[0] & 0x1e0) || e[1] >> 21 || e[2] || e[3] || (e[0] & b->too_high))
		return 0x42;
	return 0;
}

static bool is_programmed(const struct brute_walk *b)
{
	const uint64_t *e = b->pasid_entry;
	unsigned aw = e[0] >> 2 & 7, type = e[0] >> 6 & 7, mode = e[2] >> 2 & 3;
	bool width = aw < 4 && (b->cap >> (8 + aw) & 1);
	bool paging = mode == 0 || (mode == 1 && (b->cap & BIT64(60)));

	switch (type) {
	case 1:
		return paging && (b->ecap & BIT64(47));
	case 2:
		return width && (b->ecap & BIT64(46));
	case 3:
		return paging && width && (b->ecap & BIT64(26));
	case 4:
		return width && (b->ecap & BIT64(6));
	default:
		return false;
	}
}

static unsigned pasid_entry(
	struct brute_walk *b, const struct xlate *x, const uint64_t *c, uint64_t number)
{
	uint64_t directory, *e = b->pasid_entry;

	if (number >> 6 >= UINT64_C(128) << (c[0] >> 9 & 7))
		return x->has_pasid ? 0x46 : 0x48;
	if (!brute_get(b, (c[0] & ~UINT64_C(0xfff)) + 8 * (number >> 6), &directory, 1))
		return 0x50;
	b->r->recorded = b->r->recorded && !(directory & 2);
	if (!(directory & 1))
		return 0x51;
	if ((directory & 0xffc) || (directory & b->too_high))
		return 0x52;
	if (!brute_get(b, (directory & ~UINT64_C(0xfff)) + 64 * (number & 63), e, 8))
		return 0x58;
	b->r->recorded = b->r->recorded && !(e[0] & 2);
	if (!(e[0] & 1))
		return 0x59;
	if ((e[0] & 0xc00) || e[3] || e[4] || e[5] || e[6] || e[7] || ((e[0] | e[2]) & b->too_high))
		return 0x5a;
	return is_programmed(b) ? 0 : 0x5b;
}

unsigned brute_sm_source(struct brute_walk *b, const struct xlate *x)
{
	uint64_t c[4] = { 0 };
	unsigned fault = context(b, x, c), type;

	if (fault)
		return fault;
	if (x->at != XLATE_UNTRANSLATED && !(c[0] & BIT64(2)))
		return 0x44;
	if (x->has_pasid && !(c[0] & BIT64(3)))
		return 0x45;
	fault = pasid_entry(b, x, c,
		x->has_pasid          ? x->pasid
		: b->ecap & BIT64(49) ? c[1] & 0xfffff
				      : 0);
	if (fault)
		return fault;
	b->priv = x->has_pasid ? x->priv : c[1] >> 20 & 1;
	b->exec = x->has_pasid && x->exec;
	type = b->pasid_entry[0] >> 6 & 7;
	if (x->has_pasid && (type == 1 || type == 3)) {
		if (b->priv && !(b->pasid_entry[2] & BIT64(0)))
			return 0x5d;
		if (b->exec && !(b->pasid_entry[2] & BIT64(1)))
			return 0x5c;
	}
	return 0;
}
