/*
 * The card. Descriptors are fetched in batches; the payload of each is read as long as the card has room
 * for it; a buffer whose payload is all there goes to the wire after those before it, cut into packets;
 * when its last bit is out, its last descriptor is written back, and an interrupt follows when the last
 * one is long enough ago.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "base/bug.h"
#include "hw/mem.h"
#include "workloads/nic_tx.h"

static struct engine *engine_of(const struct tx_queue *q)
{
	return q->nic->env.machine->engine;
}

static uint32_t index_of(const struct tx_queue *q, uint64_t position)
{
	return (uint32_t)(position % q->size);
}

/* ---- interrupts ---- */

static void want_interrupt(struct tx_queue *q)
{
	sim_time now = engine_now(engine_of(q));
	sim_time due = q->last_interrupt + q->nic->conf->interrupt_interval;

	q->interrupt_wanted = true;
	if (q->interrupt_enabled && !event_is_pending(&q->interrupt_timer))
		event_schedule(&q->interrupt_timer, q->last_interrupt && due > now ? due : now);
}

static void interrupt_due(struct event *ev)
{
	struct tx_queue *q = container_of(ev, struct tx_queue, interrupt_timer);

	if (!q->interrupt_wanted || !q->interrupt_enabled || q->msi.busy)
		return;
	q->interrupt_wanted = q->interrupt_enabled = false;
	q->last_interrupt = engine_now(engine_of(q));
	q->nic->m.interrupts++;
	pcie_submit(q->nic->port, &q->msi);
}

static void interrupt_arrives(struct pcie_dma *d)
{
	tx_driver_interrupt(d->owner);
}

void tx_interrupt_enable(struct tx_queue *q)
{
	q->interrupt_enabled = true;
	if (q->interrupt_wanted)
		want_interrupt(q);
}

/* ---- the wire ---- */

static void written_back(struct pcie_dma *d)
{
	struct tx_queue *q = d->owner;
	uint32_t i = (uint32_t)(d - q->writeback);
	hpa_t at = { q->ring_pa.a + (uint64_t)i * TX_DESC_BYTES + 8 };

	mem_write64(q->nic->env.machine->mem, at, q->desc[i] | TX_DESC_DD);
	want_interrupt(q);
}

static void write_back(struct tx_queue *q, uint64_t position)
{
	uint32_t i = index_of(q, position);

	BUG_ON(q->writeback[i].busy);
	q->writeback[i] = (struct pcie_dma){ .iova = { q->ring_iova.a + i * TX_DESC_BYTES },
		.len = TX_DESC_BYTES,
		.write = true,
		.done = written_back,
		.owner = q };
	pcie_submit(q->nic->port, &q->writeback[i]);
}

static void wait_for_wire(struct nic_tx *n)
{
	if (n->sending_n > 0 && !event_is_pending(&n->sent))
		event_schedule(&n->sent, n->sending[n->sending_head].at);
}

void tx_sent(struct event *ev)
{
	struct nic_tx *n = container_of(ev, struct nic_tx, sent);
	struct tx_sending s = n->sending[n->sending_head];
	sim_time now = engine_now(ev->engine);

	n->sending_head = (n->sending_head + 1) % n->sending_room;
	n->sending_n--;
	hist_add(&n->m.latency, now - s.queue->buffer[index_of(s.queue, s.last)].due);
	write_back(s.queue, s.last);
	wait_for_wire(n);
}

/* Packets of at most mss, each with its header. */
static uint64_t wire_bytes(const struct nic_tx *n, uint64_t payload, uint64_t *packets)
{
	*packets = (payload + n->conf->mss - 1) / n->conf->mss;
	return payload + *packets * (TX_HEADER + TX_GAP);
}

/* The buffer that ends at `last` has left the card's memory when its last bit is out; its room is given
 * back as soon as it begins. */
static void to_wire(struct tx_queue *q, uint64_t last, uint64_t bytes)
{
	struct nic_tx *n = q->nic;
	sim_time now = engine_now(engine_of(q)), begin = n->wire_free > now ? n->wire_free : now;
	uint64_t packets, wire = wire_bytes(n, bytes - TX_HEADER, &packets);

	BUG_ON(n->sending_n == n->sending_room);
	n->wire_free = begin + (sim_time)((double)wire * 8 * (double)SEC / (double)n->conf->link);
	n->m.packets += packets;
	n->m.wire_bytes += wire;
	n->sending[(n->sending_head + n->sending_n++) % n->sending_room] =
		(struct tx_sending){ q, last, n->wire_free };
	wait_for_wire(n);
}

/* ---- payload ---- */

static void read_payload(struct tx_queue *q);

/* Buffers that are complete, in order. */
static void pass_on(struct tx_queue *q)
{
	uint64_t at = q->passed, bytes = 0;

	for (; at < q->started && q->payload[index_of(q, at)].here; at++) {
		uint32_t i = index_of(q, at);

		bytes += q->payload[i].dma.len;
		if (!(q->desc[i] & TX_DESC_EOP))
			continue;
		q->nic->fifo_used -= bytes;
		to_wire(q, at, bytes);
		q->passed = at + 1;
		bytes = 0;
	}
}

