/*
 * The ways a driver keeps its receive buffers.
 *   page       a page for every packet: mapped at refill, unmapped when it comes in, freed by the
 *              stack (drivers of the 3.x age)
 *   half-page  two buffers of 2 KiB share a page, each mapped and unmapped by itself: while one is
 *              mapped, the device can reach the other half too
 *   page-pool  pages stay mapped and come back to the queue (page_pool, since 4.18): no unmap but at
 *              the end
 *   xdp        the same, and only frames that a program passes reach the stack: copied (nic_xdp.c)
 */
#include "workloads/nic.h"

#include "base/bug.h"
#include "hw/pages.h"

#define HALF (PAGE_SIZE / 2)

static struct pages *pages_of(const struct nic_queue *q)
{
	return q->nic->env.machine->pages;
}

static bool map(struct nic_queue *q, struct proc *p, struct nic_buffer *b)
{
	return dma_map_single(
		q->nic->dma, p, b->pa, (uint32_t)q->nic->conf->buffer, DMA_FROM_DEVICE, &b->iova);
}

static void unmap(struct nic_queue *q, struct proc *p, struct nic_buffer *b)
{
	dma_unmap_single(q->nic->dma, p, b->iova, (uint32_t)q->nic->conf->buffer, DMA_FROM_DEVICE);
}

static void keep_nothing(struct nic_queue *q, struct proc *p)
{
	(void)q;
	(void)p;
}

/* ---- page ---- */

static bool page_get(struct nic_queue *q, struct proc *p, struct nic_buffer *b)
{
	b->pa = pages_alloc(pages_of(q), p);
	if (map(q, p, b))
		return true;
	pages_free(pages_of(q), p, b->pa);
	return false;
}

static void page_consumed(struct nic_queue *q, struct proc *p, struct nic_buffer *b)
{
	pages_free(pages_of(q), p, b->pa);
}

static void page_discard(struct nic_queue *q, struct proc *p, struct nic_buffer *b)
{
	unmap(q, p, b);
	page_consumed(q, p, b);
}

/* ---- half-page ---- */

static void half_consumed(struct nic_queue *q, struct proc *p, struct nic_buffer *b)
{
	hpa_t page = { b->pa.a & ~(PAGE_SIZE - 1) };
	uint8_t *done = &q->nic->half_done[page.a >> PAGE_LG2];

	if (*done)
		pages_free(pages_of(q), p, page);
	*done = !*done;
}

static bool half_get(struct nic_queue *q, struct proc *p, struct nic_buffer *b)
{
	hpa_t spare = q->spare_half;

	b->pa = spare.a ? spare : pages_alloc(pages_of(q), p);
	if (!map(q, p, b)) {
		if (!spare.a)
			pages_free(pages_of(q), p, b->pa);
		return false;
	}
	q->spare_half = spare.a ? (hpa_t){ 0 } : (hpa_t){ b->pa.a + HALF };
	return true;
}

static void half_discard(struct nic_queue *q, struct proc *p, struct nic_buffer *b)
{
	unmap(q, p, b);
	half_consumed(q, p, b);
}

static void half_drain(struct nic_queue *q, struct proc *p)
{
	struct nic_buffer rest = { .pa = q->spare_half };

	q->spare_half = (hpa_t){ 0 };
	if (rest.pa.a)
		half_consumed(q, p, &rest);
}

/* ---- page-pool ---- */

static bool pool_get(struct nic_queue *q, struct proc *p, struct nic_buffer *b)
{
	if (q->pool_n == 0)
		return page_get(q, p, b);
	cpu_run(p, q->nic->env.machine->conf->cost->list_entry, CPU_driver);
	*b = q->pool[--q->pool_n];
	return true;
}

static void pool_received(struct nic_queue *q, struct proc *p, struct nic_buffer *b)
{
	(void)q;
	(void)p;
	(void)b; /* stays mapped; x86 needs no cache maintenance for the CPU to see the data */
}

static void pool_consumed(struct nic_queue *q, struct proc *p, struct nic_buffer *b)
{
	cpu_run(p, q->nic->env.machine->conf->cost->list_entry, CPU_driver);
	if (q->pool_n == q->nic->conf->pool)
		page_discard(q, p, b);
	else
		q->pool[q->pool_n++] = *b;
}

static void pool_drain(struct nic_queue *q, struct proc *p)
{
	while (q->pool_n > 0)
		page_discard(q, p, &q->pool[--q->pool_n]);
}

const struct nic_buffer_style nic_buffer_styles[] = {
	{ page_get, unmap, page_consumed, page_discard, keep_nothing },
	{ half_get, unmap, half_consumed, half_discard, half_drain },
	{ pool_get, pool_received, pool_consumed, page_discard, pool_drain },
	{ pool_get, pool_received, pool_consumed, page_discard, pool_drain },
};
