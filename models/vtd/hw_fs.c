/*
 * First-stage translation, VT-d 4.1 section 3.6: x86 tables of 4 and 5 levels with user/supervisor,
 * execute, accessed and dirty bits written back to memory; nested (3.8) when the source says so: then
 * every table address and the result go through the second stage.
 */
#include "models/vtd/vtd_walk.h"

static void count_read(struct vtd_hw *hw, unsigned level)
{
	uint64_t *const counter[] = { &hw->m.reads_fs_pt, &hw->m.reads_fs_pd, &hw->m.reads_fs_pdp,
		&hw->m.reads_fs_pml4, &hw->m.reads_fs_pml5 };

	++*counter[level - 1];
}

bool vtd_is_canonical(uint64_t address, unsigned levels)
{
	unsigned top = PAGE_LG2 + VTD_LEVEL_BITS * levels - 1;
	int64_t high = (int64_t)address >> top;

	return high == 0 || high == -1;
}

static uint64_t reserved_bits(
	const struct vtd *v, const struct vtd_source *src, unsigned level, bool leaf)
{
	uint64_t rsvd = vtd_beyond_haw(v) & FS_ADDR;

	if (!src->nxe)
		rsvd |= FS_XD;
	if (level == 1 || !leaf)
		return level > 3 ? rsvd | FS_PS : rsvd;
	if (level > 3 || (level == 3 && !(v->conf->cap & CAP_FL1GP)))
		rsvd |= FS_PS;
	return rsvd | GENMASK64(vtd_level_lg2(level) - 1, 13); /* bit 12 is PAT */
}

/* The host address of a guest address; for a table entry (write: its accessed bit must be set). */
static enum vtd_fault to_host(struct vtd_walk *s, uint64_t *address, bool write, unsigned level)
{
	struct vtd_leaf l = { .flags = LEAF_R | LEAF_W | LEAF_DIRTY };

	if (s->src.pgtt != PGTT_NESTED)
		return VTD_NO_FAULT;
	vtd_ss_walk(s, *address, write, &l);
	if (l.fault == VTD_FAULT_BEYOND_MGAW)
		return VTD_FAULT_NESTED_BEYOND_MGAW;
	if (l.fault)
		return l.fault;
	if (!(l.flags & LEAF_R))
		return level == s->src.fs_levels ? VTD_FAULT_NESTED_ROOT_READ
						 : VTD_FAULT_NESTED_READ;
	if (write && !(l.flags & LEAF_W))
		return VTD_FAULT_NESTED_WRITE;
	*address = l.pa | (*address & (BIT64(l.lg2) - 1));
	return VTD_NO_FAULT;
}

struct level {
	uint64_t at; /* host address of the entry */
	uint64_t guest; /* the same before the second stage */
	uint64_t entry;
	bool leaf;
};

static enum vtd_fault read_entry(
	struct vtd_walk *s, uint64_t table, unsigned level, struct level *e)
{
	struct vtd *v = s->v;
	sim_time arrives;
	enum vtd_fault why;
	bool exists;

	e->guest = e->at = table + vtd_index(s->iova, level) * VTD_ENTRY_BYTES;
	why = to_host(s, &e->at, false, level);
	if (why)
		return why;
	count_read(&v->hw, level);
	exists = walk_read(v->hw.walkers, s->p, s->w, (hpa_t){ e->at }, &e->entry, 1, &arrives);
	e->leaf = level == 1 || (e->entry & FS_PS);
	if (exists && e->leaf && (e->entry & FS_P)) {
		s->w->leaf = true;
		s->w->domain = s->src.did;
		s->w->leaf_lg2 = vtd_level_lg2(level);
	}
	proc_sleep_until(s->p, arrives + v->conf->walk_read);
	if (!exists)
		return level == s->src.fs_levels ? VTD_FAULT_FS_ROOT_ACCESS
						 : VTD_FAULT_FS_TABLE_ACCESS;
	if (!(e->entry & FS_P))
		return VTD_FAULT_FS_NOT_PRESENT;
	if (e->entry & reserved_bits(v, &s->src, level, e->leaf))
		return VTD_FAULT_FS_RSVD;
	return VTD_NO_FAULT;
}