static void payload_read(struct pcie_dma *d)
{
	struct tx_read *r = container_of(d, struct tx_read, dma);
	struct tx_queue *q = d->owner;

	r->here = true;
	q->nic->m.failed += d->faulted;
	pass_on(q);
	for (unsigned i = 0; i < q->nic->nqueues; i++) /* there may be room again */
		read_payload(&q->nic->queue[i]);
}

/* A buffer is begun when the card has room for its first piece, so that it can be ended: 64 KiB more than
 * fifo at most are kept. */
static void read_payload(struct tx_queue *q)
{
	struct nic_tx *n = q->nic;

	for (; q->started < q->fetched; q->started++) {
		uint32_t i = index_of(q, q->started);
		bool first =
			q->started == 0 || (q->desc[index_of(q, q->started - 1)] & TX_DESC_EOP);

		if (first && n->fifo_used >= n->conf->fifo)
			return;
		q->payload[i] =
			(struct tx_read){ .dma = { .iova = q->address[i],
						  .len = (uint32_t)(q->desc[i] & TX_DESC_LEN),
						  .done = payload_read,
						  .owner = q } };
		n->fifo_used += q->payload[i].dma.len;
		n->m.reads++;
		pcie_submit(n->port, &q->payload[i].dma);
	}
}

/* ---- descriptors ---- */

static void fetch(struct tx_queue *q)
{
	uint64_t batch = q->nic->conf->fetch_batch, n = q->tail - q->fetched;
	uint32_t i = index_of(q, q->fetched);

	if (q->fetch.busy || n == 0)
		return;
	n = n < batch ? n : batch;
	n = n < q->size - i ? n : q->size - i;
	q->fetch_n = (uint32_t)n;
	q->fetch.iova = (iova_t){ q->ring_iova.a + i * TX_DESC_BYTES };
	q->fetch.len = (uint32_t)n * TX_DESC_BYTES;
	q->nic->m.fetches++;
	pcie_submit(q->nic->port, &q->fetch);
}

static void fetch_done(struct pcie_dma *d)
{
	struct tx_queue *q = d->owner;
	struct mem *mem = q->nic->env.machine->mem;

	for (uint32_t k = 0; k < q->fetch_n; k++, q->fetched++) {
		uint32_t i = index_of(q, q->fetched);
		hpa_t at = { q->ring_pa.a + (uint64_t)i * TX_DESC_BYTES };

		q->address[i] = (iova_t){ mem_read64(mem, at) };
		q->desc[i] = mem_read64(mem, (hpa_t){ at.a + 8 });
	}
	read_payload(q);
	fetch(q);
}

static void doorbell_arrives(struct event *ev)
{
	struct tx_queue *q = container_of(ev, struct tx_queue, doorbell);

	q->tail = q->doorbell_tail[0];
	if (q->doorbell_tail[1] > q->tail) { /* rung again while this one was under way */
		q->doorbell_tail[0] = q->doorbell_tail[1];
		event_schedule(&q->doorbell, engine_now(engine_of(q)) + q->nic->env.pcie->latency);
	}
	fetch(q);
}

void tx_doorbell(struct tx_queue *q, struct proc *p, uint64_t tail)
{
	cpu_run(p, q->nic->env.machine->conf->cpu->mmio_write, CPU_driver);
	proc_sync(p);
	q->nic->m.doorbells++;
	q->doorbell_tail[1] = tail;
	if (event_is_pending(&q->doorbell))
		return;
	q->doorbell_tail[0] = tail;
	event_schedule(&q->doorbell, pcie_doorbell(q->nic->port, proc_now(p)));
}

/* ---- set-up ---- */

void tx_card_init(struct tx_queue *q)
{
	struct engine *e = engine_of(q);

	q->desc = xcalloc(q->size, sizeof(*q->desc));
	q->address = xcalloc(q->size, sizeof(*q->address));
	q->payload = xcalloc(q->size, sizeof(*q->payload));
	q->writeback = xcalloc(q->size, sizeof(*q->writeback));
	q->fetch = (struct pcie_dma){ .done = fetch_done, .owner = q };
	q->msi = (struct pcie_dma){ .iova = { 0xfee00000 },
		.len = 4,
		.write = true,
		.interrupt = true,
		.done = interrupt_arrives,
		.owner = q };
	event_init(&q->doorbell, e, doorbell_arrives);
	event_init(&q->interrupt_timer, e, interrupt_due);
}

void tx_card_fini(struct tx_queue *q)
{
	event_fini(&q->doorbell);
	event_fini(&q->interrupt_timer);
	free(q->desc);
	free(q->address);
	free(q->payload);
	free(q->writeback);
}

bool tx_card_idle(const struct tx_queue *q)
{
	return q->passed == q->tail && !event_is_pending(&q->doorbell) &&
	       !event_is_pending(&q->interrupt_timer);
}
