#include "dma/dma.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "base/bug.h"
#include "dma/dma_priv.h"
#include "hw/cacheline.h"
#include "hw/cpu.h"
#include "hw/cpu.h"
#include "hw/mem.h"
#include "hw/pages.h"

#define CONF_STRUCT_ struct dma_conf
static const struct conf_field fields[] = { DMA_CONF(CONF_FIELD_) };
#undef CONF_STRUCT_
const struct conf_table dma_conf_table = CONF_TABLE("dma", dma_conf, fields, NULL);

#define METRIC_STRUCT_ struct dma_metrics
static const struct metric_desc desc[] = { DMA_METRICS(METRIC_DESC_) };
#undef METRIC_STRUCT_
const struct metric_table dma_metric_table = { "dma",
	"The DMA layer: invalidations by granularity and by trigger.", desc, ARRAY_SIZE(desc) };

static void page_reused(void *arg, hpa_t page)
{
	struct dma_system *s = arg;
	window_id *w = &s->frame_window[page.a >> PAGE_LG2];

	if (*w && window_is_held(s->windows, *w))
		window_page_reused(s->windows, *w);
	*w = 0;
}

struct dma_system *dma_system_create(struct machine *m, const struct dma_system_conf *conf,
	const struct iommu_units *units, struct windows *windows)
{
	struct dma_system *s = xcalloc(1, sizeof(*s));

	s->machine = m;
	s->conf = conf;
	s->units = units;
	s->model = units->ops;
	s->windows = windows;
	list_init(&s->devs);
	if (!s->model)
		return s;
	s->nframes = mem_size(m->mem) >> PAGE_LG2;
	s->frame_window = xcalloc(s->nframes, sizeof(*s->frame_window));
	pages_on_reuse(m->pages, page_reused, s);
	metric_scope_add(
		metric_scope_child(metrics_root(m->metrics), "dma"), &dma_metric_table, &s->m);
	dma_policy_create(s);
	return s;
}

void dma_system_destroy(struct dma_system *s)
{
	struct list *n;

	while ((n = list_pop_front(&s->devs)) != NULL) {
		struct dma_dev *d = list_entry(n, struct dma_dev, link);

		free(d->own.iova);
		free(d);
	}
	if (s->model) {
		dma_policy_destroy(s);
		pages_on_reuse(s->machine->pages, NULL, NULL);
	}
	free(s->domains);
	free(s->frame_window);
	free(s);
}

uint64_t dma_live_ranges(const struct dma_system *s)
{
	return s->live;
}

void dma_totals(const struct dma_system *s, struct dma_totals *t)
{
	*t = (struct dma_totals){
		.invalidations = s->m.invalidations,
		.flush_max = s->m.flush_time.max,
		.window_bound = s->policy->window_bound(s->policy_state),
	};
}

struct dma_verdict dma_dev_verdict(const struct dma_dev *d)
{
	const struct domain_metrics *m = &d->domain->m;

	return (struct dma_verdict){ m->right, m->stale, m->wrong_target, m->unmapped_ok,
		m->fault_expected, m->fault_unexpected };
}

void dma_system_observe(struct dma_system *s, const struct dma_observer *o)
{
	s->observer = o;
}

bool dma_system_translates(const struct dma_system *s)
{
	return s->model != NULL;
}

/* ---- mapping ---- */

static unsigned prot_of(enum dma_dir dir)
{
	static const unsigned prot[] = {
		[DMA_TO_DEVICE] = IOMMU_PROT_R,
		[DMA_FROM_DEVICE] = IOMMU_PROT_W,
		[DMA_BIDIRECTIONAL] = IOMMU_PROT_R | IOMMU_PROT_W,
	};

	return prot[dir];
}

static uint32_t pages_spanned(uint64_t at, uint64_t len)
{
	uint64_t offset = at & (PAGE_SIZE - 1);

	return (uint32_t)((offset + len + PAGE_SIZE - 1) >> PAGE_LG2);
}

static void charge_call(struct dma_dev *d, struct proc *p)
{
	cpu_run(p, d->system->machine->conf->cost->dma_call, CPU_dma);
}

/* Without an IOMMU the mask is all there is: the bus address is the physical one. */
static bool map_direct(struct dma_dev *d, hpa_t pa, uint64_t len, iova_t *out)
{
	if (pa.a + len - 1 > d->mask)
		return false;
	d->system->live++;
	*out = (iova_t){ pa.a };
	return true;
}

static uint64_t total_len(const struct dma_sg *sg, unsigned n)
{
	uint64_t total = 0;

	for (unsigned i = 0; i < n; i++)
		total += sg[i].len;
	return total;
}

