/*
 * The card. Per queue: packets wait in the card's buffer until the queue has a descriptor; payload
 * is written in order; finished descriptors go back in batches; an interrupt follows when the
 * driver asked for one and the last is long enough ago. A packet that finds the ring dry is dropped.
 */
#include "workloads/nic.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/bug.h"
#include "hw/mem.h"

static void pump(struct nic_queue *q);

static struct engine *engine_of(const struct nic_queue *q)
{
	return q->nic->env.machine->engine;
}

static struct mem *mem_of(const struct nic_queue *q)
{
	return q->nic->env.machine->mem;
}

static uint32_t index_of(const struct nic_queue *q, uint64_t position)
{
	return (uint32_t)(position % q->size);
}

/* ---- interrupts ---- */

static void raise_interrupt(struct nic_queue *q)
{
	q->interrupt_wanted = q->interrupt_enabled = false;
	q->last_interrupt = engine_now(engine_of(q));
	q->nic->m.interrupts++;
	pcie_submit(q->nic->port, &q->msi);
}

static void want_interrupt(struct nic_queue *q)
{
	sim_time now = engine_now(engine_of(q));
	sim_time due = q->last_interrupt + q->nic->conf->interrupt_interval;

	q->interrupt_wanted = true;
	if (!q->interrupt_enabled || event_is_pending(&q->interrupt_timer))
		return;
	event_schedule(&q->interrupt_timer, q->last_interrupt && due > now ? due : now);
}

static void interrupt_due(struct event *ev)
{
	struct nic_queue *q = container_of(ev, struct nic_queue, interrupt_timer);

	if (q->interrupt_wanted && q->interrupt_enabled)
		raise_interrupt(q);
}

static void interrupt_arrives(struct pcie_dma *d)
{
	nic_driver_interrupt(d->owner);
}

void nic_interrupt_enable(struct nic_queue *q)
{
	q->interrupt_enabled = true;
	if (q->interrupt_wanted)
		want_interrupt(q);
}

/* ---- write-back ---- */

static uint64_t status_of(const struct nic_queue *q, uint32_t i)
{
	uint64_t status = NIC_DESC_DD | ((uint64_t)q->length[i] << NIC_DESC_LEN_SHIFT);

	if (q->end_of_packet[i])
		status |= NIC_DESC_EOP;
	if (q->payload[i].faulted)
		status |= NIC_DESC_ERR;
	return status;
}

/* The batch is visible in memory: now its bytes are there. */
static void writeback_visible(struct pcie_dma *d)
{
	struct nic_queue *q = d->owner;
	uint32_t first = (uint32_t)(d - q->writeback);

	for (uint32_t i = first; i < first + d->len / NIC_DESC_BYTES && !d->faulted; i++)
		mem_write64(mem_of(q), (hpa_t){ nic_desc_at(q, i).a + 8 }, status_of(q, i));
	want_interrupt(q);
}

static void write_back(struct nic_queue *q)
{
	while (q->written < q->finished) {
		uint32_t i = index_of(q, q->written);
		uint64_t n = q->finished - q->written;
		struct pcie_dma *d = &q->writeback[i];

		n = n < q->size - i ? n : q->size - i; /* the ring's end ends a write */
		*d = (struct pcie_dma){ .iova = { q->ring_iova.a + i * NIC_DESC_BYTES },
			.len = (uint32_t)n * NIC_DESC_BYTES,
			.write = true,
			.done = writeback_visible,
			.owner = q };
		q->written += n;
		q->nic->m.writebacks++;
		pcie_submit(q->nic->port, d);
	}
	event_cancel(&q->writeback_timer);
}

static void writeback_due(struct event *ev)
{
	write_back(container_of(ev, struct nic_queue, writeback_timer));
}

static void finish_descriptor(struct nic_queue *q)
{
	q->finished++;
	if (q->finished - q->written >= q->nic->conf->writeback_batch)
		write_back(q);
	else if (!event_is_pending(&q->writeback_timer))
		event_schedule(&q->writeback_timer,
			engine_now(engine_of(q)) + q->nic->conf->writeback_delay);
}

/* ---- descriptor fetch ---- */