static void merge_rights(struct vtd_leaf *l, uint64_t entry)
{
	if (!(entry & FS_RW))
		l->flags &= ~LEAF_W;
	if (!(entry & FS_US))
		l->flags &= ~LEAF_U;
	if (entry & FS_XD)
		l->flags &= ~LEAF_X;
}

/* Accessed (and dirty) bits of an entry that is used. */
static enum vtd_fault keep_ad(struct vtd_walk *s, const struct level *e, bool dirty, unsigned level)
{
	uint64_t want = FS_A | (dirty ? FS_D : 0) | (s->src.eafe ? FS_EA : 0), at = e->guest;
	enum vtd_fault why;

	if ((e->entry & want) == want)
		return VTD_NO_FAULT;
	why = to_host(s, &at, true, level);
	if (!why)
		vtd_walk_update(s, at, want);
	return why;
}

static unsigned deepest_cached(struct vtd_walk *s, uint64_t *table, struct vtd_leaf *l)
{
	for (unsigned level = 2; level <= s->src.fs_levels; level++) {
		struct tag_entry *e = tagcache_lookup(
			&s->v->hw.pwc[level - 2], vtd_pwc_key(s->src.space, level, s->iova));

		if (!e)
			continue;
		*table = e->value[0] & FS_ADDR;
		l->flags &= e->value[1];
		return level - 1;
	}
	return s->src.fs_levels;
}

/* The page itself, in host addresses: of a nested translation the smaller of the two pages. */
static void finish(struct vtd_walk *s, const struct level *e, unsigned level, struct vtd_leaf *l)
{
	struct vtd_leaf host = { .flags = LEAF_R | LEAF_W | LEAF_DIRTY };
	uint64_t guest;

	l->lg2 = vtd_level_lg2(level);
	l->pa = e->entry & FS_ADDR & ~(BIT64(l->lg2) - 1);
	if (s->src.pgtt != PGTT_NESTED)
		return;
	guest = l->pa | (s->iova & (BIT64(l->lg2) - 1));
	vtd_ss_walk(s, guest, s->w->write, &host);
	l->fault = host.fault;
	if (!(host.flags & LEAF_W))
		l->flags &= ~LEAF_SS_W;
	l->flags &= host.flags | ~(LEAF_R | LEAF_DIRTY);
	if (l->fault || !host.lg2)
		return;
	l->lg2 = host.lg2 < l->lg2 ? host.lg2 : l->lg2;
	l->pa = (host.pa | (guest & (BIT64(host.lg2) - 1))) & ~(BIT64(l->lg2) - 1);
	s->w->leaf_lg2 = l->lg2;
}

void vtd_fs_walk(struct vtd_walk *s, struct vtd_leaf *l)
{
	uint64_t table = s->src.fs_root;
	struct level e = { 0 };
	unsigned level;

	l->flags = LEAF_R | LEAF_W | LEAF_X | LEAF_U | LEAF_FS | LEAF_SS_W |
		   (s->src.wpe ? LEAF_WPE : 0) | (s->src.smep ? LEAF_SMEP : 0);
	if (!vtd_is_canonical(s->iova, s->src.fs_levels)) {
		l->fault = VTD_FAULT_NOT_CANONICAL;
		return;
	}
	for (level = deepest_cached(s, &table, l);; level--) {
		l->fault = read_entry(s, table, level, &e);
		if (l->fault)
			return;
		merge_rights(l, e.entry);
		if (e.leaf)
			break;
		l->fault = keep_ad(s, &e, false, level);
		if (l->fault)
			return;
		if (!s->w->no_fill)
			tagcache_fill(&s->v->hw.pwc[level - 2],
				vtd_pwc_key(s->src.space, level, s->iova), e.entry, l->flags);
		table = e.entry & FS_ADDR;
	}
	s->refused = !vtd_walk_serves(s, l);
	if (!s->refused) {
		l->fault = keep_ad(s, &e, vtd_walk_writes(s, l), level);
		if (l->fault)
			return;
	}
	if ((e.entry & FS_D) || vtd_walk_writes(s, l))
		l->flags |= LEAF_DIRTY;
	finish(s, &e, level, l);
}
