#include "run/record.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bug.h"
#include "base/pqueue.h"
#include "run/run.h"
#include "run/run_conf.h"
#include "trace/copy.h"
#include "trace/ranges.h"

struct recorded { /* a mapping */
	struct range range; /* exact bus addresses; owner is this */
	struct dma_sg *sg;
	unsigned n;
	uint8_t flags;
	uint32_t handle; /* once its map is written */
};

struct entry {
	uint8_t type; /* enum trace_type */
	bool ready, failed;
	uint16_t cpu;
	uint32_t device; /* index of recorder.device */
	sim_time time;
	struct recorded *m;
	uint64_t offset;
	uint32_t len;
	bool write;
};

struct known {
	const struct dma_dev *dev;
	char name[TRACE_NAME_BYTES + 1];
	bool declared;
	uint16_t number; /* in the trace */
};

struct recorder {
	struct trace_writer *out;
	const struct engine *engine;
	struct dma_observer observer;
	struct pqueue waiting; /* of struct entry, by time */
	struct ranges live;
	struct copy_slots slots;
	struct known *device;
	uint32_t ndevices;
	uint16_t declared;
	uint64_t outside;
};

static uint32_t device_of(struct recorder *r, const struct dma_dev *dev)
{
	for (uint32_t i = 0; i < r->ndevices; i++)
		if (r->device[i].dev == dev)
			return i;
	r->device = xrealloc(r->device, r->ndevices + 1, sizeof(*r->device));
	r->device[r->ndevices] = (struct known){ .dev = dev };
	snprintf(r->device[r->ndevices].name, sizeof(r->device[0].name), "%s", dma_dev_name(dev));
	return r->ndevices++;
}

/* ---- out ---- */

static void put(struct recorder *r, const struct trace_record *rec)
{
	const char *wrong = trace_put(r->out, rec);

	if (wrong)
		BUG("a recorded step %s", wrong);
}

static void declare(struct recorder *r, struct known *k, sim_time at)
{
	struct trace_record rec;

	k->declared = true;
	k->number = r->declared++;
	rec = trace_device_record(k->number, at, k->name);
	put(r, &rec);
}

static void put_map(struct recorder *r, struct recorded *m, struct trace_record rec)
{
	m->handle = rec.handle = copy_slot_get(&r->slots);
	rec.flags = m->flags;
	for (unsigned i = 0; i < m->n; i++) {
		rec.value = m->sg[i].pa.a;
		rec.len = m->sg[i].len;
		rec.rest = (uint16_t)(m->n - i - 1);
		put(r, &rec);
		rec.type = TRACE_SEGMENT;
		rec.cpu = rec.flags = 0;
	}
}

static void forget(struct recorded *m)
{
	free(m->sg);
	free(m);
}

static void put_entry(struct recorder *r, const struct entry *e)
{
	struct known *k = &r->device[e->device];
	struct trace_record rec = { .type = e->type, .cpu = e->cpu, .time = e->time };

	if (!k->declared)
		declare(r, k, e->time);
	rec.device = k->number;
	if (e->type == TRACE_MAP) {
		put_map(r, e->m, rec);
		return;
	}
	rec.handle = e->m->handle;
	if (e->type == TRACE_DMA) {
		rec.flags = e->write ? TRACE_WRITE : 0;
		rec.value = e->offset;
		rec.len = e->len;
	}
	put(r, &rec);
	if (e->type == TRACE_UNMAP) {
		copy_slot_put(&r->slots, e->m->handle);
		forget(e->m);
	}
}

/* Steps before `until`, as far as they are known. */
static void write_until(struct recorder *r, sim_time until)
{
	while (r->waiting.n > 0 && pqueue_top(&r->waiting)->key < until) {
		struct entry *e = pqueue_top(&r->waiting)->value;

		if (!e->ready)
			return; /* a map that has not returned */
		pqueue_pop(&r->waiting);
		if (!e->failed)
			put_entry(r, e);
		free(e);
	}
}

static struct entry *add(struct recorder *r, const struct dma_dev *d, uint8_t type, sim_time at)
{
	struct entry *e = xcalloc(1, sizeof(*e));

	write_until(r, engine_now(r->engine));
	e->type = type;
	e->device = device_of(r, d);
	e->time = at;
	e->ready = type != TRACE_MAP;
	pqueue_push(&r->waiting, at, e);
	return e;
}

/* ---- in ---- */

static void *map_called(void *ctx, const struct dma_dev *d, unsigned cpu, sim_time called)
{
	struct entry *e = add(ctx, d, TRACE_MAP, called);

	e->cpu = (uint16_t)cpu;
	return e;
}

