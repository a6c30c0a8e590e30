/*
 * The driver's bring-up, domains and device table, as Linux drivers/iommu/amd: early_enable_iommu,
 * iommu_enable_command_buffer, iommu_enable_event_buffer, do_attach, do_detach, set_dte_entry.
 */
#include "models/amdvi/amdvi.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/bug.h"
#include "hw/mem.h"
#include "hw/pages.h"

#define NDEVICES           65536u
#define NDOMAINS           65536u
#define DEVICE_TABLE_PAGES (NDEVICES * DTE_BYTES / PAGE_SIZE)
#define LOG_PAGES          2u /* 512 entries of 16 bytes */
#define LOG_LEN            9u /* log2 of them */
#define INV_TIMEOUT_1S     4u /* CTRL_INV_TO_1S */

uint64_t amdvi_drv_read(
	struct amdvi *a, struct proc *p, uint32_t offset, unsigned bytes, enum cpu_time what)
{
	cpu_run(p, a->env.machine->conf->cpu->mmio_read, what);
	proc_sync(p);
	a->drv.m.mmio_reads++;
	return amdvi_mmio_read(a, offset, bytes);
}

void amdvi_drv_write(struct amdvi *a, struct proc *p, uint32_t offset, unsigned bytes,
	uint64_t value, enum cpu_time what)
{
	cpu_run(p, a->env.machine->conf->cpu->mmio_write, what);
	proc_sync(p);
	a->drv.m.mmio_writes++;
	amdvi_mmio_write(a, offset, bytes, value);
}

static void event_work(struct proc *p, void *arg)
{
	struct amdvi *a = arg;

	cpu_run(p, a->env.machine->conf->cpu->irq_entry, CPU_irq);
	amdvi_drv_faults(a, p);
	if (a->conf->efr & EFR_PPR_SUP)
		amdvi_drv_page_requests(a, p);
}

static void event_interrupt(void *ctx)
{
	struct amdvi *a = ctx;

	cpu_post(&a->env.machine->cpus[0], &a->drv.event_work);
}

void amdvi_drv_init(struct amdvi *a)
{
	struct amdvi_drv *d = &a->drv;

	d->domains = xcalloc(NDOMAINS, sizeof(*d->domains));
	d->devices = xcalloc(NDEVICES, sizeof(*d->devices));
	lock_init(&d->lock, a->env.machine, "&iommu->lock", "iommu%u.lock", a->env.index);
	cpu_work_init(&d->event_work, event_work, a);
}

void amdvi_drv_fini(struct amdvi *a)
{
	struct amdvi_drv *d = &a->drv;

	for (unsigned i = 0; i < NDOMAINS; i++)
		if (d->domains[i]) {
			lock_fini(&d->domains[i]->lock);
			free(d->domains[i]);
		}
	lock_fini(&d->lock);
	free(d->domains);
	free(d->devices);
}

/* ---- bring-up ---- */

/* No device may do anything that it was not attached for: valid, translated, and no rights. */
static void init_device_table(struct amdvi *a, struct proc *p)
{
	struct amdvi_drv *d = &a->drv;

	d->device_table = pages_alloc_contig(a->env.machine->pages, p, DEVICE_TABLE_PAGES);
	for (unsigned i = 0; i < NDEVICES; i++)
		mem_write64(a->env.machine->mem, (hpa_t){ d->device_table.a + i * DTE_BYTES },
			DTE0_V | DTE0_TV);
}

static void set_control(struct amdvi *a, struct proc *p, uint64_t set, uint64_t clear)
{
	uint64_t control = amdvi_drv_read(a, p, AMDVI_CONTROL, 8, CPU_driver);

	amdvi_drv_write(a, p, AMDVI_CONTROL, 8, (control & ~clear) | set, CPU_driver);
}

static void start_event_log(struct amdvi *a, struct proc *p)
{
	a->drv.events = pages_alloc_contig(a->env.machine->pages, p, LOG_PAGES);
	amdvi_drv_write(a, p, AMDVI_EVENT_BASE, 8, a->drv.events.a | FIELD_PREP(RING_LEN, LOG_LEN),
		CPU_driver);
	amdvi_drv_write(a, p, AMDVI_EVENT_HEAD, 8, 0, CPU_driver);
	amdvi_drv_write(a, p, AMDVI_EVENT_TAIL, 8, 0, CPU_driver);
	set_control(a, p, CTRL_EVENT_LOG_EN | CTRL_EVENT_INT_EN, 0);
}

void amdvi_drv_start(void *state, struct proc *p)
{
	struct amdvi *a = state;
	const struct amdvi_command all = { FIELD_PREP(RING_CODE, CMD_INVALIDATE_IOMMU_ALL), 0 };

	a->hw.event_interrupt = event_interrupt;
	a->hw.interrupt_ctx = a;
	init_device_table(a, p);
	amdvi_drv_write(a, p, AMDVI_DEV_TAB_BASE, 8,
		a->drv.device_table.a | FIELD_PREP(DEV_TAB_SIZE, DEVICE_TABLE_PAGES - 1),
		CPU_driver);
	amdvi_drv_cmd_start(a, p);
	start_event_log(a, p);
	amdvi_drv_ppr_start(a, p);
	set_control(a, p, CTRL_IOMMU_EN | FIELD_PREP(CTRL_INV_TIMEOUT, INV_TIMEOUT_1S), 0);
	if (a->conf->efr & EFR_IA_SUP) /* without it there is nothing that could be cached yet */
		amdvi_drv_submit(a, p, &all, 1);
}

