/*
 * Submission to the command buffer, as three generations of Linux's driver do it:
 *   v3.1      amd_iommu.c: head and tail are read from the registers for each command; the completion
 *             wait stores to a word of the caller's own, polled with udelay(1) and no lock held
 *   locked    until 6.1: software copies of head and tail; the completion wait is queued and polled,
 *             with udelay(1), under the unit's lock
 *   sequence  today: the completion wait stores a number that only grows; polled outside the lock
 * Since 4.x a flush of a domain holds the domain's lock; in 3.1 the DMA API's lock is held by its caller.
 * One departure: every flush queues a completion wait. The kernels leave it out when another CPU's wait
 * was queued since, and until 6.12 did not wait for that one.
 */
#include "models/amdvi/amdvi.h"

#include "base/bug.h"
#include "hw/mem.h"
#include "hw/pages.h"

#define BUFFER_BYTES 8192u /* 512 commands */
#define BUFFER_LEN   9u
#define BUFFER_PAGES 2u
#define FULL_V31     2u /* bytes left at which a command is held back */
#define FULL         0x20u
#define SEM_PAGES    2u /* a word for each CPU that there can be */
#define LOOP_TIMEOUT 100000u /* polls of 1 us */

void amdvi_drv_cmd_start(struct amdvi *a, struct proc *p)
{
	struct amdvi_drv *d = &a->drv;
	struct pages *pages = a->env.machine->pages;
	uint64_t control;

	d->commands = pages_alloc_contig(pages, p, BUFFER_PAGES);
	d->semaphores = pages_alloc_contig(pages, p, SEM_PAGES);
	d->head = d->tail = 0;
	d->sequence = 0;
	amdvi_drv_write(a, p, AMDVI_COM_BASE, 8, d->commands.a | FIELD_PREP(RING_LEN, BUFFER_LEN),
		CPU_driver);
	amdvi_drv_write(a, p, AMDVI_COM_HEAD, 8, 0, CPU_driver);
	amdvi_drv_write(a, p, AMDVI_COM_TAIL, 8, 0, CPU_driver);
	control = amdvi_drv_read(a, p, AMDVI_CONTROL, 8, CPU_driver);
	amdvi_drv_write(a, p, AMDVI_CONTROL, 8, control | CTRL_CMD_BUF_EN, CPU_driver);
}

void amdvi_drv_cmd_stop(struct amdvi *a, struct proc *p)
{
	pages_free_contig(a->env.machine->pages, p, a->drv.commands, BUFFER_PAGES);
	pages_free_contig(a->env.machine->pages, p, a->drv.semaphores, SEM_PAGES);
}

/* ---- room in the buffer; the lock is held ---- */

static uint32_t left(const struct amdvi_drv *d)
{
	return (d->head - (d->tail + RING_ENTRY_BYTES)) % BUFFER_BYTES;
}

static void wait_1us(struct proc *p)
{
	cpu_run_ps(p, US, CPU_flush_wait);
}

static void read_head(struct amdvi *a, struct proc *p)
{
	a->drv.head = (uint32_t)amdvi_drv_read(a, p, AMDVI_COM_HEAD, 8, CPU_flush_submit);
}

/* v3.1 drops the lock, and waits until all is done, when there is no room. Any other gives the unit a
 * microsecond, lock held, from the second look on. */
static void make_room(struct amdvi *a, struct proc *p)
{
	struct amdvi_drv *d = &a->drv;
	bool v31 = a->conf->completion_wait == WAIT_V31;

	if (v31) {
		read_head(a, p);
		d->tail = (uint32_t)amdvi_drv_read(a, p, AMDVI_COM_TAIL, 8, CPU_flush_submit);
	}
	for (unsigned looks = 0; left(d) <= (v31 ? FULL_V31 : FULL); looks++) {
		if (v31)
			lock_release(&d->lock, p);
		if (v31 || looks)
			wait_1us(p);
		if (v31)
			lock_acquire(&d->lock, p);
		read_head(a, p);
		if (v31)
			d->tail =
				(uint32_t)amdvi_drv_read(a, p, AMDVI_COM_TAIL, 8, CPU_flush_submit);
	}
}

