/*
 * The disk. A doorbell makes it fetch commands; a command's pointers may name a list, which is fetched
 * too; a write's data are read before its unit works, a read's data are written afterwards; then comes the
 * completion, and an interrupt for so many of them. Units serve their requests in the order in which they
 * are ready, and a place of the disk lies on one unit.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "base/bug.h"
#include "hw/mem.h"
#include "workloads/nvme.h"

enum { SERVICE_CONSTANT, SERVICE_EXPONENTIAL };

static struct engine *engine_of(const struct nvme_queue *q)
{
	return q->nvme->env.machine->engine;
}

static struct mem *mem_of(const struct nvme_queue *q)
{
	return q->nvme->env.machine->mem;
}

/* ---- interrupts ---- */

static void raise_interrupt(struct nvme_queue *q)
{
	event_cancel(&q->coalesce);
	q->unreported = 0;
	if (q->msi.busy) {
		q->msi_again = true;
		return;
	}
	q->nvme->m.interrupts++;
	pcie_submit(q->nvme->port, &q->msi);
}

static void interrupt_arrives(struct pcie_dma *d)
{
	struct nvme_queue *q = d->owner;

	nvme_driver_interrupt(q);
	if (q->msi_again) {
		q->msi_again = false;
		raise_interrupt(q);
	}
}

static void coalesce_due(struct event *ev)
{
	raise_interrupt(container_of(ev, struct nvme_queue, coalesce));
}

/* 5.21.1.8: at the threshold, or when the oldest has waited long enough. */
static void want_interrupt(struct nvme_queue *q)
{
	const struct nvme_conf *c = q->nvme->conf;

	if (++q->unreported >= c->coalesce)
		raise_interrupt(q);
	else if (!event_is_pending(&q->coalesce))
		event_schedule(&q->coalesce, engine_now(engine_of(q)) + c->coalesce_time);
}

/* ---- completion ---- */

/* The entry is in memory now. */
static void completion_visible(struct pcie_dma *d)
{
	struct nvme_queue *q = d->owner;
	uint32_t i = (uint32_t)(d - q->cqe);

	mem_write64(mem_of(q), (hpa_t){ q->cq_pa.a + i * CQE_BYTES + 8 }, q->cqe_word[i]);
	want_interrupt(q);
}

static void complete(struct nvme_request *r)
{
	struct nvme_queue *q = r->queue;
	uint32_t i = q->cq_tail;
	uint64_t word = (uint64_t)r->cid << CQE_CID_AT | q->fetch_head;

	if (q->cq_phase)
		word |= CQE_PHASE;
	if (r->failed)
		word |= UINT64_C(4) << CQE_STATUS_AT; /* Data Transfer Error */
	q->cq_tail = (i + 1) % q->size;
	q->cq_phase ^= q->cq_tail == 0;
	BUG_ON(q->cqe[i].busy);
	q->cqe[i] = (struct pcie_dma){ .iova = { q->cq_iova.a + i * CQE_BYTES },
		.len = CQE_BYTES,
		.write = true,
		.done = completion_visible,
		.owner = q };
	q->cqe_word[i] = word;
	pcie_submit(q->nvme->port, &q->cqe[i]);
}

/* ---- data ---- */

static void work(struct nvme_request *r);

static void data_moved(struct pcie_dma *d)
{
	struct nvme_request *r = d->owner;

	r->failed |= d->faulted;
	if (++r->moved < r->npieces)
		return;
	if (r->write)
		work(r);
	else
		complete(r);
}

static void move_data(struct nvme_request *r)
{
	r->moved = 0;
	for (uint32_t i = 0; i < r->npieces; i++) {
		r->data[i].write = !r->write;
		r->data[i].done = data_moved;
		r->data[i].owner = r;
		r->queue->nvme->m.data_dmas++;
		pcie_submit(r->queue->nvme->port, &r->data[i]);
	}
}

static void add_piece(struct nvme_request *r, uint64_t iova, uint32_t len)
{
	struct pcie_dma *last = r->npieces ? &r->data[r->npieces - 1] : NULL;

	if (last && last->iova.a + last->len == iova)
		last->len += len;
	else
		r->data[r->npieces++] = (struct pcie_dma){ .iova = { iova }, .len = len };
}

