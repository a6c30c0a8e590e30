#include "dma/domain.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "base/bug.h"
#include "dma/dma_priv.h"
#include "hw/pages.h"

#define PFN_4G_LAST   UINT64_C(0xfffff)
/* Addresses that writes turn into interrupts (IOAPIC and MSI window). */
#define MSI_FIRST_PFN UINT64_C(0xfee00)
#define MSI_LAST_PFN  UINT64_C(0xfeeff)
#define PCI_END_PFN   UINT64_C(0xfec00)
#define FIRST_PFN     UINT64_C(1) /* IOVA_START_PFN */

#define METRIC_STRUCT_ struct domain_metrics
static const struct metric_desc desc[] = { DOMAIN_METRICS(METRIC_DESC_) };
#undef METRIC_STRUCT_
const struct metric_table domain_metric_table = { "domain",
	"One domain of the IOMMU API and the ground truth of its translations.", desc,
	ARRAY_SIZE(desc) };

static void reset(void *arg, sim_time now)
{
	struct dma_domain *d = arg;

	d->slack_byte_us = 0;
	d->measured_from = now;
}

static void collect(void *arg, sim_time now)
{
	struct dma_domain *d = arg;
	double seconds = (double)(now - d->measured_from) / (double)SEC;

	d->m.subpage_exposure = seconds > 0 ? d->slack_byte_us / seconds : 0;
}

/* iova_reserve_pci_windows() and the driver's own: where a request would reach another device, or would
 * be an interrupt. */
static void reserve_windows(struct dma_domain *d, struct proc *p)
{
	uint64_t pci = d->system->conf->dma->pci_window >> PAGE_LG2;

	d->allocator->reserve(d->iova, p, MSI_FIRST_PFN, MSI_LAST_PFN);
	if (pci)
		d->allocator->reserve(d->iova, p, PCI_END_PFN - pci, PCI_END_PFN - 1);
}

static void give_number(struct dma_domain *d)
{
	struct dma_system *s = d->system;

	d->id = s->next_domain++;
	s->domains = xrealloc(s->domains, s->next_domain, sizeof(struct dma_domain *));
	s->domains[d->id] = d;
}

bool domain_init(
	struct dma_domain *d, struct dma_system *s, struct proc *p, unsigned iommu, struct err *err)
{
	struct metric_scope *scope;

	*d = (struct dma_domain){ .system = s,
		.iommu = iommu,
		.state = s->units->state[iommu],
		.units = 1u << iommu,
		.allocator = s->conf->allocator };
	give_number(d);
	s->reach[iommu] |= d->units;
	d->caps = iova_caps_of(d->allocator, s->conf->allocator_conf);
	snprintf(d->name, sizeof(d->name), "dom%u", d->id);
	scope = metric_scope_child(metrics_root(s->machine->metrics), "%s", d->name);
	if (!s->model->drv_domain_add(d->state, p, d->id, err))
		return false;
	d->addr_bits = s->model->drv_addr_width(d->state);
	truth_init(&d->truth, d->addr_bits);
	d->iova = xcalloc(1, d->allocator->state_size);
	if (!d->allocator->init(d->iova, s->conf->allocator_conf,
		    &(struct iova_env){ .machine = s->machine,
			    .scope = metric_scope_child(scope, "iova"),
			    .name = d->name,
			    .first_pfn = FIRST_PFN,
			    .last_pfn = (BIT64(d->addr_bits) >> PAGE_LG2) - 1,
			    .ncpus = s->machine->ncpus,
			    .flush = s->policy->reuse ? dma_policy_reuse : NULL,
			    .flush_ctx = d },
		    err))
		return false;
	reserve_windows(d, p);
	dma_policy_domain_add(s, d->id);
	metric_scope_add(scope, &domain_metric_table, &d->m);
	metric_scope_hooks(scope, reset, collect, d);
	return true;
}

bool domain_extend(struct dma_domain *d, struct proc *p, unsigned iommu, struct err *err)
{
	const struct iommu_model_ops *model = d->system->model;

	if (d->units & 1u << iommu)
		return true;
	if (!model->drv_domain_share)
		return err_set(err, "a domain of model %s cannot live on several remapping units",
			model->name);
	if (!model->drv_domain_share(d->system->units->state[iommu], p, d->id, d->state, err))
		return false;
	d->units |= 1u << iommu;
	d->system->reach[d->iommu] |= d->units;
	return true;
}

void domain_fini(struct dma_domain *d, struct proc *p)
{
	struct dma_system *s = d->system;
	struct iova_range r;

	while (d->allocator->retire && d->allocator->retire(d->iova, &r))
		domain_unmap_buffer(d, p, &r);
	if (d->allocator->stop)
		d->allocator->stop(d->iova, p);
	d->allocator->fini(d->iova);
	truth_fini(&d->truth);
	for (unsigned i = 0; i < s->units->n; i++)
		if (i != d->iommu && (d->units & 1u << i))
			s->model->drv_domain_del(s->units->state[i], p, d->id);
	s->model->drv_domain_del(d->state, p, d->id);
}

