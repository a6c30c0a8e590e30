/*
 * Who sends a request, and how it is to be translated: root, context, PASID directory and PASID table
 * entries. VT-d 4.1: 3.4 (legacy and scalable mode), 6.2.3 context cache, 6.2.4 PASID cache.
 */
#include "models/vtd/vtd_walk.h"

static bool is_scalable(const struct vtd *v)
{
	return FIELD_GET(RTADDR_TTM, v->hw.root_register) == RTADDR_TTM_SCALABLE;
}

static uint64_t pasid_key(rid_t rid, uint32_t pasid)
{
	return (uint64_t)rid.bdf << PASID_BITS | pasid;
}

/* 11.4.5: the other modes are reserved, and scalable mode is where the unit has none. */
static bool is_mode_known(const struct vtd *v)
{
	return FIELD_GET(RTADDR_TTM, v->hw.root_register) == RTADDR_TTM_LEGACY ||
	       (is_scalable(v) && (v->conf->ecap & ECAP_SMTS));
}

/* ---- decoding ---- */

static void decode_legacy(const uint64_t *e, struct vtd_source *src)
{
	uint64_t tt = FIELD_GET(CTX_TT, e[0]);

	*src = (struct vtd_source){
		.fpd = e[0] & CTX_FPD,
		.ats = tt == CTX_TT_ATS,
		.pgtt = tt == CTX_TT_PASS_THROUGH ? PGTT_PASS_THROUGH : PGTT_SECOND,
		.did = (uint16_t)FIELD_GET(CTX_HI_DID, e[1]),
		.ss_root = e[0] & CTX_SSPTPTR,
		.ss_levels = vtd_aw_levels((unsigned)FIELD_GET(CTX_HI_AW, e[1])),
	};
}

/* Which translations the source's requests find: of its domain, or of the PASID in it. */
static uint16_t space_of(struct vtd *v, const struct vtd_source *src, uint32_t pasid)
{
	bool first = src->pgtt == PGTT_FIRST || src->pgtt == PGTT_NESTED;

	return vtd_space_of(v, src->did, first ? pasid : SPACE_NO_PASID);
}

static void name_spaces(struct vtd *v, struct vtd_source *src, uint32_t pasid)
{
	src->space_ss = vtd_space_of(v, src->did, SPACE_NO_PASID);
	src->space = space_of(v, src, pasid);
}

/* The same for the fast path, which needs no second stage's: noted with the cached entry. */
static void note_space(struct vtd *v, struct tag_entry *e, struct vtd_source *src, uint32_t pasid)
{
	if (!e->note)
		e->note = space_of(v, src, pasid) + 1u;
	src->space = (uint16_t)(e->note - 1);
}

static void decode_pasid(
	const struct vtd *v, const uint64_t *context, const uint64_t *e, struct vtd_source *src)
{
	*src = (struct vtd_source){
		.scalable = true,
		.fpd = (e[0] & PASID_FPD) || (context[0] & CTX_FPD),
		.ats = context[0] & SM_CTX_DTE,
		.pre = context[0] & SM_CTX_PRE,
		.priv = context[1] & SM_CTX1_RID_PRIV,
		.pgtt = (unsigned)FIELD_GET(PASID_PGTT, e[0]),
		.did = (uint16_t)FIELD_GET(PASID1_DID, e[1]),
		.ss_root = e[0] & PASID_SSPTPTR,
		.ss_levels = vtd_aw_levels((unsigned)FIELD_GET(PASID_AW, e[0])),
		.ss_ad = (e[0] & PASID_SSADE) && (v->conf->ecap & ECAP_SLADS),
		.fs_root = e[2] & PASID2_FSPTPTR,
		.fs_levels = FIELD_GET(PASID2_FSPM, e[2]) ? 5 : 4,
		.sre = e[2] & PASID2_SRE,
		.ere = e[2] & PASID2_ERE,
		.wpe = e[2] & PASID2_WPE,
		.nxe = e[2] & PASID2_NXE,
		.smep = e[2] & PASID2_SMEP,
		.eafe = e[2] & PASID2_EAFE,
	};
}

