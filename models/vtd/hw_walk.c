/*
 * Translation of requests without PASID in legacy mode. VT-d 4.1: 3.4 (requests to domains), 3.7
 * (second-stage translation), 6.2 (caching), 7.2 (faults, in the order of their checks).
 */
#include "models/vtd/vtd.h"

#include "hw/mem.h"

#define NCLASSES 3u

/* The outcome of a walk, shared by all the requests that wait for it. */
struct leaf {
	enum vtd_fault fault; /* of the structure; permissions are each request's own */
	bool pass_through, fpd;
	uint64_t pa; /* of the page */
	unsigned lg2;
	uint64_t rights; /* SS_R | SS_W over all levels */
};

struct vtd_walk_state {
	struct vtd *v;
	struct proc *p;
	struct walk *w;
	uint64_t iova;
	uint64_t context[2];
	bool fpd;
};

static void permit(const struct leaf *l, struct xlate *x)
{
	uint64_t need = x->write ? SS_W : SS_R;

	x->ok = l->fault == VTD_NO_FAULT && (l->pass_through || (l->rights & need));
	if (!x->ok && l->fault == VTD_NO_FAULT)
		x->fault_code = x->write ? VTD_FAULT_NO_WRITE : VTD_FAULT_NO_READ;
	else
		x->fault_code = (uint16_t)l->fault;
	if (!x->ok)
		return;
	x->page_lg2 = l->lg2;
	x->pa = (hpa_t){ l->pass_through ? x->iova.a
					 : (l->pa | (x->iova.a & (BIT64(l->lg2) - 1))) };
}

static void refuse(struct vtd *v, struct xlate *x, bool fpd)
{
	v->hw.m.faults++;
	if (!fpd)
		vtd_fault_record(v, x->rid, x->iova, x->write, (enum vtd_fault)x->fault_code);
}

/* ---- the fast path: context cache and IOTLB ---- */

/* IOTLB value words: [0] page address | rights, [1] log2 of the page size. */
static struct tag_entry *iotlb_lookup(struct vtd_hw *hw, uint16_t did, uint64_t iova)
{
	struct tag_entry *e = tagcache_lookup(&hw->iotlb, vtd_key(did, 0, iova));

	for (unsigned c = 1; !e && hw->superpages_seen && c < NCLASSES; c++) {
		e = tagcache_peek(&hw->iotlb, vtd_key(did, c, iova));
		if (e) { /* one lookup of the unit, whatever the page size */
			hw->iotlb.m.misses--;
			hw->iotlb.m.hits++;
			e->stamp = ++hw->iotlb.clock;
		}
	}
	return e;
}

static bool answer_pass_through(struct vtd *v, struct xlate *x)
{
	v->hw.m.pass_through++;
	x->ok = x->hit = true;
	x->pa = (hpa_t){ x->iova.a };
	x->page_lg2 = PAGE_LG2;
	x->latency = v->conf->iotlb_hit;
	return true;
}

bool vtd_translate(struct vtd *v, struct xlate *x)
{
	struct vtd_hw *hw = &v->hw;
	struct tag_entry *context, *e = NULL;
	struct leaf l = { 0 };

	hw->m.requests++;
	x->mem_reads = 0;
	if (!(reg32(&hw->regs, VTD_GSTS) & GSTS_TES))
		return answer_pass_through(v, x);
	context = tagcache_lookup(&hw->context, x->rid.bdf);
	if (context && FIELD_GET(CTX_TT, context->value[0]) != CTX_TT_PASS_THROUGH)
		e = iotlb_lookup(hw, (uint16_t)FIELD_GET(CTX_HI_DID, context->value[1]), x->iova.a);
	if (!e) {
		walkers_miss(hw->walkers, x);
		return false;
	}
	hw->m.iotlb_hits++;
	l.pa = e->value[0] & SS_ADDR;
	l.rights = e->value[0] & (SS_R | SS_W);
	l.lg2 = (unsigned)e->value[1];
	permit(&l, x);
	x->hit = true;
	x->latency = v->conf->iotlb_hit;
	if (!x->ok)
		refuse(v, x, context->value[0] & CTX_FPD);
	return true;
}

/* ---- the walk ---- */

/* Read and wait for the value. */
static bool fetch(struct vtd_walk_state *s, uint64_t at, uint64_t *value, unsigned words)
{
	sim_time arrives;
	bool exists =
		walk_read(s->v->hw.walkers, s->p, s->w, (hpa_t){ at }, value, words, &arrives);

	proc_sleep_until(s->p, arrives + s->v->conf->walk_read);
	return exists;
}

/* 9.1: an address bit beyond the machine's physical width is reserved. */
static uint64_t beyond_memory(const struct vtd *v)
{
	return ~(BIT64(ilog2_ceil(mem_size(v->env.machine->mem))) - 1) & GENMASK64(63, 12);
}

