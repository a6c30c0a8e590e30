/*
 * The VT-d model alone: translations that hit the IOTLB, and walks of four levels with no cache at
 * all. Tables are built by the driver half, requests go in where PCIe hands them over.
 */
#include "bench/bench.h"

#include <stdlib.h>

#include "base/bug.h"
#include "hw/cpu.h"
#include "run/schema.h"
#include "run/system.h"

#define NPAGES 32u
#define HITS   20000000u
#define WALKS  400000u

static const rid_t rid = { 0x0300 };

static void bring_up(struct proc *p, void *arg)
{
	struct system *s = arg;
	struct err err;

	s->model->drv_start(s->units.state[0], p);
	BUG_ON(!s->model->drv_domain_add(s->units.state[0], p, 1, &err));
	BUG_ON(!s->model->drv_attach(
		s->units.state[0], p, &(struct iommu_dev){ .rid = rid }, 1, &err));
	s->model->drv_map(s->units.state[0], p, 1, (iova_t){ 0x40000000 }, (hpa_t){ 0x1000000 },
		PAGE_LG2, NPAGES, IOMMU_PROT_R | IOMMU_PROT_W);
}

static void build(struct system *s, const char *const *set, size_t n)
{
	struct conf_doc *doc = conf_doc_create();
	struct conf *conf;
	struct err err;

	for (size_t i = 0; i < n; i++)
		BUG_ON(!conf_doc_set(doc, set[i], "benchmark", &err));
	BUG_ON(!conf_bind(schema_get(), doc, &conf, &err));
	BUG_ON(!system_create(s, conf, NULL, &err));
	system_on_cpu0(s, bring_up, s);
	conf_doc_destroy(doc);
}

static uint64_t answered;

static void done(struct xlate *x)
{
	BUG_ON(!x->ok);
	answered++;
}

static struct xlate request(unsigned page)
{
	return (struct xlate){ .rid = rid,
		.write = true,
		.len = 64,
		.iova = { 0x40000000 + (uint64_t)(page % NPAGES) * PAGE_SIZE },
		.done = done };
}

/* One request to its end; true when it was a hit. */
static bool translate(struct system *s, struct xlate *x)
{
	uint64_t before = answered;

	if (s->model->hw_translate(s->units.state[0], x))
		return true;
	while (answered == before)
		engine_run(s->engine, engine_next(s->engine));
	return false;
}

void bench_iotlb_hit(struct bench_result *r)
{
	struct xlate x[NPAGES];
	struct system s;
	double from;

	build(&s, NULL, 0);
	for (unsigned i = 0; i < NPAGES; i++) {
		x[i] = request(i);
		translate(&s, &x[i]);
	}
	from = bench_cpu_s();
	for (unsigned i = 0; i < HITS; i++)
		BUG_ON(!s.model->hw_translate(s.units.state[0], &x[i % NPAGES]));
	r->cpu_s = bench_cpu_s() - from;
	r->work = HITS;
}

void bench_walk(struct bench_result *r)
{
	static const char *const uncached[] = { "iommu.iotlb_entries=0", "iommu.pd_entries=0",
		"iommu.pdp_entries=0", "iommu.pml4_entries=0" };
	struct xlate x;
	struct system s;
	uint64_t before;
	double from;

	build(&s, uncached, ARRAY_SIZE(uncached));
	before = engine_events(s.engine);
	from = bench_cpu_s();
	for (unsigned i = 0; i < WALKS; i++) {
		x = request(i);
		translate(&s, &x);
	}
	r->cpu_s = bench_cpu_s() - from;
	r->work = WALKS;
	r->events = engine_events(s.engine) - before;
}