/* ---- the units ---- */

static sim_time draw_service(struct nvme *n)
{
	if (n->conf->service == SERVICE_CONSTANT)
		return n->conf->service_time;
	return (sim_time)rng_exp(&n->service_rng, (double)n->conf->service_time);
}

static void work(struct nvme_request *r)
{
	struct nvme *n = r->queue->nvme;
	sim_time now = engine_now(n->env.machine->engine), took = draw_service(n);
	uint64_t unit = r->slba * LBA_BYTES / n->conf->stripe % n->conf->units;
	sim_time begin = n->unit_free[unit] > now ? n->unit_free[unit] : now;

	hist_add(&n->m.service, took);
	hist_add(&n->m.unit_wait, begin - now);
	n->unit_free[unit] = begin + took;
	event_schedule(&r->served, begin + took);
}

static void served(struct event *ev)
{
	struct nvme_request *r = container_of(ev, struct nvme_request, served);

	if (r->write)
		complete(r);
	else
		move_data(r);
}

static void begin(struct nvme_request *r)
{
	if (r->failed)
		complete(r);
	else if (r->write)
		move_data(r);
	else
		work(r);
}

/* ---- pointers: 4.3, 4.4 ---- */

static uint64_t list_word(const struct nvme_request *r, uint32_t i)
{
	return mem_read64(mem_of(r->queue), (hpa_t){ r->list_pa.a + 8 * (uint64_t)i });
}

static void take_prp_list(struct nvme_request *r)
{
	uint32_t left = r->bytes - (uint32_t)PAGE_SIZE;

	add_piece(r, r->pointer[0], PAGE_SIZE);
	for (uint32_t i = 0; left > 0; i++) {
		uint32_t n = left < PAGE_SIZE ? left : (uint32_t)PAGE_SIZE;

		add_piece(r, list_word(r, i), n);
		left -= n;
	}
}

static void take_sgl_segment(struct nvme_request *r)
{
	uint32_t n = (uint32_t)((r->pointer[1] & SGL_LENGTH) / 16);

	for (uint32_t i = 0; i < n; i++)
		add_piece(r, list_word(r, 2 * i), (uint32_t)(list_word(r, 2 * i + 1) & SGL_LENGTH));
}

static void list_read(struct pcie_dma *d)
{
	struct nvme_request *r = d->owner;

	r->failed |= d->faulted;
	if (!r->failed && r->sgl)
		take_sgl_segment(r);
	else if (!r->failed)
		take_prp_list(r);
	begin(r);
}

static void read_list(struct nvme_request *r, uint64_t iova, uint32_t bytes)
{
	r->list =
		(struct pcie_dma){ .iova = { iova }, .len = bytes, .done = list_read, .owner = r };
	r->queue->nvme->m.list_reads++;
	pcie_submit(r->queue->nvme->port, &r->list);
}

static void take_pointers(struct nvme_request *r)
{
	uint32_t pages = (r->bytes + (uint32_t)PAGE_SIZE - 1) >> PAGE_LG2;

	r->npieces = 0;
	if (r->sgl && r->pointer[1] >> SGL_TYPE_AT == SGL_LAST) {
		read_list(r, r->pointer[0], (uint32_t)(r->pointer[1] & SGL_LENGTH));
	} else if (!r->sgl && pages > 2) {
		read_list(r, r->pointer[1], (pages - 1) * 8);
	} else {
		add_piece(r, r->pointer[0], r->sgl || pages == 1 ? r->bytes : (uint32_t)PAGE_SIZE);
		if (!r->sgl && pages == 2)
			add_piece(r, r->pointer[1], r->bytes - (uint32_t)PAGE_SIZE);
		begin(r);
	}
}

/* ---- submission queue ---- */

