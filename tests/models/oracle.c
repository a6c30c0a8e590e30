#include "tests/models/oracle.h"

#include <check.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "hw/mem.h"
#include "hw/pages.h"

#define NOBODY ORACLE_RANGES
#define MEMORY (UINT64_C(2) << 30) /* that is mapped: below the window of interrupt addresses */

rid_t oracle_rid(unsigned domain)
{
	static const uint16_t bdf[ORACLE_DOMAINS] = { 0x0018, 0x0019, 0x0300 };

	return (rid_t){ bdf[domain] };
}

struct oracle *oracle_create(struct rig *r, uint64_t seed)
{
	struct oracle *o = xcalloc(1, sizeof(*o));

	o->rig = r;
	rng_init(&o->rng, seed, "oracle");
	return o;
}

void oracle_destroy(struct oracle *o)
{
	free(o);
}

static uint64_t iova_of(const struct oracle *o, unsigned area, unsigned page)
{
	return o->area[area] + ((uint64_t)page << PAGE_LG2);
}

void oracle_begin(struct oracle *o, struct proc *p)
{
	const struct iommu_model_ops *ops = o->rig->ops;
	struct err err;

	ops->drv_start(o->rig->state, p);
	for (unsigned d = 0; d < ORACLE_DOMAINS; d++) {
		ck_assert(ops->drv_domain_add(o->rig->state, p, (uint16_t)(d + 1), &err));
		ck_assert(ops->drv_attach(o->rig->state, p,
			&(struct iommu_dev){ .rid = oracle_rid(d) }, (uint16_t)(d + 1), &err));
	}
	o->area[0] = 0;
	o->area[1] = (UINT64_C(4) << 30) - ORACLE_PAGES / 2 * PAGE_SIZE;
	o->area[2] = BIT64(ops->drv_addr_width(o->rig->state)) - ORACLE_PAGES * PAGE_SIZE;
}

/* ---- accesses ---- */

struct waiting {
	struct xlate x;
	struct waitq q;
	struct engine *engine;
	bool done;
};

static void answered(struct xlate *x)
{
	struct waiting *w = container_of(x, struct waiting, x);

	w->done = true;
	waitq_wake_all(&w->q, engine_now(w->engine));
}

struct xlate oracle_translate(struct rig *r, struct proc *p, rid_t rid, uint64_t iova, bool write)
{
	struct waiting w = {
		.x = { .rid = rid, .iova = { iova }, .write = write, .len = 4, .done = answered },
		.engine = r->engine
	};

	waitq_init(&w.q);
	proc_sync(p);
	if (!r->ops->hw_translate(r->state, &w.x))
		while (!w.done)
			proc_wait(p, &w.q);
	return w.x;
}

/* The record of an address; NULL outside the areas. */
static struct oracle_page *page_at(struct oracle *o, unsigned domain, uint64_t iova)
{
	for (unsigned a = 0; a < ORACLE_AREAS; a++)
		if (iova >= o->area[a] && (iova - o->area[a]) >> PAGE_LG2 < ORACLE_PAGES)
			return &o->page[domain][a][(iova - o->area[a]) >> PAGE_LG2];
	return NULL;
}

void oracle_access(struct oracle *o, struct proc *p, unsigned domain, uint64_t iova, bool write)
{
	const struct oracle_page *page = page_at(o, domain, iova);
	struct xlate x = oracle_translate(o->rig, p, oracle_rid(domain), iova, write);
	uint64_t pa = page ? page->pa | (iova & (PAGE_SIZE - 1)) : 0;
	bool allowed = page && (page->prot & (write ? IOMMU_PROT_W : IOMMU_PROT_R));

	if (page && page->live && allowed) {
		ck_assert_msg(x.ok, "domain %u iova %#llx: refused with %#x", domain + 1,
			(unsigned long long)iova, x.fault_code);
		ck_assert_uint_eq(x.pa.a, pa);
		o->right++;
	} else if (x.ok) {
		ck_assert_msg(page && page->dirty && allowed,
			"domain %u iova %#llx %s: translated to %#llx", domain + 1,
			(unsigned long long)iova, write ? "write" : "read",
			(unsigned long long)x.pa.a);
		ck_assert_uint_eq(x.pa.a, pa);
		o->stale++;
	} else {
		ck_assert_uint_ne(x.fault_code, 0);
		o->refused++;
	}
}