static void queue_command(struct amdvi *a, struct proc *p, const struct amdvi_command *c)
{
	struct amdvi_drv *d = &a->drv;
	struct machine *m = a->env.machine;
	hpa_t at;

	make_room(a, p);
	at.a = d->commands.a + d->tail;
	line_write(line_of_memory(m, at), p, CPU_flush_submit);
	cpu_run(p, m->conf->cost->desc_write, CPU_flush_submit);
	mem_write64(m->mem, at, c->lo);
	mem_write64(m->mem, (hpa_t){ at.a + 8 }, c->hi);
	d->tail = (d->tail + RING_ENTRY_BYTES) % BUFFER_BYTES;
	d->m.commands++;
	amdvi_drv_write(a, p, AMDVI_COM_TAIL, 8, d->tail, CPU_flush_submit);
}

void amdvi_drv_queue(struct amdvi *a, struct proc *p, const struct amdvi_command *c)
{
	lock_acquire(&a->drv.lock, p);
	queue_command(a, p, c);
	lock_release(&a->drv.lock, p);
}

/* ---- completion wait ---- */

static struct amdvi_command completion_wait(hpa_t semaphore, uint64_t data)
{
	return (struct amdvi_command){
		FIELD_PREP(RING_CODE, CMD_COMPLETION_WAIT) | CMD_WAIT_S | semaphore.a, data
	};
}

static bool has_come(struct amdvi *a, struct proc *p, hpa_t semaphore, uint64_t data)
{
	proc_sync(p);
	a->drv.m.polls++;
	return (int64_t)(mem_read64(a->env.machine->mem, semaphore) - data) >= 0;
}

/* wait_on_sem(): after 0.1 s the kernel gives up, and goes on as if all were well. */
static void wait_on(struct amdvi *a, struct proc *p, hpa_t semaphore, uint64_t data)
{
	for (unsigned i = 0; !has_come(a, p, semaphore, data); i++) {
		if (i == LOOP_TIMEOUT) {
			a->drv.m.wait_timeouts++;
			if (a->env.fault_log)
				fputs("AMD-Vi: Completion-Wait loop timed out\n", a->env.fault_log);
			return;
		}
		wait_1us(p);
	}
}

static void complete_v31(struct amdvi *a, struct proc *p)
{
	hpa_t own = { a->drv.semaphores.a + 8 * cpu_id(p) };
	const struct amdvi_command c = completion_wait(own, 1);

	mem_write64(a->env.machine->mem, own, 0);
	amdvi_drv_queue(a, p, &c);
	wait_on(a, p, own, 1);
}

static void complete(struct amdvi *a, struct proc *p)
{
	struct amdvi_drv *d = &a->drv;
	bool locked = a->conf->completion_wait == WAIT_LOCKED;
	struct amdvi_command c;
	uint64_t number;

	lock_acquire(&d->lock, p);
	number = ++d->sequence;
	c = completion_wait(d->semaphores, number);
	queue_command(a, p, &c);
	if (!locked)
		lock_release(&d->lock, p);
	wait_on(a, p, d->semaphores, number);
	if (locked)
		lock_release(&d->lock, p);
}

/* Wait for what was queued since `from`. */
static void finish(struct amdvi *a, struct proc *p, sim_time from)
{
	if (a->conf->completion_wait == WAIT_V31)
		complete_v31(a, p);
	else
		complete(a, p);
	a->drv.m.submissions++;
	hist_add(&a->drv.m.submit_to_done, proc_now(p) - from);
}

void amdvi_drv_submit(
	struct amdvi *a, struct proc *p, const struct amdvi_command *commands, unsigned n)
{
	sim_time from = proc_now(p);

	for (unsigned i = 0; i < n; i++)
		amdvi_drv_queue(a, p, &commands[i]);
	finish(a, p, from);
}

/* ---- flushes ---- */

static struct amdvi_command invalidate(uint16_t domain, uint64_t address)
{
	return (struct amdvi_command){ FIELD_PREP(RING_CODE, CMD_INVALIDATE_IOMMU_PAGES) |
					       FIELD_PREP(CMD_PAGES_DOMAIN, domain),
		address | CMD1_PDE };
}

static struct amdvi_command invalidate_domain(uint16_t domain)
{
	return invalidate(domain, amdvi_size_code(0, 64) | CMD1_S);
}