static void fetch_done(struct pcie_dma *d)
{
	struct nic_queue *q = d->owner;

	for (uint32_t i = 0; i < q->fetch_n; i++) {
		uint64_t at = q->fetched + i;

		q->address[index_of(q, at)] = (iova_t){ mem_read64(mem_of(q), nic_desc_at(q, at)) };
	}
	q->fetched += q->fetch_n;
	pump(q);
}

static uint32_t descriptors_for(const struct nic_queue *q, uint32_t bytes)
{
	return (uint32_t)((bytes + q->nic->conf->buffer - 1) / q->nic->conf->buffer);
}

/* Up to two batches on the card, and what a frame of many buffers waits for. */
static bool enough_fetched(const struct nic_queue *q)
{
	uint64_t have = q->fetched - q->used;

	if (q->waiting_n > 0 && have < descriptors_for(q, q->waiting[q->waiting_head].bytes))
		return false;
	return have > q->nic->conf->fetch_batch;
}

static void fetch(struct nic_queue *q)
{
	uint64_t batch = q->nic->conf->fetch_batch, n = q->tail - q->fetched;
	uint32_t i = index_of(q, q->fetched);

	if (q->fetch.busy || n == 0 || enough_fetched(q) || q->nic->stopped)
		return;
	n = n < batch ? n : batch;
	n = n < q->size - i ? n : q->size - i;
	q->fetch_n = (uint32_t)n;
	q->fetch.iova = (iova_t){ q->ring_iova.a + i * NIC_DESC_BYTES };
	q->fetch.len = (uint32_t)n * NIC_DESC_BYTES;
	q->nic->m.fetches++;
	pcie_submit(q->nic->port, &q->fetch);
}

/* ---- doorbell ---- */

static void doorbell_arrives(struct event *ev)
{
	struct nic_queue *q = container_of(ev, struct nic_queue, doorbell);

	q->tail = q->doorbell_tail[0];
	if (q->doorbell_tail[1] > q->tail) { /* rung again while this one was under way */
		q->doorbell_tail[0] = q->doorbell_tail[1];
		event_schedule(&q->doorbell, engine_now(engine_of(q)) + q->nic->env.pcie->latency);
	}
	fetch(q);
}

void nic_doorbell(struct nic_queue *q, struct proc *p, uint64_t tail)
{
	cpu_run(p, q->nic->env.machine->conf->cpu->mmio_write, CPU_driver);
	proc_sync(
		p); /* the card must not learn of buffers before the CPU has come to giving them */
	q->nic->m.doorbells++;
	q->doorbell_tail[1] = tail;
	if (event_is_pending(&q->doorbell))
		return;
	q->doorbell_tail[0] = tail;
	event_schedule(&q->doorbell, pcie_doorbell(q->nic->port, proc_now(p)));
}

/* ---- payload ---- */

static void send_packet(struct nic_queue *q, const struct nic_packet *pkt)
{
	uint32_t left = pkt->bytes;

	q->nic->fifo_used -= pkt->bytes;
	while (left) {
		uint32_t i = index_of(q, q->used++);
		uint32_t len = left < q->nic->conf->buffer ? left : (uint32_t)q->nic->conf->buffer;

		left -= len;
		q->length[i] = len;
		q->end_of_packet[i] = left == 0;
		q->arrived[i] = pkt->arrived;
		q->nic->m.descriptors++;
		BUG_ON(q->payload[i].busy);
		q->payload[i] = (struct pcie_dma){
			.iova = q->address[i], .len = len, .write = true, .owner = q
		};
		pcie_submit(q->nic->port, &q->payload[i]);
		finish_descriptor(q);
	}
}

/* Give waiting packets their descriptors; drop those for which the ring has none. */
static void pump(struct nic_queue *q)
{
	struct nic *nic = q->nic;

	while (q->waiting_n > 0) {
		const struct nic_packet *pkt = &q->waiting[q->waiting_head];
		uint32_t need = descriptors_for(q, pkt->bytes);

		if (q->fetched - q->used >= need) {
			send_packet(q, pkt);
		} else if (q->tail - q->used >= need) {
			break; /* on their way from memory */
		} else {
			nic->m.dropped_no_descriptor++;
			nic->fifo_used -= pkt->bytes;
		}
		q->waiting_head = (q->waiting_head + 1) % q->waiting_size;
		q->waiting_n--;
	}
	fetch(q);
}

/* ---- the wire ---- */

