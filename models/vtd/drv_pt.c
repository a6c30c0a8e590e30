/*
 * The driver's second-stage tables, as Linux 3.1 intel-iommu.c: __domain_mapping, pfn_to_dma_pte,
 * dma_pte_clear_range, dma_pte_free_pagetable. Tables are shared by all CPUs without a lock (the
 * kernel links new ones by compare-and-swap). One departure: tables that an unmap empties are handed
 * to the caller, to be freed after the flush, as Linux does since 4.5; 3.1 freed them at once.
 */
#include "models/vtd/vtd.h"

#include "base/bug.h"
#include "hw/mem.h"
#include "hw/pages.h"

static bool is_table(uint64_t entry, unsigned level)
{
	return level > 1 && (entry & (SS_R | SS_W)) && !(entry & SS_PS);
}

static hpa_t entry_at(hpa_t table, uint64_t iova, unsigned level)
{
	return (hpa_t){ table.a + vtd_index(iova, level) * VTD_ENTRY_BYTES };
}

static void charge_line(struct vtd *v, struct proc *p, hpa_t at, bool write)
{
	struct line *l = line_of_memory(v->env.machine, at);

	if (write)
		line_write(l, p, CPU_pagetable);
	else
		line_read(l, p, CPU_pagetable);
}

/* Allocation may wait: another CPU may link a table first, and then ours goes back (the kernel's
 * compare-and-swap). */
static hpa_t add_table(struct vtd *v, struct proc *p, hpa_t at, unsigned level)
{
	struct machine *m = v->env.machine;
	hpa_t table = pages_alloc_zeroed(m->pages, p);
	uint64_t entry;

	charge_line(v, p, at, true);
	entry = mem_read64(m->mem, at);
	if (is_table(entry, level)) {
		pages_free(m->pages, p, table);
		return (hpa_t){ entry & SS_ADDR };
	}
	mem_write64(m->mem, at, table.a | SS_R | SS_W);
	v->drv.m.tables_allocated++;
	return table;
}

/* The table that holds the entry for iova at `level`, made on the way when it is not there. */
static hpa_t descend(
	struct vtd *v, struct proc *p, const struct vtd_domain *dom, uint64_t iova, unsigned level)
{
	hpa_t table = dom->pgd;

	for (unsigned l = dom->levels; l > level; l--) {
		hpa_t at = entry_at(table, iova, l);
		uint64_t entry = mem_read64(v->env.machine->mem, at);

		cpu_run(p, v->env.machine->conf->cost->pt_level, CPU_pagetable);
		charge_line(v, p, at, false);
		BUG_ON((entry & (SS_R | SS_W)) && !is_table(entry, l)); /* mapped by a superpage */
		table = is_table(entry, l) ? (hpa_t){ entry & SS_ADDR } : add_table(v, p, at, l);
	}
	return table;
}

static void free_tables(struct vtd *v, struct proc *p, hpa_t table, unsigned level)
{
	struct mem *mem = v->env.machine->mem;

	for (unsigned i = 0; level > 1 && i < VTD_TABLE_ENTRIES; i++) {
		uint64_t entry = mem_read64(mem, (hpa_t){ table.a + i * VTD_ENTRY_BYTES });

		if (is_table(entry, level))
			free_tables(v, p, (hpa_t){ entry & SS_ADDR }, level - 1);
	}
	pages_free(v->env.machine->pages, p, table);
}

/* A large page comes where small ones left their table behind, empty: the table goes first, and a
 * paging-structure cache may still point to it. */
static void replace_table(
	struct vtd *v, struct proc *p, uint16_t domain, hpa_t at, uint64_t iova, unsigned level)
{
	uint64_t entry = mem_read64(v->env.machine->mem, at);

	if (!is_table(entry, level))
		return;
	proc_sync(p);
	mem_write64(v->env.machine->mem, at, 0);
	vtd_drv_flush(v, p,
		&(struct iommu_flush){ .scope = IOMMU_FLUSH_PAGES,
			.domain = domain,
			.iova = { iova },
			.npages = 1u << (vtd_level_lg2(level) - PAGE_LG2) });
	v->drv.m.tables_freed++;
	free_tables(v, p, (hpa_t){ entry & SS_ADDR }, level - 1);
}

