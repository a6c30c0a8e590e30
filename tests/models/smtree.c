#include "tests/models/smgen.h"

#include "base/bug.h"

#define FS_PAGE BIT64(7) /* PS, in both stages */
#define MAMV    18u

static unsigned lg2_of(unsigned level)
{
	return 12 + 9 * (level - 1);
}

/* ---- shape ---- */

/* How many indices are in use: enough guest pages for the tables of a nested first stage. */
static void choose_indices(struct smgen *g, struct sm_tree *t)
{
	static const unsigned indices[SM_CHILDREN] = { 0, 511, 5 };

	for (unsigned level = 1; level <= t->levels; level++) {
		bool low = level <= 3;

		t->width[level] = t->first ? 2 : low ? 3 : 2;
		if ((t->first && level == 5) || (g->mode == SM_NESTED && !t->first && !low))
			t->width[level] = 1;
		for (unsigned i = 0; i < SM_CHILDREN; i++)
			t->index[level][i] = indices[i];
	}
	if (t->first && t->levels == 5 && sm_chance(g, 50))
		t->index[5][0] = 511;
}

static uint64_t sign_extend(const struct sm_tree *t, uint64_t address)
{
	unsigned shift = 64 - lg2_of(t->levels + 1);

	return t->first ? (uint64_t)((int64_t)(address << shift) >> shift) : address;
}

uint64_t sm_address(struct smgen *g, const struct sm_tree *t)
{
	uint64_t a = rng_below(&g->rng, 1024) * 4;

	for (unsigned level = 1; level <= t->levels; level++)
		a |= (uint64_t)t->index[level][rng_below(&g->rng, t->width[level])]
		     << lg2_of(level);
	a = sign_extend(t, a);
	if (sm_chance(g, 2)) /* too wide, or not canonical */
		a ^= BIT64(lg2_of(t->levels) + 9 + rng_below(&g->rng, 52 - 9 * t->levels));
	return a;
}

static unsigned shape(struct smgen *g, struct sm_tree *t, unsigned level, uint64_t base)
{
	unsigned at = t->n++;
	struct sm_table *table = &t->t[at];

	BUG_ON(at == SM_TABLES);
	*table = (struct sm_table){ .host = hand_page(&g->h), .base = base, .level = level };
	table->guest = table->host;
	for (unsigned i = 0; level > 1 && i < t->width[level]; i++) {
		uint64_t below = base | (uint64_t)t->index[level][i] << lg2_of(level);
		unsigned child = shape(g, t, level - 1, below);

		t->t[at].child[i] = child;
	}
	return at;
}

/* ---- entries ---- */

static uint64_t spoil(struct smgen *g, const struct sm_tree *t, uint64_t entry, unsigned level)
{
	struct rng *r = &g->rng;

	switch (rng_below(r, 8)) {
	case 0: /* beyond the machine, or beyond the second stage's width */
		return entry | BIT64((g->mode == SM_NESTED ? 39 : 40) + rng_below(r, 12));
	case 1:
		return t->first ? entry | BIT64(63) : entry | BIT64(11);
	case 2:
		return t->first ? entry & ~BIT64(0) : entry | BIT64(62);
	case 3:
		return entry | FS_PAGE;
	case 4: /* misaligns a large page; a pointer must not lead to another table: trees stay trees */
		if (entry & FS_PAGE)
			return entry | BIT64(12 + rng_below(r, 9 * level));
		return g->mode == SM_NESTED && t->first ? entry | BIT64(39) : entry;
	case 5:
		return entry | BIT64(52 + rng_below(r, 7)) | (t->first ? 0x318 : 0x47c);
	default:
		return (entry & ~GENMASK64(51, 12)) | (UINT64_C(13) << 30);
	}
}

static uint64_t random_rights(struct smgen *g, const struct sm_space *s, const struct sm_tree *t)
{
	static const uint8_t second[] = { 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 1, 2, 0 };
	uint64_t marks = rng_u64(&g->rng);

	if (!t->first && g->mode == SM_NESTED && sm_chance(g, 80))
		return 3 | (marks & 0x300);
	if (!t->first)
		return second[rng_below(&g->rng, sizeof(second))] | (marks & 0x300);
	return 1u | (sm_chance(g, 88) ? 2u : 0) | (sm_chance(g, 88) ? 4u : 0) | (marks & 0x460) |
	       (s->nxe && sm_chance(g, 10) ? BIT64(63) : UINT64_C(0));
}

/* Where a page of this tree lies. */
static uint64_t random_page(struct smgen *g, const struct sm_space *s, const struct sm_tree *t,
	const struct sm_table *table, uint64_t address)
{
	uint64_t page = rng_below(&g->rng, UINT64_C(12) << 30);

	if (sm_chance(g, 4))
		page = UINT64_C(0xfee00000) + rng_below(&g->rng, BIT64(20));
	if (g->mode == SM_NESTED && t->first) {
		page = s->slot[rng_below(&g->rng, s->nhomes)];
		if (sm_chance(g, 3))
			page |= BIT64(39);
	}
	if (g->mode == SM_NESTED && !t->first && table->level == 1 && sm_chance(g, 95))
		for (unsigned i = 0; i < s->nhomes; i++)
			if (s->slot[i] == address)
				page = s->home[i];
	return round_down_lg2(page, lg2_of(table->level)) | (table->level > 1 ? FS_PAGE : 0);
}

