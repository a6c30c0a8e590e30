/*
 * The sending CPU's side and the interrupt's. Fragments come from blocks that a queue keeps (page_frag of
 * Linux: 32 KiB of contiguous pages), headers lie several to a page: what a device may read around a header
 * are other headers. The two CPUs meet on the ring's indices, one cache line.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "base/bug.h"
#include "hw/mem.h"
#include "hw/pages.h"
#include "workloads/nic_tx.h"

enum { MAPPING_PIECES, MAPPING_LIST }; /* words of `mapping` */

static struct machine *machine_of(const struct tx_queue *q)
{
	return q->nic->env.machine;
}

static struct tx_buffer *buffer_at(struct tx_queue *q, uint64_t position)
{
	return &q->buffer[position % q->size];
}

unsigned tx_pieces_max(const struct nic_tx_conf *c)
{
	return 1 + (unsigned)((c->size + c->fragment - 1) / c->fragment);
}

/* ---- memory ---- */

static unsigned block_pages(const struct tx_queue *q)
{
	return (unsigned)((q->nic->conf->fragment + PAGE_SIZE - 1) >> PAGE_LG2);
}

static hpa_t take_block(struct tx_queue *q, struct proc *p)
{
	cpu_run(p, machine_of(q)->conf->cost->page_alloc, CPU_page_alloc);
	if (q->nspare == 0) {
		BUG_ON(q->nblocks == q->size);
		q->block[q->nblocks] = pages_take_contig(machine_of(q)->pages, block_pages(q));
		q->spare[q->nspare++] = q->block[q->nblocks++];
	}
	return q->spare[--q->nspare];
}

static void give_block(struct tx_queue *q, struct proc *p, hpa_t block)
{
	cpu_run(p, machine_of(q)->conf->cost->page_alloc, CPU_page_alloc);
	q->spare[q->nspare++] = block;
}

/* ---- buffers ---- */

static void fill(struct tx_queue *q, struct proc *p, struct tx_buffer *b, uint64_t position)
{
	const struct nic_tx_conf *c = q->nic->conf;
	uint64_t left = c->size;

	b->bytes = (uint32_t)c->size;
	b->sg[0] = (struct dma_sg){ { q->headers.a + position % q->size * TX_HEADER_ROOM },
		TX_HEADER };
	for (b->npieces = 1; left > 0; b->npieces++) {
		uint64_t n = left < c->fragment ? left : c->fragment;

		b->sg[b->npieces] = (struct dma_sg){ take_block(q, p), (uint32_t)n };
		left -= n;
	}
	cpu_run(p, c->cycles_send + c->cycles_line * (c->size / 64), CPU_stack);
}

static void drop_blocks(struct tx_queue *q, struct proc *p, struct tx_buffer *b)
{
	for (unsigned i = 1; i < b->npieces; i++)
		give_block(q, p, b->sg[i].pa);
}

static bool as_list(const struct tx_queue *q)
{
	return q->nic->conf->mapping == MAPPING_LIST && dma_system_translates(q->nic->env.dma);
}

static void unmap_pieces(struct tx_queue *q, struct proc *p, struct tx_buffer *b, unsigned n)
{
	while (n-- > 0)
		dma_unmap_single(q->nic->dma, p, b->iova[n], b->sg[n].len, DMA_TO_DEVICE);
}

static bool map_fragments(struct tx_queue *q, struct proc *p, struct tx_buffer *b)
{
	if (!as_list(q)) {
		for (unsigned i = 1; i < b->npieces; i++) {
			if (!dma_map_single(q->nic->dma, p, b->sg[i].pa, b->sg[i].len,
				    DMA_TO_DEVICE, &b->iova[i])) {
				unmap_pieces(q, p, b, i); /* and the header */
				return false;
			}
		}
		return true;
	}
	if (!dma_map_sg(q->nic->dma, p, b->sg + 1, b->npieces - 1, DMA_TO_DEVICE, &b->iova[1])) {
		unmap_pieces(q, p, b, 1);
		return false;
	}
	for (unsigned i = 2; i < b->npieces; i++)
		b->iova[i] = (iova_t){ b->iova[i - 1].a + b->sg[i - 1].len };
	return true;
}

