/*
 * A request's way through the unit: the caches first, a walk if they do not know, then the request's own
 * permission, and an event when it is refused. AMD IOMMU Specification, 48882: 2.2, 2.5.
 */
#include "models/amdvi/amdvi_walk.h"

#include "hw/mem.h"

/* ---- permission: each request's own ---- */

uint64_t amdvi_refusal(const struct amdvi_leaf *l, bool write, bool exec, bool priv)
{
	if ((l->flags & LEAF_GUEST) && !priv && !(l->flags & LEAF_U))
		return EVENT_PE;
	if (exec && !(l->flags & LEAF_X) && (l->flags & LEAF_GUEST))
		return EVENT_PE;
	return l->flags & l->dte_rights & (write ? LEAF_W : LEAF_R) ? 0 : EVENT_PE;
}

/* ---- events: 2.5.3 to 2.5.10 ---- */

static uint64_t first_word(const struct amdvi_leaf *l, const struct xlate *x)
{
	uint64_t lo = FIELD_PREP(RING_CODE, l->event) | x->rid.bdf | l->event_flags |
		      (x->write ? EVENT_RW : 0) |
		      (x->at == XLATE_TRANSLATION_REQUEST ? EVENT_TR : 0);
	bool has_domain = l->event == EVENT_IO_PAGE_FAULT || l->event == EVENT_PAGE_TAB_HW_ERROR;

	if (x->has_pasid)
		lo |= EVENT_GN | FIELD_PREP(EVENT_PASID_HIGH, x->pasid >> 16) |
		      FIELD_PREP(EVENT_DOMAIN, x->pasid & 0xffff) | (x->exec ? EVENT_NX : 0) |
		      (x->priv ? 0 : EVENT_US);
	else if (has_domain)
		lo |= FIELD_PREP(EVENT_DOMAIN, l->domain);
	return lo;
}

static void report(struct amdvi *a, const struct amdvi_leaf *l, const struct xlate *x)
{
	bool hw_error = l->event == EVENT_DEV_TAB_HW_ERROR || l->event == EVENT_PAGE_TAB_HW_ERROR;

	if (l->quiet && l->event == EVENT_IO_PAGE_FAULT) {
		a->hw.m.events_suppressed++;
		return;
	}
	amdvi_event(a, first_word(l, x), hw_error ? l->event_address : x->iova.a);
}

/* ---- answers ---- */

static bool is_prefetch(const struct amdvi *a, const struct xlate *x)
{
	return x == &a->hw.prefetch;
}

/* The completion of a translation request: the page and its rights. A page fault is an answer without
 * rights, and no event: the device may ask for the page (2.2.7). A page that is not dirty yet may be
 * written by whoever has asked to. */
static void answer_translation_request(struct amdvi *a, struct amdvi_leaf *l, struct xlate *x)
{
	bool fault = l->event == EVENT_IO_PAGE_FAULT;

	x->ok = !l->event || fault;
	x->fault_code = x->ok ? 0 : (uint16_t)l->event;
	if (!x->ok)
		report(a, l, x);
	x->may_read = !l->event && !amdvi_refusal(l, false, x->exec, x->priv);
	x->may_write = !l->event && !amdvi_refusal(l, true, x->exec, x->priv) &&
		       (x->write || l->pass || (l->flags & LEAF_DIRTY));
	x->page_lg2 = l->pass || l->event ? PAGE_LG2 : l->lg2;
	x->pa = (hpa_t){ l->pass ? x->iova.a : l->pa | (x->iova.a & (BIT64(x->page_lg2) - 1)) };
}

