/*
 * Guest translation: AMD IOMMU Specification, 48882, sections 2.2.6.3 "Guest CR3 Table" and 2.2.6.4 "I/O
 * Page Tables for Guest Translations", of 4 and 5 levels; nested where the source has host tables: then
 * every table address and the page are guest-physical addresses. Accessed and dirty bits are written
 * back.
 */
#include "models/amdvi/amdvi_walk.h"

struct guest_walk {
	uint64_t address;
	uint64_t table; /* system address */
	unsigned level;
	uint64_t flags; /* rights of the levels so far */
};

static struct amdvi_origin origin(const struct amdvi_walk *s)
{
	return (struct amdvi_origin){ s->w->rid.bdf, s->src.domain,
		amdvi_pasid_of(s->w->has_pasid, s->w->pasid) };
}

bool amdvi_is_canonical(uint64_t address, unsigned levels)
{
	unsigned top = amdvi_level_lg2(levels + 1) - 1;
	uint64_t upper = address >> top;

	return upper == 0 || upper == GENMASK64(63 - top, 0);
}

static bool fetch(struct amdvi_walk *s, uint64_t at, uint64_t *entry, struct amdvi_leaf *l)
{
	if (amdvi_walk_fetch(s, at, entry, 1))
		return true;
	amdvi_fail(l, EVENT_PAGE_TAB_HW_ERROR, FIELD_PREP(EVENT_HW_TYPE, HW_MASTER_ABORT));
	l->event_address = at;
	return false;
}

/* The system address of a guest-physical one; false: the host tables refuse the access. */
static bool to_host(struct amdvi_walk *s, uint64_t address, uint64_t need, struct amdvi_leaf *host,
	struct amdvi_leaf *l)
{
	*host = (struct amdvi_leaf){
		.pa = round_down_lg2(address, PAGE_LG2), .lg2 = PAGE_LG2, .flags = LEAF_RW
	};
	if (s->src.mode) {
		amdvi_host_walk(s, address, false, host);
		if (host->event) {
			l->event = host->event;
			l->event_flags = host->event_flags;
			l->event_address = host->event_address;
			return false;
		}
	}
	if ((host->flags & need) != need) {
		amdvi_fail(l, EVENT_IO_PAGE_FAULT, EVENT_PR | EVENT_PE);
		return false;
	}
	return true;
}

static uint64_t address_in(const struct amdvi_leaf *host, uint64_t address)
{
	return host->pa | (address & (BIT64(host->lg2) - 1));
}

/* Entries of the guest's tables are read, and written when the unit keeps accessed bits. */
static uint64_t table_rights(const struct amdvi_walk *s)
{
	return reg64(&s->a->hw.regs, AMDVI_CONTROL) & CTRL_GA_UPDATE_DIS ? LEAF_R : LEAF_RW;
}

/* ---- guest CR3 table: system addresses; what it holds is a guest-physical address ---- */

static bool guest_cr3(struct amdvi_walk *s, uint64_t *cr3, struct amdvi_leaf *l)
{
	uint32_t pasid = amdvi_pasid_of(s->w->has_pasid, s->w->pasid);
	uint64_t table = s->src.gcr3, entry = 0;

	if (pasid >> (FIELD_GET(EFR_PAS_MAX, s->a->conf->efr) + 1) ||
		pasid >> (GCR3_INDEX_LG2 * (s->src.glx + 1))) {
		amdvi_fail(l, EVENT_IO_PAGE_FAULT, 0);
		return false;
	}
	for (unsigned left = s->src.glx + 1; left-- > 0;) {
		unsigned index = pasid >> (GCR3_INDEX_LG2 * left) & (BIT64(GCR3_INDEX_LG2) - 1);

		s->a->hw.m.reads_gcr3++;
		if (!fetch(s, table + index * AMDVI_ENTRY_BYTES, &entry, l))
			return false;
		if (!(entry & GCR3_V)) {
			amdvi_fail(l, EVENT_IO_PAGE_FAULT, 0);
			return false;
		}
		table = entry & GCR3_ADDR;
	}
	*cr3 = table;
	return true;
}

/* ---- guest tables ---- */

static uint64_t reserved_bits(const struct amdvi *a, unsigned level, bool leaf)
{
	uint64_t rsvd = a->conf->efr & EFR_NX_SUP ? 0 : GPTE_NX;

	if (level > 3)
		rsvd |= GPTE_PS;
	if (leaf && level > 1)
		rsvd |= GENMASK64(amdvi_level_lg2(level) - 1, PAGE_LG2) & ~GPTE_PAT;
	return rsvd;
}

static void keep_ad(struct amdvi_walk *s, uint64_t at, uint64_t entry, bool dirty)
{
	uint64_t control = reg64(&s->a->hw.regs, AMDVI_CONTROL);
	uint64_t want = (control & CTRL_GA_UPDATE_DIS ? 0 : GPTE_A) |
			(dirty && !(control & CTRL_GD_UPDATE_DIS) ? GPTE_D : 0);

	if ((entry & want) != want)
		amdvi_walk_update(s, at, want);
}

