#include "tests/hw/pcie_rig.h"

#include "base/bug.h"

void rig_init(struct rig *r)
{
	*r = (struct rig){ 0 };
	bed_init(&r->bed, 1, 1);
	r->bed.mem.read_latency = 90 * NS;
	r->bed.mem.write_latency = 60 * NS;
	r->bed.mem.bandwidth = UINT64_C(8000000000000000); /* a byte takes a femtosecond: none */
	conf_defaults(&pcie_conf_table, &r->conf);
	r->conf.bandwidth = 8000000000;
	r->conf.header = 26;
	r->conf.latency = 200 * NS;
	r->conf.mps = 256;
	r->conf.mrrs = 512;
}

static void answer(struct rig *r, struct xlate *x, sim_time latency)
{
	const struct rig_page *page = &r->page[x->iova.a / PAGE_SIZE];

	x->ok = !page->faults;
	x->pa = (hpa_t){ x->iova.a };
	x->latency = latency;
}

static void walk_ends(struct event *ev)
{
	struct rig_walk *w = container_of(ev, struct rig_walk, event);

	w->x->done(w->x);
}

static bool translate(void *ctx, struct xlate *x)
{
	struct rig *r = ctx;
	const struct rig_page *page = &r->page[x->iova.a / PAGE_SIZE];
	struct rig_walk *w;

	BUG_ON(x->len == 0 || (x->iova.a & (PAGE_SIZE - 1)) + x->len > PAGE_SIZE);
	BUG_ON(x->rid.bdf != 0x0300 || x->iova.a / PAGE_SIZE >= RIG_PAGES);
	x->hit = page->walk == 0;
	answer(r, x, x->hit ? RIG_HIT : page->walk);
	if (x->hit)
		return true;
	w = &r->walk[r->nwalks++];
	BUG_ON(r->nwalks > RIG_UNITS);
	w->x = x;
	event_init(&w->event, r->bed.engine, walk_ends);
	event_schedule(&w->event, engine_now(r->bed.engine) + page->walk);
	return false;
}

static void seen(void *ctx, rid_t rid, const struct xlate *x, sim_time now)
{
	struct rig *r = ctx;

	(void)rid;
	if (r->nunits < RIG_UNITS)
		r->unit[r->nunits] = (struct rig_unit){ x->iova.a, x->len, x->write, x->ok, now };
	r->nunits++;
}

void rig_build(struct rig *r)
{
	bed_build(&r->bed);
	r->port = pcie_port_create(&r->bed.machine, &r->conf, (rid_t){ 0x0300 },
		metric_scope_child(metrics_root(r->bed.metrics), "pcie"));
	pcie_port_connect(r->port, (struct xlate_port){ .ctx = r, .translate = translate },
		(struct pcie_observer){ .seen = seen, .ctx = r });
}

void rig_fini(struct rig *r)
{
	BUG_ON(!pcie_port_idle(r->port));
	for (unsigned i = 0; i < r->nwalks; i++)
		event_fini(&r->walk[i].event);
	for (unsigned i = 0; i < r->ndmas; i++)
		event_fini(&r->dma[i].submit);
	pcie_port_destroy(r->port);
	bed_fini(&r->bed);
}

static void note_done(struct pcie_dma *d)
{
	struct rig_dma *x = container_of(d, struct rig_dma, d);
	struct rig *r = x->rig;

	BUG_ON(x->done_at != 0);
	x->done_at = engine_now(r->bed.engine);
	r->order[r->ndone++] = (unsigned)(x - r->dma);
}

static void submit(struct event *ev)
{
	struct rig_dma *x = container_of(ev, struct rig_dma, submit);

	pcie_submit(x->rig->port, &x->d);
}

unsigned rig_dma(struct rig *r, sim_time when, bool write, uint64_t iova, uint32_t len)
{
	struct rig_dma *x = &r->dma[r->ndmas];

	BUG_ON(r->ndmas == RIG_DMAS);
	*x = (struct rig_dma){ .rig = r, .submit_at = when };
	x->d = (struct pcie_dma){ .iova = { iova }, .len = len, .write = write, .done = note_done };
	event_init(&x->submit, r->bed.engine, submit);
	event_schedule(&x->submit, when);
	return r->ndmas++;
}

void rig_run(struct rig *r)
{
	bed_run(&r->bed);
	BUG_ON(r->ndone != r->ndmas);
}

sim_time rig_done(const struct rig *r, unsigned dma)
{
	return r->dma[dma].done_at;
}