/* Fill the response, and report the refusal of a request. */
static void respond(struct amdvi *a, struct amdvi_leaf *l, struct xlate *x)
{
	const struct amdvi_origin from = { x->rid.bdf, l->domain,
		amdvi_pasid_of(x->has_pasid, x->pasid) };
	uint64_t refusal = l->event ? 0 : amdvi_refusal(l, x->write, x->exec, x->priv);

	if (x->at == XLATE_TRANSLATION_REQUEST) {
		answer_translation_request(a, l, x);
		return;
	}
	if (refusal)
		amdvi_fail(l, EVENT_IO_PAGE_FAULT, EVENT_PR | refusal);
	x->ok = l->event == EVENT_NONE;
	x->fault_code = (uint16_t)l->event;
	if (!x->ok) {
		AMDVI_COUNT(&a->hw, mem_target_abort, &from, 1);
		if (!is_prefetch(a, x)) /* nobody asked for it: 2.4.6 */
			report(a, l, x);
		return;
	}
	x->page_lg2 = l->pass ? PAGE_LG2 : l->lg2;
	x->pa = (hpa_t){ l->pass ? x->iova.a : l->pa | (x->iova.a & (BIT64(l->lg2) - 1)) };
}

static void count_pass(struct amdvi *a, const struct amdvi_source *src, const struct xlate *x)
{
	const struct amdvi_origin from = { x->rid.bdf, src->domain,
		amdvi_pasid_of(x->has_pasid, x->pasid) };

	if (src->valid && x->at == XLATE_TRANSLATED)
		AMDVI_COUNT(&a->hw, mem_pass_pretrans, &from, 1);
	else if (src->valid && src->mode) /* translated but for the exclusion range */
		AMDVI_COUNT(&a->hw, mem_pass_excl, &from, 1);
	else
		AMDVI_COUNT(&a->hw, mem_pass_untrans, &from, 1);
}

static void pass(struct amdvi *a, const struct amdvi_source *src, struct amdvi_leaf *l,
	const struct xlate *x)
{
	l->pass = true;
	l->flags = LEAF_RW;
	count_pass(a, src, x);
}

/* ---- the fast path ---- */

static uint16_t space_of(struct amdvi *a, const struct amdvi_source *src, enum amdvi_route route,
	bool has_pasid, uint32_t pasid)
{
	return amdvi_space_of(a, src->domain,
		route == ROUTE_GUEST ? amdvi_pasid_of(has_pasid, pasid) : SPACE_NO_PASID);
}

/* Address bits that the tables do not translate: not to be looked up, for a key leaves them out. */
static bool is_beyond(const struct amdvi_source *src, enum amdvi_route route, uint64_t address)
{
	unsigned bits = amdvi_level_lg2(src->mode + 1);

	if (route == ROUTE_GUEST)
		return !amdvi_is_canonical(address, src->guest_levels);
	return bits < 64 && address >> bits;
}

/* Cached words: [0] page address | flags, [1] log2 of the page size. */
static bool find_leaf(struct amdvi *a, const struct amdvi_source *src, enum amdvi_route route,
	const struct xlate *x, struct amdvi_leaf *l, window_id *mark)
{
	const struct amdvi_origin from = { x->rid.bdf, src->domain,
		amdvi_pasid_of(x->has_pasid, x->pasid) };
	struct tag_entry *e = NULL;

	AMDVI_COUNT(&a->hw, mem_trans_total, &from, 1);
	if (!is_beyond(src, route, x->iova.a))
		e = amdvi_ptc_lookup(
			&a->hw, space_of(a, src, route, x->has_pasid, x->pasid), x->iova.a);
	if (!e || (x->write && !(e->value[0] & LEAF_DIRTY))) {
		AMDVI_COUNT(&a->hw, mem_iommu_tlb_pte_mis, &from, 1);
		return false; /* the first write of a page walks to set its dirty bit */
	}
	AMDVI_COUNT(&a->hw, mem_iommu_tlb_pte_hit, &from, 1);
	l->pa = e->value[0] & PTE_ADDR;
	l->flags = e->value[0] & LEAF_FLAGS;
	l->lg2 = (unsigned)e->value[1];
	*mark = e->mark;
	return true;
}