static uint64_t flags_of(uint64_t entry)
{
	return LEAF_R | (entry & GPTE_RW ? LEAF_W : 0) | (entry & GPTE_US ? LEAF_U : 0) |
	       (entry & GPTE_NX ? 0 : LEAF_X);
}

/* The page: through the host tables, then its own bits. */
static void take_page(struct amdvi_walk *s, struct guest_walk *g, uint64_t at, uint64_t entry,
	struct amdvi_leaf *l)
{
	uint64_t low = BIT64(amdvi_level_lg2(g->level)) - 1;
	uint64_t gpa = (entry & GPTE_ADDR & ~low) | (g->address & low);
	bool dirty =
		(entry & GPTE_D) || (reg64(&s->a->hw.regs, AMDVI_CONTROL) & CTRL_GD_UPDATE_DIS);
	struct amdvi_leaf host;
	bool write;

	if (!to_host(s, gpa, 0, &host, l))
		return;
	l->lg2 = amdvi_level_lg2(g->level);
	if (s->src.mode && host.lg2 < l->lg2)
		l->lg2 = host.lg2;
	l->pa = round_down_lg2(address_in(&host, gpa), l->lg2);
	l->flags = g->flags & (host.flags | ~LEAF_RW);
	if (!amdvi_walk_serves(s, l))
		return;
	write = s->w->write && !amdvi_refusal(l, true, s->w->exec, s->w->priv);
	keep_ad(s, at, entry, write);
	if (dirty || write)
		l->flags |= LEAF_DIRTY;
}

/* True when the walk goes on with the next table. Cached words: [0] system address of the next table,
 * [1] flags of the levels so far. */
static bool step(struct amdvi_walk *s, struct guest_walk *g, struct amdvi_leaf *l)
{
	struct amdvi_hw *hw = &s->a->hw;
	uint64_t at = g->table + amdvi_index(g->address, g->level) * AMDVI_ENTRY_BYTES, entry = 0;
	const struct amdvi_origin from = origin(s);
	struct amdvi_leaf host;
	bool leaf;

	hw->m.reads_guest++;
	AMDVI_COUNT(hw, page_tbl_read_tot, &from, 1);
	AMDVI_COUNT(hw, page_tbl_read_gst, &from, 1);
	if (!fetch(s, at, &entry, l))
		return false;
	leaf = g->level == 1 || (entry & GPTE_PS);
	if (!(entry & GPTE_P)) {
		amdvi_fail(l, EVENT_IO_PAGE_FAULT, 0);
		return false;
	}
	if (entry & reserved_bits(s->a, g->level, leaf)) {
		amdvi_fail(l, EVENT_IO_PAGE_FAULT, EVENT_PR | EVENT_RZ);
		return false;
	}
	g->flags &= flags_of(entry) | ~(LEAF_RW | LEAF_U | LEAF_X);
	if (leaf) {
		take_page(s, g, at, entry, l);
		return false;
	}
	keep_ad(s, at, entry, false);
	if (!to_host(s, entry & GPTE_ADDR, table_rights(s), &host, l))
		return false;
	g->table = address_in(&host, entry & GPTE_ADDR);
	if (!s->w->no_fill)
		tagcache_fill(&hw->pdc[g->level - 2],
			amdvi_pdc_key(s->space_guest, g->level, g->address), g->table, g->flags);
	g->level--;
	return true;
}

static bool start_from_caches(struct amdvi_walk *s, struct guest_walk *g)
{
	struct amdvi_hw *hw = &s->a->hw;
	const struct amdvi_origin from = origin(s);

	for (unsigned level = 2; level <= s->src.guest_levels; level++) {
		struct tag_entry *e = tagcache_lookup(
			&hw->pdc[level - 2], amdvi_pdc_key(s->space_guest, level, g->address));

		if (!e)
			continue;
		g->table = e->value[0];
		g->flags = e->value[1];
		g->level = level - 1;
		AMDVI_COUNT(hw, mem_iommu_tlb_pde_hit, &from, 1);
		return true;
	}
	AMDVI_COUNT(hw, mem_iommu_tlb_pde_mis, &from, 1);
	return false;
}

void amdvi_guest_walk(struct amdvi_walk *s, struct amdvi_leaf *l)
{
	struct guest_walk g = { .address = s->w->page << PAGE_LG2,
		.level = s->src.guest_levels,
		.flags = LEAF_GUEST | LEAF_RW | LEAF_U | LEAF_X };
	struct amdvi_leaf host;
	uint64_t cr3 = 0;

	if (!amdvi_is_canonical(g.address, s->src.guest_levels)) {
		amdvi_fail(l, EVENT_IO_PAGE_FAULT, 0);
		return;
	}
	if (!start_from_caches(s, &g)) {
		if (!guest_cr3(s, &cr3, l) || !to_host(s, cr3, table_rights(s), &host, l))
			return;
		g.table = address_in(&host, cr3);
	}
	while (step(s, &g, l))
		;
}
