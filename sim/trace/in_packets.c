/*
 * Packet captures: what a network card that received these packets would have done. A queue a CPU,
 * packets to queues by their RSS hash. A queue has a ring of buffers of BUFFER_BYTES, each in a page of
 * its own, mapped when the queue is first used. A packet is written into the oldest buffers when it
 * arrives; POLL_DELAY later the driver unmaps them and maps as many pages anew. A packet that finds too
 * few buffers is dropped, as by a card. The times of packets are those of the capture, everything else
 * is this model.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "trace/import.h"
#include "trace/packets.h"
#include "trace/spool.h"

#define BUFFER_BYTES 2048u
#define POLL_DELAY   (20 * US)

struct buffer {
	uint32_t slot;
	sim_time due; /* used: when the driver unmaps it */
};

struct queue {
	struct buffer *ring; /* oldest first */
	uint32_t used, head; /* [head, head + used): written, not yet unmapped */
	uint64_t pages; /* handed out so far */
	bool open;
};

struct nic {
	struct import *im;
	uint16_t device;
	uint32_t size; /* of a ring */
	struct queue *queue;
	uint32_t nqueues;
	sim_time now;
};

/* Pages go round twice the ring, so that one is free for a while before it comes again. */
static void map_buffer(struct nic *nic, uint32_t q, uint32_t i)
{
	struct queue *queue = &nic->queue[q];
	uint64_t page = queue->pages++ % (2 * (uint64_t)nic->size);

	queue->ring[i].slot = spool_map(nic->im->spool, nic->now,
		&(struct spool_mapping){ .cpu = (uint16_t)q,
			.device = nic->device,
			.flags = TRACE_FROM_DEVICE,
			.pa = SPOOL_UNKNOWN_PA | (uint64_t)q << 36 | page << PAGE_LG2,
			.len = BUFFER_BYTES },
		0);
}

static void open_queue(struct nic *nic, uint32_t q)
{
	struct queue *queue = &nic->queue[q];

	queue->ring = xcalloc(nic->size, sizeof(*queue->ring));
	queue->open = true;
	for (uint32_t i = 0; i < nic->size; i++)
		map_buffer(nic, q, i);
}

/* The queue whose oldest used buffer is due first, up to `until`; nqueues: none. */
static uint32_t next_due(const struct nic *nic, sim_time until)
{
	uint32_t best = nic->nqueues;
	sim_time at = until;

	for (uint32_t q = 0; q < nic->nqueues; q++) {
		const struct queue *queue = &nic->queue[q];

		if (queue->used == 0 || queue->ring[queue->head].due > at)
			continue;
		if (best == nic->nqueues || queue->ring[queue->head].due < at) {
			at = queue->ring[queue->head].due;
			best = q;
		}
	}
	return best;
}

static void poll_until(struct nic *nic, sim_time until)
{
	uint32_t q;

	while ((q = next_due(nic, until)) < nic->nqueues) {
		struct queue *queue = &nic->queue[q];
		struct buffer *b = &queue->ring[queue->head];

		nic->now = b->due;
		spool_unmap(nic->im->spool, nic->now, (uint16_t)q, b->slot);
		map_buffer(nic, q, queue->head);
		queue->head = (queue->head + 1) % nic->size;
		queue->used--;
	}
	if (until != SIM_TIME_NEVER)
		nic->now = until;
}

static void receive(struct nic *nic, const struct packet *packet)
{
	uint32_t q = packet->flow % nic->nqueues, left = packet->bytes;
	uint32_t need = (left + BUFFER_BYTES - 1) / BUFFER_BYTES;
	struct queue *queue = &nic->queue[q];

	poll_until(nic, packet->at);
	if (!queue->open)
		open_queue(nic, q);
	if (nic->size - queue->used < need) {
		import_skip(nic->im, "a packet that found the ring dry");
		return;
	}
	while (left > 0) {
		struct buffer *b = &queue->ring[(queue->head + queue->used++) % nic->size];
		uint32_t len = left < BUFFER_BYTES ? left : BUFFER_BYTES;

		spool_dma(nic->im->spool, nic->now, b->slot, 0, len, TRACE_WRITE | TRACE_SYNTHETIC);
		b->due = nic->now + POLL_DELAY;
		left -= len;
	}
}

static bool receive_all(struct nic *nic, struct packets *p)
{
	struct packet packet;

	while (packets_next(p, &packet)) {
		nic->im->lines++;
		if (packet.disordered)
			import_skip(
				nic->im, "the gap before a packet that is stamped before another");
		receive(nic, &packet);
	}
	if (packets_failed(p, nic->im->err))
		return false;
	poll_until(nic, SIM_TIME_NEVER);
	return true;
}

static bool run(struct import *im)
{
	struct nic nic = { .im = im, .size = im->options->ring, .nqueues = im->options->cpus };
	struct packets *p = packets_open(im->in, text_pos(im->in, 0).file, im->err);
	bool ok;

	if (!p)
		return false;
	im->what = "packets";
	nic.device = spool_device(im->spool, "nic");
	nic.queue = xcalloc(nic.nqueues, sizeof(*nic.queue));
	ok = receive_all(&nic, p);
	if (ok && im->lines == 0)
		ok = err_at(im->err, text_pos(im->in, 0), NULL, "holds no packet");
	packets_close(p);
	for (uint32_t q = 0; q < nic.nqueues; q++)
		free(nic.queue[q].ring);
	free(nic.queue);
	return ok;
}

static bool recognises(const char *start, size_t n)
{
	return packets_recognise(start, n);
}

const struct importer importer_packets = {
	.name = "packet capture",
	.summary = "pcap and pcapng: packets that a card receives (--cpus, --ring)",
	.recognises = recognises,
	.run = run,
	.knows_accesses = true,
};