static bool answer_from_caches(struct amdvi *a, struct xlate *x)
{
	const struct amdvi_origin device = { .device = x->rid.bdf };
	struct amdvi_source src;
	struct amdvi_leaf l = { 0 };
	enum amdvi_route route;

	if (!amdvi_dte_cached(a, x->rid, &src))
		return false;
	AMDVI_COUNT(&a->hw, mem_dte_hit, &device, 1);
	route = amdvi_route_of(a, &src, x, &l);
	if (route == ROUTE_PASS)
		pass(a, &src, &l, x);
	else if (route != ROUTE_REFUSE && !find_leaf(a, &src, route, x, &l, &x->mark))
		return false;
	if (x->at != XLATE_TRANSLATION_REQUEST &&
		(l.event || amdvi_refusal(&l, x->write, x->exec, x->priv)))
		l.quiet = amdvi_dte_suppresses(a, x->rid, &src);
	respond(a, &l, x);
	x->hit = true;
	x->latency = a->conf->ptc_hit;
	return true;
}

bool amdvi_translate(struct amdvi *a, struct xlate *x)
{
	a->hw.m.requests++;
	a->hw.m.translation_requests += x->at == XLATE_TRANSLATION_REQUEST;
	x->mem_reads = 0;
	x->mark = 0;
	if (!(reg64(&a->hw.regs, AMDVI_CONTROL) & CTRL_IOMMU_EN)) {
		struct amdvi_leaf l = { .dte_rights = LEAF_RW };

		pass(a, &(struct amdvi_source){ .valid = false }, &l, x);
		respond(a, &l, x);
		x->hit = true;
		x->latency = a->conf->ptc_hit;
		return true;
	}
	if (answer_from_caches(a, x))
		return true;
	walkers_miss(a->hw.walkers, x);
	return false;
}

/* ---- the walk ---- */

bool amdvi_walk_fetch(struct amdvi_walk *s, uint64_t at, uint64_t *value, unsigned words)
{
	sim_time arrives;
	bool exists =
		walk_read(s->a->hw.walkers, s->p, s->w, (hpa_t){ at }, value, words, &arrives);

	proc_sleep_until(s->p, arrives + s->a->conf->walk_read);
	return exists;
}

void amdvi_walk_update(struct amdvi_walk *s, uint64_t at, uint64_t set)
{
	struct mem *mem = s->a->env.machine->mem;

	proc_sync(s->p);
	mem_write64(mem, (hpa_t){ at }, mem_read64(mem, (hpa_t){ at }) | set);
	s->a->hw.m.ad_updates++;
	proc_sleep_until(s->p, mem_write_done(mem, proc_now(s->p), AMDVI_ENTRY_BYTES));
}

static void fill_leaf(struct amdvi_walk *s, enum amdvi_route route, const struct amdvi_leaf *l)
{
	struct amdvi_hw *hw = &s->a->hw;
	uint16_t space = route == ROUTE_GUEST ? s->space_guest : s->space;
	struct tag_entry *e;

	hw->sizes_seen |= BIT64(l->lg2);
	if (s->w->no_fill)
		return;
	e = tagcache_fill(&hw->ptc, amdvi_ptc_key(space, l->lg2, s->w->page << PAGE_LG2),
		l->pa | l->flags, l->lg2);
	if (e && s->w->mark)
		tagcache_mark(&hw->ptc, e, s->w->mark);
}

bool amdvi_walk_serves(const struct amdvi_walk *s, const struct amdvi_leaf *l)
{
	const struct walk *w = s->w;

	return !amdvi_refusal(l, w->write, w->exec, w->priv) ||
	       (w->at == XLATE_TRANSLATION_REQUEST &&
		       !amdvi_refusal(l, !w->write, w->exec, w->priv));
}