void oracle_random_access(struct oracle *o, struct proc *p)
{
	unsigned domain = (unsigned)rng_below(&o->rng, ORACLE_DOMAINS);
	unsigned area = (unsigned)rng_below(&o->rng, ORACLE_AREAS);
	unsigned page = (unsigned)rng_below(&o->rng, ORACLE_PAGES);
	unsigned i = (unsigned)rng_below(&o->rng, ORACLE_RANGES);
	uint64_t offset = 4 * rng_below(&o->rng, PAGE_SIZE / 4);
	bool write = rng_below(&o->rng, 2);

	if (rng_below(&o->rng, 4) && o->range[i].used) {
		domain = o->range[i].domain;
		area = o->range[i].area;
		page = o->range[i].first + (unsigned)rng_below(&o->rng, o->range[i].npages);
	}
	oracle_access(o, p, domain, iova_of(o, area, page) + offset, write);
}

/* ---- mapping ---- */

static unsigned free_record(const struct oracle *o)
{
	unsigned i = 0;

	while (i < ORACLE_RANGES && o->range[i].used)
		i++;
	return i;
}

static bool is_free(const struct oracle *o, const struct oracle_range *r)
{
	for (uint32_t i = 0; i < r->npages; i++) {
		const struct oracle_page *page = &o->page[r->domain][r->area][r->first + i];

		if (page->live || page->dirty)
			return false;
	}
	return true;
}

/* Mostly small pages; sometimes the next size that fits an area. */
static unsigned random_page_lg2(struct oracle *o)
{
	uint64_t sizes = o->rig->ops->drv_page_sizes(o->rig->state);
	unsigned lg2;

	ck_assert(sizes & PAGE_SIZE);
	if (rng_below(&o->rng, 5))
		return PAGE_LG2;
	do
		lg2 = PAGE_LG2 + (unsigned)rng_below(&o->rng, 10);
	while (!(sizes >> lg2 & 1));
	return lg2;
}

bool oracle_map(struct oracle *o, struct proc *p)
{
	unsigned lg2 = random_page_lg2(o), i = free_record(o);
	uint32_t unit = 1u << (lg2 - PAGE_LG2),
		 n = 1 + (uint32_t)rng_below(&o->rng, unit > 1 ? 2 : 40);
	unsigned prot = 1 + (unsigned)rng_below(&o->rng, 3);
	uint64_t pa = round_down_lg2(rng_below(&o->rng, MEMORY), lg2);
	struct oracle_range r = { .npages = n * unit, .page_lg2 = lg2, .used = true };

	r.domain = (unsigned)rng_below(&o->rng, ORACLE_DOMAINS);
	r.area = (unsigned)rng_below(&o->rng, ORACLE_AREAS);
	r.first = unit * (unsigned)rng_below(&o->rng, ORACLE_PAGES / unit);
	if (i == NOBODY || r.first + r.npages > ORACLE_PAGES || !is_free(o, &r))
		return false;
	o->rig->ops->drv_map(o->rig->state, p, (uint16_t)(r.domain + 1),
		(iova_t){ iova_of(o, r.area, r.first) }, (hpa_t){ pa }, lg2, n, prot);
	for (uint32_t k = 0; k < r.npages; k++)
		o->page[r.domain][r.area][r.first + k] = (struct oracle_page){
			.pa = pa + ((uint64_t)k << PAGE_LG2), .prot = (uint8_t)prot, .live = true
		};
	o->range[i] = r;
	return true;
}

/* Small pages may be unmapped in two parts: the first goes, the rest becomes a range of its own. */
static void split(struct oracle *o, struct oracle_range *r)
{
	unsigned i = free_record(o);
	uint32_t keep;

	if (r->page_lg2 != PAGE_LG2 || r->npages < 2 || i == NOBODY || rng_below(&o->rng, 2))
		return;
	keep = 1 + (uint32_t)rng_below(&o->rng, r->npages - 1);
	o->range[i] = *r;
	o->range[i].first += keep;
	o->range[i].npages -= keep;
	r->npages = keep;
}

