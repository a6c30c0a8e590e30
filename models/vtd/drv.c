/*
 * The driver's bring-up, domains and device contexts, as Linux 3.1 drivers/iommu/intel-iommu.c:
 * iommu_set_root_entry, dmar_enable_qi, iommu_enable_translation, domain_context_mapping_one.
 */
#include "models/vtd/vtd.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/bug.h"
#include "hw/mem.h"
#include "hw/pages.h"

#define PREFERRED_AW 2u /* 48 bits, DEFAULT_DOMAIN_ADDRESS_WIDTH */

uint64_t vtd_drv_read(
	struct vtd *v, struct proc *p, uint32_t offset, unsigned bytes, enum cpu_time what)
{
	cpu_run(p, v->env.machine->conf->cpu->mmio_read, what);
	proc_sync(p);
	v->drv.m.mmio_reads++;
	return vtd_mmio_read(v, offset, bytes);
}

void vtd_drv_write(struct vtd *v, struct proc *p, uint32_t offset, unsigned bytes, uint64_t value,
	enum cpu_time what)
{
	cpu_run(p, v->env.machine->conf->cpu->mmio_write, what);
	proc_sync(p);
	v->drv.m.mmio_writes++;
	vtd_mmio_write(v, offset, bytes, value);
}

static void fault_work(struct proc *p, void *arg)
{
	struct vtd *v = arg;

	cpu_run(p, v->env.machine->conf->cpu->irq_entry, CPU_irq);
	vtd_drv_faults(v, p);
}

static void fault_interrupt(void *ctx)
{
	struct vtd *v = ctx;

	cpu_post(&v->env.machine->cpus[0], &v->drv.fault_work);
}

void vtd_drv_init(struct vtd *v)
{
	struct vtd_drv *d = &v->drv;
	uint64_t sagaw = FIELD_GET(CAP_SAGAW, v->conf->cap);

	d->ndomains = 1u << (4 + 2 * FIELD_GET(CAP_ND, v->conf->cap));
	if (d->ndomains > 1u << 16)
		d->ndomains = 1u << 16;
	d->domains = xcalloc(d->ndomains, sizeof(*d->domains));
	d->aw = PREFERRED_AW;
	while (d->aw > 1 && !(sagaw & BIT64(d->aw)))
		d->aw--;
	lock_init(&d->q_lock, v->env.machine, "&qi->q_lock", "iommu%u.q_lock", v->env.index);
	lock_init(&d->register_lock, v->env.machine, "&iommu->register_lock",
		"iommu%u.register_lock", v->env.index);
	vtd_drv_dev_init(v);
	cpu_work_init(&d->fault_work, fault_work, v);
	v->hw.fault_event = fault_interrupt;
	v->hw.fault_ctx = v;
}

void vtd_drv_fini(struct vtd *v)
{
	vtd_drv_dev_fini(v);
	lock_fini(&v->drv.register_lock);
	lock_fini(&v->drv.q_lock);
	free(v->drv.domains);
}

/* One command bit, then wait for its status (IOMMU_WAIT_OP). */
static void command(struct vtd *v, struct proc *p, uint64_t set, uint64_t clear, uint64_t done)
{
	uint64_t keep = vtd_drv_read(v, p, VTD_GSTS, 4, CPU_driver) & (GSTS_TES | GSTS_QIES);
	uint64_t want = ((keep | set) & ~clear);

	vtd_drv_write(v, p, VTD_GCMD, 4, want, CPU_driver);
	while ((vtd_drv_read(v, p, VTD_GSTS, 4, CPU_driver) & done) != (want & done))
		cpu_run(p, v->conf->relax, CPU_driver);
}

void vtd_drv_start(void *state, struct proc *p)
{
	struct vtd *v = state;
	struct machine *m = v->env.machine;

	v->drv.root = pages_alloc_zeroed(m->pages, p);
	vtd_drv_write(v, p, VTD_RTADDR, 8, v->drv.root.a, CPU_driver);
	command(v, p, GCMD_SRTP, 0, GSTS_RTPS);
	vtd_drv_qi_start(v, p);
	vtd_drv_submit(v, p, QI_CONTEXT | FIELD_PREP(QI_G, VTD_GLOBAL), 0);
	vtd_drv_flush(v, p, &(struct iommu_flush){ .scope = IOMMU_FLUSH_ALL });
	vtd_drv_write(v, p, VTD_FECTL, 4, 0, CPU_driver); /* unmask the fault event */
	command(v, p, GCMD_TE, 0, GSTS_TES);
}