static bool map(struct tx_queue *q, struct proc *p, struct tx_buffer *b)
{
	return dma_map_single(
		       q->nic->dma, p, b->sg[0].pa, b->sg[0].len, DMA_TO_DEVICE, &b->iova[0]) &&
	       map_fragments(q, p, b);
}

static void unmap(struct tx_queue *q, struct proc *p, struct tx_buffer *b)
{
	if (!as_list(q)) {
		unmap_pieces(q, p, b, b->npieces);
		return;
	}
	unmap_pieces(q, p, b, 1);
	dma_unmap_sg(q->nic->dma, p, b->sg + 1, b->npieces - 1, DMA_TO_DEVICE, b->iova[1]);
}

/* ---- send ---- */

static void describe(struct tx_queue *q, struct proc *p, const struct tx_buffer *b)
{
	struct mem *mem = machine_of(q)->mem;

	for (unsigned i = 0; i < b->npieces; i++) {
		hpa_t at = { q->ring_pa.a + (q->next_to_use + i) % q->size * TX_DESC_BYTES };
		uint64_t word = b->sg[i].len | (i + 1 == b->npieces ? TX_DESC_EOP : 0);

		cpu_run(p, q->nic->conf->cycles_descriptor, CPU_driver);
		mem_write64(mem, at, b->iova[i].a);
		mem_write64(mem, (hpa_t){ at.a + 8 }, word);
	}
	line_write(&q->line, p, CPU_driver);
	q->next_to_use += b->npieces;
}

/* The buffer's record stands at its last descriptor: that is what is written back. */
static bool send_one(struct tx_queue *q, struct proc *p, sim_time due)
{
	uint64_t last = q->next_to_use + tx_pieces_max(q->nic->conf) - 1;
	struct tx_buffer *b = buffer_at(q, last);

	b->due = due;
	b->cpu = cpu_id(p);
	fill(q, p, b, last);
	if (!map(q, p, b)) {
		q->nic->m.map_failures++;
		drop_blocks(q, p, b);
		return false;
	}
	describe(q, p, b);
	q->under_way += b->bytes;
	q->nic->m.queued++;
	q->unrung++;
	return true;
}

static void ring(struct tx_queue *q, struct proc *p)
{
	q->unrung = 0;
	if (q->rung == q->next_to_use)
		return;
	q->rung = q->next_to_use;
	tx_doorbell(q, p, q->next_to_use);
}

/* One descriptor always stays empty, so that a full ring is told from a dry one. */
static bool has_room(struct tx_queue *q)
{
	const struct nic_tx_conf *c = q->nic->conf;

	if (q->size - 1 - (q->next_to_use - q->next_to_clean) < tx_pieces_max(c)) {
		q->nic->m.ring_full++;
		return false;
	}
	return q->under_way == 0 || q->under_way + c->size <= c->window;
}

static sim_time draw_gap(struct tx_queue *q)
{
	const struct nic_tx_conf *c = q->nic->conf;
	double per_queue = (double)c->rate / q->nic->nqueues;

	return (sim_time)rng_exp(&q->rng, (double)c->size * 8 * (double)SEC / per_queue) + 1;
}

static void schedule_arrival(struct tx_queue *q, sim_time at)
{
	sim_time now = engine_now(machine_of(q)->engine);

	if (!q->nic->stopped)
		event_schedule(&q->arrival, at > now ? at : now);
}

/* Until the time's slice is over others of the CPU may work: one buffer, then again. */
static void send(struct proc *p, void *arg)
{
	struct tx_queue *q = arg;
	bool open = q->nic->conf->rate > 0;
	sim_time due = open ? q->next_due : proc_now(p);

	proc_sync(p);
	line_read(&q->line, p, CPU_driver);
	if (q->nic->stopped || !has_room(q)) {
		ring(q, p); /* the cleaner wakes us */
		return;
	}
	if (open && due > proc_now(p)) {
		ring(q, p);
		schedule_arrival(q, due);
		return;
	}
	if (open)
		q->next_due += draw_gap(q);
	q->nic->m.offered++;
	if (!send_one(q, p, due)) {
		ring(q, p);
		proc_sync(p);
		schedule_arrival(q, proc_now(p) + MS);
		return;
	}
	if (q->unrung >= q->nic->conf->doorbell_batch)
		ring(q, p);
	proc_sync(p);
	cpu_post(q->sender, &q->send);
}

