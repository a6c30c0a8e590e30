#include "tests/models/brute_sm.h"

#include "base/bug.h"
#include "hw/mem.h"

#define ADDRESS UINT64_C(0x000ffffffffff000)

/* What the tables say of the request. */
struct brute_walk {
	struct hand *h;
	uint64_t cap, ecap, too_high;
	bool write, priv, exec;
	uint64_t pasid_entry[8];
	struct brute_sm *r;
};

static bool get(const struct brute_walk *b, uint64_t at, uint64_t *v, unsigned words)
{
	if (!mem_exists(b->h->rig.machine.mem, (hpa_t){ at }, 8 * words))
		return false;
	for (unsigned i = 0; i < words; i++)
		v[i] = hand_get(b->h, at + 8 * i);
	return true;
}

/* A paging entry, as this walk has left it; its place in the answer's list. */
static unsigned look(struct brute_walk *b, uint64_t at, uint64_t *v)
{
	struct brute_sm *r = b->r;
	unsigned i;

	for (i = 0; i < r->n && r->entry[i].at != at; i++)
		;
	BUG_ON(i == BRUTE_ENTRIES);
	if (i == r->n) {
		r->entry[r->n].at = at;
		r->entry[r->n++].before = *v;
	}
	*v |= r->entry[i].set;
	return i;
}

/* ---- second stage: 3.7, 9.8 ---- */

struct second {
	bool r, w;
	uint64_t pa;
	unsigned lg2;
};

static bool second_reserved(const struct brute_walk *b, unsigned level, uint64_t e)
{
	bool page = level == 1 || (e & BIT64(7));

	if (e & b->too_high & ADDRESS)
		return true;
	if ((e & BIT64(11)) && !(page && (b->ecap & BIT64(7))))
		return true;
	if ((e & BIT64(62)) && !(page && (b->ecap & BIT64(2))))
		return true;
	if (level == 1 || !page)
		return false;
	if (level > 3 || !(b->cap & BIT64(32 + level)))
		return true;
	return e & (level == 2 ? UINT64_C(0x1ff000) : UINT64_C(0x3ffff000));
}

/* `used`: the access is made if the rights allow it, so it leaves its mark on the page's entry. */
static unsigned second(
	struct brute_walk *b, uint64_t address, bool write, bool used, struct second *s)
{
	unsigned aw = b->pasid_entry[0] >> 2 & 7, levels = aw + 2, mgaw = (b->cap >> 16 & 63) + 1;
	unsigned width = 30 + 9 * aw < mgaw ? 30 + 9 * aw : mgaw;
	bool ad = (b->pasid_entry[0] & BIT64(9)) && (b->ecap & BIT64(45));
	uint64_t table = b->pasid_entry[0] & ~UINT64_C(0xfff), e;

	*s = (struct second){ .r = true, .w = true };
	if (address >> width)
		return 0x83;
	for (unsigned level = levels;; level--) {
		uint64_t at = table + 8 * (address >> (3 + 9 * level) & 511);
		unsigned i;

		if (!get(b, at, &e, 1))
			return level == levels ? 0x7b : 0x78;
		i = look(b, at, &e);
		if (!(e & 3)) {
			s->r = s->w = false;
			return 0;
		}
		if (second_reserved(b, level, e))
			return 0x7a;
		s->r = s->r && (e & 1);
		s->w = s->w && (e & 2);
		if (level == 1 || (e & BIT64(7))) {
			s->lg2 = 3 + 9 * level;
			s->pa = (e & ADDRESS) | (address & (BIT64(s->lg2) - 1));
			if (ad && used && (write ? s->w : s->r))
				b->r->entry[i].set |= BIT64(8) | (write ? BIT64(9) : 0);
			return 0;
		}
		if (ad)
			b->r->entry[i].set |= BIT64(8);
		table = e & ADDRESS;
	}
}

/* ---- first stage and nested: 3.6, 3.8, 9.7 ---- */

static bool is_nested(const struct brute_walk *b)
{
	return (b->pasid_entry[0] >> 6 & 7) == 3;
}

/* A first-stage entry at guest address *at is read, or has bits set. */
static unsigned table_access(struct brute_walk *b, uint64_t *at, bool write, bool top)
{
	struct second s;
	unsigned fault;

	if (!is_nested(b))
		return 0;
	fault = second(b, *at, write, true, &s);
	*at = s.pa;
	if (fault)
		return fault == 0x83 ? 0x74 : fault;
	if (!s.r)
		return top ? 0x75 : 0x76;
	return write && !s.w ? 0x77 : 0;
}

static bool first_reserved(const struct brute_walk *b, unsigned level, uint64_t e)
{
	bool large = level > 1 && (e & BIT64(7));

	if ((e & BIT64(63)) && !(b->pasid_entry[2] & BIT64(5)))
		return true;
	if (e & b->too_high & ADDRESS)
		return true;
	if (!large)
		return false;
	if (level > 3 || (level == 3 && !(b->cap & BIT64(56))))
		return true;
	return e & (level == 2 ? UINT64_C(0x1fe000) : UINT64_C(0x3fffe000));
}

struct first {
	bool w, u, x;
};

static unsigned first_refuses(const struct brute_walk *b, const struct first *f)
{
	uint64_t flags = b->pasid_entry[2];

	if (!f->u && !b->priv)
		return 0x81;
	if (b->exec && (!f->x || (b->priv && f->u && (flags & BIT64(6)))))
		return 0x82;
	if (b->write && !f->w && (!b->priv || (flags & BIT64(4))))
		return 0x85;
	return 0;
}

