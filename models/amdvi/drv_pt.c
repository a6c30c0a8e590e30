/*
 * The driver's host tables, as Linux drivers/iommu/amd/io_pgtable.c: alloc_pte, increase_address_space,
 * iommu_v1_map_pages, iommu_v1_unmap_pages. A table grows by a root above the old one; an unmap clears
 * pages and leaves the tables where they are.
 */
#include "models/amdvi/amdvi.h"

#include "base/bug.h"

static bool is_present(uint64_t entry)
{
	return entry & PTE_PR;
}

static bool is_table(uint64_t entry, unsigned level)
{
	uint64_t next = FIELD_GET(PTE_NEXT_LEVEL, entry);

	return level > 1 && is_present(entry) && next != NEXT_LEVEL_PAGE &&
	       next != NEXT_LEVEL_SIZED;
}

static hpa_t table_of(uint64_t entry)
{
	return (hpa_t){ entry & PTE_ADDR };
}

static uint64_t table_entry(hpa_t table, unsigned level)
{
	return table.a | FIELD_PREP(PTE_NEXT_LEVEL, level - 1) | PTE_PR | PTE_IR | PTE_IW;
}

/* A page of its level's own size is a plain entry; any other is coded in the low address bits, in 2^n
 * equal entries. FC: the driver always asks for coherent accesses. */
static uint64_t leaf(uint64_t pa, unsigned page_lg2, unsigned prot)
{
	uint64_t rights = (prot & IOMMU_PROT_R ? PTE_IR : 0) | (prot & IOMMU_PROT_W ? PTE_IW : 0);

	if ((page_lg2 - PAGE_LG2) % AMDVI_LEVEL_BITS == 0)
		return pa | PTE_PR | PTE_FC | rights;
	return amdvi_size_code(pa, page_lg2) | FIELD_PREP(PTE_NEXT_LEVEL, NEXT_LEVEL_SIZED) |
	       PTE_PR | PTE_FC | rights;
}

static const struct ptable_format host_tables = { .is_present = is_present,
	.is_table = is_table,
	.table_of = table_of,
	.table_entry = table_entry,
	.keeps_tables = true };

void amdvi_drv_tables_create(struct amdvi *a, struct proc *p, struct amdvi_domain *dom)
{
	dom->tables = (struct ptable){
		.format = &host_tables, .machine = a->env.machine, .m = &a->drv.tables
	};
	ptable_create(&dom->tables, p, a->conf->start_levels);
}

void amdvi_drv_domain_del(void *state, struct proc *p, uint16_t domain)
{
	struct amdvi *a = state;
	struct amdvi_domain *dom = a->drv.domains[domain];

	BUG_ON(!dom->exists);
	ptable_destroy(&dom->tables, p);
	dom->exists = false;
}

/* amd_iommu_ops.pgsize_bitmap. v3.3 and 4.5: every power of two, the latter without 512 GiB (a hardware
 * bug, says the kernel); 6.12: without sizes that no address of 52 bits has. */
uint64_t amdvi_drv_page_sizes(const void *state)
{
	static const uint64_t sizes[] = {
		[SIZES_V33] = GENMASK64(63, 12),
		[SIZES_V45] = GENMASK64(63, 12) & ~BIT64(39),
		[SIZES_V612] = GENMASK64(51, 12) & ~BIT64(39),
		[SIZES_4K] = BIT64(12),
		[SIZES_V2] = BIT64(12) | BIT64(21) | BIT64(30),
	};
	const struct amdvi *a = state;

	return sizes[a->conf->page_sizes];
}

/* increase_address_space(): under the domain's lock; another CPU may have been faster. The devices see
 * the new root from their device table entries only. */
static void grow_for(struct amdvi *a, struct proc *p, uint16_t domain, uint64_t last)
{
	struct amdvi_domain *dom = a->drv.domains[domain];

	if (last >> ptable_level_lg2(dom->tables.levels) < PTABLE_ENTRIES)
		return;
	lock_acquire(&dom->lock, p);
	while (last >> ptable_level_lg2(dom->tables.levels) >= PTABLE_ENTRIES) {
		ptable_grow(&dom->tables, p);
		a->drv.m.grown++;
	}
	amdvi_drv_update_devices(a, p, domain);
	lock_release(&dom->lock, p);
}

struct mapping {
	struct amdvi *a;
	uint16_t domain;
};

/* free_clear_pte() and the flush that follows: page-directory caches may still point to the table. */
static void replaced(void *ctx, struct proc *p, uint64_t iova, unsigned level)
{
	const struct mapping *m = ctx;

	amdvi_drv_flush(m->a, p,
		&(struct iommu_flush){ .scope = IOMMU_FLUSH_PAGES,
			.domain = m->domain,
			.iova = { iova },
			.npages = 1u << (ptable_level_lg2(level) - PAGE_LG2) });
}

void amdvi_drv_map(void *state, struct proc *p, uint16_t domain, iova_t iova, hpa_t pa,
	unsigned page_lg2, uint32_t n, unsigned prot)
{
	struct amdvi *a = state;
	struct mapping ctx = { a, domain };
	uint64_t bytes = (uint64_t)n << page_lg2;

	grow_for(a, p, domain, iova.a + bytes - 1);
	ptable_map(&a->drv.domains[domain]->tables, p,
		&(struct ptable_map){ .iova = iova.a,
			.pa = pa.a,
			.page_lg2 = page_lg2,
			.n = n,
			.leaf = leaf,
			.prot = prot,
			.replaced = replaced,
			.ctx = &ctx });
	amdvi_drv_flush_mapped(a, p, domain, iova.a, bytes);
}

void amdvi_drv_unmap(void *state, struct proc *p, uint16_t domain, iova_t iova, uint32_t npages,
	struct iommu_freelist *freed)
{
	struct amdvi *a = state;

	ptable_unmap(&a->drv.domains[domain]->tables, p, iova.a,
		iova.a + ((uint64_t)npages << PAGE_LG2), freed);
}
