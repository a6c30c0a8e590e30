#include "iommu/ptable.h"

#include "base/bits.h"
#include "base/bug.h"
#include "hw/cpu.h"
#include "hw/mem.h"
#include "hw/pages.h"

#define METRIC_STRUCT_ struct ptable_metrics
static const struct metric_desc desc[] = { PTABLE_METRICS(METRIC_DESC_) };
#undef METRIC_STRUCT_
const struct metric_table ptable_metric_table = { "page tables",
	"The page tables that an IOMMU's driver keeps.", desc, ARRAY_SIZE(desc) };

static hpa_t entry_at(hpa_t table, uint64_t iova, unsigned level)
{
	return (hpa_t){ table.a + ptable_index(iova, level) * PTABLE_ENTRY_BYTES };
}

static void charge_line(const struct ptable *t, struct proc *p, hpa_t at, bool write)
{
	struct line *l = line_of_memory(t->machine, at);

	if (write)
		line_write(l, p, CPU_pagetable);
	else
		line_read(l, p, CPU_pagetable);
}

void ptable_create(struct ptable *t, struct proc *p, unsigned levels)
{
	t->levels = levels;
	t->root = pages_alloc_zeroed(t->machine->pages, p);
}

static void free_tables(const struct ptable *t, struct proc *p, hpa_t table, unsigned level)
{
	struct mem *mem = t->machine->mem;

	for (unsigned i = 0; level > 1 && i < PTABLE_ENTRIES; i++) {
		uint64_t entry = mem_read64(mem, (hpa_t){ table.a + i * PTABLE_ENTRY_BYTES });

		if (t->format->is_table(entry, level))
			free_tables(t, p, t->format->table_of(entry), level - 1);
	}
	pages_free(t->machine->pages, p, table);
}

void ptable_destroy(struct ptable *t, struct proc *p)
{
	free_tables(t, p, t->root, t->levels);
}

void ptable_grow(struct ptable *t, struct proc *p)
{
	hpa_t root = pages_alloc_zeroed(t->machine->pages, p);

	charge_line(t, p, root, true);
	mem_write64(t->machine->mem, root, t->format->table_entry(t->root, t->levels + 1));
	t->m->tables_allocated++;
	t->root = root;
	t->levels++;
}

/* Allocation may wait: another CPU may link a table first, and then ours goes back (the kernels'
 * compare-and-swap). */
static hpa_t add_table(const struct ptable *t, struct proc *p, hpa_t at, unsigned level)
{
	struct machine *m = t->machine;
	hpa_t table = pages_alloc_zeroed(m->pages, p);
	uint64_t entry;

	charge_line(t, p, at, true);
	entry = mem_read64(m->mem, at);
	if (t->format->is_table(entry, level)) {
		pages_free(m->pages, p, table);
		return t->format->table_of(entry);
	}
	mem_write64(m->mem, at, t->format->table_entry(table, level));
	t->m->tables_allocated++;
	return table;
}

/* The table that holds the entry for iova at `level`, made on the way when it is not there. */
static hpa_t descend(const struct ptable *t, struct proc *p, uint64_t iova, unsigned level)
{
	hpa_t table = t->root;

	for (unsigned l = t->levels; l > level; l--) {
		hpa_t at = entry_at(table, iova, l);
		uint64_t entry = mem_read64(t->machine->mem, at);
		bool is_table = t->format->is_table(entry, l);

		cpu_run(p, t->machine->conf->cost->pt_level, CPU_pagetable);
		charge_line(t, p, at, false);
		BUG_ON(t->format->is_present(entry) && !is_table); /* mapped by a larger page */
		table = is_table ? t->format->table_of(entry) : add_table(t, p, at, l);
	}
	return table;
}

/* A large page comes where small ones left their table behind, empty: the table goes first. */
static void replace_table(const struct ptable *t, struct proc *p, const struct ptable_map *m,
	hpa_t at, uint64_t iova, unsigned level)
{
	uint64_t entry = mem_read64(t->machine->mem, at);

	if (!t->format->is_table(entry, level))
		return;
	proc_sync(p);
	mem_write64(t->machine->mem, at, 0);
	m->replaced(m->ctx, p, round_down_lg2(iova, ptable_level_lg2(level)), level);
	t->m->tables_freed++;
	free_tables(t, p, t->format->table_of(entry), level - 1);
}

