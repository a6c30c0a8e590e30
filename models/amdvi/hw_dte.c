/*
 * Who sends a request, and how it is to be translated: the device table and its cache. AMD IOMMU
 * Specification, 48882: 2.2.2 "Device Table", 2.1.3 "Exclusion range".
 */
#include "models/amdvi/amdvi_walk.h"

#include "hw/mem.h"

/* A cached entry's note: the number of its domain's space + 1, and whether a page fault was logged. */
#define NOTE_SPACE  GENMASK64(30, 0)
#define NOTE_LOGGED BIT64(31)

/* ---- decoding ---- */

static uint64_t gcr3_root(const uint64_t *e)
{
	return FIELD_GET(DTE0_GCR3_LOW, e[0]) << 12 | FIELD_GET(DTE1_GCR3_MID, e[1]) << 15 |
	       FIELD_GET(DTE1_GCR3_HIGH, e[1]) << 31;
}

static void decode(const struct amdvi *a, const uint64_t *e, struct amdvi_source *src)
{
	*src = (struct amdvi_source){
		.valid = e[0] & DTE0_V,
		.translates = e[0] & DTE0_TV,
		.mode = (unsigned)FIELD_GET(DTE0_MODE, e[0]),
		.root = e[0] & DTE0_ROOT,
		.rights = (e[0] & DTE0_IR ? LEAF_R : 0) | (e[0] & DTE0_IW ? LEAF_W : 0),
		.domain = (uint16_t)FIELD_GET(DTE1_DOMAIN, e[1]),
		.guest = (e[0] & DTE0_GV) && (reg64(&a->hw.regs, AMDVI_CONTROL) & CTRL_GT_EN),
		.giov = (e[0] & DTE0_GIOV) && (a->conf->efr & EFR_GIO_SUP),
		.glx = (unsigned)FIELD_GET(DTE0_GLX, e[0]),
		.guest_levels = FIELD_GET(DTE2_GPM, e[2]) ? 5 : 4,
		.gcr3 = gcr3_root(e),
		.iotlb = e[1] & DTE1_I,
		.ppr = e[0] & DTE0_PPR,
		.suppress = e[1] & DTE1_SE,
		.suppress_all = e[1] & DTE1_SA,
		.exclusion = e[1] & DTE1_EX,
	};
}

/* ---- illegal entries: 2.2.2.1, 2.5.3. V clear: nothing else of the entry counts ---- */

static unsigned most_levels(const struct amdvi *a)
{
	return 4 + (unsigned)FIELD_GET(EFR_HATS, a->conf->efr);
}

static bool guest_fields_ok(const struct amdvi *a, const uint64_t *e)
{
	uint64_t efr = a->conf->efr;

	if (!(e[0] & DTE0_GV))
		return true;
	return (efr & EFR_GT_SUP) && FIELD_GET(DTE0_GLX, e[0]) <= FIELD_GET(EFR_GLX_SUP, efr) &&
	       FIELD_GET(DTE2_GPM, e[2]) <= (FIELD_GET(EFR_GATS, efr) ? 1 : 0);
}

static bool check(const struct amdvi *a, const uint64_t *e, struct amdvi_leaf *l)
{
	if (!(e[0] & DTE0_V))
		return true;
	if ((e[0] & DTE0_RSVD) || (e[2] & DTE2_RSVD) || (e[3] & DTE3_RSVD)) {
		amdvi_fail(l, EVENT_ILLEGAL_DTE, EVENT_RZ);
		return false;
	}
	if ((e[0] & DTE0_TV) &&
		(FIELD_GET(DTE0_MODE, e[0]) > most_levels(a) || !guest_fields_ok(a, e))) {
		amdvi_fail(l, EVENT_ILLEGAL_DTE, 0); /* an encoding, not a reserved bit */
		return false;
	}
	return true;
}

/* ---- finding the entry ---- */

static void remember(struct amdvi_walk *s, const uint64_t *e)
{
	struct tag_entry *kept;

	if (s->w->no_fill || !(e[0] & DTE0_V) || !(e[0] & DTE0_TV))
		return;
	kept = tagcache_fill(&s->a->hw.dtc, s->w->rid.bdf, e[0], e[1]);
	if (kept)
		kept->value[2] = e[2];
}

