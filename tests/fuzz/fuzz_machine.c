/*
 * Arbitrary register writes, memory contents and DMA against every IOMMU model: whatever a driver or a
 * guest programs is a modelled fault or a defined register state, never an abort, a hang or a queue
 * without bounds. The first byte chooses the model and its capabilities; the rest is a sequence of
 * operations. Built with libFuzzer by the `fuzz` preset; the corpus runs as a test with any compiler.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "run/hw_rig.h"
#include "run/schema.h"

#define ARENA       UINT64_C(0x100000) /* memory that operations write, 64 pages */
#define ARENA_WORDS (64 * 512u)
#define MOST_EVENTS UINT64_C(2000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *at, *end;
};

static uint64_t take(struct input *in, unsigned bytes)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < bytes && in->at < in->end; i++)
		v |= (uint64_t)*in->at++ << (8 * i);
	return v;
}

/* Configurations by the first byte: models, and their capability words. */
static const char *const configurations[][4] = {
	{ "iommu=vtd" },
	{ "iommu=vtd", "iommu.cap=0x81d2008c222f0606", "iommu.ecap=0x4880a4000f46",
		"iommu.inflight=allow" },
	{ "iommu=vtd", "iommu.cap=0x91d2008c38660606", "iommu.ecap=0xea80a4000f46",
		"iommu.iotlb_entries=0" },
	{ "iommu=amdvi" },
	{ "iommu=amdvi", "iommu.efr=0x1300009a5b", "iommu.inflight=allow",
		"iommu.quirk_512g=true" },
};

static void create(struct hw_rig *r, unsigned which)
{
	struct conf_doc *doc = conf_doc_create();
	struct conf *conf;
	struct err err;

	BUG_ON(!conf_doc_set(doc, "memory.size=64MiB", "fuzz", &err));
	for (unsigned i = 0; i < 4 && configurations[which][i]; i++)
		BUG_ON(!conf_doc_set(doc, configurations[which][i], "fuzz", &err));
	BUG_ON(!conf_bind(schema_get(), doc, &conf, &err));
	BUG_ON(!hw_rig_create(r, conf, &err));
	conf_doc_destroy(doc);
}

static void write_register(struct hw_rig *r, struct input *in)
{
	static const unsigned sizes[] = { 1, 2, 4, 8 };
	uint32_t offset = (uint32_t)take(in, 2) & 0x23ff; /* AMD has some at 2000h */
	unsigned bytes = sizes[take(in, 1) & 3];

	hw_rig_mmio_write(r, offset, bytes, take(in, bytes));
}

static void write_memory(struct hw_rig *r, struct input *in)
{
	uint64_t at = ARENA + 8 * (take(in, 2) % ARENA_WORDS);

	hw_rig_mem_write(r, at, take(in, 8));
}

/* A pointer into the arena with flag bits: so that tables lead somewhere. */
static void write_pointer(struct hw_rig *r, struct input *in)
{
	uint64_t at = ARENA + 8 * (take(in, 2) % ARENA_WORDS);
	uint64_t page = take(in, 1) & 63;

	hw_rig_mem_write(r, at, ARENA + page * PAGE_SIZE + (take(in, 2) & 0xfff));
}

static void point_register(struct hw_rig *r, struct input *in)
{
	uint32_t offset = (uint32_t)take(in, 1) & ~7u;
	uint64_t page = take(in, 1) & 63;

	hw_rig_mmio_write(r, offset, 8, ARENA + page * PAGE_SIZE + (take(in, 2) & 0xfff));
}

static void dma(struct hw_rig *r, struct input *in)
{
	uint64_t flags = take(in, 1);
	struct xlate x = { .rid = { (uint16_t)take(in, 2) },
		.len = flags & 128 ? 0 : 4,
		.write = flags & 1,
		.has_pasid = flags & 2,
		.priv = flags & 4,
		.exec = flags & 8,
		.at = (enum xlate_at)((flags >> 4) % 3) };

	if (x.has_pasid)
		x.pasid = (uint32_t)take(in, 3) & 0xfffff;
	x.iova = (iova_t){ take(in, flags & 64 ? 8 : 3) & ~(uint64_t)3 };
	x.write = x.write && x.len > 0;
	hw_rig_dma(r, &x);
}

static void page_request(struct hw_rig *r, struct input *in)
{
	uint64_t flags = take(in, 1);
	struct page_request q = { .rid = { (uint16_t)take(in, 2) },
		.read = flags & 1,
		.write = flags & 2,
		.last = flags & 4,
		.has_pasid = flags & 8,
		.priv = flags & 16,
		.exec = flags & 32,
		.pasid = (uint32_t)take(in, 3) & 0xfffff,
		.group = (uint16_t)(flags >> 6),
		.iova = { take(in, 3) & ~(PAGE_SIZE - 1) } };

	if (r->model->hw_page_request)
		r->model->hw_page_request(r->state, &q);
}

static void let_pass(struct hw_rig *r, struct input *in)
{
	engine_run(r->engine, engine_now(r->engine) + take(in, 2) * NS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const operations[])(struct hw_rig *, struct input *) = { write_register,
		write_memory, write_pointer, point_register, dma, let_pass, page_request };
	struct input in = { data, data + size };
	struct hw_rig r;

	create(&r, (unsigned)(take(&in, 1) % ARRAY_SIZE(configurations)));
	while (in.at < in.end)
		operations[take(&in, 1) % ARRAY_SIZE(operations)](&r, &in);
	hw_rig_settle(&r);
	BUG_ON(engine_events(r.engine) > MOST_EVENTS);
	hw_rig_destroy(&r);
	return 0;
}