void vtd_drv_map(void *state, struct proc *p, uint16_t domain, iova_t iova, hpa_t pa,
	unsigned page_lg2, uint32_t n, unsigned prot)
{
	struct vtd *v = state;
	const struct machine *m = v->env.machine;
	const struct vtd_domain *dom = &v->drv.domains[domain];
	unsigned level = (page_lg2 - PAGE_LG2) / VTD_LEVEL_BITS + 1;
	uint64_t bits = (prot & IOMMU_PROT_R ? SS_R : 0) | (prot & IOMMU_PROT_W ? SS_W : 0) |
			(level > 1 ? SS_PS : 0);
	hpa_t table = { 0 }, line = { UINT64_MAX };

	for (uint32_t i = 0; i < n; i++) {
		uint64_t at_iova = iova.a + ((uint64_t)i << page_lg2);
		hpa_t at;

		if (i == 0 || vtd_index(at_iova, level) == 0)
			table = descend(v, p, dom, at_iova, level);
		at = entry_at(table, at_iova, level);
		replace_table(v, p, domain, at, at_iova, level);
		BUG_ON(mem_read64(m->mem, at) & (SS_R | SS_W));
		if (at.a >> 6 != line.a >> 6)
			charge_line(v, p, at, true);
		line = at;
		cpu_run(p, m->conf->cost->pte_write, CPU_pagetable);
		mem_write64(m->mem, at, (pa.a + ((uint64_t)i << page_lg2)) | bits);
	}
	v->drv.m.ptes_written += n;
	if (level > 1)
		v->drv.m.superpages += n;
	if (!(v->conf->ecap & ECAP_C))
		cpu_run(p, m->conf->cost->pte_flush, CPU_pagetable);
}

/* ---- unmap ---- */

struct unmapping {
	struct vtd *v;
	struct proc *p;
	uint64_t first, end; /* bytes */
	struct iommu_freelist *freed;
};

static void clear_leaf(struct unmapping *u, hpa_t at)
{
	mem_write64(u->v->env.machine->mem, at, 0);
	cpu_run(u->p, u->v->env.machine->conf->cost->pte_write, CPU_pagetable);
	u->v->drv.m.ptes_cleared++;
}

static void take_out(struct unmapping *u, hpa_t table)
{
	struct mem *mem = u->v->env.machine->mem;

	mem_write64(mem, table, u->freed->n ? u->freed->head.a : 0);
	u->freed->head = table;
	u->freed->n++;
	u->v->drv.m.tables_freed++;
}

/* Clear the part of the range below `table`, whose first byte of IOVA is `base`. */
static void clear_below(struct unmapping *u, hpa_t table, unsigned level, uint64_t base)
{
	uint64_t span = BIT64(vtd_level_lg2(level));
	uint64_t first = u->first > base ? round_down_lg2(u->first, vtd_level_lg2(level)) : base;
	uint64_t end = base + span * VTD_TABLE_ENTRIES;
	hpa_t line = { UINT64_MAX };

	cpu_run(u->p, u->v->env.machine->conf->cost->pt_level, CPU_pagetable);
	for (uint64_t at = first; at < end && at < u->end; at += span) {
		hpa_t where = entry_at(table, at, level);
		uint64_t entry = mem_read64(u->v->env.machine->mem, where);

		if (where.a >> 6 != line.a >> 6)
			charge_line(u->v, u->p, where, level == 1);
		line = where;
		BUG_ON(!(entry & (SS_R | SS_W)));
		if (!is_table(entry, level)) {
			BUG_ON(at < u->first || at + span > u->end); /* part of a superpage */
			clear_leaf(u, where);
			continue;
		}
		clear_below(u, (hpa_t){ entry & SS_ADDR }, level - 1, at);
		if (at >= u->first && at + span <= u->end) {
			mem_write64(u->v->env.machine->mem, where, 0);
			take_out(u, (hpa_t){ entry & SS_ADDR });
		}
	}
}

void vtd_drv_unmap(void *state, struct proc *p, uint16_t domain, iova_t iova, uint32_t npages,
	struct iommu_freelist *freed)
{
	struct vtd *v = state;
	const struct vtd_domain *dom = &v->drv.domains[domain];
	struct unmapping u = { v, p, iova.a, iova.a + ((uint64_t)npages << PAGE_LG2), freed };

	proc_sync(p); /* a walk that is under way reads the entries at their time */
	clear_below(&u, dom->pgd, dom->levels, 0);
	if (!(v->conf->ecap & ECAP_C))
		cpu_run(p, v->env.machine->conf->cost->pte_flush, CPU_pagetable);
}

/* ---- teardown ---- */

void vtd_drv_domain_del(void *state, struct proc *p, uint16_t domain)
{
	struct vtd *v = state;
	struct vtd_domain *dom = &v->drv.domains[domain];

	BUG_ON(!dom->exists);
	free_tables(v, p, dom->pgd, dom->levels);
	dom->exists = false;
}
