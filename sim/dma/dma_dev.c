/* Devices: each attached to a domain of its own, its translations judged, its DMA shown to the observer. */
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "base/bug.h"
#include "dma/dma_priv.h"

const char *dma_dev_name(const struct dma_dev *d)
{
	return d->name;
}

static void watch(void *ctx, const struct pcie_dma *dma, sim_time now)
{
	struct dma_dev *d = ctx;
	const struct dma_observer *o = d->system->observer;

	if (!dma->interrupt)
		o->accessed(o->ctx, d, dma, now);
}

static void name_device(struct dma_dev *d)
{
	unsigned bdf = pcie_port_rid(d->port).bdf;

	snprintf(d->name, sizeof(d->name), "%02x:%02x.%x", bdf >> 8, bdf >> 3 & 31, bdf & 7);
}

static void seen(void *ctx, rid_t rid, const struct xlate *x, sim_time now)
{
	struct dma_dev *d = ctx;

	(void)rid;
	domain_judge(d->domain, x, now);
}

/* Into its domain; its own translation cache is switched on where device and unit both have that. */
static bool attach(struct dma_dev *d, struct proc *p, struct err *err)
{
	const struct iommu_model_ops *model = d->system->model;
	void *state = d->system->units->state[d->unit];
	struct iommu_dev dev = { .rid = pcie_port_rid(d->port) };

	if (pcie_has_ats(d->port) && model->drv_has_ats && model->drv_has_ats(state)) {
		dev.ats = true;
		dev.ats_queue = pcie_ats_queue(d->port);
		dev.pri = pcie_has_pri(d->port) && model->drv_has_pri && model->drv_has_pri(state);
	}
	if (!model->drv_attach(state, p, &dev, d->domain->id, err))
		return false;
	pcie_ats_enable(d->port, dev.ats, dev.pri);
	return true;
}

static struct dma_dev *dev_create(struct dma_system *s, struct pcie_port *port)
{
	struct dma_dev *d = xcalloc(1, sizeof(*d));
	const struct iommu_model_ops *model = s->model;

	d->system = s;
	d->port = port;
	list_push_back(&s->devs, &d->link);
	name_device(d);
	if (s->observer)
		pcie_port_watch(port, watch, d);
	d->mask = s->conf->dma->mask_bits >= 64 ? UINT64_MAX : BIT64(s->conf->dma->mask_bits) - 1;
	if (!model)
		return d;
	d->unit = iommu_unit_of(s->units, pcie_port_rid(port));
	pcie_port_connect(port,
		(struct xlate_port){ .ctx = s->units->state[d->unit],
			.translate = model->hw_translate,
			.invalidated = model->hw_invalidated,
			.page_request = model->hw_page_request },
		(struct pcie_observer){ .seen = seen, .ctx = d, .windows = s->windows });
	return d;
}

struct dma_dev *dma_dev_create(
	struct dma_system *s, struct proc *p, struct pcie_port *port, struct err *err)
{
	struct dma_dev *d = dev_create(s, port);

	if (!s->model)
		return d;
	d->domain = &d->own;
	return domain_init(d->domain, s, p, d->unit, err) && attach(d, p, err) ? d : NULL;
}

struct dma_dev *dma_dev_join(
	struct dma_dev *with, struct proc *p, struct pcie_port *port, struct err *err)
{
	struct dma_dev *d = dev_create(with->system, port);

	if (!with->system->model)
		return d;
	d->domain = with->domain;
	return domain_extend(d->domain, p, d->unit, err) && attach(d, p, err) ? d : NULL;
}

void dma_dev_destroy(struct dma_dev *d, struct proc *p)
{
	struct dma_system *s = d->system;

	if (!s->model)
		return;
	s->model->drv_detach(s->units->state[d->unit], p, pcie_port_rid(d->port));
	pcie_ats_enable(d->port, false, false);
	if (d->domain == &d->own)
		domain_fini(d->domain, p);
}

void dma_mark_devices(const struct dma_domain *d, iova_t iova, uint32_t npages, window_id w)
{
	list_for_each (n, &d->system->devs) {
		struct dma_dev *dev = list_entry(n, struct dma_dev, link);

		if (dev->domain == d)
			pcie_mark(dev->port, iova, npages, w);
	}
}
