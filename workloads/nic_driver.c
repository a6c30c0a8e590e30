/*
 * The driver's receive path in the manner of ixgbe under NAPI: an interrupt masks itself and starts
 * polling; a poll takes at most a budget of packets, hands them to the stack, refills the ring in
 * batches; a poll that finds less unmasks the interrupt again.
 */
#include "workloads/nic.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/bug.h"
#include "hw/mem.h"
#include "hw/pages.h"

static struct machine *machine_of(const struct nic_queue *q)
{
	return q->nic->env.machine;
}

static struct nic_buffer *buffer_at(struct nic_queue *q, uint64_t position)
{
	return &q->buffer[position % q->size];
}

/* ---- refill ---- */

static void refill(struct nic_queue *q, struct proc *p, uint64_t n)
{
	uint64_t from = q->next_to_use;

	for (; n > 0; n--) {
		struct nic_buffer *b = buffer_at(q, q->next_to_use);
		hpa_t desc = nic_desc_at(q, q->next_to_use);

		if (!q->style->get(q, p, b)) {
			q->nic->m.refill_failures++;
			break;
		}
		cpu_run(p, q->nic->conf->cycles_refill, CPU_driver);
		mem_write64(machine_of(q)->mem, desc, b->iova.a);
		mem_write64(machine_of(q)->mem, (hpa_t){ desc.a + 8 }, 0);
		q->next_to_use++;
		q->nic->m.refilled++;
	}
	if (q->next_to_use != from)
		nic_doorbell(q, p, q->next_to_use);
}

/* One descriptor always stays empty, so that a full ring is told from a dry one. */
static uint64_t refillable(const struct nic_queue *q)
{
	return q->size - 1 - (q->next_to_use - q->next_to_clean);
}

/* The card has nothing to write to. */
static bool is_dry(const struct nic_queue *q)
{
	return q->next_to_use == q->next_to_clean && !q->nic->stopped;
}

/* ---- receive ---- */

/* Status of the next descriptor; 0 when the card has not written it back yet. What the CPU finds
 * empty it looks at again at its own time: the bytes may be on their way. */
static uint64_t next_status(struct nic_queue *q, struct proc *p)
{
	hpa_t at = { nic_desc_at(q, q->next_to_clean).a + 8 };
	uint64_t status;

	if (q->next_to_clean == q->next_to_use)
		return 0;
	status = mem_read64(machine_of(q)->mem, at);
	if (!(status & NIC_DESC_DD)) {
		proc_sync(p);
		status = mem_read64(machine_of(q)->mem, at);
	}
	return status & NIC_DESC_DD ? status : 0;
}

/* The last buffer of a frame is here. A frame that the IOMMU refused a part of is lost as a whole. */
static void frame_ends(struct nic_queue *q, struct proc *p)
{
	const struct nic_conf *conf = q->nic->conf;

	if (q->frame_bad) {
		q->nic->m.dropped_fault++;
	} else if (!q->frame_passes) {
		q->nic->m.xdp_dropped++;
	} else {
		cpu_run(p, conf->cycles_stack, CPU_stack);
		line_touch_others(p, conf->lines_stack);
		q->nic->m.delivered++;
		q->nic->m.delivered_bytes += q->frame_bytes;
		hist_add(&q->nic->m.latency, proc_now(p) - q->arrived[q->next_to_clean % q->size]);
	}
	q->frame_bytes = 0;
	q->frame_bad = q->frame_begun = false;
}

/* The stack reads what is in a buffer, under XDP in its own copy. */
static void stack_reads(struct nic_queue *q, struct proc *p, uint32_t len)
{
	bool copied = q->nic->conf->buffers == NIC_XDP;
	hpa_t copy = copied ? nic_xdp_copy(q, p, len) : (hpa_t){ 0 };

	cpu_run(p, (uint64_t)q->nic->conf->cycles_line * ((len + 63) / 64), CPU_stack);
	line_touch_others(p, (len + 63) / 64);
	q->frame_bytes += len;
	if (copied)
		pages_free(machine_of(q)->pages, p, copy);
}

