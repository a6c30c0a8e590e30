/*
 * Submission to the invalidation queue, as Linux 3.1 drivers/iommu/dmar.c:qi_submit_sync: one lock
 * with interrupts off; descriptor and wait descriptor written to the ring, tail register, then every
 * poll reads the fault status register by MMIO under the lock, drops it, relaxes and takes it again.
 */
#include "models/vtd/vtd.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/bug.h"
#include "hw/mem.h"
#include "hw/pages.h"

#define QI_LENGTH       256u /* descriptors; one page of 16 bytes each */
#define QI_DESC_BYTES   16u
#define QI_STATUS_BYTES 4u
#define QI_DONE         2u
#define QI_TRIES        3u

void vtd_drv_qi_start(struct vtd *v, struct proc *p)
{
	struct vtd_drv *d = &v->drv;
	struct pages *pages = v->env.machine->pages;
	uint64_t keep;

	d->queue = pages_alloc_zeroed(pages, p);
	d->status = pages_alloc_zeroed(pages, p);
	d->slot_busy = xcalloc(QI_LENGTH, sizeof(*d->slot_busy));
	d->slot_aborted = xcalloc(QI_LENGTH, sizeof(*d->slot_aborted));
	d->free_head = d->free_tail = 0;
	d->free_cnt = QI_LENGTH;
	vtd_drv_write(v, p, VTD_IQT, 8, 0, CPU_driver);
	vtd_drv_write(v, p, VTD_IQA, 8, d->queue.a, CPU_driver);
	keep = vtd_drv_read(v, p, VTD_GSTS, 4, CPU_driver) & GSTS_TES;
	vtd_drv_write(v, p, VTD_GCMD, 4, keep | GCMD_QIE, CPU_driver);
	while (!(vtd_drv_read(v, p, VTD_GSTS, 4, CPU_driver) & GSTS_QIES))
		cpu_run(p, v->conf->relax, CPU_driver);
}

void vtd_drv_qi_stop(struct vtd *v, struct proc *p)
{
	struct vtd_drv *d = &v->drv;

	BUG_ON(d->free_cnt != QI_LENGTH);
	pages_free(v->env.machine->pages, p, d->queue);
	pages_free(v->env.machine->pages, p, d->status);
	free(d->slot_busy);
	free(d->slot_aborted);
}

static void write_descriptor(struct vtd *v, struct proc *p, unsigned slot, uint64_t lo, uint64_t hi)
{
	struct machine *m = v->env.machine;
	hpa_t at = { v->drv.queue.a + slot * QI_DESC_BYTES };

	line_write(line_of_memory(m, at), p, CPU_flush_submit);
	cpu_run(p, m->conf->cost->desc_write, CPU_flush_submit);
	mem_write64(m->mem, at, lo);
	mem_write64(m->mem, (hpa_t){ at.a + 8 }, hi);
	v->drv.slot_busy[slot] = true;
	v->drv.slot_aborted[slot] = false;
}

static hpa_t status_word(const struct vtd *v, unsigned slot)
{
	return (hpa_t){ v->drv.status.a + slot * QI_STATUS_BYTES };
}

static bool is_done(struct vtd *v, struct proc *p, unsigned slot)
{
	proc_sync(p);
	v->drv.m.polls++;
	return mem_read32(v->env.machine->mem, status_word(v, slot)) == QI_DONE;
}

static void drop_relax_retake(struct vtd *v, struct proc *p)
{
	lock_release(&v->drv.q_lock, p);
	cpu_run(p, v->conf->relax, CPU_flush_wait);
	lock_acquire(&v->drv.q_lock, p);
}

/* Time-out: whatever the unit has fetched and not completed is given up; it goes on at its head. */
static void abort_fetched(struct vtd *v, struct proc *p)
{
	struct vtd_drv *d = &v->drv;
	uint64_t iqh = vtd_drv_read(v, p, VTD_IQH, 8, CPU_flush_wait);
	unsigned head = (unsigned)(FIELD_GET(IQH_QH, iqh) % QI_LENGTH);

	vtd_drv_write(v, p, VTD_FSTS, 4, FSTS_ITE, CPU_flush_wait);
	for (unsigned i = d->free_tail; i != head; i = (i + 1) % QI_LENGTH)
		if (d->slot_busy[i])
			d->slot_aborted[i] = true;
}

/* qi_check_fault(): the driver only ever writes well-formed descriptors, so a queue that stops for one
 * is a defect of one of the halves. Devices may be late, or answer what nobody asked. */