/* intel_alloc_iova(): most devices can reach more, but short addresses need fewer table levels and
 * no dual address cycles, so 32 bits are tried first. */
bool domain_alloc_iova(struct dma_domain *d, struct proc *p, const struct domain_req *want,
	uint64_t mask, struct iova_range *out)
{
	bool aligned = want->coherent || !(d->caps & IOVA_ALIGNS_COHERENT_ONLY);
	uint64_t space = BIT64(d->addr_bits) - 1;
	uint64_t limit = (mask < space ? mask : space) >> PAGE_LG2;
	struct iova_req req = { .npages = want->npages,
		.limit_pfn = limit,
		.size_aligned = aligned,
		.coherent = want->coherent,
		.prot = want->prot,
		.pa_pfn = want->pa.a >> PAGE_LG2 };

	if (limit > PFN_4G_LAST && !d->system->conf->dma->forcedac && !(d->caps & IOVA_KEEPS_LOW)) {
		req.limit_pfn = PFN_4G_LAST;
		req.keep_caches = true; /* there is another try */
		if (d->allocator->alloc(d->iova, p, &req, out)) {
			d->m.below_4g++;
			return true;
		}
		req.limit_pfn = limit;
		req.keep_caches = false;
	}
	return d->allocator->alloc(d->iova, p, &req, out);
}

void domain_enter(struct dma_domain *d, struct proc *p)
{
	if (d->allocator->enter)
		d->allocator->enter(d->iova, p);
}

void domain_leave(struct dma_domain *d, struct proc *p)
{
	if (d->allocator->leave)
		d->allocator->leave(d->iova, p);
}

/* ---- map ---- */

static void believe_mapped(
	struct dma_domain *d, uint64_t pfn, hpa_t pa, uint32_t npages, unsigned prot)
{
	struct windows *w = d->system->windows;
	window_id told = 0;

	for (uint32_t i = 0; i < npages; i++) {
		struct truth_page *t = truth_at(&d->truth, pfn + i);

		BUG_ON(t->live);
		/* What led to the same page before does no harm (identity). */
		if (t->pa != pa.a + ((uint64_t)i << PAGE_LG2) && t->window && t->window != told &&
			window_is_held(w, t->window)) {
			told = t->window; /* once for each old range */
			window_iova_reused(w, told);
		}
		t->pa = pa.a + ((uint64_t)i << PAGE_LG2);
		t->prot = (uint8_t)prot;
		t->slack = 0;
		t->live = true;
	}
}

/* Largest supported page that both addresses are aligned to and that fits (Linux iommu_pgsize). */
static unsigned page_lg2_for(uint64_t sizes, uint64_t iova, uint64_t pa, uint64_t bytes)
{
	uint64_t aligned = iova | pa;
	uint64_t fit = BIT64(ilog2_floor(bytes) + 1) - 1;

	if (aligned)
		fit &= (aligned & (~aligned + 1)) * 2 - 1;
	BUG_ON(!(sizes & fit));
	return ilog2_floor(sizes & fit);
}

/* How many pages of that size in a row, before a larger size would do. */
static uint32_t run_of(uint64_t sizes, unsigned lg2, uint64_t iova, uint64_t pa, uint64_t bytes)
{
	uint64_t larger = sizes & ~(BIT64(lg2 + 1) - 1);
	uint64_t upto = bytes;

	if (larger) {
		uint64_t next = larger & (~larger + 1); /* the next larger size */
		uint64_t to_boundary = next - (iova & (next - 1));

		if (((iova ^ pa) & (next - 1)) == 0 && to_boundary + next <= bytes)
			upto = to_boundary;
	}
	return (uint32_t)(upto >> lg2);
}

void domain_map(struct dma_domain *d, struct proc *p, uint64_t pfn, hpa_t pa, uint32_t npages,
	unsigned prot)
{
	struct dma_system *s = d->system;
	uint64_t sizes = s->model->drv_page_sizes(d->state);
	uint64_t iova = pfn << PAGE_LG2, left = (uint64_t)npages << PAGE_LG2;

	believe_mapped(d, pfn, pa, npages, prot);
	while (left) {
		unsigned lg2 = page_lg2_for(sizes, iova, pa.a, left);
		uint32_t n = run_of(sizes, lg2, iova, pa.a, left);
		uint64_t bytes = (uint64_t)n << lg2;

		s->model->drv_map(d->state, p, d->id, (iova_t){ iova }, pa, lg2, n, prot);
		iova += bytes;
		pa.a += bytes;
		left -= bytes;
	}
}

void domain_sync_map(struct dma_domain *d, struct proc *p, uint64_t pfn, uint32_t npages)
{
	struct dma_system *s = d->system;

	for (unsigned i = 0; s->model->drv_sync_map && i < s->units->n; i++)
		if (d->units & 1u << i)
			s->model->drv_sync_map(
				s->units->state[i], p, d->id, (iova_t){ pfn << PAGE_LG2 }, npages);
}