static enum vtd_fault check_context(const struct vtd *v, const uint64_t *e)
{
	uint64_t aw = FIELD_GET(CTX_HI_AW, e[1]);
	uint64_t tt = FIELD_GET(CTX_TT, e[0]);

	if (!(e[0] & CTX_P))
		return VTD_FAULT_CONTEXT_NOT_PRESENT;
	if ((e[0] & CTX_RSVD) || (e[1] & CTX_HI_RSVD))
		return VTD_FAULT_CONTEXT_RSVD;
	if (tt == CTX_TT_PASS_THROUGH && (v->conf->ecap & ECAP_PT))
		return VTD_NO_FAULT;
	if (tt != CTX_TT_UNTRANSLATED || !(FIELD_GET(CAP_SAGAW, v->conf->cap) & BIT64(aw)))
		return VTD_FAULT_CONTEXT_INVALID;
	return e[0] & CTX_SSPTPTR & beyond_memory(v) ? VTD_FAULT_CONTEXT_RSVD : VTD_NO_FAULT;
}

static enum vtd_fault walk_context(struct vtd_walk_state *s)
{
	struct vtd_hw *hw = &s->v->hw;
	rid_t rid = s->w->rid;
	struct tag_entry *cached = tagcache_peek(&hw->context, rid.bdf);
	uint64_t root[2];
	enum vtd_fault why;

	if (cached) {
		s->context[0] = cached->value[0];
		s->context[1] = cached->value[1];
		s->fpd = s->context[0] & CTX_FPD;
		return VTD_NO_FAULT;
	}
	hw->m.reads_root++;
	if (!fetch(s, hw->root_table + (rid.bdf >> 8) * ROOT_ENTRY_BYTES, root, 2))
		return VTD_FAULT_ROOT_TABLE_INVALID;
	if (!(root[0] & ROOT_P))
		return VTD_FAULT_ROOT_NOT_PRESENT;
	if ((root[0] & (ROOT_RSVD | (ROOT_CTP & beyond_memory(s->v)))) || root[1])
		return VTD_FAULT_ROOT_RSVD;
	hw->m.reads_context++;
	if (!fetch(s, (root[0] & ROOT_CTP) + (rid.bdf & 0xff) * CONTEXT_ENTRY_BYTES, s->context, 2))
		return VTD_FAULT_CONTEXT_TABLE_INVALID;
	s->fpd = (s->context[0] & CTX_P) && (s->context[0] & CTX_FPD);
	why = check_context(s->v, s->context);
	if (why == VTD_NO_FAULT && !s->w->no_fill)
		tagcache_fill(&hw->context, rid.bdf, s->context[0], s->context[1]);
	return why;
}

static void count_read(struct vtd_hw *hw, unsigned level)
{
	uint64_t *const counter[] = { &hw->m.reads_pt, &hw->m.reads_pd, &hw->m.reads_pdp,
		&hw->m.reads_pml4 };

	++*counter[level - 1];
}

/* The deepest cached table: level to read next and where it is. PWC words: [0] entry, [1] rights of
 * the levels above and this one. */
static unsigned deepest_cached(struct vtd_hw *hw, uint16_t did, uint64_t iova, unsigned levels,
	uint64_t *table, uint64_t *rights)
{
	for (unsigned level = 2; level <= levels; level++) {
		struct tag_entry *e =
			tagcache_lookup(&hw->pwc[level - 2], vtd_pwc_key(did, level, iova));

		if (!e)
			continue;
		*table = e->value[0] & SS_ADDR;
		*rights = e->value[1];
		return level - 1;
	}
	return levels;
}

static uint64_t entry_reserved(const struct vtd *v, unsigned level, bool leaf)
{
	uint64_t sllps = FIELD_GET(CAP_SLLPS, v->conf->cap);
	uint64_t rsvd = beyond_memory(v) & SS_ADDR;

	if (level == 1)
		return rsvd;
	if (!leaf || level > 3 || !(sllps & BIT64(level - 2)))
		rsvd |= SS_PS; /* no leaf of this size: the bit is reserved */
	if (leaf)
		rsvd |= GENMASK64(vtd_level_lg2(level) - 1, 12);
	return rsvd;
}

static void fill_leaf(struct vtd_walk_state *s, uint16_t did, const struct leaf *l)
{
	struct vtd_hw *hw = &s->v->hw;
	unsigned size_class = (l->lg2 - PAGE_LG2) / VTD_LEVEL_BITS;
	struct tag_entry *e;

	hw->superpages_seen |= size_class > 0;
	if (s->w->no_fill)
		return;
	e = tagcache_fill(&hw->iotlb, vtd_key(did, size_class, s->iova), l->pa | l->rights, l->lg2);
	if (e && s->w->mark)
		tagcache_mark(&hw->iotlb, e, s->w->mark);
}