static void wait_for_descriptor(struct nic_queue *q, const struct arrival *a)
{
	if (q->waiting_n == q->waiting_size) {
		struct nic_packet *grown = xcalloc(2 * q->waiting_size, sizeof(*grown));

		for (uint32_t i = 0; i < q->waiting_n; i++)
			grown[i] = q->waiting[(q->waiting_head + i) % q->waiting_size];
		free(q->waiting);
		q->waiting = grown;
		q->waiting_head = 0;
		q->waiting_size *= 2;
	}
	q->waiting[(q->waiting_head + q->waiting_n++) % q->waiting_size] =
		(struct nic_packet){ a->bytes, engine_now(engine_of(q)) };
	q->nic->fifo_used += a->bytes;
}

static void schedule_arrival(struct nic *nic)
{
	nic->more = arrivals_next(nic->arrivals, &nic->next);
	if (nic->more)
		event_schedule(&nic->arrival, nic->traffic_start + nic->next.at);
}

static void packet_arrives(struct event *ev)
{
	struct nic *nic = container_of(ev, struct nic, arrival);
	struct nic_queue *q = &nic->queues[nic->next.flow % nic->nqueues];

	nic->m.offered++;
	nic->m.offered_bytes += nic->next.bytes;
	hist_add(&nic->m.ring_available, q->tail - q->used);
	if (nic->fifo_used + nic->next.bytes > nic->conf->fifo) {
		nic->m.dropped_fifo++;
	} else {
		wait_for_descriptor(q, &nic->next);
		pump(q);
	}
	schedule_arrival(nic);
}

void nic_traffic_start(struct nic *nic)
{
	event_init(&nic->arrival, nic->env.machine->engine, packet_arrives);
	nic->traffic_start = engine_now(nic->env.machine->engine);
	schedule_arrival(nic);
}

/* Packets on the card without a descriptor are forgotten; those with one are finished. */
void nic_traffic_stop(struct nic *nic)
{
	nic->stopped = true;
	event_cancel(&nic->arrival);
	for (unsigned i = 0; i < nic->nqueues; i++) {
		nic->queues[i].waiting_n = 0;
		write_back(&nic->queues[i]);
	}
}

/* ---- queues ---- */

void nic_queue_init(struct nic_queue *q, struct nic *nic, unsigned id)
{
	struct machine *m = nic->env.machine;
	uint32_t n = nic->conf->ring;

	*q = (struct nic_queue){ .nic = nic, .id = id, .size = n, .waiting_size = 64 };
	q->cpu = &m->cpus[id % m->ncpus];
	q->address = xcalloc(n, sizeof(*q->address));
	q->length = xcalloc(n, sizeof(*q->length));
	q->end_of_packet = xcalloc(n, sizeof(*q->end_of_packet));
	q->arrived = xcalloc(n, sizeof(*q->arrived));
	q->payload = xcalloc(n, sizeof(*q->payload));
	q->writeback = xcalloc(n, sizeof(*q->writeback));
	q->waiting = xcalloc(q->waiting_size, sizeof(*q->waiting));
	q->fetch = (struct pcie_dma){ .done = fetch_done, .owner = q };
	q->msi = (struct pcie_dma){ .iova = { 0xfee00000 },
		.len = 4,
		.write = true,
		.interrupt = true,
		.done = interrupt_arrives,
		.owner = q };
	event_init(&q->writeback_timer, m->engine, writeback_due);
	event_init(&q->interrupt_timer, m->engine, interrupt_due);
	event_init(&q->doorbell, m->engine, doorbell_arrives);
	nic_driver_init(q);
}

void nic_queue_fini(struct nic_queue *q)
{
	nic_driver_fini(q);
	event_fini(&q->writeback_timer);
	event_fini(&q->interrupt_timer);
	event_fini(&q->doorbell);
	free(q->address);
	free(q->length);
	free(q->end_of_packet);
	free(q->arrived);
	free(q->payload);
	free(q->writeback);
	free(q->waiting);
}

bool nic_queue_idle(const struct nic_queue *q)
{
	return q->waiting_n == 0 && q->written == q->finished && !q->fetch.busy && !q->msi.busy &&
	       !event_is_pending(&q->doorbell) && !event_is_pending(&q->interrupt_timer) &&
	       nic_driver_idle(q);
}
