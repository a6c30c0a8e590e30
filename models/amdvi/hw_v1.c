/*
 * Host translation: AMD IOMMU Specification, 48882, section 2.2.3 "I/O Page Tables for Host
 * Translations". An entry says which level comes next, so levels can be skipped; the address bits of a
 * skipped level must be zero. Reserved bits are checked before permissions, and permissions over all
 * levels at the end.
 */
#include "models/amdvi/amdvi_walk.h"

#define LG2_512G 39u

struct host_walk {
	uint64_t address;
	uint64_t table;
	unsigned level; /* of the table's entries */
	uint64_t rights;
};

static void count_read(struct amdvi_walk *s, unsigned level)
{
	struct amdvi_hw *hw = &s->a->hw;
	const struct amdvi_origin from = { s->w->rid.bdf, s->src.domain,
		amdvi_pasid_of(s->w->has_pasid, s->w->pasid) };
	uint64_t *const counter[] = { &hw->m.reads_l1, &hw->m.reads_l2, &hw->m.reads_l3,
		&hw->m.reads_l4, &hw->m.reads_l5, &hw->m.reads_l6 };

	++*counter[level - 1];
	AMDVI_COUNT(hw, page_tbl_read_tot, &from, 1);
	AMDVI_COUNT(hw, page_tbl_read_nst, &from, 1);
}

/* Address bits between the top of level `low` and the bottom of level `high` (7: of everything). */
static bool skips_nonzero(uint64_t address, unsigned low, unsigned high)
{
	unsigned from = amdvi_level_lg2(low + 1);
	uint64_t above = from < 64 ? address >> from << from : 0;

	return high > AMDVI_MAX_LEVELS ? above != 0
				       : (above & (BIT64(amdvi_level_lg2(high)) - 1)) != 0;
}

static void page_fault(struct amdvi_leaf *l, uint64_t flags)
{
	amdvi_fail(l, EVENT_IO_PAGE_FAULT, flags);
}

static unsigned next_level(uint64_t entry)
{
	return (unsigned)FIELD_GET(PTE_NEXT_LEVEL, entry);
}

static bool is_page(uint64_t entry)
{
	return next_level(entry) == NEXT_LEVEL_PAGE || next_level(entry) == NEXT_LEVEL_SIZED;
}

static unsigned page_lg2(uint64_t entry, unsigned level)
{
	return next_level(entry) == NEXT_LEVEL_SIZED ? amdvi_coded_lg2(entry & PTE_ADDR)
						     : amdvi_level_lg2(level);
}

/* The deepest table that the page-directory caches know. Cached words: [0] entry, [1] rights of its
 * level and those above. */
static void start_from_caches(struct amdvi_walk *s, struct host_walk *h)
{
	struct amdvi_hw *hw = &s->a->hw;
	const struct amdvi_origin from = { s->w->rid.bdf, s->src.domain,
		amdvi_pasid_of(s->w->has_pasid, s->w->pasid) };

	for (unsigned level = 2; level <= s->src.mode; level++) {
		struct tag_entry *e = tagcache_lookup(
			&hw->pdc[level - 2], amdvi_pdc_key(s->space, level, h->address));

		if (!e || skips_nonzero(h->address, next_level(e->value[0]), level))
			continue;
		h->table = e->value[0] & PTE_ADDR;
		h->level = next_level(e->value[0]);
		h->rights = e->value[1];
		AMDVI_COUNT(hw, mem_iommu_tlb_pde_hit, &from, 1);
		return;
	}
	AMDVI_COUNT(hw, mem_iommu_tlb_pde_mis, &from, 1);
}

/* A page that is present is in flight from the moment its read is issued: an unmap must see it. */
static void note_leaf(struct amdvi_walk *s, uint64_t entry, unsigned level)
{
	if (!(entry & PTE_PR) || !is_page(entry))
		return;
	s->w->leaf = true;
	s->w->domain = s->src.domain;
	s->w->leaf_lg2 = page_lg2(entry, level);
}

static void take_page(
	const struct amdvi_walk *s, const struct host_walk *h, uint64_t entry, struct amdvi_leaf *l)
{
	unsigned lg2 = page_lg2(entry, h->level);

	/* A size belongs to the highest level that it fills at least one entry of. */
	if (h->level == AMDVI_MAX_LEVELS || lg2 < amdvi_level_lg2(h->level) ||
		lg2 >= amdvi_level_lg2(h->level + 1)) {
		page_fault(l, EVENT_PR);
		return;
	}
	if (lg2 == LG2_512G && s->a->conf->quirk_512g) {
		page_fault(l, EVENT_PR);
		return;
	}
	l->pa = round_down_lg2(entry & PTE_ADDR, lg2);
	l->lg2 = lg2;
	l->flags = h->rights;
}

/* True when the walk goes on with the next table. */
static bool take_entry(
	struct amdvi_walk *s, struct host_walk *h, uint64_t entry, struct amdvi_leaf *l)
{
	unsigned next = next_level(entry);

	if (!(entry & PTE_PR)) {
		page_fault(l, 0);
		return false;
	}
	if (entry & PTE_RSVD) {
		page_fault(l, EVENT_PR | EVENT_RZ);
		return false;
	}
	h->rights &= (entry & PTE_IR ? LEAF_R : 0) | (entry & PTE_IW ? LEAF_W : 0);
	if (is_page(entry)) {
		take_page(s, h, entry, l);
		return false;
	}
	if (next >= h->level) { /* not a level that can come next */
		page_fault(l, EVENT_PR);
		return false;
	}
	if (skips_nonzero(h->address, next, h->level)) {
		page_fault(l, 0);
		return false;
	}
	if (!s->w->no_fill)
		tagcache_fill(&s->a->hw.pdc[h->level - 2],
			amdvi_pdc_key(s->space, h->level, h->address), entry, h->rights);
	h->table = entry & PTE_ADDR;
	h->level = next;
	return true;
}

static bool step(struct amdvi_walk *s, struct host_walk *h, bool leaf, struct amdvi_leaf *l)
{
	uint64_t at = h->table + amdvi_index(h->address, h->level) * AMDVI_ENTRY_BYTES, entry = 0;
	sim_time arrives;
	bool exists;

	count_read(s, h->level);
	exists = walk_read(s->a->hw.walkers, s->p, s->w, (hpa_t){ at }, &entry, 1, &arrives);
	if (leaf)
		note_leaf(s, entry, h->level);
	proc_sleep_until(s->p, arrives + s->a->conf->walk_read);
	if (!exists) {
		amdvi_fail(l, EVENT_PAGE_TAB_HW_ERROR, FIELD_PREP(EVENT_HW_TYPE, HW_MASTER_ABORT));
		l->event_address = at;
		return false;
	}
	return take_entry(s, h, entry, l);
}

void amdvi_host_walk(struct amdvi_walk *s, uint64_t address, bool leaf, struct amdvi_leaf *l)
{
	struct host_walk h = {
		.address = address, .table = s->src.root, .level = s->src.mode, .rights = LEAF_RW
	};

	if (skips_nonzero(address, s->src.mode, AMDVI_MAX_LEVELS + 1)) {
		page_fault(l, 0);
		return;
	}
	start_from_caches(s, &h);
	while (step(s, &h, leaf, l))
		;
}