/* A request without PASID has that of its context entry, or 0 where the unit has no such field. */
static uint32_t rid_pasid(const struct vtd *v, const uint64_t *context)
{
	return v->conf->ecap & ECAP_RPS ? (uint32_t)FIELD_GET(SM_CTX1_RID_PASID, context[1]) : 0;
}

/* ---- checks: 9.3, 9.4, 9.6 ---- */

static bool is_width_supported(const struct vtd *v, uint64_t aw)
{
	return aw <= 3 && (FIELD_GET(CAP_SAGAW, v->conf->cap) & BIT64(aw));
}

static enum vtd_fault check_legacy_context(const struct vtd *v, const uint64_t *e)
{
	uint64_t aw = FIELD_GET(CTX_HI_AW, e[1]), tt = FIELD_GET(CTX_TT, e[0]);

	if (!(e[0] & CTX_P))
		return VTD_FAULT_CONTEXT_NOT_PRESENT;
	if ((e[0] & CTX_RSVD) || (e[1] & CTX_HI_RSVD))
		return VTD_FAULT_CONTEXT_RSVD;
	if (!is_width_supported(v, aw))
		return VTD_FAULT_CONTEXT_INVALID;
	if (tt == CTX_TT_PASS_THROUGH)
		return v->conf->ecap & ECAP_PT ? VTD_NO_FAULT : VTD_FAULT_CONTEXT_INVALID;
	if (tt > CTX_TT_PASS_THROUGH || (tt == CTX_TT_ATS && !(v->conf->ecap & ECAP_DT)))
		return VTD_FAULT_CONTEXT_INVALID;
	return VTD_NO_FAULT;
}

static enum vtd_fault check_scalable_context(const uint64_t *e)
{
	if (!(e[0] & CTX_P))
		return VTD_FAULT_CONTEXT_NOT_PRESENT;
	if ((e[0] & SM_CTX_RSVD) || (e[1] & SM_CTX1_RSVD) || e[2] || e[3])
		return VTD_FAULT_CONTEXT_RSVD;
	return VTD_NO_FAULT;
}

static bool stage_supported(const struct vtd *v, const uint64_t *e)
{
	uint64_t cap = v->conf->cap, ecap = v->conf->ecap;
	bool second = is_width_supported(v, FIELD_GET(PASID_AW, e[0]));
	uint64_t fspm = FIELD_GET(PASID2_FSPM, e[2]);
	bool first = fspm == 0 || (fspm == 1 && (cap & CAP_FL5LP));

	switch (FIELD_GET(PASID_PGTT, e[0])) {
	case PGTT_FIRST:
		return first && (ecap & ECAP_FLTS);
	case PGTT_SECOND:
		return second && (ecap & ECAP_SLTS);
	case PGTT_NESTED:
		return first && second && (ecap & ECAP_NEST);
	case PGTT_PASS_THROUGH:
		return second && (ecap & ECAP_PT);
	default:
		return false;
	}
}

static enum vtd_fault check_pasid(const struct vtd *v, const uint64_t *e)
{
	if (!(e[0] & PASID_P))
		return VTD_FAULT_PASID_NOT_PRESENT;
	if ((e[0] & PASID_RSVD) || e[3] || e[4] || e[5] || e[6] || e[7])
		return VTD_FAULT_PASID_RSVD;
	if ((e[0] & PASID_SSPTPTR & vtd_beyond_haw(v)) ||
		(e[2] & PASID2_FSPTPTR & vtd_beyond_haw(v)))
		return VTD_FAULT_PASID_RSVD;
	return stage_supported(v, e) ? VTD_NO_FAULT : VTD_FAULT_PASID_INVALID;
}

/* ---- walking ---- */

