#include "iommu/walker.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "base/bug.h"
#include "hw/mem.h"

#define METRIC_STRUCT_ struct walker_metrics
static const struct metric_desc desc[] = { WALKER_METRICS(METRIC_DESC_) };
#undef METRIC_STRUCT_
const struct metric_table walker_metric_table = { "walker", "Page walkers of a remapping unit.",
	desc, ARRAY_SIZE(desc) };

#define TRACE_MAX 64u

struct walker_pool {
	struct machine *machine;
	const struct walker_ops *ops;
	void *model;
	struct windows *windows;
	struct list queue, in_flight, spare; /* of struct walk */
	struct waitq idle; /* walkers without work */
	struct waitq drained; /* invalidations that wait */
	uint64_t begun;
	unsigned started; /* walkers */
	bool tracing;
	unsigned ntrace; /* reads of the walk begun last, TRACE_MAX at most */
	struct {
		hpa_t at;
		uint64_t value;
		bool exists;
	} trace[TRACE_MAX];
	struct walker_metrics m;
	sim_time measured_from;
};

static void reset(void *arg, sim_time now)
{
	struct walker_pool *wp = arg;

	wp->measured_from = now;
}

static void collect(void *arg, sim_time now)
{
	struct walker_pool *wp = arg;
	sim_time measured = now - wp->measured_from;

	wp->m.occupancy = measured ? (double)wp->m.busy / (double)measured : 0;
}

static sim_time now_of(const struct walker_pool *wp)
{
	return engine_now(wp->machine->engine);
}

static void finish(struct walker_pool *wp, struct walk *w)
{
	struct list *n;

	list_remove(&w->link);
	wp->m.mem_reads += w->mem_reads;
	hist_add(&wp->m.walk_time, now_of(wp) - w->missed_at);
	while ((n = list_pop_front(&w->requests)) != NULL) {
		struct xlate *x = list_entry(n, struct xlate, link);

		x->hit = false;
		x->mem_reads = (uint8_t)w->mem_reads;
		x->latency = now_of(wp) - x->issued;
		x->mark = w->mark;
		wp->ops->answer(wp->model, w, x);
		wp->m.faults += !x->ok;
		x->done(x);
	}
	if (w->mark) /* whoever keeps the answer holds it by now */
		window_drop(wp->windows, w->mark, WINDOW_IN_FLIGHT, now_of(wp));
	list_push_front(&wp->spare, &w->link);
	waitq_wake_all(&wp->drained, now_of(wp));
}

static void walker_main(struct proc *p, void *arg)
{
	struct walker_pool *wp = arg;
	unsigned slot = wp->started++;

	for (;;) {
		struct list *n = list_pop_front(&wp->queue);
		struct walk *w;
		sim_time from;

		if (!n) {
			proc_wait(p, &wp->idle);
			continue;
		}
		w = list_entry(n, struct walk, link);
		list_push_back(&wp->in_flight, &w->link);
		from = now_of(wp);
		hist_add(&wp->m.queue_wait, from - w->missed_at);
		w->begun = ++wp->begun;
		wp->ntrace = 0;
		wp->ops->walk(wp->model, p, w);
		proc_sync(p);
		wp->m.busy += now_of(wp) - from;
		probe_span(wp->machine->probe,
			(struct probe_track){ PROBE_WALKER, wp, slot, "walker" }, "walk", from,
			now_of(wp));
		finish(wp, w);
	}
}

struct walker_pool *walkers_create(struct machine *m, unsigned slots, const struct walker_ops *ops,
	void *model, struct windows *windows, struct metric_scope *scope)
{
	struct walker_pool *wp = xcalloc(1, sizeof(*wp));

	wp->machine = m;
	wp->ops = ops;
	wp->model = model;
	wp->windows = windows;
	list_init(&wp->queue);
	list_init(&wp->in_flight);
	list_init(&wp->spare);
	waitq_init(&wp->idle);
	waitq_init(&wp->drained);
	for (unsigned i = 0; i < slots; i++)
		proc_spawn(m->engine, "walker", walker_main, wp, NULL);
	metric_scope_add(scope, &walker_metric_table, &wp->m);
	metric_scope_hooks(scope, reset, collect, wp);
	return wp;
}

void walkers_destroy(struct walker_pool *wp)
{
	struct list *n;

	BUG_ON(!walkers_idle(wp));
	while ((n = list_pop_front(&wp->spare)) != NULL)
		free(list_entry(n, struct walk, link));
	free(wp);
}

bool walkers_idle(const struct walker_pool *wp)
{
	return list_empty(&wp->queue) && list_empty(&wp->in_flight);
}

/* The walk finds out what x needs to know: a write's walk may set a dirty bit, a read's does not. */
static bool agrees(const struct walk *w, const struct xlate *x)
{
	return (w->write || !x->write) && w->has_pasid == x->has_pasid && w->pasid == x->pasid &&
	       w->priv == x->priv && w->exec == x->exec && w->at == x->at;
}