static void arrives(struct event *ev)
{
	struct tx_queue *q = container_of(ev, struct tx_queue, arrival);

	cpu_post(q->sender, &q->send);
}

/* ---- clean ---- */

static bool is_done(struct tx_queue *q, struct proc *p)
{
	uint64_t last = q->next_to_clean + tx_pieces_max(q->nic->conf) - 1;
	hpa_t at = { q->ring_pa.a + last % q->size * TX_DESC_BYTES + 8 };

	proc_sync(p);
	return q->next_to_clean < q->next_to_use &&
	       (mem_read64(machine_of(q)->mem, at) & TX_DESC_DD);
}

static void clean_one(struct tx_queue *q, struct proc *p)
{
	struct nic_tx *n = q->nic;
	struct tx_buffer *b = buffer_at(q, q->next_to_clean + tx_pieces_max(n->conf) - 1);

	unmap(q, p, b);
	drop_blocks(q, p, b);
	cpu_run(p, n->conf->cycles_clean, CPU_driver);
	line_write(&q->line, p, CPU_driver);
	q->next_to_clean += b->npieces;
	q->under_way -= b->bytes;
	n->m.sent++;
	n->m.sent_bytes += b->bytes;
	n->m.cleaned_elsewhere += b->cpu != cpu_id(p);
}

static void clean(struct proc *p, void *arg)
{
	struct tx_queue *q = arg;

	cpu_run(p, machine_of(q)->conf->cpu->irq_entry, CPU_irq);
	while (is_done(q, p)) {
		clean_one(q, p);
		proc_sync(p);
		cpu_post(q->sender, &q->send);
	}
	cpu_run(p, machine_of(q)->conf->cpu->mmio_write, CPU_driver);
	proc_sync(p);
	tx_interrupt_enable(q);
}

void tx_driver_interrupt(struct tx_queue *q)
{
	cpu_post(q->cleaner, &q->clean);
}

/* ---- set-up ---- */

void tx_driver_init(struct tx_queue *q)
{
	q->buffer = xcalloc(q->size, sizeof(*q->buffer));
	q->block = xcalloc(q->size, sizeof(*q->block));
	q->spare = xcalloc(q->size, sizeof(*q->spare));
	line_init(&q->line);
	cpu_work_init(&q->send, send, q);
	cpu_work_init(&q->clean, clean, q);
	event_init(&q->arrival, machine_of(q)->engine, arrives);
}

void tx_driver_fini(struct tx_queue *q)
{
	event_fini(&q->arrival);
	free(q->buffer);
	free(q->block);
	free(q->spare);
}

static unsigned header_pages(const struct tx_queue *q)
{
	return (unsigned)(((uint64_t)q->size * TX_HEADER_ROOM + PAGE_SIZE - 1) >> PAGE_LG2);
}

bool tx_driver_open(struct tx_queue *q, struct proc *p)
{
	q->headers = pages_take_contig(machine_of(q)->pages, header_pages(q));
	if (!dma_alloc_coherent(
		    q->nic->dma, p, q->size * TX_DESC_BYTES, &q->ring_pa, &q->ring_iova))
		return false;
	q->interrupt_enabled = true;
	return true;
}

void tx_driver_close(struct tx_queue *q, struct proc *p)
{
	for (; q->nblocks > 0; q->nblocks--)
		pages_free_contig(
			machine_of(q)->pages, p, q->block[q->nblocks - 1], block_pages(q));
	if (q->headers.a)
		pages_free_contig(machine_of(q)->pages, p, q->headers, header_pages(q));
	if (q->ring_pa.a)
		dma_free_coherent(
			q->nic->dma, p, q->size * TX_DESC_BYTES, q->ring_pa, q->ring_iova);
}

void tx_driver_start(struct tx_queue *q)
{
	sim_time now = engine_now(machine_of(q)->engine);

	q->next_due = now;
	if (q->nic->conf->rate)
		q->next_due += draw_gap(q);
	schedule_arrival(q, q->next_due);
}

void tx_driver_stop(struct tx_queue *q)
{
	event_cancel(&q->arrival);
}

bool tx_driver_idle(const struct tx_queue *q)
{
	return q->next_to_clean == q->next_to_use && !q->send.queued && !q->clean.queued &&
	       q->interrupt_enabled && !q->interrupt_wanted;
}