static enum vtd_fault root_entry(struct vtd_walk *s, uint64_t *table, unsigned *index)
{
	struct vtd_hw *hw = &s->v->hw;
	unsigned bus = s->w->rid.bdf >> 8, devfn = s->w->rid.bdf & 0xff;
	uint64_t root[2], half;

	hw->m.reads_root++;
	if (!vtd_walk_fetch(s, (hw->root_register & RTADDR_RTA) + bus * ROOT_ENTRY_BYTES, root, 2))
		return VTD_FAULT_ROOT_ACCESS;
	half = s->src.scalable && devfn >= 128 ? root[1] : root[0];
	if (!(half & ROOT_P))
		return VTD_FAULT_ROOT_NOT_PRESENT;
	if ((half & (ROOT_RSVD | vtd_beyond_haw(s->v))) || (!s->src.scalable && root[1]))
		return VTD_FAULT_ROOT_RSVD;
	*table = half & ROOT_CTP;
	*index = s->src.scalable ? devfn & 127 : devfn;
	return VTD_NO_FAULT;
}

/* The context entry: 2 words in legacy mode, 4 in scalable mode. */
static enum vtd_fault context_entry(struct vtd_walk *s, uint64_t *e)
{
	struct vtd_hw *hw = &s->v->hw;
	struct tag_entry *cached = tagcache_lookup(&hw->context, s->w->rid.bdf);
	unsigned bytes = s->src.scalable ? SM_CONTEXT_ENTRY_BYTES : CONTEXT_ENTRY_BYTES;
	uint64_t table;
	unsigned index;
	enum vtd_fault why;

	if (cached) {
		e[0] = cached->value[0];
		e[1] = cached->value[1];
		s->src.fpd = e[0] & CTX_FPD;
		return VTD_NO_FAULT;
	}
	why = root_entry(s, &table, &index);
	if (why)
		return why;
	hw->m.reads_context++;
	if (!vtd_walk_fetch(s, table + index * bytes, e, bytes / 8))
		return VTD_FAULT_CONTEXT_ACCESS;
	s->src.fpd = e[0] & CTX_FPD; /* counts even when the entry is not present: 9.3, 9.4 */
	why = s->src.scalable ? check_scalable_context(e) : check_legacy_context(s->v, e);
	if (!why && (e[0] & CTX_SSPTPTR & vtd_beyond_haw(s->v)) &&
		(s->src.scalable || FIELD_GET(CTX_TT, e[0]) != CTX_TT_PASS_THROUGH))
		why = VTD_FAULT_CONTEXT_RSVD;
	if (!why && !s->w->no_fill)
		tagcache_fill(&hw->context, s->w->rid.bdf, e[0], e[1]);
	return why;
}

static enum vtd_fault directory_entry(
	struct vtd_walk *s, const uint64_t *context, uint32_t pasid, uint64_t *table)
{
	uint64_t size = (uint64_t)1 << (FIELD_GET(SM_CTX_PDTS, context[0]) + 7), entry;

	if (pasid >> PASID_LOW_BITS >= size)
		return s->w->has_pasid ? VTD_FAULT_PASID_TOO_LARGE : VTD_FAULT_RID_PASID;
	s->v->hw.m.reads_pasid++;
	if (!vtd_walk_fetch(s,
		    (context[0] & SM_CTX_PASIDDIRPTR) + (pasid >> PASID_LOW_BITS) * VTD_ENTRY_BYTES,
		    &entry, 1))
		return VTD_FAULT_DIR_ACCESS;
	s->src.fpd |= (entry & PASID_DIR_FPD) != 0;
	if (!(entry & PASID_DIR_P))
		return VTD_FAULT_DIR_NOT_PRESENT;
	if (entry & (PASID_DIR_RSVD | (PASID_DIR_SMPTBLPTR & vtd_beyond_haw(s->v))))
		return VTD_FAULT_DIR_RSVD;
	*table = entry & PASID_DIR_SMPTBLPTR;
	return VTD_NO_FAULT;
}

