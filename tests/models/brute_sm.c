#include "tests/models/brute_sm_priv.h"

#include "base/bug.h"

#define ADDRESS UINT64_C(0x000ffffffffff000)

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
	bool clean; /* a write would have to set the dirty bit */
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

		if (!brute_get(b, at, &e, 1))
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
			s->clean = ad && !(e & BIT64(9));
			if (ad && used && ((write && s->w) || ((b->any || !write) && s->r)))
				b->r->entry[i].set |= BIT64(8) | (write && s->w ? BIT64(9) : 0);
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

static unsigned first_refuses(const struct brute_walk *b, const struct first *f, bool write)
{
	uint64_t flags = b->pasid_entry[2];

	if (!f->u && !b->priv)
		return 0x81;
	if (b->exec && (!f->x || (b->priv && f->u && (flags & BIT64(6)))))
		return 0x82;
	if (write && !f->w && (!b->priv || (flags & BIT64(4))))
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

static void rights(struct brute_walk *b, bool r, bool w, bool clean)
{
	b->r->may_read = r;
	b->r->may_write = w && (b->write || !clean);
}

/* What the first stage says of reads and of writes (0: nothing against it). */
struct refusals {
	unsigned read, write;
	bool clean;
};

/* The page itself, at a guest address if nested. */
static unsigned page(
	struct brute_walk *b, uint64_t address, unsigned lg2, const struct refusals *first)
{
	struct second s = { .r = true, .w = true, .pa = address, .lg2 = lg2 };
	unsigned refused = b->write ? first->write : first->read, fault;

	if (b->any && !(first->read && first->write))
		refused = 0;
	if (is_nested(b)) {
		fault = second(b, address, b->write, !refused, &s);
		if (fault)
			return fault;
	}
	if (refused)
		return refused;
	rights(b, !first->read && s.r, !first->write && s.w, first->clean || s.clean);
	if (!b->any && !(b->write ? s.w : s.r))
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
		if (!brute_get(b, at, &e, 1))
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
			struct refusals no = { first_refuses(b, &f, false),
				first_refuses(b, &f, true), !(e & BIT64(6)) };
			bool writes = b->write && !no.write;

			if (writes || (!no.read && !b->write) || (b->any && !(no.read && no.write)))
				fault = mark(b, i, e, guest, writes, level == levels);
			return fault ? fault
				     : page(b, (e & ADDRESS & ~offset) | (iova & offset),
					       3 + 9 * level, &no);
		}
		fault = mark(b, i, e, guest, false, level == levels);
		if (fault)
			return fault;
		table = e & ADDRESS;
	}
}

static unsigned translate(struct brute_walk *b, uint64_t iova)
{
	struct second s;
	unsigned fault;

	switch (b->pasid_entry[0] >> 6 & 7) {
	case 4:
		b->r->pa = iova;
		b->r->page_lg2 = 12;
		rights(b, true, true, false);
		return 0;
	case 2:
		fault = second(b, iova, b->write, true, &s);
		if (!fault)
			rights(b, s.r, s.w, s.clean);
		if (!fault && (b->any ? !s.r && !s.w : !(b->write ? s.w : s.r)))
			fault = b->write ? 0x85 : 0x86;
		b->r->pa = s.pa;
		b->r->page_lg2 = s.lg2;
		break;
	default:
		fault = first(b, iova);
	}
	return !fault && b->r->pa >> 20 == 0xfee ? 0x87 : fault;
}

/* What a device is told as "no right" and nobody else is told at all. */
static bool is_recoverable(unsigned fault)
{
	static const unsigned codes[] = { 0x71, 0x74, 0x75, 0x76, 0x77, 0x80, 0x81, 0x82, 0x83,
		0x85, 0x86, 0x87 };

	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		if (codes[i] == fault)
			return true;
	return false;
}

struct brute_sm brute_sm_walk(struct hand *h, const struct xlate *x)
{
	struct brute_sm r = { .recorded = true };
	struct brute_walk b = { .h = h,
		.cap = hand_read(h, REG_CAP, 8),
		.ecap = hand_read(h, REG_ECAP, 8),
		.too_high = ~(BIT64(rig_get(&h->rig, "haw")) - 1),
		.write = x->write,
		.any = x->at == XLATE_TRANSLATION_REQUEST,
		.r = &r };

	r.fault = brute_sm_source(&b, x);
	if (r.fault)
		return r;
	if (x->at == XLATE_TRANSLATED) { /* the device has done it */
		r.fault = x->iova.a >> 20 == 0xfee ? 0x87 : 0;
		r.pa = x->iova.a;
		r.page_lg2 = 12;
		return r;
	}
	r.fault = translate(&b, x->iova.a);
	if (b.any && is_recoverable(r.fault)) {
		r.fault = 0;
		r.may_read = r.may_write = false;
		r.pa = 0;
	}
	return r;
}
