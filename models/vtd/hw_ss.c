/*
 * Second-stage translation, VT-d 4.1 section 3.7: in legacy mode, in scalable mode, and of the
 * addresses of a first stage that is nested in it. Reserved bits are checked before permissions, and
 * permissions over all levels at the end.
 */
#include "models/vtd/vtd_walk.h"

static void count_read(struct vtd_hw *hw, unsigned level)
{
	uint64_t *const counter[] = { &hw->m.reads_pt, &hw->m.reads_pd, &hw->m.reads_pdp,
		&hw->m.reads_pml4, &hw->m.reads_pml5 };

	++*counter[level - 1];
}

static uint64_t reserved_bits(const struct vtd *v, unsigned level, bool leaf)
{
	uint64_t sllps = FIELD_GET(CAP_SLLPS, v->conf->cap);
	uint64_t rsvd = vtd_beyond_haw(v) & SS_ADDR;

	if (!leaf || !(v->conf->ecap & ECAP_SC)) /* leaf entries have them, where the unit does */
		rsvd |= SS_SNP;
	if (!leaf || !(v->conf->ecap & ECAP_DT))
		rsvd |= SS_TM;

	if (level == 1)
		return rsvd;
	if (leaf && (level > 3 || !(sllps & BIT64(level - 2))))
		rsvd |= SS_PS; /* no leaf of this size: the bit is reserved */
	if (leaf)
		rsvd |= GENMASK64(vtd_level_lg2(level) - 1, 12);
	return rsvd;
}

/* The deepest table that the paging-structure caches know; returns the level to read next. Cached
 * words: [0] entry, [1] rights of its level and those above. */
static unsigned deepest_cached(
	struct vtd_walk *s, uint64_t address, uint64_t *table, uint64_t *rights)
{
	uint16_t space = s->src.space_ss;

	for (unsigned level = 2; level <= s->src.ss_levels; level++) {
		struct tag_entry *e = tagcache_lookup(
			&s->v->hw.pwc[level - 2], vtd_pwc_key(space, level, address));

		if (!e)
			continue;
		*table = e->value[0] & SS_ADDR;
		*rights = e->value[1];
		return level - 1;
	}
	return s->src.ss_levels;
}

/* A leaf that is present is in flight from the moment its read is issued: an unmap must see it. */
static void note_leaf(struct vtd_walk *s, uint64_t entry, unsigned level)
{
	if (!(entry & (SS_R | SS_W)) || s->src.pgtt == PGTT_NESTED)
		return;
	s->w->leaf = true;
	s->w->domain = s->src.did;
	s->w->leaf_lg2 = vtd_level_lg2(level);
}

static void keep_ad(struct vtd_walk *s, uint64_t at, uint64_t entry, bool dirty)
{
	uint64_t want = SS_A | (dirty ? SS_D : 0);

	if (s->src.ss_ad && (entry & want) != want)
		vtd_walk_update(s, at, want);
}

/* One level; true when the walk goes on at the next. */
static bool step(struct vtd_walk *s, uint64_t address, bool write, unsigned level, uint64_t *table,
	struct vtd_leaf *l)
{
	struct vtd *v = s->v;
	uint64_t at = *table + vtd_index(address, level) * VTD_ENTRY_BYTES, entry = 0;
	bool leaf, exists, may_write, takes_any = s->w->at == XLATE_TRANSLATION_REQUEST;
	sim_time arrives;

	count_read(&v->hw, level);
	exists = walk_read(v->hw.walkers, s->p, s->w, (hpa_t){ at }, &entry, 1, &arrives);
	leaf = level == 1 || (entry & SS_PS);
	if (leaf)
		note_leaf(s, entry, level);
	proc_sleep_until(s->p, arrives + v->conf->walk_read);
	if (!exists) {
		l->fault = level == s->src.ss_levels ? VTD_FAULT_SS_ROOT_ACCESS
						     : VTD_FAULT_SS_TABLE_ACCESS;
		return false;
	}
	if (!(entry & (SS_R | SS_W))) {
		l->flags &= ~(LEAF_R | LEAF_W); /* refused as the access that it is */
		return false;
	}
	if (entry & reserved_bits(v, level, leaf)) {
		l->fault = VTD_FAULT_SS_RSVD;
		return false;
	}
	l->flags &= entry | ~(LEAF_R | LEAF_W);
	if (!leaf) {
		keep_ad(s, at, entry, false);
		if (!s->w->no_fill)
			tagcache_fill(&v->hw.pwc[level - 2],
				vtd_pwc_key(s->src.space_ss, level, address), entry,
				l->flags & (LEAF_R | LEAF_W));
		*table = entry & SS_ADDR;
		return true;
	}
	may_write = write && (l->flags & LEAF_W);
	if (!s->refused && (may_write || ((l->flags & LEAF_R) && (!write || takes_any))))
		keep_ad(s, at, entry, may_write);
	if (s->src.ss_ad && !write && !(entry & SS_D))
		l->flags &= ~LEAF_DIRTY;
	l->pa = entry & SS_ADDR;
	l->lg2 = vtd_level_lg2(level);
	return false;
}

bool vtd_beyond_ss(const struct vtd *v, const struct vtd_source *src, uint64_t address)
{
	unsigned mgaw = (unsigned)FIELD_GET(CAP_MGAW, v->conf->cap) + 1;
	unsigned bits = vtd_aw_bits(src->ss_levels - 2);

	return address >> (bits < mgaw ? bits : mgaw);
}

void vtd_ss_walk(struct vtd_walk *s, uint64_t address, bool write, struct vtd_leaf *l)
{
	uint64_t table = s->src.ss_root, rights = LEAF_R | LEAF_W;
	unsigned level;

	if (vtd_beyond_ss(s->v, &s->src, address)) {
		l->fault = VTD_FAULT_BEYOND_MGAW;
		return;
	}
	level = deepest_cached(s, address, &table, &rights);
	l->flags &= rights | ~(LEAF_R | LEAF_W);
	while (step(s, address, write, level, &table, l))
		level--;
}