static uint64_t random_entry(struct smgen *g, const struct sm_space *s, const struct sm_tree *t,
	const struct sm_table *table, unsigned i)
{
	unsigned large = g->mode != SM_NESTED ? 25
			 : t->first           ? 6
					      : 2,
		 bad = g->mode == SM_NESTED ? 2 : 7;
	bool leaf = table->level == 1 || (table->level < 4 && sm_chance(g, large));
	uint64_t address = table->base | (uint64_t)t->index[table->level][i]
						 << lg2_of(table->level);
	uint64_t entry = leaf ? random_page(g, s, t, table, address) : t->t[table->child[i]].guest;

	entry |= random_rights(g, s, t);
	return sm_chance(g, bad) ? spoil(g, t, entry, table->level) : entry;
}

static void fill(struct smgen *g, const struct sm_space *s, const struct sm_tree *t)
{
	for (unsigned n = 0; n < t->n; n++)
		for (unsigned i = 0; i < t->width[t->t[n].level]; i++)
			hand_put(&g->h, t->t[n].host + 8 * t->index[t->t[n].level][i],
				random_entry(g, s, t, &t->t[n], i));
}

static void plant(struct smgen *g, struct sm_tree *t, bool first, unsigned levels)
{
	t->first = first;
	t->levels = levels;
	t->n = 0;
	choose_indices(g, t);
	shape(g, t, levels, 0);
	for (unsigned i = 0; i < t->n; i++)
		t->t[i].base = sign_extend(t, t->t[i].base);
}

/* Guest pages of a nested space: the first-stage tables lie in some of them. */
static void furnish(struct smgen *g, struct sm_space *s)
{
	s->nhomes = 0;
	for (unsigned n = 0; n < s->ss.n; n++)
		for (unsigned i = 0; s->ss.t[n].level == 1 && i < s->ss.width[1]; i++) {
			s->slot[s->nhomes] = s->ss.t[n].base | (uint64_t)s->ss.index[1][i]
								       << PAGE_LG2;
			s->home[s->nhomes] =
				s->nhomes < s->fs.n ? s->fs.t[s->nhomes].host : hand_page(&g->h);
			s->nhomes++;
		}
	BUG_ON(s->nhomes < s->fs.n);
	for (unsigned n = 0; n < s->fs.n; n++)
		s->fs.t[n].guest = s->slot[n];
}

void sm_build_spaces(struct smgen *g)
{
	for (unsigned i = 0; i < SM_SPACES; i++) {
		struct sm_space *s = &g->space[i];
		unsigned any = (unsigned)rng_below(&g->rng, 3);

		s->did = (uint16_t)(1 + i * 77);
		s->nxe = sm_chance(g, 70);
		s->ss_ad = sm_chance(g, 70);
		s->nowhere = sm_chance(g, 4);
		s->fs.n = s->ss.n = s->nhomes = 0;
		if (g->mode != SM_SECOND)
			plant(g, &s->fs, true,
				g->mode == SM_FIRST_5              ? 5
				: g->mode == SM_NESTED && any == 0 ? 5
								   : 4);
		if (g->mode >= SM_SECOND)
			plant(g, &s->ss, false, g->mode == SM_NESTED ? 3 + any % 2 : 3 + any);
		if (g->mode == SM_NESTED)
			furnish(g, s);
		fill(g, s, &s->fs);
		fill(g, s, &s->ss);
	}
}

/* ---- changes ---- */

void sm_forget_first(struct smgen *g, const struct sm_space *s)
{
	if (sm_chance(g, 20)) {
		hand_submit(&g->h, INV_IOTLB_DOMAIN(s->did), 0);
		return;
	}
	for (unsigned p = 0; p < SM_PASIDS; p++)
		hand_submit(&g->h, INV_PASID_ALL(s->did, sm_pasid[p]), 0);
}

void sm_forget_second(struct smgen *g, const struct sm_space *s)
{
	hand_submit(&g->h, sm_chance(g, 20) ? INV_IOTLB_GLOBAL : INV_IOTLB_DOMAIN(s->did), 0);
}

static void invalidate_block(struct smgen *g, const struct sm_space *s, const struct sm_tree *t,
	uint64_t address, unsigned level, bool was_leaf)
{
	unsigned am = lg2_of(level) - 12;
	uint64_t hi, hint = was_leaf && sm_chance(g, 50) ? INV_HINT : 0;

	if (am > MAMV || sm_chance(g, 20)) {
		(t->first ? sm_forget_first : sm_forget_second)(g, s);
		return;
	}
	if (am < MAMV && sm_chance(g, 15))
		am++;
	hi = round_down_lg2(address, 12 + am) | am | hint;
	if (!t->first)
		hand_submit(&g->h, INV_IOTLB_PAGE(s->did), hi);
	for (unsigned p = 0; t->first && p < SM_PASIDS; p++)
		hand_submit(&g->h, INV_PASID_PAGE(s->did, sm_pasid[p]), hi);
}

void sm_change_paging_entry(struct smgen *g, struct sm_space *s)
{
	const struct sm_tree *t = s->ss.n && (!s->fs.n || sm_chance(g, 50)) ? &s->ss : &s->fs;
	const struct sm_table *table = &t->t[rng_below(&g->rng, t->n)];
	unsigned i = (unsigned)rng_below(&g->rng, t->width[table->level]);
	unsigned index = t->index[table->level][i];
	uint64_t at = table->host + 8 * index, old = hand_get(&g->h, at);

	hand_put(&g->h, at, random_entry(g, s, t, table, i));
	if (!(old & (t->first ? 1 : 3)) && sm_chance(g, 50))
		return; /* was not present: CAP.CM is 0, nothing can be cached */
	invalidate_block(g, s, t,
		sign_extend(t, table->base | (uint64_t)index << lg2_of(table->level)), table->level,
		table->level == 1 || (old & FS_PAGE));
}