/* One level of the walk: the entry decoded. True when the walk goes on at the next level. */
static bool step(
	struct vtd_walk_state *s, uint16_t did, unsigned level, uint64_t *table, struct leaf *l)
{
	struct vtd *v = s->v;
	uint64_t entry = 0;
	sim_time arrives;
	bool leaf;

	count_read(&v->hw, level);
	if (!walk_read(v->hw.walkers, s->p, s->w,
		    (hpa_t){ *table + vtd_index(s->iova, level) * VTD_ENTRY_BYTES }, &entry, 1,
		    &arrives))
		l->fault = VTD_FAULT_NEXT_TABLE_INVALID;
	leaf = level == 1 || (entry & SS_PS);
	if (leaf && (entry & (SS_R | SS_W))) { /* an unmap from here on finds the walk holding it */
		s->w->leaf = true;
		s->w->domain = did;
		s->w->leaf_lg2 = vtd_level_lg2(level);
	}
	proc_sleep_until(s->p, arrives + v->conf->walk_read);
	if (l->fault)
		return false;
	l->rights &= entry;
	if (!(entry & (SS_R | SS_W))) {
		l->rights = 0; /* not present: the request's own kind of access is refused */
		return false;
	}
	if (entry & entry_reserved(v, level, leaf)) {
		l->fault = VTD_FAULT_PTE_RSVD;
		return false;
	}
	if (leaf) {
		l->pa = entry & SS_ADDR;
		l->lg2 = vtd_level_lg2(level);
		return false;
	}
	if (!s->w->no_fill)
		tagcache_fill(
			&v->hw.pwc[level - 2], vtd_pwc_key(did, level, s->iova), entry, l->rights);
	*table = entry & SS_ADDR;
	return true;
}

static void walk_tables(struct vtd_walk_state *s, struct leaf *l)
{
	uint16_t did = (uint16_t)FIELD_GET(CTX_HI_DID, s->context[1]);
	unsigned aw = (unsigned)FIELD_GET(CTX_HI_AW, s->context[1]);
	unsigned levels = vtd_aw_levels(aw);
	uint64_t table = s->context[0] & CTX_SSPTPTR;
	unsigned mgaw = (unsigned)FIELD_GET(CAP_MGAW, s->v->conf->cap) + 1;
	unsigned bits = vtd_aw_bits(aw) < mgaw ? vtd_aw_bits(aw) : mgaw;
	unsigned level;

	if (s->iova >> bits) {
		l->fault = VTD_FAULT_BEYOND_MGAW;
		return;
	}
	l->rights = SS_R | SS_W;
	level = deepest_cached(&s->v->hw, did, s->iova, levels, &table, &l->rights);
	while (step(s, did, level, &table, l))
		level--;
	if (l->fault == VTD_NO_FAULT && l->lg2)
		fill_leaf(s, did, l);
}

/* The outcome travels from walk to answer in the model's own words of the walk. */
static void save(struct walk *w, const struct leaf *l)
{
	w->result[0] = l->pa | l->rights;
	w->result[1] = (uint64_t)l->lg2 | (uint64_t)l->fault << 8 |
		       (uint64_t)l->pass_through << 16 | (uint64_t)l->fpd << 17;
}

static struct leaf load(const struct walk *w)
{
	return (struct leaf){
		.pa = w->result[0] & SS_ADDR,
		.rights = w->result[0] & (SS_R | SS_W),
		.lg2 = (unsigned)(w->result[1] & 0xff),
		.fault = (enum vtd_fault)(w->result[1] >> 8 & 0xff),
		.pass_through = w->result[1] >> 16 & 1,
		.fpd = w->result[1] >> 17 & 1,
	};
}

static void walk(void *model, struct proc *p, struct walk *w)
{
	struct vtd_walk_state s = { .v = model, .p = p, .w = w, .iova = w->page << PAGE_LG2 };
	struct leaf l = { 0 };

	proc_advance(p, s.v->conf->walk_overhead);
	l.fault = walk_context(&s);
	if (l.fault == VTD_NO_FAULT) {
		if (FIELD_GET(CTX_TT, s.context[0]) == CTX_TT_PASS_THROUGH)
			l.pass_through = true;
		else
			walk_tables(&s, &l);
	}
	l.fpd = s.fpd;
	save(w, &l);
}

static void answer(void *model, struct walk *w, struct xlate *x)
{
	struct leaf l = load(w);

	if (l.pass_through && l.fault == VTD_NO_FAULT)
		l.lg2 = PAGE_LG2;
	permit(&l, x);
	if (!x->ok)
		refuse(model, x, l.fpd);
}

const struct walker_ops vtd_walker_ops = { .walk = walk, .answer = answer };