/* build_inv_iommu_pages(): one page, or the naturally aligned power of two that covers the range. */
static struct amdvi_command invalidate_pages(
	const struct amdvi *a, uint16_t domain, uint64_t iova, uint64_t bytes)
{
	uint64_t first = iova & ~(PAGE_SIZE - 1), last = iova + bytes - 1;
	unsigned lg2 = ilog2_floor(first ^ last) + 1;

	if (lg2 <= PAGE_LG2)
		return invalidate(domain, first);
	if (a->conf->range_flush == RANGE_DOMAIN || lg2 > 52)
		return invalidate_domain(domain);
	return invalidate(domain, amdvi_size_code(first, lg2) | CMD1_S);
}

/* __domain_flush_pages(): the unit, then the domain's devices that have caches of their own. */
static void queue_for(
	struct amdvi *a, struct proc *p, uint16_t domain, const struct amdvi_command *pages)
{
	struct amdvi_command c;

	amdvi_drv_queue(a, p, pages);
	list_for_each (n, &a->drv.domains[domain]->devices)
		if (amdvi_drv_dev_command(list_entry(n, struct amdvi_device, link), pages, &c))
			amdvi_drv_queue(a, p, &c);
}

/* Any number of invalidations, one completion wait. Since 4.x the domain's lock is held. */
static void submit_for(struct amdvi *a, struct proc *p, uint16_t domain,
	const struct amdvi_command *pages, unsigned n)
{
	struct lock *l = &a->drv.domains[domain]->lock;
	bool holds = a->conf->completion_wait != WAIT_V31;
	sim_time from = proc_now(p);

	if (holds)
		lock_acquire(l, p);
	for (unsigned i = 0; i < n; i++)
		queue_for(a, p, domain, &pages[i]);
	finish(a, p, from);
	if (holds)
		lock_release(l, p);
}

/* amd_iommu_flush_tlb_all(): no command forgets translations and keeps the device table's entries. */
static void flush_every_domain(struct amdvi *a, struct proc *p)
{
	sim_time from = proc_now(p);

	for (unsigned d = 0; d < 1u << 16; d++)
		if (a->drv.domains[d] && a->drv.domains[d]->exists) {
			const struct amdvi_command c = invalidate_domain((uint16_t)d);

			queue_for(a, p, (uint16_t)d, &c);
		}
	finish(a, p, from);
}

void amdvi_drv_flush(void *state, struct proc *p, const struct iommu_flush *f)
{
	struct amdvi *a = state;
	struct amdvi_command c = { 0 };

	switch (f->scope) {
	case IOMMU_FLUSH_PAGES:
		c = invalidate_pages(a, f->domain, f->iova.a, (uint64_t)f->npages << PAGE_LG2);
		submit_for(a, p, f->domain, &c, 1);
		break;
	case IOMMU_FLUSH_DOMAIN:
		c = invalidate_domain(f->domain);
		submit_for(a, p, f->domain, &c, 1);
		break;
	case IOMMU_FLUSH_ALL:
		flush_every_domain(a, p);
		break;
	}
}

/* Largest naturally aligned power of two at the start of the range, in log2 of bytes. */
static unsigned piece_lg2(uint64_t iova, uint64_t bytes)
{
	unsigned fits = ilog2_floor(bytes);
	unsigned aligned = iova ? (unsigned)__builtin_ctzll(iova) : fits;

	return aligned < fits ? aligned : fits;
}

/* domain_flush_np_cache(): a virtual unit must not drop more than what was mapped, so the range goes in
 * naturally aligned pieces, with one wait. */
void amdvi_drv_flush_mapped(
	struct amdvi *a, struct proc *p, uint16_t domain, uint64_t iova, uint64_t bytes)
{
	struct amdvi_command c[2 * 64];
	unsigned n = 0;

	if (!a->conf->np_cache)
		return;
	while (bytes) {
		uint64_t piece = BIT64(piece_lg2(iova, bytes));

		BUG_ON(n == ARRAY_SIZE(c));
		c[n++] = invalidate_pages(a, domain, iova, piece);
		iova += piece;
		bytes -= piece;
	}
	submit_for(a, p, domain, c, n);
}