static void translate(struct amdvi_walk *s, enum amdvi_route route, struct amdvi_leaf *l)
{
	s->space = space_of(s->a, &s->src, ROUTE_HOST, false, 0);
	if (route == ROUTE_GUEST) {
		s->space_guest = space_of(s->a, &s->src, ROUTE_GUEST, s->w->has_pasid, s->w->pasid);
		amdvi_guest_walk(s, l);
	} else {
		amdvi_host_walk(s, s->w->page << PAGE_LG2, true, l);
		l->flags |= LEAF_DIRTY; /* host tables: none is kept */
	}
	/* Only a translation that serves its request is cached. */
	if (!l->event && amdvi_walk_serves(s, l))
		fill_leaf(s, route, l);
}

/* ---- from walk to answer, in the model's words of the walk ---- */

#define SAVED_LG2    GENMASK64(6, 0)
#define SAVED_PASS   BIT64(7)
#define SAVED_EVENT  GENMASK64(11, 8)
#define SAVED_RIGHTS GENMASK64(13, 12)
#define SAVED_QUIET  BIT64(14)
#define SAVED_DOMAIN GENMASK64(31, 16)
#define SAVED_FLAGS  GENMASK64(47, 32) /* EVENT_FLAGS */

static void save(struct walk *w, const struct amdvi_leaf *l)
{
	w->result[0] = l->event ? l->event_address : l->pa | l->flags;
	w->result[1] = l->lg2 | (l->pass ? SAVED_PASS : 0) | (l->quiet ? SAVED_QUIET : 0) |
		       FIELD_PREP(SAVED_EVENT, l->event) | FIELD_PREP(SAVED_RIGHTS, l->dte_rights) |
		       FIELD_PREP(SAVED_DOMAIN, l->domain) |
		       FIELD_PREP(SAVED_FLAGS, FIELD_GET(EVENT_FLAGS, l->event_flags));
}

static void restore(const struct walk *w, struct amdvi_leaf *l)
{
	*l = (struct amdvi_leaf){
		.event = (enum amdvi_event)FIELD_GET(SAVED_EVENT, w->result[1]),
		.event_flags = FIELD_PREP(EVENT_FLAGS, FIELD_GET(SAVED_FLAGS, w->result[1])),
		.event_address = w->result[0],
		.pass = w->result[1] & SAVED_PASS,
		.quiet = w->result[1] & SAVED_QUIET,
		.domain = (uint16_t)FIELD_GET(SAVED_DOMAIN, w->result[1]),
		.dte_rights = FIELD_GET(SAVED_RIGHTS, w->result[1]),
		.lg2 = (unsigned)FIELD_GET(SAVED_LG2, w->result[1]),
		.pa = w->result[0] & PTE_ADDR,
		.flags = w->result[0] & LEAF_FLAGS,
	};
}

static void walk(void *model, struct proc *p, struct walk *w)
{
	struct amdvi_walk s = { .a = model, .p = p, .w = w };
	struct amdvi_leaf l = { .dte_rights = LEAF_RW };
	const struct xlate x = { .rid = w->rid,
		.iova = { w->page << PAGE_LG2 },
		.at = w->at,
		.has_pasid = w->has_pasid,
		.pasid = w->pasid };

	proc_advance(p, s.a->conf->walk_overhead);
	if (amdvi_dte_find(&s, &l)) {
		enum amdvi_route route = amdvi_route_of(s.a, &s.src, &x, &l);

		if (route == ROUTE_PASS)
			pass(s.a, &s.src, &l, &x);
		else if (route != ROUTE_REFUSE)
			translate(&s, route, &l);
		if (w->at != XLATE_TRANSLATION_REQUEST &&
			(l.event || amdvi_refusal(&l, w->write, w->exec, w->priv)))
			l.quiet = amdvi_dte_suppresses(s.a, w->rid, &s.src);
	}
	save(w, &l);
}

static void answer(void *model, struct walk *w, struct xlate *x)
{
	struct amdvi_leaf l;

	restore(w, &l);
	respond(model, &l, x);
}

const struct walker_ops amdvi_walker_ops = { .walk = walk, .answer = answer };
