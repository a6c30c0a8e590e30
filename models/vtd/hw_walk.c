/*
 * A request's way through the remapping unit: the caches first, a walk if they do not know, then the
 * request's own permission. VT-d 4.1: 3.2 to 3.8, 6.2 (caching), 7.1 (faults).
 */
#include "models/vtd/vtd_walk.h"

#include "hw/mem.h"

#define NCLASSES 3u

/* ---- permission: each request's own ---- */

enum vtd_fault vtd_permission_fault(const struct vtd_leaf *l, bool write, bool exec, bool priv)
{
	enum vtd_fault refused = write ? VTD_FAULT_NO_WRITE : VTD_FAULT_NO_READ;

	if (!(l->flags & LEAF_FS))
		return l->flags & (write ? LEAF_W : LEAF_R) ? VTD_NO_FAULT : refused;
	if (!priv && !(l->flags & LEAF_U))
		return VTD_FAULT_USER;
	if (exec && !(l->flags & LEAF_X))
		return VTD_FAULT_NO_EXECUTE;
	if (exec && priv && (l->flags & LEAF_SMEP) && (l->flags & LEAF_U))
		return VTD_FAULT_NO_EXECUTE;
	if (!(l->flags & (write ? LEAF_SS_W : LEAF_R)))
		return refused;
	if (write && !(l->flags & LEAF_W) && (!priv || (l->flags & LEAF_WPE)))
		return refused;
	return VTD_NO_FAULT;
}

/* Requests that the source may not make at all: 7.1.3. */
static enum vtd_fault check_request(
	const struct vtd_source *src, enum xlate_at at, bool has_pasid, bool priv, bool exec)
{
	bool first = src->pgtt == PGTT_FIRST || src->pgtt == PGTT_NESTED;

	if (at != XLATE_UNTRANSLATED && !src->ats)
		return VTD_FAULT_TRANSLATION_BLOCKED;
	if (has_pasid && first && priv && !src->sre)
		return VTD_FAULT_SRE_CLEAR;
	if (has_pasid && first && exec && !src->ere)
		return VTD_FAULT_ERE_CLEAR;
	return VTD_NO_FAULT;
}

/* A translation must not lead where writes are interrupts. */
static bool is_interrupt_address(uint64_t pa)
{
	return pa >> 20 == 0xfee;
}

/* What a translation request is told by an answer without rights, and not as an error: 7.1.3 and
 * PCI Express 10.2.3. Nothing is recorded: the device may ask for the page. */
static bool is_recoverable(enum vtd_fault why)
{
	switch (why) {
	case VTD_FAULT_BEYOND_MGAW:
	case VTD_FAULT_NO_WRITE:
	case VTD_FAULT_NO_READ:
	case VTD_FAULT_INTERRUPT_ADDRESS:
	case VTD_FAULT_FS_NOT_PRESENT:
	case VTD_FAULT_NOT_CANONICAL:
	case VTD_FAULT_USER:
	case VTD_FAULT_NO_EXECUTE:
	case VTD_FAULT_NESTED_BEYOND_MGAW:
	case VTD_FAULT_NESTED_ROOT_READ:
	case VTD_FAULT_NESTED_READ:
	case VTD_FAULT_NESTED_WRITE:
		return true;
	default:
		return false;
	}
}

/* The completion of a translation request: the page and its rights. A page that is not dirty yet may be
 * written by whoever has asked to. */
static enum vtd_fault answer_translation_request(
	const struct vtd_leaf *l, struct xlate *x, bool priv)
{
	uint64_t pa = l->pass_through ? x->iova.a : l->pa | (x->iova.a & (BIT64(l->lg2) - 1));
	bool nothing = l->fault != VTD_NO_FAULT || (!l->pass_through && is_interrupt_address(pa));

	x->ok = !l->fault || is_recoverable(l->fault);
	x->fault_code = x->ok ? 0 : vtd_fault_code(l->fault, l->scalable);
	x->may_read =
		!nothing && (l->pass_through || !vtd_permission_fault(l, false, x->exec, priv));
	x->may_write =
		!nothing && (l->pass_through || (!vtd_permission_fault(l, true, x->exec, priv) &&
							(x->write || (l->flags & LEAF_DIRTY))));
	x->page_lg2 = l->pass_through || nothing ? PAGE_LG2 : l->lg2;
	x->pa = (hpa_t){ pa };
	return x->ok ? VTD_NO_FAULT : l->fault;
}

/* 3.7.1: where the unit has ZLR, a read of no bytes may go to a page that may only be written. */
static bool is_zero_length_read(const struct vtd *v, const struct xlate *x)
{
	return x->len == 0 && !x->write && (v->conf->cap & CAP_ZLR);
}

