/*
 * The kernel's side and the jobs above it. A request is mapped, its command and, where it needs one, its
 * pointer list are written to memory, and the doorbell is rung once for all that a piece of work issues.
 * The interrupt's work takes completions until the phase bit ends them, unmaps, and lets the job issue
 * its next request.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "base/bug.h"
#include "hw/mem.h"
#include "hw/pages.h"
#include "workloads/nvme.h"

/* Until a request that found no device address is tried again: Linux block/blk-mq.c BLK_MQ_RESOURCE_DELAY. */
#define REQUEUE (3 * MS)

static struct machine *machine_of(const struct nvme_queue *q)
{
	return q->nvme->env.machine;
}

/* ---- issue ---- */

static struct nvme_request *free_request(struct nvme_job *j)
{
	for (uint32_t i = 0; i < j->nvme->load.iodepth; i++)
		if (!j->request[i].busy)
			return &j->request[i];
	return NULL;
}

static void issue(struct nvme_job *j, struct nvme_request *r, struct proc *p, sim_time due)
{
	struct nvme *n = j->nvme;
	struct nvme_next next = nvme_load_next(j);

	hist_add(&n->m.depth, j->busy);
	r->write = next.write;
	r->bytes = next.bytes;
	r->npages = nvme_pages(next.bytes);
	r->due = due;
	r->busy = true; /* a map may wait, and others look for a place */
	j->busy++;
	cpu_run(p, n->conf->cycles_submit, CPU_driver);
	if (!nvme_map(r, p)) {
		n->m.map_failures++;
		r->busy = false;
		j->busy--;
		return;
	}
	nvme_write_command(r, next.at);
	n->m.issued++;
}

static void schedule_arrival(struct nvme_job *j)
{
	sim_time now = engine_now(j->nvme->env.machine->engine);

	if (!j->nvme->stopped)
		event_schedule(&j->arrival, j->next_due > now ? j->next_due : now);
}

static sim_time draw_gap(struct nvme_job *j)
{
	return (sim_time)rng_exp(&j->rng, (double)SEC / (double)j->nvme->load.rate_iops) + 1;
}

/* As many as there are places for: closed loop; open loop: and as are due. */
static void fill(struct nvme_job *j, struct proc *p)
{
	bool open = j->nvme->load.rate_iops > 0;
	struct nvme_request *r;

	while (!j->nvme->stopped && (r = free_request(j)) != NULL) {
		uint64_t failures = j->nvme->m.map_failures;
		sim_time due = open ? j->next_due : proc_now(p);

		if (open && due > proc_now(p))
			break;
		if (open)
			j->next_due += draw_gap(j);
		issue(j, r, p, due);
		if (j->nvme->m.map_failures > failures) {
			event_schedule(&j->arrival, proc_now(p) + REQUEUE);
			return;
		}
	}
	if (open && free_request(j))
		schedule_arrival(j);
}

static void ring(struct nvme_queue *q, struct proc *p)
{
	if (q->rung == q->sq_tail)
		return;
	q->rung = q->sq_tail;
	nvme_ring_sq(q, p, q->sq_tail);
}

static void submit(struct proc *p, void *arg)
{
	struct nvme_queue *q = arg;

	for (uint32_t i = 0; i < q->nvme->load.numjobs; i++)
		if (q->nvme->job[i].queue == q)
			fill(&q->nvme->job[i], p);
	ring(q, p);
}

static void arrives(struct event *ev)
{
	struct nvme_job *j = container_of(ev, struct nvme_job, arrival);

	cpu_post(j->queue->cpu, &j->queue->submit);
}

/* ---- completion ---- */

static void finish(struct nvme_request *r, struct proc *p, bool failed)
{
	struct nvme *n = r->queue->nvme;

	nvme_unmap(r, p);
	cpu_run(p, n->conf->cycles_complete, CPU_driver);
	n->m.completed++;
	n->m.bytes += r->bytes;
	n->m.reads += !r->write;
	n->m.failed += failed;
	hist_add(&n->m.latency, proc_now(p) - r->due);
	r->busy = false;
	r->job->busy--;
	fill(r->job, p);
}

static bool next_completion(struct nvme_queue *q, struct proc *p, uint64_t *word)
{
	proc_sync(p);
	*word = mem_read64(machine_of(q)->mem, (hpa_t){ q->cq_pa.a + q->cq_head * CQE_BYTES + 8 });
	return !!(*word & CQE_PHASE) == q->phase;
}