static void mapped(void *ctx, void *call, const struct dma_sg *sg, unsigned n, enum dma_dir dir,
	bool coherent, iova_t iova)
{
	struct recorder *r = ctx;
	struct entry *e = call;
	struct recorded *m;
	uint64_t len = 0;

	e->ready = true;
	e->failed = n == 0;
	if (e->failed)
		return;
	m = xcalloc(1, sizeof(*m));
	m->sg = xcalloc(n, sizeof(*m->sg));
	memcpy(m->sg, sg, n * sizeof(*sg));
	m->n = n;
	for (unsigned i = 0; i < n; i++)
		len += sg[i].len;
	m->flags = (uint8_t)(dir | (coherent ? TRACE_COHERENT : 0));
	m->range = (struct range){
		.device = (uint16_t)e->device, .start = iova.a, .end = iova.a + len, .owner = m
	};
	ranges_add(&r->live, &m->range);
	e->m = m;
}

static void unmap_called(
	void *ctx, const struct dma_dev *d, unsigned cpu, sim_time called, iova_t iova)
{
	struct recorder *r = ctx;
	struct entry *e = add(r, d, TRACE_UNMAP, called);
	struct range *range = ranges_find(&r->live, (uint16_t)e->device, iova.a);

	BUG_ON(!range || range->start != iova.a);
	ranges_remove(&r->live, range);
	e->cpu = (uint16_t)cpu;
	e->m = range->owner;
}

static void accessed(void *ctx, const struct dma_dev *d, const struct pcie_dma *dma, sim_time now)
{
	struct recorder *r = ctx;
	struct range *range = ranges_find(&r->live, (uint16_t)device_of(r, d), dma->iova.a);
	struct entry *e;

	if (!range || dma->iova.a + dma->len > range->end) {
		r->outside++;
		return;
	}
	e = add(r, d, TRACE_DMA, now);
	e->m = range->owner;
	e->offset = dma->iova.a - range->start;
	e->len = dma->len;
	e->write = dma->write;
}

/* ---- the recorder ---- */

struct recorder *recorder_create(struct trace_writer *out)
{
	struct recorder *r = xcalloc(1, sizeof(*r));

	r->out = out;
	r->observer = (struct dma_observer){ map_called, mapped, unmap_called, accessed, r };
	return r;
}

const struct dma_observer *recorder_observer(const struct recorder *r)
{
	return &r->observer;
}

void recorder_begin(struct recorder *r, const struct engine *e)
{
	r->engine = e;
}

void recorder_end(struct recorder *r)
{
	write_until(r, SIM_TIME_NEVER);
}

uint64_t recorder_outside(const struct recorder *r)
{
	return r->outside;
}

void recorder_destroy(struct recorder *r)
{
	struct rb_node *n;

	while (r->waiting.n > 0)
		free(pqueue_pop(&r->waiting));
	pqueue_fini(&r->waiting);
	while ((n = rb_first(&r->live.root)) != NULL) {
		struct range *range = rb_entry(n, struct range, node);

		ranges_remove(&r->live, range);
		forget(range->owner);
	}
	copy_slots_fini(&r->slots);
	free(r->device);
	free(r);
}

/* ---- trace gen ---- */

static void built(void *arg, struct system *s)
{
	recorder_begin(arg, s->engine);
}

static void say(const struct recorder *r, const struct trace_writer *w, FILE *report)
{
	const struct trace_totals *t = trace_written(w);

	fprintf(report,
		"%" PRIu64 " records: %" PRIu64 " maps, %" PRIu64 " unmaps, %" PRIu64 " DMAs\n",
		t->records, t->maps, t->unmaps, t->dmas);
	if (r->outside)
		fprintf(report, "%" PRIu64 " DMAs to no mapping are not in it\n", r->outside);
}

int record_run(
	const struct conf *conf, const char *from, const char *out, FILE *report, struct err *err)
{
	const struct experiment_conf *experiment = conf_common(conf, "");
	struct trace_info info = { .seed = experiment->seed };
	struct trace_writer *w;
	struct run_watcher watcher = { .built = built };
	struct recorder *r;
	int status;

	snprintf(info.provenance, sizeof(info.provenance),
		"iommusim %s: %s, %s, allocator %s, policy %s", from,
		conf_variant(conf, "workload")->name, conf_variant(conf, "iommu")->name,
		conf_variant(conf, "allocator")->name, conf_variant(conf, "policy")->name);
	w = trace_create(out, &info, err);
	if (!w)
		return RUN_REFUSED;
	r = recorder_create(w);
	watcher.observer = recorder_observer(r);
	watcher.arg = r;
	status = run_point_watched(conf, NULL, &watcher, err);
	if (status == RUN_REFUSED) {
		trace_abandon(w);
	} else {
		recorder_end(r);
		say(r, w, report);
		status = trace_commit(w, err) ? status : RUN_REFUSED;
	}
	recorder_destroy(r);
	return status;
}
