#include "dma/flush/flush_ring.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/bug.h"
#include "hw/cpu.h"

#define ENTRY_BYTES 40u /* PFN, pages, freelist, counter */
#define LINE_BYTES  64u

void flush_ring_init(struct flush_ring *q, const struct machine *m, uint32_t size)
{
	uint32_t nlines = (size * ENTRY_BYTES + LINE_BYTES - 1) / LINE_BYTES;

	BUG_ON(size < 2 || (size & (size - 1)));
	q->mask = size - 1;
	q->entry_cost = m->conf->cost->list_entry;
	q->entry = xcalloc(size, sizeof(*q->entry));
	q->line = xcalloc(nlines, sizeof(*q->line));
	for (uint32_t i = 0; i < nlines; i++)
		line_init(&q->line[i]);
}

void flush_ring_fini(struct flush_ring *q)
{
	BUG_ON(q->head != q->tail);
	free(q->entry);
	free(q->line);
}

static uint32_t after(const struct flush_ring *q, uint32_t i)
{
	return (i + 1) & q->mask;
}

bool flush_ring_is_full(const struct flush_ring *q)
{
	return after(q, q->tail) == q->head;
}

/* An entry's one or two lines. */
static void touch(struct flush_ring *q, struct proc *p, uint32_t i, bool write)
{
	uint32_t first = i * ENTRY_BYTES / LINE_BYTES;
	uint32_t last = (i * ENTRY_BYTES + ENTRY_BYTES - 1) / LINE_BYTES;

	for (uint32_t l = first; l <= last; l++) {
		if (write)
			line_write(&q->line[l], p, CPU_flush_queue);
		else
			line_read(&q->line[l], p, CPU_flush_queue);
	}
	cpu_run(p, q->entry_cost, CPU_flush_queue);
}

void flush_ring_add(
	struct flush_ring *q, struct proc *p, const struct dma_range *r, uint64_t started)
{
	BUG_ON(flush_ring_is_full(q));
	touch(q, p, q->tail, true);
	q->entry[q->tail] = (struct flush_ring_entry){ *r, started };
	q->tail = after(q, q->tail);
}

bool flush_ring_pop(struct flush_ring *q, struct proc *p, uint64_t finished, struct dma_range *out)
{
	if (q->head == q->tail || q->entry[q->head].started >= finished)
		return false;
	touch(q, p, q->head, false);
	*out = q->entry[q->head].range;
	q->head = after(q, q->head);
	return true;
}

const struct dma_range *flush_ring_cover(struct flush_ring *q, uint64_t finished)
{
	const struct flush_ring_entry *e = &q->entry[q->covered];

	if (q->covered == q->tail || e->started >= finished)
		return NULL;
	q->covered = after(q, q->covered);
	return &e->range;
}

bool flush_ring_waits(const struct flush_ring *q)
{
	return q->covered != q->tail;
}
