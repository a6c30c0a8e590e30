/*
 * ptable - the page tables that drivers build in memory: a radix tree of 4 KiB tables with 512 entries
 * of 8 bytes. What an entry looks like is the format's; making tables on the way, sharing them between
 * CPUs without a lock, taking out what a range covers, and what all of it costs, are here.
 *
 * Level 1 maps 4 KiB an entry, each level above 512 times as much. A page may be larger than its
 * entry's level maps: then it is written as several equal entries in a row.
 */
#ifndef SIM_IOMMU_PTABLE_H
#define SIM_IOMMU_PTABLE_H
#include "iommu/iommu.h"

#define PTABLE_LEVEL_BITS  9u
#define PTABLE_ENTRIES     512u
#define PTABLE_ENTRY_BYTES 8u

struct ptable_format {
	bool (*is_present)(uint64_t entry);
	bool (*is_table)(uint64_t entry, unsigned level); /* of an entry at that level */
	hpa_t (*table_of)(uint64_t entry);
	uint64_t (*table_entry)(hpa_t table, unsigned level); /* to stand at that level */
	/* An unmap clears pages only; tables stay until a larger page takes their place. */
	bool keeps_tables;
};

#define PTABLE_METRICS(M)                                                                          \
	M(COUNTER, ptes_written, "entries", NULL, "Leaf entries written by map.")                  \
	M(COUNTER, ptes_cleared, "entries", NULL, "Leaf entries cleared by unmap.")                \
	M(COUNTER, superpages, "pages", "ptes_written",                                            \
		"Pages mapped that are larger than 4 KiB.")                                        \
	M(COUNTER, tables_allocated, "pages", NULL, "Page-table pages allocated.")                 \
	M(COUNTER, tables_freed, "pages", NULL, "Page-table pages taken out of the tree.")
METRIC_DECLARE(ptable_metrics, PTABLE_METRICS);
extern const struct metric_table ptable_metric_table;

struct ptable {
	const struct ptable_format *format;
	struct machine *machine;
	struct ptable_metrics *m; /* the driver's */
	hpa_t root;
	unsigned levels;
};

static inline unsigned ptable_level_lg2(unsigned level)
{
	return PAGE_LG2 + PTABLE_LEVEL_BITS * (level - 1);
}

/* The level whose entries map at most 2^page_lg2 bytes each. */
static inline unsigned ptable_level_of(unsigned page_lg2)
{
	return (page_lg2 - PAGE_LG2) / PTABLE_LEVEL_BITS + 1;
}

static inline unsigned ptable_index(uint64_t iova, unsigned level)
{
	return (unsigned)(iova >> ptable_level_lg2(level)) & (PTABLE_ENTRIES - 1);
}

/* format, machine and m are set; allocates the root. */
void ptable_create(struct ptable *t, struct proc *p, unsigned levels);
/* Frees every table; pages may still be mapped. */
void ptable_destroy(struct ptable *t, struct proc *p);

/* One more level above the root, which its entry 0 points to then. The hardware does not know yet. */
void ptable_grow(struct ptable *t, struct proc *p);

struct ptable_map {
	uint64_t iova, pa; /* aligned to the page size */
	unsigned page_lg2;
	uint32_t n; /* pages */
	uint64_t (*leaf)(uint64_t pa, unsigned page_lg2, unsigned prot);
	unsigned prot;
	/* A table that smaller pages left behind empty is out of the tree and goes when this returns:
	 * whatever the hardware has cached of it must be gone. May wait. */
	void (*replaced)(void *ctx, struct proc *p, uint64_t iova, unsigned level);
	void *ctx;
};
void ptable_map(struct ptable *t, struct proc *p, const struct ptable_map *m);

/* Clear [first, end), which is wholly mapped and cuts no page; tables that it covers completely are
 * appended to *freed. */
void ptable_unmap(struct ptable *t, struct proc *p, uint64_t first, uint64_t end,
	struct iommu_freelist *freed);

#endif