/* Segments after the first begin at a page, and all but the last end at one: no hole in the IOVA. */
static void check_segments(const struct dma_sg *sg, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		BUG_ON(sg[i].len == 0);
		BUG_ON(i > 0 && (sg[i].pa.a & (PAGE_SIZE - 1)));
		BUG_ON(i + 1 < n && ((sg[i].pa.a + sg[i].len) & (PAGE_SIZE - 1)));
	}
}

static void map_segments(struct dma_domain *dom, struct proc *p, uint64_t pfn,
	const struct dma_sg *sg, unsigned n, enum dma_dir dir)
{
	for (unsigned i = 0; i < n; i++) {
		uint32_t pages = pages_spanned(sg[i].pa.a, sg[i].len);

		domain_map(
			dom, p, pfn, (hpa_t){ sg[i].pa.a & ~(PAGE_SIZE - 1) }, pages, prot_of(dir));
		pfn += pages;
	}
}

/* Page by page: only those that nobody else has mapped. The segments are one, in memory. */
static void hold_pages(struct dma_domain *dom, struct proc *p, const struct iova_range *r, hpa_t pa,
	enum dma_dir dir)
{
	for (uint64_t i = 0; i < r->npages; i++) {
		bool first = dom->allocator->hold(dom->iova, p, r->pfn + i);

		if (first) {
			domain_map(dom, p, r->pfn + i,
				(hpa_t){ (pa.a & ~(PAGE_SIZE - 1)) + (i << PAGE_LG2) }, 1,
				prot_of(dir));
			domain_sync_map(dom, p, r->pfn + i, 1);
		}
		dom->m.pages_shared += !first;
		dom->allocator->settle(dom->iova, p, r->pfn + i);
	}
}

static void drop_pages(struct dma_domain *dom, struct proc *p, const struct iova_range *r)
{
	for (uint64_t pfn = r->pfn; pfn < r->pfn + r->npages; pfn++) {
		if (dom->allocator->drop(dom->iova, p, pfn))
			domain_unmap_page(dom, p, pfn); /* settles it */
		else
			dom->allocator->settle(dom->iova, p, pfn);
	}
	dom->allocator->free(dom->iova, p, r);
}

static void copy(struct dma_domain *dom, struct proc *p, uint64_t len)
{
	uint64_t lines = (len + 63) / 64;

	cpu_run(p, lines * dom->system->machine->conf->cost->copy_line, CPU_copy);
	line_touch_others(p, (uint32_t)(2 * lines));
	dom->m.bytes_copied += len;
}

/* What a mapping consists of, by the kind of allocator. */
static void map_found(struct dma_domain *dom, struct proc *p, const struct iova_range *r,
	const struct dma_sg *sg, unsigned n, enum dma_dir dir)
{
	if (dom->caps & IOVA_FOLLOWS_MEMORY) {
		hold_pages(dom, p, r, sg[0].pa, dir);
	} else if (!r->premapped) {
		map_segments(dom, p, r->pfn, sg, n, dir);
		domain_sync_map(dom, p, r->pfn, r->npages);
	} else {
		if (r->fresh)
			domain_map_buffer(dom, p, r, prot_of(dir));
		if (dir != DMA_FROM_DEVICE)
			copy(dom, p, total_len(sg, n));
	}
}

static bool are_one(const struct dma_sg *sg, unsigned n)
{
	for (unsigned i = 1; i < n; i++)
		if (sg[i].pa.a != sg[i - 1].pa.a + sg[i - 1].len)
			return false;
	return true;
}

static bool map_ranges(struct dma_dev *d, struct proc *p, const struct dma_sg *sg, unsigned n,
	enum dma_dir dir, bool coherent, iova_t *out)
{
	struct dma_domain *dom = d->domain;
	uint64_t len = total_len(sg, n), offset = sg[0].pa.a & (PAGE_SIZE - 1);
	uint32_t npages = pages_spanned(offset, len);
	sim_time from = proc_now(p);
	const struct domain_req want = { npages, coherent, prot_of(dir), sg[0].pa };
	struct iova_range r;
	bool found;

	domain_enter(dom, p);
	found = (!(dom->caps & IOVA_FOLLOWS_MEMORY) || are_one(sg, n)) &&
		domain_alloc_iova(dom, p, &want, d->mask, &r);
	if (found)
		map_found(dom, p, &r, sg, n, dir);
	domain_leave(dom, p);
	dom->m.map_failures += !found;
	if (!found)
		return false;
	if (!r.premapped &&
		!(dom->caps & IOVA_FOLLOWS_MEMORY)) /* whose slack is none, or others' */
		domain_note_slack(
			dom, r.pfn, (uint32_t)(((uint64_t)npages << PAGE_LG2) - len), proc_now(p));
	d->system->live++;
	dom->m.maps++;
	dom->m.pages_mapped += npages;
	hist_add(&dom->m.map_time, proc_now(p) - from);
	cpu_tell(p, "map", from);
	*out = (iova_t){ (r.pfn << PAGE_LG2) + offset };
	return true;
}