static void interrupt(struct proc *p, void *arg)
{
	struct nvme_queue *q = arg;
	uint64_t word;
	bool any = false;

	cpu_run(p, machine_of(q)->conf->cpu->irq_entry, CPU_irq);
	while (next_completion(q, p, &word)) {
		struct nvme_request *r = q->request[(word >> CQE_CID_AT) & 0xffff];

		q->cq_head = (q->cq_head + 1) % q->size;
		q->phase ^= q->cq_head == 0;
		any = true;
		finish(r, p, word >> CQE_STATUS_AT);
	}
	if (any)
		nvme_ring_cq(q, p);
	ring(q, p);
}

void nvme_driver_interrupt(struct nvme_queue *q)
{
	cpu_post(q->cpu, &q->irq);
}

/* ---- set-up ---- */

void nvme_driver_init(struct nvme_queue *q)
{
	q->phase = true;
	cpu_work_init(&q->submit, submit, q);
	cpu_work_init(&q->irq, interrupt, q);
}

static bool open_request(struct nvme_request *r, struct proc *p)
{
	struct nvme *n = r->queue->nvme;

	r->bytes = nvme_load_largest(&n->load);
	r->npages = nvme_pages(r->bytes);
	r->page = xcalloc(r->npages, sizeof(*r->page));
	r->iova = xcalloc(r->npages, sizeof(*r->iova));
	for (uint32_t i = 0; i < r->npages; i++)
		r->page[i] = pages_alloc(n->env.machine->pages, p);
	if (!dma_alloc_coherent(n->dma, p, (uint32_t)PAGE_SIZE, &r->list_pa, &r->list_iova))
		return false;
	if (n->conf->mapping != NVME_MAP_ONCE)
		return true;
	for (uint32_t i = 0; i < r->npages; i++)
		if (!dma_map_single(n->dma, p, r->page[i], (uint32_t)PAGE_SIZE, DMA_BIDIRECTIONAL,
			    &r->iova[i]))
			return false;
	return true;
}

static void close_request(struct nvme_request *r, struct proc *p)
{
	struct nvme *n = r->queue->nvme;
	uint32_t npages = nvme_pages(nvme_load_largest(&n->load));

	for (uint32_t i = 0; r->page && i < npages; i++) {
		if (n->conf->mapping == NVME_MAP_ONCE && r->iova[i].a)
			dma_unmap_single(
				n->dma, p, r->iova[i], (uint32_t)PAGE_SIZE, DMA_BIDIRECTIONAL);
		pages_free(n->env.machine->pages, p, r->page[i]);
	}
	if (r->list_pa.a)
		dma_free_coherent(n->dma, p, (uint32_t)PAGE_SIZE, r->list_pa, r->list_iova);
	free(r->page);
	free(r->iova);
	r->page = NULL;
	r->iova = NULL;
}

bool nvme_driver_open(struct nvme *n, struct proc *p, struct err *err)
{
	for (uint32_t i = 0; i < n->nqueues; i++) {
		struct nvme_queue *q = &n->queue[i];
		bool ok =
			dma_alloc_coherent(
				n->dma, p, q->size * SQE_BYTES, &q->sq_pa, &q->sq_iova) &&
			dma_alloc_coherent(n->dma, p, q->size * CQE_BYTES, &q->cq_pa, &q->cq_iova);

		for (uint32_t k = 0; ok && k < q->nrequests; k++)
			ok = open_request(q->request[k], p);
		if (!ok)
			return err_set(err, "no device address is left for queue %u", i);
	}
	return true;
}

void nvme_driver_close(struct nvme *n, struct proc *p)
{
	for (uint32_t i = 0; i < n->nqueues; i++) {
		struct nvme_queue *q = &n->queue[i];

		for (uint32_t k = 0; k < q->nrequests; k++)
			close_request(q->request[k], p);
		if (q->sq_pa.a)
			dma_free_coherent(n->dma, p, q->size * SQE_BYTES, q->sq_pa, q->sq_iova);
		if (q->cq_pa.a)
			dma_free_coherent(n->dma, p, q->size * CQE_BYTES, q->cq_pa, q->cq_iova);
	}
}

void nvme_driver_start(struct nvme *n)
{
	sim_time now = engine_now(n->env.machine->engine);

	for (uint32_t i = 0; i < n->load.numjobs; i++) {
		struct nvme_job *j = &n->job[i];

		event_init(&j->arrival, n->env.machine->engine, arrives);
		j->next_due = now;
		if (n->load.rate_iops)
			j->next_due += draw_gap(j);
		schedule_arrival(j);
	}
}

void nvme_driver_stop(struct nvme *n)
{
	n->stopped = true;
	for (uint32_t i = 0; i < n->load.numjobs; i++)
		event_cancel(&n->job[i].arrival);
}