void domain_note_slack(struct dma_domain *d, uint64_t pfn, uint32_t slack, sim_time now)
{
	struct truth_page *t = truth_at(&d->truth, pfn);

	t->slack = slack;
	t->mapped_at = now;
}

/* ---- unmap ---- */

static void believe_unmapped(
	struct dma_domain *d, const struct iova_range *r, window_id w, sim_time now)
{
	struct dma_system *s = d->system;
	struct truth_page *first = truth_at(&d->truth, r->pfn);

	if (first->slack)
		d->slack_byte_us +=
			(double)first->slack * (double)(now - first->mapped_at) / (double)US;
	for (uint32_t i = 0; i < r->npages; i++) {
		struct truth_page *t = truth_at(&d->truth, r->pfn + i);

		BUG_ON(!t->live);
		t->live = false;
		t->window = w;
		if (t->pa >> PAGE_LG2 < s->nframes)
			s->frame_window[t->pa >> PAGE_LG2] = w;
	}
}

static void unmap(struct dma_domain *d, struct proc *p, const struct iova_range *r, bool keeps_iova)
{
	struct dma_system *s = d->system;
	struct dma_range range = { .domain = d,
		.domain_id = d->id,
		.iommu = d->iommu,
		.iova = *r,
		.keeps_iova = keeps_iova };
	iova_t iova = { r->pfn << PAGE_LG2 };
	hpa_t pa = { truth_at(&d->truth, r->pfn)->pa };

	/* The driver whose lock this is holds it until the flush is done and the address free, which
	 * would turn the locks round under a policy that has one of its own: here it ends before. */
	domain_enter(d, p);
	/* Nothing else runs between the clear and the marks: drv_unmap synchronises, then clears. */
	s->model->drv_unmap(d->state, p, d->id, iova, r->npages, &range.tables);
	range.window = window_open(s->windows, d->id, iova, r->npages, pa, cpu_id(p), proc_now(p));
	believe_unmapped(d, r, range.window, proc_now(p));
	for (unsigned i = 0; i < s->units->n; i++)
		if (d->units & 1u << i)
			s->model->obs_mark(
				s->units->state[i], d->id, iova, r->npages, range.window);
	dma_mark_devices(d, iova, r->npages, range.window);
	domain_leave(d, p);
	if (keeps_iova)
		d->allocator->settle(d->iova, p, r->pfn);
	dma_policy_unmapped(s, p, &range);
	window_returned(s->windows, range.window, proc_now(p));
}

void domain_unmap(struct dma_domain *d, struct proc *p, const struct iova_range *r)
{
	unmap(d, p, r, false);
}

void domain_unmap_page(struct dma_domain *d, struct proc *p, uint64_t pfn)
{
	unmap(d, p, &(struct iova_range){ .pfn = pfn, .npages = 1 }, true);
}

/* ---- buffers that stay mapped ---- */

void domain_map_buffer(
	struct dma_domain *d, struct proc *p, const struct iova_range *r, unsigned prot)
{
	hpa_t pa = pages_alloc_contig(d->system->machine->pages, p, r->premapped);

	domain_map(d, p, r->pfn, pa, r->premapped, prot);
	domain_sync_map(d, p, r->pfn, r->premapped);
}

void domain_unmap_buffer(struct dma_domain *d, struct proc *p, const struct iova_range *r)
{
	struct dma_system *s = d->system;
	struct iommu_freelist tables = { .n = 0 };
	iova_t iova = { r->pfn << PAGE_LG2 };
	hpa_t pa = { truth_at(&d->truth, r->pfn)->pa };

	s->model->drv_unmap(d->state, p, d->id, iova, r->premapped, &tables);
	for (uint32_t i = 0; i < r->premapped; i++)
		truth_at(&d->truth, r->pfn + i)->live = false;
	dma_flush_units(s, p, d->units,
		&(struct iommu_flush){ .scope = IOMMU_FLUSH_PAGES,
			.domain = d->id,
			.iova = iova,
			.npages = r->premapped });
	dma_free_tables(s, p, &tables);
	pages_free_contig(s->machine->pages, p, pa, r->premapped);
}

/* ---- ground truth ---- */

static void judge_translated(
	struct dma_domain *d, const struct xlate *x, const struct truth_page *t, sim_time now)
{
	if (!t || (!t->live && !t->window)) {
		d->m.unmapped_ok++;
	} else if (t->live) {
		bool right = (t->pa | (x->iova.a & (PAGE_SIZE - 1))) == x->pa.a;

		d->m.right += right;
		d->m.wrong_target += !right;
	} else {
		d->m.stale++;
		window_access(d->system->windows, t->window, x->write, x->len, now);
	}
}

void domain_judge(struct dma_domain *d, const struct xlate *x, sim_time now)
{
	const struct truth_page *t = truth_find(&d->truth, x->iova.a >> PAGE_LG2);
	unsigned need = x->write ? IOMMU_PROT_W : IOMMU_PROT_R;

	if (x->ok)
		judge_translated(d, x, t, now);
	else if (t && t->live && (t->prot & need))
		d->m.fault_unexpected++;
	else
		d->m.fault_expected++;
}