/* Fill the response; returns why it is refused. */
static enum vtd_fault respond(
	const struct vtd *v, const struct vtd_leaf *l, struct xlate *x, bool priv)
{
	uint64_t pa = l->pass_through ? x->iova.a : l->pa | (x->iova.a & (BIT64(l->lg2) - 1));
	enum vtd_fault why = l->fault;

	if (x->at == XLATE_TRANSLATION_REQUEST)
		return answer_translation_request(l, x, priv);
	if (!why && !l->pass_through)
		why = vtd_permission_fault(l, x->write, x->exec, priv);
	if (why == VTD_FAULT_NO_READ && is_zero_length_read(v, x) && (l->flags & LEAF_W))
		why = VTD_NO_FAULT;
	if (!why && (!l->pass_through || x->at == XLATE_TRANSLATED) && is_interrupt_address(pa))
		why = VTD_FAULT_INTERRUPT_ADDRESS;
	x->ok = why == VTD_NO_FAULT;
	x->fault_code = vtd_fault_code(why, l->scalable);
	if (!x->ok)
		return why;
	x->page_lg2 = l->pass_through ? PAGE_LG2 : l->lg2;
	x->pa = (hpa_t){ pa };
	return why;
}

static void refuse(struct vtd *v, struct xlate *x, bool fpd)
{
	v->hw.m.faults++;
	if (!fpd)
		vtd_fault_record(v, x);
}

/* ---- the fast path ---- */

/* IOTLB words: [0] page address | flags, [1] log2 of the page size. */
static struct tag_entry *iotlb_lookup(struct vtd_hw *hw, uint16_t space, uint64_t iova)
{
	struct tag_entry *e = tagcache_lookup(&hw->iotlb, vtd_key(space, 0, iova));

	for (unsigned c = 1; !e && hw->superpages_seen && c < NCLASSES; c++) {
		e = tagcache_peek(&hw->iotlb, vtd_key(space, c, iova));
		if (e) { /* one lookup of the unit, whatever the page size */
			hw->iotlb.m.misses--;
			hw->iotlb.m.hits++;
			e->stamp = ++hw->iotlb.clock;
		}
	}
	return e;
}

static bool answer_untranslated(struct vtd *v, struct xlate *x)
{
	const struct vtd_leaf as_it_is = { .pass_through = true };

	v->hw.m.pass_through += x->at != XLATE_TRANSLATED;
	x->hit = true;
	x->latency = v->conf->iotlb_hit;
	respond(v, &as_it_is, x, false);
	return true;
}

static bool answer_from_caches(struct vtd *v, struct xlate *x)
{
	struct vtd_source src;
	struct tag_entry *e;
	struct vtd_leaf l;

	if (!vtd_source_cached(v, x, &src) ||
		check_request(&src, x->at, x->has_pasid, x->priv, x->exec))
		return false; /* a walk finds out why */
	if (x->at == XLATE_TRANSLATED && is_interrupt_address(x->iova.a))
		return false;
	if (src.pgtt == PGTT_PASS_THROUGH || x->at == XLATE_TRANSLATED)
		return answer_untranslated(v, x);
	if (src.pgtt == PGTT_SECOND ? vtd_beyond_ss(v, &src, x->iova.a)
				    : !vtd_is_canonical(x->iova.a, src.fs_levels))
		return false;
	e = iotlb_lookup(&v->hw, src.space, x->iova.a);
	if (!e || (x->write && !(e->value[0] & LEAF_DIRTY)))
		return false; /* the first write of a page walks to set its dirty bit */
	v->hw.m.iotlb_hits++;
	l = (struct vtd_leaf){ .scalable = src.scalable,
		.pa = e->value[0] & ~LEAF_FLAGS & SS_ADDR,
		.flags = e->value[0] & LEAF_FLAGS,
		.lg2 = (unsigned)e->value[1] };
	if (respond(v, &l, x, x->has_pasid ? x->priv : src.priv) != VTD_NO_FAULT)
		refuse(v, x, src.fpd);
	x->mark = e->mark;
	x->hit = true;
	x->latency = v->conf->iotlb_hit;
	return true;
}

bool vtd_translate(struct vtd *v, struct xlate *x)
{
	v->hw.m.requests++;
	v->hw.m.translation_requests += x->at == XLATE_TRANSLATION_REQUEST;
	v->hw.m.translated_requests += x->at == XLATE_TRANSLATED;
	x->mem_reads = 0;
	if (!(reg32(&v->hw.regs, VTD_GSTS) & GSTS_TES)) {
		answer_untranslated(v, x);
		/* Without a fault record. A device's own translations are of no use then (4.2.3). */
		x->ok = !vtd_is_protected(v, x->iova.a) && x->at == XLATE_UNTRANSLATED;
		v->hw.m.protected_memory += vtd_is_protected(v, x->iova.a);
		return true;
	}
	if (answer_from_caches(v, x))
		return true;
	walkers_miss(v->hw.walkers, x);
	return false;
}

/* ---- the walk ---- */

bool vtd_walk_fetch(struct vtd_walk *s, uint64_t at, uint64_t *value, unsigned words)
{
	sim_time arrives;
	bool exists =
		walk_read(s->v->hw.walkers, s->p, s->w, (hpa_t){ at }, value, words, &arrives);

	proc_sleep_until(s->p, arrives + s->v->conf->walk_read);
	return exists;
}