bool oracle_unmap(struct oracle *o, struct proc *p)
{
	const struct iommu_model_ops *ops = o->rig->ops;
	struct oracle_range *r = &o->range[rng_below(&o->rng, ORACLE_RANGES)];
	iova_t iova;

	if (!r->used || r->unmapped)
		return false;
	split(o, r);
	iova.a = iova_of(o, r->area, r->first);
	ops->drv_unmap(o->rig->state, p, (uint16_t)(r->domain + 1), iova, r->npages, &r->freed);
	r->unmapped = true;
	r->window = window_open(o->rig->windows, (uint16_t)(r->domain + 1), iova, r->npages,
		(hpa_t){ o->page[r->domain][r->area][r->first].pa }, 0, proc_now(p));
	ops->obs_mark(o->rig->state, (uint16_t)(r->domain + 1), iova, r->npages, r->window);
	for (uint32_t k = 0; k < r->npages; k++) {
		struct oracle_page *page = &o->page[r->domain][r->area][r->first + k];

		page->live = false;
		page->dirty = true;
	}
	return true;
}

/* ---- flushing ---- */

static void free_tables(struct rig *r, struct proc *p, const struct iommu_freelist *l)
{
	hpa_t page = l->head;

	for (uint32_t i = 0; i < l->n; i++) {
		hpa_t next = { mem_read64(r->machine.mem, page) };

		pages_free(r->machine.pages, p, page);
		page = next;
	}
}

/* The flush that covers the range is complete: nothing may translate it any more. */
static void finish(struct oracle *o, struct proc *p, struct oracle_range *r)
{
	ck_assert_msg(!window_is_held(o->rig->windows, r->window),
		"domain %u iova %#llx, %u pages: still held after its flush", r->domain + 1,
		(unsigned long long)iova_of(o, r->area, r->first), r->npages);
	window_flushed(o->rig->windows, r->window, proc_now(p));
	window_returned(o->rig->windows, r->window, proc_now(p));
	for (uint32_t k = 0; k < r->npages; k++)
		o->page[r->domain][r->area][r->first + k].dirty = false;
	free_tables(o->rig, p, &r->freed);
	*r = (struct oracle_range){ .used = false };
}

void oracle_flush(struct oracle *o, struct proc *p, enum iommu_flush_scope scope)
{
	unsigned first = (unsigned)rng_below(&o->rng, ORACLE_RANGES), i = first;
	struct iommu_flush f;

	while (!o->range[i].unmapped)
		if ((i = (i + 1) % ORACLE_RANGES) == first)
			return;
	f = (struct iommu_flush){ .scope = scope,
		.domain = (uint16_t)(o->range[i].domain + 1),
		.iova = { iova_of(o, o->range[i].area, o->range[i].first) },
		.npages = o->range[i].npages,
		.leaf_only = o->range[i].freed.n == 0 };
	o->rig->ops->drv_flush(o->rig->state, p, &f);
	for (unsigned k = 0; k < ORACLE_RANGES; k++) {
		bool covered = scope == IOMMU_FLUSH_ALL || k == i ||
			       (scope == IOMMU_FLUSH_DOMAIN && o->range[k].domain + 1 == f.domain);

		if (o->range[k].unmapped && covered)
			finish(o, p, &o->range[k]);
	}
}

void oracle_end(struct oracle *o, struct proc *p)
{
	const struct iommu_model_ops *ops = o->rig->ops;
	bool left = true;

	while (left) {
		left = false;
		for (unsigned i = 0; i < ORACLE_RANGES; i++)
			left |= o->range[i].used && !o->range[i].unmapped;
		oracle_unmap(o, p);
		oracle_flush(o, p, IOMMU_FLUSH_DOMAIN);
	}
	oracle_flush(o, p, IOMMU_FLUSH_ALL);
	for (unsigned d = 0; d < ORACLE_DOMAINS; d++) {
		ops->drv_detach(o->rig->state, p, oracle_rid(d));
		ops->drv_domain_del(o->rig->state, p, (uint16_t)(d + 1));
	}
	ops->drv_stop(o->rig->state, p);
	ck_assert_uint_eq(pages_in_use(o->rig->machine.pages), 0);
}