/* For the observer: the call, and what came of it. */
static void *announce(const struct dma_dev *d, struct proc *p)
{
	const struct dma_observer *o = d->system->observer;

	return o ? o->map_called(o->ctx, d, cpu_id(p), proc_now(p)) : NULL;
}

static void tell(const struct dma_dev *d, void *call, const struct dma_sg *sg, unsigned n,
	enum dma_dir dir, bool coherent, iova_t iova)
{
	const struct dma_observer *o = d->system->observer;

	if (o)
		o->mapped(o->ctx, call, sg, n, dir, coherent, iova);
}

bool dma_map_sg(struct dma_dev *d, struct proc *p, const struct dma_sg *sg, unsigned n,
	enum dma_dir dir, iova_t *out)
{
	void *call = announce(d, p);
	bool ok;

	check_segments(sg, n);
	charge_call(d, p);
	/* devices of a machine without IOMMU get segment by segment */
	BUG_ON(!d->system->model && n != 1);
	ok = d->system->model ? map_ranges(d, p, sg, n, dir, false, out)
			      : map_direct(d, sg[0].pa, sg[0].len, out);
	tell(d, call, sg, ok ? n : 0, dir, false, ok ? *out : (iova_t){ 0 });
	return ok;
}

bool dma_map_single(
	struct dma_dev *d, struct proc *p, hpa_t pa, uint32_t len, enum dma_dir dir, iova_t *out)
{
	return dma_map_sg(d, p, &(struct dma_sg){ pa, len }, 1, dir, out);
}

void dma_unmap_single(
	struct dma_dev *d, struct proc *p, iova_t iova, uint32_t len, enum dma_dir dir)
{
	struct dma_domain *dom = d->domain;
	struct iova_range r = { .pfn = iova.a >> PAGE_LG2, .npages = pages_spanned(iova.a, len) };
	sim_time from = proc_now(p);

	if (d->system->observer)
		d->system->observer->unmap_called(
			d->system->observer->ctx, d, cpu_id(p), from, iova);
	charge_call(d, p);
	BUG_ON(d->system->live == 0);
	d->system->live--;
	if (!d->system->model)
		return;
	if (dom->allocator->find) {
		struct iova_range found;

		dom->allocator->find(dom->iova, p, r.pfn, &found);
		BUG_ON(found.npages != r.npages);
		r = found;
	}
	if (dom->caps & IOVA_FOLLOWS_MEMORY) {
		drop_pages(dom, p, &r);
	} else if (r.premapped) {
		if (dir != DMA_TO_DEVICE)
			copy(dom, p, len);
		dom->allocator->free(dom->iova, p, &r);
	} else {
		domain_unmap(dom, p, &r);
	}
	dom->m.unmaps++;
	dom->m.pages_unmapped += r.npages;
	hist_add(&dom->m.unmap_time, proc_now(p) - from);
	cpu_tell(p, "unmap", from);
}

void dma_unmap_sg(struct dma_dev *d, struct proc *p, const struct dma_sg *sg, unsigned n,
	enum dma_dir dir, iova_t iova)
{
	dma_unmap_single(d, p, iova, (uint32_t)total_len(sg, n), dir);
}

bool dma_alloc_coherent(struct dma_dev *d, struct proc *p, uint32_t bytes, hpa_t *pa, iova_t *iova)
{
	unsigned n = pages_spanned(0, bytes);
	struct pages *pages = d->system->machine->pages;
	void *call = announce(d, p);
	struct dma_sg sg = { pages_alloc_contig(pages, p, n), (uint32_t)(n * PAGE_SIZE) };
	bool ok;

	charge_call(d, p);
	*pa = sg.pa;
	ok = d->system->model ? map_ranges(d, p, &sg, 1, DMA_BIDIRECTIONAL, true, iova)
			      : map_direct(d, sg.pa, sg.len, iova);
	tell(d, call, &sg, ok, DMA_BIDIRECTIONAL, true, ok ? *iova : (iova_t){ 0 });
	if (ok)
		return true;
	pages_free_contig(pages, p, sg.pa, n);
	*pa = (hpa_t){ 0 }; /* whoever takes the ring down must see that there is none */
	return false;
}

void dma_free_coherent(struct dma_dev *d, struct proc *p, uint32_t bytes, hpa_t pa, iova_t iova)
{
	unsigned n = pages_spanned(0, bytes);

	dma_unmap_single(d, p, iova, (uint32_t)(n * PAGE_SIZE), DMA_BIDIRECTIONAL);
	pages_free_contig(d->system->machine->pages, p, pa, n);
}