void vtd_walk_update(struct vtd_walk *s, uint64_t at, uint64_t set)
{
	struct mem *mem = s->v->env.machine->mem;

	proc_sync(s->p);
	mem_write64(mem, (hpa_t){ at }, mem_read64(mem, (hpa_t){ at }) | set);
	s->v->hw.m.ad_updates++;
	proc_sleep_until(s->p, mem_write_done(mem, proc_now(s->p), VTD_ENTRY_BYTES));
}

uint64_t vtd_beyond_haw(const struct vtd *v)
{
	return ~(BIT64(v->conf->haw) - 1) & GENMASK64(63, 12);
}

static void fill_leaf(struct vtd_walk *s, const struct vtd_leaf *l)
{
	struct vtd_hw *hw = &s->v->hw;
	unsigned size_class = (l->lg2 - PAGE_LG2) / VTD_LEVEL_BITS;
	struct tag_entry *e;

	hw->superpages_seen |= size_class > 0;
	if (s->w->no_fill)
		return;
	e = tagcache_fill(
		&hw->iotlb, vtd_key(s->src.space, size_class, s->iova), l->pa | l->flags, l->lg2);
	if (e && s->w->mark)
		tagcache_mark(&hw->iotlb, e, s->w->mark);
}

static bool may(const struct vtd_walk *s, const struct vtd_leaf *l, bool write)
{
	bool priv = s->w->has_pasid ? s->w->priv : s->src.priv;

	return !vtd_permission_fault(l, write, s->w->exec, priv);
}

bool vtd_walk_serves(const struct vtd_walk *s, const struct vtd_leaf *l)
{
	return may(s, l, s->w->write) ||
	       (s->w->at == XLATE_TRANSLATION_REQUEST && may(s, l, !s->w->write));
}

bool vtd_walk_writes(const struct vtd_walk *s, const struct vtd_leaf *l)
{
	return s->w->write && may(s, l, true);
}

static void translate(struct vtd_walk *s, struct vtd_leaf *l)
{
	if (s->w->at == XLATE_TRANSLATED) { /* by the device: 4.2.2 */
		l->pass_through = true;
		return;
	}
	switch (s->src.pgtt) {
	case PGTT_PASS_THROUGH:
		l->pass_through = true;
		s->v->hw.m.pass_through++;
		return;
	case PGTT_SECOND:
		l->flags = LEAF_R | LEAF_W | LEAF_DIRTY;
		vtd_ss_walk(s, s->iova, s->w->write, l);
		break;
	default:
		vtd_fs_walk(s, l);
		break;
	}
	/* Only a translation that serves its request is cached; with caching mode, also that there is
	 * none (6.1). */
	if (!l->fault && l->lg2 && vtd_walk_serves(s, l))
		fill_leaf(s, l);
	else if (!l->fault && !l->lg2 && s->src.pgtt == PGTT_SECOND && (s->v->conf->cap & CAP_CM))
		fill_leaf(s, &(struct vtd_leaf){ .lg2 = PAGE_LG2, .flags = LEAF_DIRTY });
}

/* ---- from walk to answer, in the model's words of the walk ---- */

enum { PASS_THROUGH = BIT64(16), FPD = BIT64(17), SCALABLE = BIT64(18), PRIV = BIT64(19) };

static void save(struct walk *w, const struct vtd_leaf *l, bool rid_priv)
{
	w->result[0] = l->pa | l->flags;
	w->result[1] = (uint64_t)l->lg2 | (uint64_t)l->fault << 8 |
		       (l->pass_through ? PASS_THROUGH : 0) | (l->fpd ? FPD : 0) |
		       (l->scalable ? SCALABLE : 0) | (rid_priv ? PRIV : 0);
}

static void walk(void *model, struct proc *p, struct walk *w)
{
	struct vtd_walk s = { .v = model, .p = p, .w = w, .iova = w->page << PAGE_LG2 };
	struct vtd_leaf l = { 0 };

	proc_advance(p, s.v->conf->walk_overhead);
	l.fault = vtd_source_find(&s);
	if (!l.fault)
		l.fault = check_request(&s.src, w->at, w->has_pasid, w->priv, w->exec);
	if (!l.fault)
		translate(&s, &l);
	l.scalable = s.src.scalable;
	l.fpd = s.src.fpd;
	save(w, &l, s.src.priv);
}

static void answer(void *model, struct walk *w, struct xlate *x)
{
	struct vtd_leaf l = {
		.pa = w->result[0] & SS_ADDR,
		.flags = w->result[0] & LEAF_FLAGS,
		.lg2 = (unsigned)(w->result[1] & 0xff),
		.fault = (enum vtd_fault)(w->result[1] >> 8 & 0xff),
		.pass_through = w->result[1] & PASS_THROUGH,
		.fpd = w->result[1] & FPD,
		.scalable = w->result[1] & SCALABLE,
	};
	bool priv = x->has_pasid ? x->priv : (w->result[1] & PRIV) != 0;

	if (respond(model, &l, x, priv) != VTD_NO_FAULT)
		refuse(model, x, l.fpd);
}

const struct walker_ops vtd_walker_ops = { .walk = walk, .answer = answer };