static struct walk *find(struct list *walks, const struct xlate *x)
{
	list_for_each (n, walks) {
		struct walk *w = list_entry(n, struct walk, link);

		if (w->page == x->iova.a >> PAGE_LG2 && w->rid.bdf == x->rid.bdf && !w->no_fill &&
			agrees(w, x))
			return w;
	}
	return NULL;
}

static struct walk *begin(struct walker_pool *wp, const struct xlate *x)
{
	struct list *n = list_pop_front(&wp->spare);
	struct walk *w = n ? list_entry(n, struct walk, link) : xcalloc(1, sizeof(*w));

	*w = (struct walk){ .rid = x->rid,
		.page = x->iova.a >> PAGE_LG2,
		.write = x->write,
		.has_pasid = x->has_pasid,
		.priv = x->priv,
		.exec = x->exec,
		.pasid = x->pasid,
		.at = x->at,
		.missed_at = now_of(wp) };
	list_init(&w->link);
	list_init(&w->requests);
	list_push_back(&wp->queue, &w->link);
	wp->m.walks++;
	waitq_wake_one(&wp->idle, now_of(wp));
	return w;
}

void walkers_miss(struct walker_pool *wp, struct xlate *x)
{
	struct walk *w = find(&wp->in_flight, x);

	x->issued = now_of(wp);
	if (!w)
		w = find(&wp->queue, x);
	x->merged = w != NULL;
	if (w)
		wp->m.merged++;
	else
		w = begin(wp, x);
	list_push_back(&w->requests, &x->link);
}

static void note_read(struct walker_pool *wp, hpa_t at, const uint64_t *v)
{
	if (!wp->tracing || wp->ntrace == TRACE_MAX)
		return;
	wp->trace[wp->ntrace].at = at;
	wp->trace[wp->ntrace].value = v ? *v : 0;
	wp->trace[wp->ntrace++].exists = v != NULL;
}

void walkers_trace(struct walker_pool *wp, bool on)
{
	wp->tracing = on;
	wp->ntrace = 0;
}

void walkers_print_trace(const struct walker_pool *wp, FILE *out)
{
	for (unsigned i = 0; i < wp->ntrace; i++) {
		fprintf(out, "  read 0x%llx: ", (unsigned long long)wp->trace[i].at.a);
		if (wp->trace[i].exists)
			fprintf(out, "0x%llx\n", (unsigned long long)wp->trace[i].value);
		else
			fputs("no memory there\n", out);
	}
}

bool walk_read(struct walker_pool *wp, struct proc *p, struct walk *w, hpa_t at, uint64_t *v,
	unsigned words, sim_time *arrives)
{
	struct mem *mem = wp->machine->mem;

	proc_sync(p);
	w->mem_reads++;
	*arrives = mem_read_done(mem, proc_now(p), words * (unsigned)sizeof(*v));
	if (!mem_exists(mem, at, words * sizeof(*v))) {
		note_read(wp, at, NULL);
		return false;
	}
	for (unsigned i = 0; i < words; i++)
		v[i] = mem_read64(mem, (hpa_t){ at.a + i * sizeof(*v) });
	note_read(wp, at, v);
	return true;
}

static bool any_begun_by(const struct walker_pool *wp, uint64_t last)
{
	list_for_each (n, &wp->in_flight)
		if (list_entry(n, struct walk, link)->begun <= last)
			return true;
	return false;
}

void walkers_invalidate(struct walker_pool *wp, struct proc *p, enum walker_inflight how)
{
	uint64_t last;

	proc_sync(p);
	last = wp->begun;
	switch (how) {
	case WALKER_DRAIN:
		while (any_begun_by(wp, last))
			proc_wait(p, &wp->drained);
		break;
	case WALKER_NO_FILL:
		list_for_each (n, &wp->in_flight)
			list_entry(n, struct walk, link)->no_fill = true;
		break;
	case WALKER_ALLOW:
		break;
	}
}

void walkers_mark(
	struct walker_pool *wp, uint16_t domain, iova_t iova, uint32_t npages, window_id mark)
{
	uint64_t first = iova.a >> PAGE_LG2;

	list_for_each (n, &wp->in_flight) {
		struct walk *w = list_entry(n, struct walk, link);
		uint64_t base = round_down_lg2(w->page << PAGE_LG2, w->leaf_lg2) >> PAGE_LG2;
		uint64_t span = BIT64(w->leaf_lg2) >> PAGE_LG2;

		if (!w->leaf || w->domain != domain || base >= first + npages ||
			base + span <= first)
			continue;
		if (w->mark)
			window_drop(wp->windows, w->mark, WINDOW_IN_FLIGHT, now_of(wp));
		w->mark = mark;
		window_hold(wp->windows, mark, WINDOW_IN_FLIGHT);
	}
}