/* An XDP program is asked at the first buffer, where the headers are. */
static void frame_begins(struct nic_queue *q, struct proc *p)
{
	q->frame_begun = true;
	q->frame_passes = q->nic->conf->buffers != NIC_XDP || nic_xdp_passes(q, p);
}

/* Take the buffer that is next; whether its frame ends there. */
static bool receive(struct nic_queue *q, struct proc *p, uint64_t status)
{
	const struct nic_conf *conf = q->nic->conf;
	struct nic_buffer *b = buffer_at(q, q->next_to_clean);
	uint32_t len = (uint32_t)((status & NIC_DESC_LEN) >> NIC_DESC_LEN_SHIFT);
	bool ends = status & NIC_DESC_EOP;

	cpu_run(p, conf->cycles_packet, CPU_driver);
	q->style->received(q, p, b);
	if (status & NIC_DESC_ERR)
		q->frame_bad = true;
	else if (!q->frame_begun)
		frame_begins(q, p);
	if (!q->frame_bad && q->frame_passes)
		stack_reads(q, p, len);
	if (ends)
		frame_ends(q, p);
	q->style->consumed(q, p, b);
	q->next_to_clean++;
	return ends;
}

static void poll(struct proc *p, void *arg)
{
	struct nic_queue *q = arg;
	const struct nic_conf *conf = q->nic->conf;
	uint32_t done = 0;
	uint64_t status;

	cpu_run(p, conf->cycles_poll, CPU_driver);
	while (done < conf->budget && (status = next_status(q, p)) != 0) {
		done += receive(q, p, status);
		if (refillable(q) >= conf->refill && !q->nic->stopped)
			refill(q, p, refillable(q));
	}
	q->nic->m.polls++;
	hist_add(&q->nic->m.packets_per_poll, done);
	if (is_dry(q)) /* earlier refills failed, and no packet will come to ask for another */
		refill(q, p, refillable(q));
	proc_sync(p);
	q->nic->m.polls_full += done == conf->budget;
	if (done == conf->budget || is_dry(q)) {
		cpu_post(q->cpu, &q->poll);
		return;
	}
	cpu_run(p, machine_of(q)->conf->cpu->mmio_write, CPU_driver);
	proc_sync(p);
	nic_interrupt_enable(q);
}

static void interrupt(struct proc *p, void *arg)
{
	cpu_run(p, machine_of(arg)->conf->cpu->irq_entry, CPU_irq);
	poll(p, arg);
}

void nic_driver_interrupt(struct nic_queue *q)
{
	cpu_post(q->cpu, &q->irq);
}

bool nic_driver_idle(const struct nic_queue *q)
{
	return !q->poll.queued && !q->irq.queued && q->interrupt_enabled && !q->interrupt_wanted;
}

/* ---- open and close ---- */

void nic_driver_init(struct nic_queue *q)
{
	q->buffer = xcalloc(q->size, sizeof(*q->buffer));
	q->pool = xcalloc(q->nic->conf->pool, sizeof(*q->pool));
	nic_xdp_init(q);
	q->style = &nic_buffer_styles[q->nic->conf->buffers];
	cpu_work_init(&q->poll, poll, q);
	cpu_work_init(&q->irq, interrupt, q);
}

void nic_driver_fini(struct nic_queue *q)
{
	free(q->buffer);
	free(q->pool);
}

bool nic_driver_open(struct nic_queue *q, struct proc *p)
{
	if (!dma_alloc_coherent(
		    q->nic->dma, p, q->size * NIC_DESC_BYTES, &q->ring_pa, &q->ring_iova))
		return false;
	refill(q, p, refillable(q));
	proc_sync(p);
	nic_interrupt_enable(q);
	return true;
}

void nic_driver_close(struct nic_queue *q, struct proc *p)
{
	if (!q->ring_pa.a)
		return;
	for (; q->next_to_clean < q->next_to_use; q->next_to_clean++)
		q->style->discard(q, p, buffer_at(q, q->next_to_clean));
	q->style->drain(q, p);
	dma_free_coherent(q->nic->dma, p, q->size * NIC_DESC_BYTES, q->ring_pa, q->ring_iova);
}
