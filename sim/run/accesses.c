#include "run/accesses.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "base/bug.h"
#include "hw/cpu.h"
#include "run/schema.h"

#define DOMAIN    5u
#define IOVA_BITS 48u

/* As the emulated unit: one table of 1024 translations, emptied when it is full. */
static const char *const geometry[] = { "iommu=vtd", "iommu.iotlb_entries=1024",
	"iommu.iotlb_ways=0", "iommu.iotlb_replace=reset" };

struct job {
	struct accesses *a;
	const struct access_event *e;
	void (*fn)(struct proc *p, struct accesses *a, const struct access_event *e);
	bool done;
};

static void run_job(struct proc *p, void *arg)
{
	struct job *job = arg;

	job->fn(p, job->a, job->e);
	proc_sync(p);
	job->done = true;
	engine_stop(job->a->rig.engine);
}

static void on_cpu(struct accesses *a, const struct access_event *e,
	void (*fn)(struct proc *p, struct accesses *a, const struct access_event *e))
{
	struct job job = { a, e, fn, false };
	struct cpu_work work;

	cpu_work_init(&work, run_job, &job);
	cpu_post(&a->rig.machine.cpus[0], &work);
	engine_run(a->rig.engine, SIM_TIME_NEVER);
	BUG_ON(!job.done);
}

static void bring_up(struct proc *p, struct accesses *a, const struct access_event *e)
{
	struct err err;

	(void)e;
	a->rig.model->drv_start(a->rig.state, p);
	BUG_ON(!a->rig.model->drv_domain_add(a->rig.state, p, DOMAIN, &err));
}

bool accesses_create(struct accesses *a, struct err *err)
{
	struct conf_doc *doc = conf_doc_create();
	struct conf *conf = NULL;
	bool ok = true;

	*a = (struct accesses){ 0 };
	for (size_t i = 0; ok && i < ARRAY_SIZE(geometry); i++)
		ok = conf_doc_set(doc, geometry[i], "conform", err);
	ok = ok && conf_bind(schema_get(), doc, &conf, err) && hw_rig_create(&a->rig, conf, err);
	conf_doc_destroy(doc);
	if (!ok)
		return false;
	truth_init(&a->truth, IOVA_BITS);
	on_cpu(a, NULL, bring_up);
	return true;
}

static void attach(struct proc *p, struct accesses *a, const struct access_event *e)
{
	struct err err;

	BUG_ON(!a->rig.model->drv_attach(
		a->rig.state, p, &(struct iommu_dev){ .rid = e->rid }, DOMAIN, &err));
}

void accesses_device(struct accesses *a, rid_t rid)
{
	if (!a->attached[rid.bdf])
		on_cpu(a, &(struct access_event){ .rid = rid }, attach);
	a->attached[rid.bdf] = true;
}

/* Page by page: a scatter list is mapped in pieces and unmapped at once, and captures have gaps. */
static void unmap_page(struct proc *p, struct accesses *a, uint64_t pfn)
{
	struct truth_page *t = truth_at(&a->truth, pfn);
	struct iommu_freelist tables = { .n = 0 };

	if (!t->live)
		return;
	a->rig.model->drv_unmap(a->rig.state, p, DOMAIN, (iova_t){ pfn << PAGE_LG2 }, 1, &tables);
	t->live = false;
}

static void map(struct proc *p, struct accesses *a, const struct access_event *e)
{
	for (uint32_t i = 0; i < e->npages; i++) {
		uint64_t pfn = (e->iova >> PAGE_LG2) + i;

		unmap_page(p, a, pfn);
		a->rig.model->drv_map(a->rig.state, p, DOMAIN, (iova_t){ pfn << PAGE_LG2 },
			(hpa_t){ e->pa + ((uint64_t)i << PAGE_LG2) }, PAGE_LG2, 1, e->prot);
		truth_at(&a->truth, pfn)->live = true;
	}
}

