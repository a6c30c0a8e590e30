/*
 * What invalidations remove, and in what time. VT-d 4.1 section 6.5.2: 6.5.2.1 context cache, 6.5.2.2
 * PASID cache, 6.5.2.3 IOTLB, 6.5.2.4 PASID-based IOTLB.
 */
#include "models/vtd/vtd_invq.h"

void vtd_invq_spend(struct invq *q, sim_time t)
{
	proc_sleep_until(q->p, proc_now(q->p) + t);
}

/* Walks in flight first, then the caches: what began earlier must not refill afterwards. */
static void settle_walks(struct invq *q)
{
	struct vtd *v = q->v;
	sim_time from = proc_now(q->p);

	walkers_invalidate(v->hw.walkers, q->p, (enum walker_inflight)v->conf->inflight);
	v->hw.q.drained += proc_now(q->p) - from;
}

/* ---- context cache: 6.5.2.1 ---- */

void vtd_invalidate_context(struct invq *q, uint64_t g, uint16_t sid, unsigned fm)
{
	/* FM masks the low function bits of the source id: 1, 2 or 3 of them. */
	static const uint64_t ignored[] = { 0, 4, 6, 7 };
	uint64_t mask = 0xffff & ~ignored[fm];
	struct vtd_hw *hw = &q->v->hw;

	settle_walks(q);
	vtd_invq_spend(q, q->v->conf->inv_context);
	if (g == VTD_SELECTIVE) {
		tagcache_invalidate(&hw->context, sid, mask);
		tagcache_invalidate(&hw->pasid, (uint64_t)sid << PASID_BITS, mask << PASID_BITS);
	} else { /* domain-selective is done as global: scalable-mode entries have no domain */
		tagcache_invalidate(&hw->context, 0, 0);
		tagcache_invalidate(&hw->pasid, 0, 0);
	}
	hw->q.context++;
}

/* ---- IOTLB and paging-structure caches: 6.5.2.3 ---- */

/* The block that an address and its mask (AM, at most MAMV) name. */
static uint64_t block_of(uint64_t word)
{
	return round_down_lg2(
		word & QI_IOTLB_HI_ADDR, (unsigned)FIELD_GET(QI_IOTLB_HI_AM, word) + PAGE_LG2);
}

/* All of the domain; or, with `pages`, the block of its second-stage addresses that `word` names. Those
 * say nothing about which first-stage or nested translations went through them: all of those go. */
static void sweep_domain(struct vtd *v, uint16_t did, bool pages, uint64_t word)
{
	for (uint32_t i = 0; i < v->hw.spaces.n; i++) {
		if (v->hw.spaces.list[i].domain != did)
			continue;
		if (pages && v->hw.spaces.list[i].pasid == SPACE_NO_PASID)
			vtd_space_sweep_pages(v, (uint16_t)i, block_of(word),
				(unsigned)FIELD_GET(QI_IOTLB_HI_AM, word), word & QI_IOTLB_HI_IH);
		else
			vtd_space_sweep(v, (uint16_t)i);
	}
}

/* False: not a valid request. */
bool vtd_invalidate_iotlb(struct invq *q, uint64_t g, uint16_t did, uint64_t word)
{
	struct vtd *v = q->v;
	unsigned am = (unsigned)FIELD_GET(QI_IOTLB_HI_AM, word);
	const struct {
		sim_time time;
		uint64_t *counter;
	} of[] = {
		[VTD_GLOBAL] = { v->conf->inv_global, &v->hw.q.iotlb_global },
		[VTD_DOMAIN] = { v->conf->inv_domain, &v->hw.q.iotlb_domain },
		[VTD_SELECTIVE] = { v->conf->inv_page, &v->hw.q.iotlb_page },
	};

	if (g == 0 || (g == VTD_SELECTIVE && am > FIELD_GET(CAP_MAMV, v->conf->cap)))
		return false;
	settle_walks(q);
	vtd_invq_spend(q, of[g].time);
	if (g == VTD_GLOBAL)
		vtd_sweep_everything(v);
	else
		sweep_domain(v, did, g == VTD_SELECTIVE, word);
	++*of[g].counter;
	return true;
}

/* 6.5.2.4 PASID-based IOTLB invalidation */
bool vtd_invalidate_pasid_iotlb(struct invq *q, const struct descriptor *d)
{
	struct vtd *v = q->v;
	uint64_t g = FIELD_GET(QI_G, d->lo);
	unsigned am = (unsigned)FIELD_GET(QI_IOTLB_HI_AM, d->hi);
	uint16_t space = vtd_space_of(
		v, (uint16_t)FIELD_GET(QI_DID, d->lo), (uint32_t)FIELD_GET(QI_PASID, d->lo));

	if (g != QI_PIOTLB_PASID && g != QI_PIOTLB_PAGE)
		return false;
	if (g == QI_PIOTLB_PAGE && am > FIELD_GET(CAP_MAMV, v->conf->cap))
		return false;
	settle_walks(q);
	vtd_invq_spend(q, v->conf->inv_page);
	if (g == QI_PIOTLB_PAGE)
		vtd_space_sweep_pages(v, space, block_of(d->hi), am, d->hi & QI_IOTLB_HI_IH);
	else
		vtd_space_sweep(v, space);
	v->hw.q.pasid_iotlb++;
	return true;
}

/* ---- PASID cache: 6.5.2.2 ---- */

struct pasid_match {
	uint64_t g;
	uint16_t did;
	uint32_t pasid;
};

static bool pasid_matches(uint64_t key, const struct tag_entry *e, void *arg)
{
	const struct pasid_match *m = arg;

	if (m->g == QI_PC_GLOBAL)
		return true;
	if (FIELD_GET(PASID1_DID, e->value[1]) != m->did)
		return false;
	return m->g == QI_PC_DOMAIN || (key & GENMASK64(PASID_BITS - 1, 0)) == m->pasid;
}

bool vtd_invalidate_pasid_cache(struct invq *q, const struct descriptor *d)
{
	struct pasid_match m = { FIELD_GET(QI_G, d->lo), (uint16_t)FIELD_GET(QI_DID, d->lo),
		(uint32_t)FIELD_GET(QI_PASID, d->lo) };

	if (m.g != QI_PC_DOMAIN && m.g != QI_PC_PASID && m.g != QI_PC_GLOBAL)
		return false;
	settle_walks(q);
	vtd_invq_spend(q, q->v->conf->inv_context);
	tagcache_invalidate_if(&q->v->hw.pasid, pasid_matches, &m);
	q->v->hw.q.pasid_cache++;
	return true;
}
