#include "hw/pages.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/bug.h"
#include "hw/cpu.h"
#include "hw/lock.h"
#include "hw/mem.h"

/* Linux 3.1 mm/page_alloc.c, zone_batchsize() of a zone over 512 MiB: batch 31, high 6 x batch. */
#define PCP_BATCH   31u
#define PCP_HIGH    (6 * PCP_BATCH)
#define FIRST_FRAME 0x100u /* the first MiB is not RAM that a kernel hands out */

struct cpu_list {
	uint32_t n;
	uint32_t frame[PCP_HIGH + PCP_BATCH];
};

struct pages {
	struct machine *machine;
	struct lock lock; /* of the global list */
	struct cpu_list *cpu;
	uint32_t *free; /* global list, last in first out */
	uint64_t nfree, free_capacity;
	uint64_t never_used, end; /* frames [never_used, end) have not been handed out yet */
	uint64_t in_use;
	pages_reuse_fn *reuse;
	void *reuse_arg;
};

struct pages *pages_create(struct machine *m)
{
	struct pages *pg = xcalloc(1, sizeof(*pg));

	pg->machine = m;
	lock_init(&pg->lock, m, "&zone->lock", "zone.lock");
	pg->cpu = xcalloc(m->ncpus, sizeof(*pg->cpu));
	pg->never_used = FIRST_FRAME;
	pg->end = mem_size(m->mem) >> PAGE_LG2;
	if (pg->end > UINT32_MAX)
		pg->end = UINT32_MAX;
	return pg;
}

void pages_destroy(struct pages *pg)
{
	BUG_ON(pg->in_use != 0);
	lock_fini(&pg->lock);
	free(pg->cpu);
	free(pg->free);
	free(pg);
}

void pages_on_reuse(struct pages *pg, pages_reuse_fn *fn, void *arg)
{
	pg->reuse = fn;
	pg->reuse_arg = arg;
}

uint64_t pages_in_use(const struct pages *pg)
{
	return pg->in_use;
}

static void exhausted(const struct pages *pg)
{
	fprintf(stderr,
		"iommusim: error: simulated memory is used up: %llu pages in use "
		"(raise memory.size)\n",
		(unsigned long long)pg->in_use);
	exit(2);
}

/* The next n frames that have not been handed out must all be memory (memory.hole). */
static void skip_hole(struct pages *pg, unsigned n)
{
	const uint64_t hole_end = ((uint64_t)1 << 32) >> PAGE_LG2;
	hpa_t first = { pg->never_used << PAGE_LG2 };

	if (pg->never_used + n <= pg->end && !mem_exists(pg->machine->mem, first, n * PAGE_SIZE))
		pg->never_used = hole_end < pg->end ? hole_end : pg->end;
}

static bool global_empty(struct pages *pg)
{
	if (pg->nfree == 0)
		skip_hole(pg, 1);
	return pg->nfree == 0 && pg->never_used == pg->end;
}

static uint32_t global_get(struct pages *pg)
{
	return pg->nfree > 0 ? pg->free[--pg->nfree] : (uint32_t)pg->never_used++;
}

static void global_put(struct pages *pg, uint32_t frame)
{
	if (pg->nfree == pg->free_capacity) {
		pg->free_capacity = pg->free_capacity ? 2 * pg->free_capacity : 1024;
		pg->free = xrealloc(pg->free, pg->free_capacity, sizeof(*pg->free));
	}
	pg->free[pg->nfree++] = frame;
}

static void refill(struct pages *pg, struct proc *p, struct cpu_list *c)
{
	lock_acquire(&pg->lock, p);
	cpu_run(p, pg->machine->conf->cost->page_refill, CPU_page_alloc);
	if (global_empty(pg))
		exhausted(pg);
	while (c->n < PCP_BATCH && !global_empty(pg)) /* the last batch may be short */
		c->frame[c->n++] = global_get(pg);
	lock_release(&pg->lock, p);
}

/* The oldest pages go back; the hot ones at the top stay. */
static void trim(struct pages *pg, struct proc *p, struct cpu_list *c)
{
	lock_acquire(&pg->lock, p);
	cpu_run(p, pg->machine->conf->cost->page_refill, CPU_page_alloc);
	for (unsigned i = 0; i < PCP_BATCH; i++)
		global_put(pg, c->frame[i]);
	c->n -= PCP_BATCH;
	for (unsigned i = 0; i < c->n; i++)
		c->frame[i] = c->frame[i + PCP_BATCH];
	lock_release(&pg->lock, p);
}

static hpa_t hand_out(struct pages *pg, uint64_t frame)
{
	hpa_t page = { frame << PAGE_LG2 };

	pg->in_use++;
	if (pg->reuse)
		pg->reuse(pg->reuse_arg, page);
	return page;
}

hpa_t pages_alloc(struct pages *pg, struct proc *p)
{
	struct cpu_list *c = &pg->cpu[cpu_id(p)];

	cpu_run(p, pg->machine->conf->cost->page_alloc, CPU_page_alloc);
	if (c->n == 0)
		refill(pg, p, c);
	return hand_out(pg, c->frame[--c->n]);
}

static void zero(struct pages *pg, struct proc *p, hpa_t page)
{
	static const unsigned char zeros[PAGE_SIZE];

	mem_write(pg->machine->mem, page, zeros, sizeof(zeros));
	cpu_run(p, pg->machine->conf->cost->page_zero, CPU_page_alloc);
}

hpa_t pages_alloc_zeroed(struct pages *pg, struct proc *p)
{
	hpa_t page = pages_alloc(pg, p);

	zero(pg, p, page);
	return page;
}

void pages_free(struct pages *pg, struct proc *p, hpa_t page)
{
	struct cpu_list *c = &pg->cpu[cpu_id(p)];

	BUG_ON(pg->in_use == 0);
	pg->in_use--;
	cpu_run(p, pg->machine->conf->cost->page_alloc, CPU_page_alloc);
	c->frame[c->n++] = (uint32_t)(page.a >> PAGE_LG2);
	if (c->n >= PCP_HIGH)
		trim(pg, p, c);
}

hpa_t pages_take_contig(struct pages *pg, unsigned n)
{
	hpa_t first;

	skip_hole(pg, n);
	if (pg->end - pg->never_used < n)
		exhausted(pg);
	first.a = pg->never_used << PAGE_LG2;
	for (unsigned i = 0; i < n; i++)
		hand_out(pg, pg->never_used++);
	return first;
}

hpa_t pages_alloc_contig(struct pages *pg, struct proc *p, unsigned n)
{
	hpa_t first;

	lock_acquire(&pg->lock, p);
	first = pages_take_contig(pg, n); /* others took frames while this one waited */
	for (unsigned i = 0; i < n; i++)
		zero(pg, p, (hpa_t){ first.a + i * PAGE_SIZE });
	lock_release(&pg->lock, p);
	return first;
}

void pages_free_contig(struct pages *pg, struct proc *p, hpa_t first, unsigned n)
{
	lock_acquire(&pg->lock, p);
	for (unsigned i = 0; i < n; i++)
		global_put(pg, (uint32_t)((first.a >> PAGE_LG2) + i));
	pg->in_use -= n;
	lock_release(&pg->lock, p);
}