static bool fetch(struct amdvi_walk *s, uint64_t *e, struct amdvi_leaf *l)
{
	struct amdvi_hw *hw = &s->a->hw;
	const struct amdvi_origin from = { .device = s->w->rid.bdf };
	uint64_t table = reg64(&hw->regs, AMDVI_DEV_TAB_BASE);
	uint64_t size = (FIELD_GET(DEV_TAB_SIZE, table) + 1) * PAGE_SIZE;
	uint64_t offset = (uint64_t)s->w->rid.bdf * DTE_BYTES;

	if (offset >= size) {
		amdvi_fail(l, EVENT_ILLEGAL_DTE, 0);
		return false;
	}
	hw->m.reads_dte++;
	AMDVI_COUNT(hw, mem_dte_mis, &from, 1);
	if (!amdvi_walk_fetch(s, (table & DEV_TAB_BASE) + offset, e, DTE_WORDS)) {
		amdvi_fail(l, EVENT_DEV_TAB_HW_ERROR, FIELD_PREP(EVENT_HW_TYPE, HW_MASTER_ABORT));
		l->event_address = (table & DEV_TAB_BASE) + offset;
		return false;
	}
	return true;
}

bool amdvi_dte_find(struct amdvi_walk *s, struct amdvi_leaf *l)
{
	struct tag_entry *cached = tagcache_lookup(&s->a->hw.dtc, s->w->rid.bdf);
	uint64_t e[DTE_WORDS] = { 0 };

	if (cached) {
		decode(s->a, cached->value, &s->src);
		return true;
	}
	if (!fetch(s, e, l) || !check(s->a, e, l))
		return false;
	decode(s->a, e, &s->src);
	remember(s, e);
	return true;
}

struct tag_entry *amdvi_dte_cached(struct amdvi *a, rid_t rid, struct amdvi_source *src)
{
	struct tag_entry *e = tagcache_lookup(&a->hw.dtc, rid.bdf);

	if (!e)
		return NULL;
	decode(a, e->value, src);
	return e;
}

/* The specification lets a unit log the first fault and suppress what follows (SE); here until the
 * entry leaves the cache. */
bool amdvi_dte_suppresses(struct amdvi *a, rid_t rid, const struct amdvi_source *src)
{
	struct tag_entry *e = tagcache_peek(&a->hw.dtc, rid.bdf);
	bool again = e && (e->note & NOTE_LOGGED);

	if (e)
		e->note |= (uint32_t)NOTE_LOGGED;
	return src->suppress_all || (src->suppress && again);
}

/* ---- what the entry makes of a request ---- */

static bool is_excluded(const struct amdvi *a, const struct amdvi_source *src, uint64_t address)
{
	uint64_t base = reg64(&a->hw.regs, AMDVI_EXCL_BASE);
	uint64_t limit = reg64(&a->hw.regs, AMDVI_EXCL_LIMIT) | (PAGE_SIZE - 1);

	return (base & EXCL_EX_EN) && ((base & EXCL_ALLOW) || src->exclusion) &&
	       address >= (base & EXCL_ADDR) && address <= limit;
}

enum amdvi_route amdvi_route_of(const struct amdvi *a, const struct amdvi_source *src,
	const struct xlate *x, struct amdvi_leaf *l)
{
	l->dte_rights = LEAF_RW;
	l->domain = src->domain;
	if (!src->valid)
		return ROUTE_PASS;
	if (x->at != XLATE_UNTRANSLATED && !src->iotlb) {
		amdvi_fail(l, EVENT_INVALID_DEVICE_REQUEST,
			FIELD_PREP(EVENT_REQUEST_TYPE, REQUEST_PRETRANSLATED));
		return ROUTE_REFUSE;
	}
	if (x->at == XLATE_TRANSLATED || is_excluded(a, src, x->iova.a))
		return ROUTE_PASS;
	if (!src->translates) {
		amdvi_fail(l, EVENT_IO_PAGE_FAULT, 0);
		return ROUTE_REFUSE;
	}
	l->dte_rights = src->rights;
	if (src->guest && (x->has_pasid || src->giov))
		return ROUTE_GUEST;
	if (x->has_pasid) {
		amdvi_fail(l, EVENT_IO_PAGE_FAULT, 0);
		return ROUTE_REFUSE;
	}
	return src->mode ? ROUTE_HOST : ROUTE_PASS;
}
