/*
 * The driver's second-stage tables, as Linux 3.1 intel-iommu.c: __domain_mapping, pfn_to_dma_pte,
 * dma_pte_clear_range, dma_pte_free_pagetable. One departure: tables that an unmap empties are handed to
 * the caller, to be freed after the flush, as Linux does since 4.5; 3.1 freed them at once.
 */
#include "models/vtd/vtd.h"

#include "base/bug.h"

static bool is_present(uint64_t entry)
{
	return entry & (SS_R | SS_W);
}

static bool is_table(uint64_t entry, unsigned level)
{
	return level > 1 && is_present(entry) && !(entry & SS_PS);
}

static hpa_t table_of(uint64_t entry)
{
	return (hpa_t){ entry & SS_ADDR };
}

static uint64_t table_entry(hpa_t table, unsigned level)
{
	(void)level;
	return table.a | SS_R | SS_W;
}

static uint64_t leaf(uint64_t pa, unsigned page_lg2, unsigned prot)
{
	return pa | (prot & IOMMU_PROT_R ? SS_R : 0) | (prot & IOMMU_PROT_W ? SS_W : 0) |
	       (page_lg2 > PAGE_LG2 ? SS_PS : 0);
}

static const struct ptable_format second_stage = { .is_present = is_present,
	.is_table = is_table,
	.table_of = table_of,
	.table_entry = table_entry };

void vtd_drv_tables_create(struct vtd *v, struct proc *p, struct vtd_domain *dom)
{
	dom->tables = (struct ptable){
		.format = &second_stage, .machine = v->env.machine, .m = &v->drv.tables
	};
	ptable_create(&dom->tables, p, vtd_aw_levels(v->drv.aw));
}

/* Walks that do not snoop the caches: the entries are flushed to memory. */
static void write_back(const struct vtd *v, struct proc *p)
{
	if (!(v->conf->ecap & ECAP_C))
		cpu_run(p, v->env.machine->conf->cost->pte_flush, CPU_pagetable);
}

struct mapping {
	struct vtd *v;
	uint16_t domain;
};

/* A paging-structure cache may still point to the table. */
static void replaced(void *ctx, struct proc *p, uint64_t iova, unsigned level)
{
	const struct mapping *m = ctx;

	vtd_drv_flush(m->v, p,
		&(struct iommu_flush){ .scope = IOMMU_FLUSH_PAGES,
			.domain = m->domain,
			.iova = { iova },
			.npages = 1u << (vtd_level_lg2(level) - PAGE_LG2) });
}

void vtd_drv_map(void *state, struct proc *p, uint16_t domain, iova_t iova, hpa_t pa,
	unsigned page_lg2, uint32_t n, unsigned prot)
{
	struct vtd *v = state;
	struct mapping ctx = { v, domain };

	if (!(v->conf->cap & CAP_ZLR)) /* a device may read no byte of a page that it writes */
		prot |= IOMMU_PROT_R;
	ptable_map(&v->drv.domains[domain].tables, p,
		&(struct ptable_map){ .iova = iova.a,
			.pa = pa.a,
			.page_lg2 = page_lg2,
			.n = n,
			.leaf = leaf,
			.prot = prot,
			.replaced = replaced,
			.ctx = &ctx });
	write_back(v, p);
}

/* iommu_flush_write_buffer() */
static void flush_write_buffer(struct vtd *v, struct proc *p)
{
	uint64_t keep;

	lock_acquire(&v->drv.register_lock, p);
	keep = vtd_drv_read(v, p, VTD_GSTS, 4, CPU_driver) & (GSTS_TES | GSTS_QIES);
	vtd_drv_write(v, p, VTD_GCMD, 4, keep | GCMD_WBF, CPU_driver);
	while (vtd_drv_read(v, p, VTD_GSTS, 4, CPU_driver) & GSTS_WBFS)
		cpu_run(p, v->conf->relax, CPU_driver);
	lock_release(&v->drv.register_lock, p);
	v->drv.m.write_buffer_flushes++;
}

/* Entries become present: with caching mode their absence may be cached (devices' own caches never keep
 * that). */
void vtd_drv_sync_map(void *state, struct proc *p, uint16_t domain, iova_t iova, uint32_t npages)
{
	struct vtd *v = state;

	if (v->conf->cap & CAP_CM)
		vtd_drv_flush_pages(v, p,
			&(struct iommu_flush){ .scope = IOMMU_FLUSH_PAGES,
				.domain = domain,
				.iova = iova,
				.npages = npages });
	else if (v->conf->cap & CAP_RWBF)
		flush_write_buffer(v, p);
}

void vtd_drv_unmap(void *state, struct proc *p, uint16_t domain, iova_t iova, uint32_t npages,
	struct iommu_freelist *freed)
{
	struct vtd *v = state;

	ptable_unmap(&v->drv.domains[domain].tables, p, iova.a,
		iova.a + ((uint64_t)npages << PAGE_LG2), freed);
	write_back(v, p);
}

void vtd_drv_domain_del(void *state, struct proc *p, uint16_t domain)
{
	struct vtd *v = state;
	struct vtd_domain *dom = &v->drv.domains[domain];

	BUG_ON(!dom->exists);
	if (!dom->shared)
		ptable_destroy(&dom->tables, p);
	*dom = (struct vtd_domain){ 0 };
}