static void take_command(struct nvme_queue *q, uint32_t index)
{
	hpa_t at = { q->sq_pa.a + (uint64_t)index * SQE_BYTES };
	uint64_t word[8];
	struct nvme_request *r;

	mem_read(mem_of(q), at, word, sizeof(word));
	r = q->request[(word[SQE_WORD0] & SQE_CID) >> 16];
	r->write = (word[SQE_WORD0] & SQE_OPCODE) == NVME_OP_WRITE;
	r->sgl = word[SQE_WORD0] & SQE_SGL;
	r->slba = word[SQE_SLBA];
	r->bytes = (uint32_t)((word[SQE_NLB] & 0xffff) + 1) * LBA_BYTES;
	r->pointer[0] = word[SQE_POINTER];
	r->pointer[1] = word[SQE_POINTER + 1];
	r->failed = false;
	take_pointers(r);
}

static void fetch(struct nvme_queue *q)
{
	uint32_t batch = q->nvme->conf->fetch_batch, n;

	if (q->fetch.busy || q->fetch_head == q->tail)
		return;
	n = (q->tail > q->fetch_head ? q->tail : q->size) - q->fetch_head;
	q->fetch_n = n < batch ? n : batch;
	q->fetch.iova = (iova_t){ q->sq_iova.a + (uint64_t)q->fetch_head * SQE_BYTES };
	q->fetch.len = q->fetch_n * SQE_BYTES;
	q->nvme->m.fetches++;
	pcie_submit(q->nvme->port, &q->fetch);
}

static void fetch_done(struct pcie_dma *d)
{
	struct nvme_queue *q = d->owner;
	uint32_t first = q->fetch_head, n = q->fetch_n;

	q->fetch_head = (first + n) % q->size;
	for (uint32_t i = 0; i < n; i++)
		take_command(q, first + i);
	fetch(q);
}

/* ---- doorbells ---- */

static void doorbell_arrives(struct event *ev)
{
	struct nvme_queue *q = container_of(ev, struct nvme_queue, doorbell);

	q->tail = q->doorbell_tail[0];
	if (q->doorbell_tail[1] != q->tail) { /* rung again while this one was under way */
		q->doorbell_tail[0] = q->doorbell_tail[1];
		event_schedule(&q->doorbell, engine_now(engine_of(q)) + q->nvme->env.pcie->latency);
	}
	fetch(q);
}

static sim_time ring(struct nvme_queue *q, struct proc *p)
{
	cpu_run(p, q->nvme->env.machine->conf->cpu->mmio_write, CPU_driver);
	proc_sync(p);
	q->nvme->m.doorbells++;
	return pcie_doorbell(q->nvme->port, proc_now(p));
}

void nvme_ring_sq(struct nvme_queue *q, struct proc *p, uint32_t tail)
{
	sim_time arrives = ring(q, p);

	q->doorbell_tail[1] = tail;
	if (event_is_pending(&q->doorbell))
		return;
	q->doorbell_tail[0] = tail;
	event_schedule(&q->doorbell, arrives);
}

/* The completion queue is as long as the submission queue: it cannot overflow, and the disk need not
 * look at where the driver is. */
void nvme_ring_cq(struct nvme_queue *q, struct proc *p)
{
	ring(q, p);
}

/* ---- set-up ---- */

void nvme_request_init(struct nvme_request *r)
{
	uint32_t pages = (nvme_load_largest(&r->queue->nvme->load) >> PAGE_LG2) + 1;

	r->data = xcalloc(pages, sizeof(*r->data));
	event_init(&r->served, engine_of(r->queue), served);
}

void nvme_request_fini(struct nvme_request *r)
{
	event_fini(&r->served);
	free(r->data);
}

void nvme_device_init(struct nvme_queue *q)
{
	struct engine *e = engine_of(q);

	q->cqe = xcalloc(q->size, sizeof(*q->cqe));
	q->cqe_word = xcalloc(q->size, sizeof(*q->cqe_word));
	q->cq_phase = true;
	q->fetch = (struct pcie_dma){ .done = fetch_done, .owner = q };
	q->msi = (struct pcie_dma){ .iova = { 0xfee00000 },
		.len = 4,
		.write = true,
		.interrupt = true,
		.done = interrupt_arrives,
		.owner = q };
	event_init(&q->doorbell, e, doorbell_arrives);
	event_init(&q->coalesce, e, coalesce_due);
}

void nvme_device_fini(struct nvme_queue *q)
{
	event_fini(&q->doorbell);
	event_fini(&q->coalesce);
	free(q->cqe);
	free(q->cqe_word);
}