static void check_fault(struct vtd *v, struct proc *p)
{
	uint64_t fsts = vtd_drv_read(v, p, VTD_FSTS, 4, CPU_flush_wait);

	BUG_ON(fsts & FSTS_IQE);
	if (fsts & FSTS_ITE)
		abort_fetched(v, p);
	if (fsts & FSTS_ICE)
		vtd_drv_write(v, p, VTD_FSTS, 4, FSTS_ICE, CPU_flush_wait);
}

/* Slots come back in order: a submission that is done waits for those before it. */
static void reclaim(struct vtd_drv *d)
{
	while (d->free_cnt < QI_LENGTH && !d->slot_busy[d->free_tail]) {
		d->free_tail = (d->free_tail + 1) % QI_LENGTH;
		d->free_cnt++;
	}
}

/* False: the unit has given it up (ITE). */
static bool submit_once(struct vtd *v, struct proc *p, uint64_t lo, uint64_t hi)
{
	struct vtd_drv *d = &v->drv;
	unsigned slot, wait;
	bool done;

	lock_acquire(&d->q_lock, p);
	while (d->free_cnt < 3)
		drop_relax_retake(v, p);
	slot = d->free_head;
	wait = (slot + 1) % QI_LENGTH;
	mem_write32(v->env.machine->mem, status_word(v, wait), 0);
	write_descriptor(v, p, slot, lo, hi);
	write_descriptor(v, p, wait, QI_WAIT | QI_WAIT_SW | FIELD_PREP(QI_WAIT_DATA, QI_DONE),
		status_word(v, wait).a);
	d->free_head = (slot + 2) % QI_LENGTH;
	d->free_cnt -= 2;
	vtd_drv_write(v, p, VTD_IQT, 8, d->free_head * QI_DESC_BYTES, CPU_flush_submit);
	while (!(done = is_done(v, p, wait)) && !d->slot_aborted[wait]) {
		check_fault(v, p);
		drop_relax_retake(v, p);
	}
	d->slot_busy[slot] = d->slot_busy[wait] = false;
	reclaim(d);
	lock_release(&d->q_lock, p);
	return done;
}

/* Linux tries for ever what is given up; a device that never answers would hang the machine. */
bool vtd_drv_submit(struct vtd *v, struct proc *p, uint64_t lo, uint64_t hi)
{
	struct vtd_drv *d = &v->drv;
	sim_time from = proc_now(p);
	unsigned tries = QI_TRIES;
	bool done;

	while (!(done = submit_once(v, p, lo, hi)) && --tries)
		d->m.aborted++;
	d->m.submissions++;
	hist_add(&d->m.submit_to_done, proc_now(p) - from);
	return done;
}

/* Draining of reads and writes under way is asked for where the unit offers it. */
static uint64_t iotlb_descriptor(const struct vtd *v)
{
	return QI_IOTLB | (v->conf->cap & CAP_DWD ? QI_IOTLB_DW : 0) |
	       (v->conf->cap & CAP_DRD ? QI_IOTLB_DR : 0);
}

/* iommu_flush_iotlb_psi(): a naturally aligned power of two that covers the range, or the domain
 * when the unit cannot do that many pages. */
void vtd_drv_flush_pages(struct vtd *v, struct proc *p, const struct iommu_flush *f)
{
	uint64_t first = f->iova.a >> PAGE_LG2, last = first + f->npages - 1;
	unsigned am = first == last ? 0 : ilog2_floor(first ^ last) + 1;
	uint64_t lo = iotlb_descriptor(v) | FIELD_PREP(QI_DID, f->domain);

	if (!(v->conf->cap & CAP_PSI) || am > FIELD_GET(CAP_MAMV, v->conf->cap)) {
		vtd_drv_submit(v, p, lo | FIELD_PREP(QI_G, VTD_DOMAIN), 0);
		return;
	}
	vtd_drv_submit(v, p, lo | FIELD_PREP(QI_G, VTD_SELECTIVE),
		round_down_lg2(f->iova.a, am + PAGE_LG2) | (f->leaf_only ? QI_IOTLB_HI_IH : 0) |
			am);
}

void vtd_drv_flush(void *state, struct proc *p, const struct iommu_flush *f)
{
	struct vtd *v = state;
	uint64_t lo = iotlb_descriptor(v);

	switch (f->scope) {
	case IOMMU_FLUSH_PAGES:
		vtd_drv_flush_pages(v, p, f);
		break;
	case IOMMU_FLUSH_DOMAIN:
		vtd_drv_submit(
			v, p, lo | FIELD_PREP(QI_G, VTD_DOMAIN) | FIELD_PREP(QI_DID, f->domain), 0);
		break;
	case IOMMU_FLUSH_ALL:
		vtd_drv_submit(v, p, lo | FIELD_PREP(QI_G, VTD_GLOBAL), 0);
		break;
	}
	vtd_drv_dev_flush(v, p, f);
}