void ptable_map(struct ptable *t, struct proc *p, const struct ptable_map *m)
{
	const struct machine *machine = t->machine;
	unsigned level = ptable_level_of(m->page_lg2), level_lg2 = ptable_level_lg2(level);
	uint64_t step = BIT64(level_lg2), bytes = (uint64_t)m->n << m->page_lg2;
	hpa_t table = { 0 }, line = { UINT64_MAX };

	for (uint64_t done = 0; done < bytes; done += step) {
		uint64_t iova = m->iova + done;
		uint64_t page = m->pa + round_down_lg2(done, m->page_lg2);
		hpa_t at;

		if (done == 0 || ptable_index(iova, level) == 0)
			table = descend(t, p, iova, level);
		at = entry_at(table, iova, level);
		replace_table(t, p, m, at, iova, level);
		BUG_ON(t->format->is_present(mem_read64(machine->mem, at)));
		if (at.a >> 6 != line.a >> 6)
			charge_line(t, p, at, true);
		line = at;
		cpu_run(p, machine->conf->cost->pte_write, CPU_pagetable);
		mem_write64(machine->mem, at, m->leaf(page, m->page_lg2, m->prot));
		t->m->ptes_written++;
	}
	if (m->page_lg2 > PAGE_LG2)
		t->m->superpages += m->n;
}

/* ---- unmap ---- */

struct unmapping {
	const struct ptable *t;
	struct proc *p;
	uint64_t first, end; /* bytes */
	struct iommu_freelist *freed;
};

static void clear_leaf(const struct unmapping *u, hpa_t at)
{
	mem_write64(u->t->machine->mem, at, 0);
	cpu_run(u->p, u->t->machine->conf->cost->pte_write, CPU_pagetable);
	u->t->m->ptes_cleared++;
}

static void take_out(const struct unmapping *u, hpa_t at, hpa_t table)
{
	struct mem *mem = u->t->machine->mem;

	mem_write64(mem, at, 0);
	mem_write64(mem, table, u->freed->n ? u->freed->head.a : 0);
	u->freed->head = table;
	u->freed->n++;
	u->t->m->tables_freed++;
}

/* Clear the part of the range below `table`, whose first byte of IOVA is `base`. */
static void clear_below(const struct unmapping *u, hpa_t table, unsigned level, uint64_t base)
{
	const struct ptable_format *f = u->t->format;
	uint64_t span = BIT64(ptable_level_lg2(level));
	uint64_t first = u->first > base ? round_down_lg2(u->first, ptable_level_lg2(level)) : base;
	hpa_t line = { UINT64_MAX };

	cpu_run(u->p, u->t->machine->conf->cost->pt_level, CPU_pagetable);
	for (uint64_t at = first; at - base < span * PTABLE_ENTRIES && at < u->end; at += span) {
		hpa_t where = entry_at(table, at, level);
		uint64_t entry = mem_read64(u->t->machine->mem, where);

		if (where.a >> 6 != line.a >> 6)
			charge_line(u->t, u->p, where, level == 1);
		line = where;
		BUG_ON(!f->is_present(entry));
		if (!f->is_table(entry, level)) {
			BUG_ON(at < u->first || at + span > u->end); /* part of a large page */
			clear_leaf(u, where);
			continue;
		}
		clear_below(u, f->table_of(entry), level - 1, at);
		if (!f->keeps_tables && at >= u->first && at + span <= u->end)
			take_out(u, where, f->table_of(entry));
	}
}

void ptable_unmap(struct ptable *t, struct proc *p, uint64_t first, uint64_t end,
	struct iommu_freelist *freed)
{
	const struct unmapping u = { t, p, first, end, freed };

	proc_sync(p); /* a walk that is under way reads the entries at their time */
	clear_below(&u, t->root, t->levels, 0);
}