static void unmap(struct proc *p, struct accesses *a, const struct access_event *e)
{
	struct windows *w = a->rig.windows;
	iova_t iova = { e->iova };
	window_id id;

	for (uint32_t i = 0; i < e->npages; i++)
		unmap_page(p, a, (e->iova >> PAGE_LG2) + i);
	proc_sync(p);
	id = window_open(w, DOMAIN, iova, e->npages, (hpa_t){ 0 }, 0, proc_now(p));
	a->rig.model->obs_mark(a->rig.state, DOMAIN, iova, e->npages, id);
	window_returned(w, id, proc_now(p));
	a->open = xrealloc(a->open, a->nopen + 1, sizeof(*a->open));
	a->open[a->nopen++] = (struct open_window){ .id = id,
		.iova = e->iova,
		.npages = e->npages,
		.recorded = e->at,
		.replayed = proc_now(p) };
}

/* The naturally aligned block that a page-selective invalidation of the range is. */
static bool covers(const struct access_event *e, const struct open_window *w)
{
	uint64_t first = e->iova >> PAGE_LG2, last = first + e->npages - 1;
	uint64_t from = w->iova >> PAGE_LG2, to = from + w->npages - 1;
	unsigned lg2;

	if (e->npages == 0)
		return true;
	lg2 = first == last ? 0 : ilog2_floor(first ^ last) + 1;
	first = round_down_lg2(first, lg2);
	return from >= first && to < first + BIT64(lg2);
}

static void close_window(
	struct accesses *a, const struct open_window *w, sim_time recorded, sim_time replayed)
{
	sim_time there = recorded - w->recorded, here = replayed - w->replayed;
	sim_time apart = here > there ? here - there : there - here;

	a->held_too_long += window_is_held(a->rig.windows, w->id);
	window_flushed(a->rig.windows, w->id, replayed);
	a->windows++;
	a->recorded_us += (double)there / (double)US;
	a->replayed_us += (double)here / (double)US;
	if (apart > a->furthest)
		a->furthest = apart;
}

static void invalidate(struct proc *p, struct accesses *a, const struct access_event *e)
{
	const struct iommu_flush f = {
		.scope = e->npages ? IOMMU_FLUSH_PAGES : IOMMU_FLUSH_DOMAIN,
		.domain = DOMAIN,
		.iova = { e->iova },
		.npages = e->npages,
	};
	size_t kept = 0;

	a->rig.model->drv_flush(a->rig.state, p, &f);
	for (size_t i = 0; i < a->nopen; i++)
		if (covers(e, &a->open[i]))
			close_window(a, &a->open[i], e->at, proc_now(p));
		else
			a->open[kept++] = a->open[i];
	a->nopen = kept;
}

static bool access(struct accesses *a, const struct access_event *e)
{
	struct xlate x = { .rid = e->rid, .iova = { e->iova }, .len = 1 };

	x.write = !(e->prot & IOMMU_PROT_R);
	hw_rig_dma(&a->rig, &x);
	return x.hit && x.ok;
}

void accesses_before(struct accesses *a, const struct access_event *e, bool cached)
{
	struct access_event page = *e;

	page.iova = round_down_lg2(e->iova, PAGE_LG2);
	page.npages = 1;
	on_cpu(a, &page, map);
	if (cached)
		access(a, e);
}

void accesses_begin(struct accesses *a, const struct access_event *e)
{
	a->epoch = e->at;
	a->start = engine_now(a->rig.engine);
}

bool accesses_replay(struct accesses *a, const struct access_event *e)
{
	static void (*const fn[])(struct proc *, struct accesses *, const struct access_event *) = {
		[ACCESS_MAP] = map, [ACCESS_UNMAP] = unmap, [ACCESS_INVALIDATE] = invalidate
	};
	sim_time when = a->start + (e->at - a->epoch);

	if (when > engine_now(a->rig.engine))
		engine_run(a->rig.engine, when);
	if (e->kind == ACCESS_DMA)
		return access(a, e);
	on_cpu(a, e, fn[e->kind]);
	return true;
}

static void take_down(struct proc *p, struct accesses *a, const struct access_event *e)
{
	(void)e;
	for (unsigned bdf = 0; bdf < 1u << 16; bdf++)
		if (a->attached[bdf])
			a->rig.model->drv_detach(a->rig.state, p, (rid_t){ (uint16_t)bdf });
	a->rig.model->drv_domain_del(a->rig.state, p, DOMAIN);
	a->rig.model->drv_stop(a->rig.state, p);
}

void accesses_destroy(struct accesses *a)
{
	on_cpu(a, NULL, take_down);
	hw_rig_settle(&a->rig);
	hw_rig_destroy(&a->rig);
	truth_fini(&a->truth);
	free(a->open);
}