static enum vtd_fault pasid_entry(
	struct vtd_walk *s, const uint64_t *context, uint32_t pasid, uint64_t *e)
{
	struct vtd_hw *hw = &s->v->hw;
	struct tag_entry *cached = tagcache_lookup(&hw->pasid, pasid_key(s->w->rid, pasid));
	uint64_t table;
	enum vtd_fault why;

	if (cached) {
		for (unsigned i = 0; i < 3; i++)
			e[i] = cached->value[i];
		return VTD_NO_FAULT;
	}
	why = directory_entry(s, context, pasid, &table);
	if (why)
		return why;
	hw->m.reads_pasid++;
	if (!vtd_walk_fetch(s, table + (pasid & ((1u << PASID_LOW_BITS) - 1)) * PASID_ENTRY_BYTES,
		    e, PASID_ENTRY_WORDS))
		return VTD_FAULT_PASID_ACCESS;
	s->src.fpd |= (e[0] & PASID_FPD) != 0;
	if (s->src.fpd) /* the directory's counts too, and the cached entry stands for both */
		e[0] |= PASID_FPD;
	why = check_pasid(s->v, e);
	if (!why && !s->w->no_fill) {
		cached = tagcache_fill(&hw->pasid, pasid_key(s->w->rid, pasid), e[0], e[1]);
		if (cached)
			cached->value[2] = e[2];
	}
	return why;
}

static enum vtd_fault find_scalable(struct vtd_walk *s, const uint64_t *context)
{
	uint64_t e[PASID_ENTRY_WORDS] = { 0 };
	uint32_t pasid = s->w->has_pasid ? s->w->pasid : rid_pasid(s->v, context);
	enum vtd_fault why;

	if (s->w->at != XLATE_UNTRANSLATED && !(context[0] & SM_CTX_DTE))
		return VTD_FAULT_TRANSLATION_BLOCKED;
	if (s->w->has_pasid && !(context[0] & SM_CTX_PASIDE))
		return VTD_FAULT_PASID_DISABLED;
	why = pasid_entry(s, context, pasid, e);
	if (why)
		return why;
	decode_pasid(s->v, context, e, &s->src);
	name_spaces(s->v, &s->src, pasid);
	return VTD_NO_FAULT;
}

enum vtd_fault vtd_source_find(struct vtd_walk *s)
{
	uint64_t context[SM_CONTEXT_WORDS] = { 0 };
	enum vtd_fault why;

	s->src = (struct vtd_source){ .scalable = is_scalable(s->v) };
	if (!is_mode_known(s->v)) {
		s->src.scalable = true; /* what the mode is called in the codes */
		return VTD_FAULT_NOT_SCALABLE_ROOT;
	}
	if (s->w->has_pasid && !s->src.scalable)
		return VTD_FAULT_TTM_FOR_PASID;
	why = context_entry(s, context);
	if (why)
		return why;
	if (s->src.scalable)
		return find_scalable(s, context);
	decode_legacy(context, &s->src);
	name_spaces(s->v, &s->src, SPACE_NO_PASID);
	return VTD_NO_FAULT;
}

bool vtd_source_cached(struct vtd *v, const struct xlate *x, struct vtd_source *src)
{
	struct tag_entry *context = tagcache_lookup(&v->hw.context, x->rid.bdf), *pasid;
	uint32_t number;

	if (!context || !is_mode_known(v))
		return false;
	if (!is_scalable(v)) {
		decode_legacy(context->value, src);
		note_space(v, context, src, SPACE_NO_PASID);
		return !x->has_pasid;
	}
	number = x->has_pasid ? x->pasid : rid_pasid(v, context->value);
	if (x->has_pasid && !(context->value[0] & SM_CTX_PASIDE))
		return false;
	pasid = tagcache_lookup(&v->hw.pasid, pasid_key(x->rid, number));
	if (!pasid)
		return false;
	decode_pasid(v, context->value, pasid->value, src);
	note_space(v, pasid, src, number);
	return true;
}