void amdvi_drv_stop(void *state, struct proc *p)
{
	struct amdvi *a = state;
	struct pages *pages = a->env.machine->pages;

	amdvi_drv_faults(a, p);
	amdvi_drv_write(a, p, AMDVI_CONTROL, 8, 0, CPU_driver);
	a->hw.event_interrupt = NULL;
	amdvi_drv_cmd_stop(a, p);
	amdvi_drv_ppr_stop(a, p);
	pages_free_contig(pages, p, a->drv.events, LOG_PAGES);
	pages_free_contig(pages, p, a->drv.device_table, DEVICE_TABLE_PAGES);
}

/* ---- domains ---- */

static struct amdvi_domain *new_domain(struct amdvi *a, uint16_t domain)
{
	struct amdvi_domain *dom = xcalloc(1, sizeof(*dom));

	list_init(&dom->devices);
	lock_init(&dom->lock, a->env.machine, "&domain->lock", "iommu%u.domain%u.lock",
		a->env.index, domain);
	return dom;
}

bool amdvi_drv_domain_add(void *state, struct proc *p, uint16_t domain, struct err *err)
{
	struct amdvi *a = state;
	struct amdvi_domain **dom = &a->drv.domains[domain];

	(void)err;
	if (!*dom)
		*dom = new_domain(a, domain); /* kept: its lock's metrics are */
	BUG_ON((*dom)->exists);
	(*dom)->exists = true;
	amdvi_drv_tables_create(a, p, *dom);
	return true;
}

/* ---- device table ---- */

static void write_dte(struct amdvi *a, struct proc *p, uint16_t device, uint64_t e0, uint64_t e1)
{
	struct mem *mem = a->env.machine->mem;
	hpa_t at = { a->drv.device_table.a + device * DTE_BYTES };

	line_write(line_of_memory(a->env.machine, at), p, CPU_pagetable);
	cpu_run(p, 2 * a->env.machine->conf->cost->pte_write, CPU_pagetable);
	proc_sync(p);
	mem_write64(mem, (hpa_t){ at.a + 8 }, e1);
	mem_write64(mem, at, e0);
}

static void set_dte(struct amdvi *a, struct proc *p, const struct amdvi_device *d)
{
	const struct ptable *t = &a->drv.domains[d->domain]->tables;

	write_dte(a, p, d->dev.rid.bdf,
		DTE0_V | DTE0_TV | DTE0_IR | DTE0_IW | FIELD_PREP(DTE0_MODE, t->levels) |
			t->root.a | (d->dev.pri ? DTE0_PPR : 0),
		FIELD_PREP(DTE1_DOMAIN, d->domain) | (d->dev.ats ? DTE1_I : 0));
}

static struct amdvi_command forget_device(uint16_t device)
{
	return (struct amdvi_command){ FIELD_PREP(RING_CODE, CMD_INVALIDATE_DEVTAB_ENTRY) | device,
		0 };
}

static struct amdvi_command forget_domain(uint16_t domain)
{
	return (struct amdvi_command){ FIELD_PREP(RING_CODE, CMD_INVALIDATE_IOMMU_PAGES) |
					       FIELD_PREP(CMD_PAGES_DOMAIN, domain),
		amdvi_size_code(0, 64) | CMD1_S | CMD1_PDE };
}

void amdvi_drv_update_devices(struct amdvi *a, struct proc *p, uint16_t domain)
{
	const struct amdvi_command all = forget_domain(domain);

	list_for_each (n, &a->drv.domains[domain]->devices) {
		const struct amdvi_device *d = list_entry(n, struct amdvi_device, link);
		const struct amdvi_command device = forget_device(d->dev.rid.bdf);

		set_dte(a, p, d);
		amdvi_drv_submit(a, p, &device, 1);
	}
	amdvi_drv_submit(a, p, &all, 1);
}

bool amdvi_drv_attach(
	void *state, struct proc *p, const struct iommu_dev *dev, uint16_t domain, struct err *err)
{
	struct amdvi *a = state;
	uint16_t device = dev->rid.bdf;
	const struct amdvi_command forget = forget_device(device);

	if (a->drv.devices[device])
		return err_set(err, "device %02x:%02x.%u is attached already", device >> 8,
			device >> 3 & 31, device & 7);
	amdvi_drv_dev_add(a, dev, domain);
	set_dte(a, p, a->drv.devices[device]);
	amdvi_drv_submit(a, p, &forget, 1);
	return true;
}

void amdvi_drv_detach(void *state, struct proc *p, rid_t rid)
{
	struct amdvi *a = state;
	uint16_t domain = a->drv.devices[rid.bdf]->domain;
	const struct amdvi_command forget[] = { forget_device(rid.bdf), forget_domain(domain) };

	write_dte(a, p, rid.bdf, DTE0_V | DTE0_TV, 0);
	amdvi_drv_submit(a, p, forget, ARRAY_SIZE(forget));
	amdvi_drv_dev_del(a, rid);
}