/* Accessed, dirty and extended-accessed bits. */
static unsigned mark(
	struct brute_walk *b, unsigned i, uint64_t e, uint64_t guest, bool dirty, bool top)
{
	uint64_t set =
		BIT64(5) | (dirty ? BIT64(6) : 0) | (b->pasid_entry[2] & BIT64(7) ? BIT64(10) : 0);
	unsigned fault;

	if ((e & set) == set)
		return 0;
	fault = table_access(b, &guest, true, top);
	if (!fault)
		b->r->entry[i].set |= set;
	return fault;
}

/* The page itself, at a guest address if nested. */
static unsigned page(struct brute_walk *b, uint64_t address, unsigned lg2, unsigned first_fault)
{
	struct second s = { .r = true, .w = true, .pa = address, .lg2 = lg2 };
	unsigned fault;

	if (is_nested(b)) {
		fault = second(b, address, b->write, !first_fault, &s);
		if (fault)
			return fault;
	}
	if (first_fault)
		return first_fault;
	if (!(b->write ? s.w : s.r))
		return b->write ? 0x85 : 0x86;
	b->r->pa = s.pa;
	b->r->page_lg2 = s.lg2 < lg2 ? s.lg2 : lg2;
	return 0;
}

static unsigned first(struct brute_walk *b, uint64_t iova)
{
	unsigned levels = b->pasid_entry[2] >> 2 & 3 ? 5 : 4, shift = 64 - (12 + 9 * levels);
	struct first f = { true, true, true };
	uint64_t table = b->pasid_entry[2] & ~UINT64_C(0xfff), e;

	if ((uint64_t)((int64_t)(iova << shift) >> shift) != iova)
		return 0x80;
	for (unsigned level = levels;; level--) {
		uint64_t guest = table + 8 * (iova >> (3 + 9 * level) & 511), at = guest;
		unsigned fault = table_access(b, &at, false, level == levels), i;
		uint64_t offset = BIT64(3 + 9 * level) - 1;

		if (fault)
			return fault;
		if (!get(b, at, &e, 1))
			return level == levels ? 0x73 : 0x70;
		i = look(b, at, &e);
		if (!(e & 1))
			return 0x71;
		if (first_reserved(b, level, e))
			return 0x72;
		f.w = f.w && (e & BIT64(1));
		f.u = f.u && (e & BIT64(2));
		f.x = f.x && !(e & BIT64(63));
		if (level == 1 || (e & BIT64(7))) {
			unsigned refused = first_refuses(b, &f);

			if (!refused)
				fault = mark(b, i, e, guest, b->write, level == levels);
			return fault ? fault
				     : page(b, (e & ADDRESS & ~offset) | (iova & offset),
					       3 + 9 * level, refused);
		}
		fault = mark(b, i, e, guest, false, level == levels);
		if (fault)
			return fault;
		table = e & ADDRESS;
	}
}

/* ---- whose request it is: 3.4.3, 9.2, 9.4 to 9.6 ---- */

static unsigned context(struct brute_walk *b, const struct xlate *x, uint64_t *e)
{
	uint64_t root[2], half, lower = x->rid.bdf & 0x7f;

	if (!get(b, b->h->root + 16 * (x->rid.bdf >> 8), root, 2))
		return 0x38;
	half = root[x->rid.bdf >> 7 & 1];
	if (!(half & 1))
		return 0x39;
	if ((half & 0xffe) || (half & b->too_high))
		return 0x3a;
	if (!get(b, (half & ~UINT64_C(0xfff)) + 32 * lower, e, 4))
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
	if (!get(b, (c[0] & ~UINT64_C(0xfff)) + 8 * (number >> 6), &directory, 1))
		return 0x50;
	b->r->recorded = b->r->recorded && !(directory & 2);
	if (!(directory & 1))
		return 0x51;
	if ((directory & 0xffc) || (directory & b->too_high))
		return 0x52;
	if (!get(b, (directory & ~UINT64_C(0xfff)) + 64 * (number & 63), e, 8))
		return 0x58;
	b->r->recorded = b->r->recorded && !(e[0] & 2);
	if (!(e[0] & 1))
		return 0x59;
	if ((e[0] & 0xc00) || e[3] || e[4] || e[5] || e[6] || e[7] || ((e[0] | e[2]) & b->too_high))
		return 0x5a;
	return is_programmed(b) ? 0 : 0x5b;
}

static unsigned source(struct brute_walk *b, const struct xlate *x)
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

static unsigned translate(struct brute_walk *b, uint64_t iova)
{
	struct second s;
	unsigned fault;

	switch (b->pasid_entry[0] >> 6 & 7) {
	case 4:
		b->r->pa = iova;
		b->r->page_lg2 = 12;
		return 0;
	case 2:
		fault = second(b, iova, b->write, true, &s);
		if (!fault && !(b->write ? s.w : s.r))
			fault = b->write ? 0x85 : 0x86;
		b->r->pa = s.pa;
		b->r->page_lg2 = s.lg2;
		break;
	default:
		fault = first(b, iova);
	}
	return !fault && b->r->pa >> 20 == 0xfee ? 0x87 : fault;
}

struct brute_sm brute_sm_walk(struct hand *h, const struct xlate *x)
{
	struct brute_sm r = { .recorded = true };
	struct brute_walk b = { .h = h,
		.cap = hand_read(h, REG_CAP, 8),
		.ecap = hand_read(h, REG_ECAP, 8),
		.too_high = ~(BIT64(rig_get(&h->rig, "haw")) - 1),
		.write = x->write,
		.r = &r };

	r.fault = source(&b, x);
	if (!r.fault)
		r.fault = translate(&b, x->iova.a);
	return r;
}
