#include "tests/models/dmarig.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "hw/pages.h"
#include "run/conform_bed.h"

static const struct flush_policy_ops *find_policy(const char *name)
{
	size_t n;
	const struct flush_policy_ops *const *ops = flush_policies(&n);

	for (size_t i = 0; i < n; i++)
		if (strcmp(ops[i]->name, name) == 0)
			return ops[i];
	ck_abort_msg("no policy %s", name);
}

void dmarig_init(struct dmarig *r, const char *model, const char *policy,
	const struct flush_policy_ops *policy_double)
{
	size_t n;

	memset(r, 0, sizeof(*r));
	rig_init(&r->rig, model ? rig_model(model) : NULL, 1);
	conf_defaults(&dma_conf_table, &r->dma);
	conf_defaults(&pcie_conf_table, &r->pcie);
	r->conf.dma = &r->dma;
	r->conf.allocator = iova_allocators(&n)[0];
	r->conf.policy = policy ? find_policy(policy) : policy_double;
	r->conf.allocator_conf = r->allocator_conf = conform_defaults(r->conf.allocator->conf);
	r->conf.policy_conf = r->policy_conf = conform_defaults(r->conf.policy->conf);
}

static void bring_up(struct proc *p, void *arg)
{
	struct dmarig *r = arg;
	struct err err;

	if (r->rig.ops)
		r->rig.ops->drv_start(r->rig.state, p);
	r->dev = dma_dev_create(r->system, p, r->port, &err);
	ck_assert_ptr_nonnull(r->dev);
}

void dmarig_start(struct dmarig *r)
{
	rig_start(&r->rig);
	r->units = (struct iommu_units){ .ops = r->rig.ops, .n = r->rig.ops ? 1 : 0 };
	r->units.state[0] = r->rig.state;
	r->system = dma_system_create(&r->rig.machine, &r->conf, &r->units, r->rig.windows);
	r->port = pcie_port_create(&r->rig.machine, &r->pcie, (rid_t){ DMARIG_BDF },
		metric_scope_child(metrics_root(r->rig.metrics), "pcie0"));
	rig_on_cpu(&r->rig, 0, bring_up, r);
}

static void take_down(struct proc *p, void *arg)
{
	struct dmarig *r = arg;

	dma_system_drain(r->system, p);
	ck_assert_uint_eq(dma_live_ranges(r->system), 0);
	dma_dev_destroy(r->dev, p);
	if (r->rig.ops)
		r->rig.ops->drv_stop(r->rig.state, p);
	ck_assert_uint_eq(pages_in_use(r->rig.machine.pages), 0);
}

void dmarig_stop(struct dmarig *r)
{
	rig_settle(&r->rig);
	rig_on_cpu(&r->rig, 0, take_down, r);
	rig_settle(&r->rig);
	dma_system_destroy(r->system);
	pcie_port_destroy(r->port);
	rig_stop(&r->rig);
	free(r->allocator_conf);
	free(r->policy_conf);
}

struct call {
	struct dmarig *rig;
	uint64_t pa, iova;
	uint32_t len;
	enum dma_dir dir;
	bool ok;
};

static void do_map(struct proc *p, void *arg)
{
	struct call *c = arg;
	iova_t iova = { 0 };

	c->ok = dma_map_single(c->rig->dev, p, (hpa_t){ c->pa }, c->len, c->dir, &iova);
	c->iova = iova.a;
}

bool dmarig_map(struct dmarig *r, uint64_t pa, uint32_t len, enum dma_dir dir, uint64_t *iova)
{
	struct call c = { .rig = r, .pa = pa, .len = len, .dir = dir };

	rig_on_cpu(&r->rig, 0, do_map, &c);
	*iova = c.iova;
	return c.ok;
}

static void do_unmap(struct proc *p, void *arg)
{
	struct call *c = arg;

	dma_unmap_single(c->rig->dev, p, (iova_t){ c->iova }, c->len, DMA_BIDIRECTIONAL);
}

void dmarig_unmap(struct dmarig *r, uint64_t iova, uint32_t len)
{
	struct call c = { .rig = r, .iova = iova, .len = len };

	rig_on_cpu(&r->rig, 0, do_unmap, &c);
}

static void do_drain(struct proc *p, void *arg)
{
	dma_system_drain(((struct dmarig *)arg)->system, p);
}

void dmarig_drain(struct dmarig *r)
{
	rig_on_cpu(&r->rig, 0, do_drain, r);
}

static void completed(struct pcie_dma *d)
{
	*(bool *)d->owner = true;
}

bool dmarig_dma(struct dmarig *r, uint64_t iova, uint32_t len, bool write)
{
	bool done = false;
	struct pcie_dma d = {
		.iova = { iova }, .len = len, .write = write, .done = completed, .owner = &done
	};

	pcie_submit(r->port, &d);
	while (!done || d.busy)
		engine_run(r->rig.engine, engine_next(r->rig.engine));
	return !d.faulted;
}

struct dma_verdict dmarig_verdict(const struct dmarig *r)
{
	return dma_dev_verdict(r->dev);
}