void vtd_drv_stop(void *state, struct proc *p)
{
	struct vtd *v = state;
	struct vtd_drv *d = &v->drv;

	vtd_drv_faults(v, p);
	command(v, p, 0, GCMD_TE, GSTS_TES);
	command(v, p, 0, GCMD_QIE, GSTS_QIES);
	vtd_drv_qi_stop(v, p);
	for (unsigned bus = 0; bus < ARRAY_SIZE(d->context_table); bus++)
		if (d->context_table[bus].a)
			pages_free(v->env.machine->pages, p, d->context_table[bus]);
	pages_free(v->env.machine->pages, p, d->root);
}

bool vtd_drv_domain_add(void *state, struct proc *p, uint16_t domain, struct err *err)
{
	struct vtd *v = state;
	struct vtd_domain *dom;

	if (domain >= v->drv.ndomains)
		return err_set(err, "domain %u: this unit has %u domain ids (iommu.cap field ND)",
			domain, v->drv.ndomains);
	dom = &v->drv.domains[domain];
	BUG_ON(dom->exists);
	dom->exists = true;
	vtd_drv_tables_create(v, p, dom);
	return true;
}

bool vtd_drv_domain_share(
	void *state, struct proc *p, uint16_t domain, const void *owner, struct err *err)
{
	struct vtd *v = state;
	const struct vtd *other = owner;
	struct vtd_domain *dom = &v->drv.domains[domain];

	(void)p;
	(void)err;
	BUG_ON(domain >= v->drv.ndomains || dom->exists || !other->drv.domains[domain].exists);
	*dom = other->drv.domains[domain];
	dom->shared = true;
	return true;
}

static hpa_t context_entry(struct vtd *v, struct proc *p, rid_t rid)
{
	struct mem *mem = v->env.machine->mem;
	unsigned bus = rid.bdf >> 8;
	hpa_t *table = &v->drv.context_table[bus];

	if (!table->a) {
		*table = pages_alloc_zeroed(v->env.machine->pages, p);
		mem_write64(
			mem, (hpa_t){ v->drv.root.a + bus * ROOT_ENTRY_BYTES }, table->a | ROOT_P);
	}
	return (hpa_t){ table->a + (rid.bdf & 0xff) * CONTEXT_ENTRY_BYTES };
}

bool vtd_drv_attach(
	void *state, struct proc *p, const struct iommu_dev *dev, uint16_t domain, struct err *err)
{
	struct vtd *v = state;
	struct mem *mem = v->env.machine->mem;
	rid_t rid = dev->rid;
	hpa_t at = context_entry(v, p, rid);

	if (mem_read64(mem, at) & CTX_P)
		return err_set(err, "device %02x:%02x.%u is attached already", rid.bdf >> 8,
			rid.bdf >> 3 & 31, rid.bdf & 7);
	mem_write64(mem, (hpa_t){ at.a + 8 },
		FIELD_PREP(CTX_HI_AW, v->drv.aw) | FIELD_PREP(CTX_HI_DID, domain));
	mem_write64(mem, at,
		v->drv.domains[domain].tables.root.a |
			FIELD_PREP(CTX_TT, dev->ats ? CTX_TT_ATS : CTX_TT_UNTRANSLATED) | CTX_P);
	vtd_drv_dev_add(v, p, dev, domain);
	cpu_run(p, 2 * v->env.machine->conf->cost->pte_write, CPU_pagetable);
	if (v->conf->cap & CAP_CM) { /* not-present entries may be cached */
		vtd_drv_submit(v, p,
			QI_CONTEXT | FIELD_PREP(QI_G, VTD_SELECTIVE) |
				FIELD_PREP(QI_CONTEXT_SID, rid.bdf) | FIELD_PREP(QI_DID, domain),
			0);
		vtd_drv_flush(v, p,
			&(struct iommu_flush){ .scope = IOMMU_FLUSH_DOMAIN, .domain = domain });
	}
	return true;
}

void vtd_drv_detach(void *state, struct proc *p, rid_t rid)
{
	struct vtd *v = state;
	struct mem *mem = v->env.machine->mem;
	hpa_t at = context_entry(v, p, rid);

	mem_write64(mem, at, 0);
	mem_write64(mem, (hpa_t){ at.a + 8 }, 0);
	cpu_run(p, 2 * v->env.machine->conf->cost->pte_write, CPU_pagetable);
	proc_sync(p);
	vtd_drv_submit(v, p, QI_CONTEXT | FIELD_PREP(QI_G, VTD_GLOBAL), 0);
	vtd_drv_flush(v, p, &(struct iommu_flush){ .scope = IOMMU_FLUSH_ALL });
	vtd_drv_dev_del(v, p, rid);
}
