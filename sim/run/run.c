#include "run/run.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bug.h"
#include "hw/cpu.h"
#include "hw/lock.h"
#include "hw/pages.h"
#include "run/per_unit.h"
#include "run/point_files.h"
#include "run/series.h"
#include "run/system.h"

#define DRAIN_STEP (100 * US)

/* What of a run is not in its metrics. */
struct course {
	struct system *system;
	struct err *err;
	bool ready; /* set up */
	struct dma_verdict warmup; /* translations before the reset */
	uint64_t events_before, events_measured;
	sim_time measured_from;
	struct series series;
	uint64_t leaks;
	bool stuck; /* traffic did not end in time */
};

static void bring_up(struct proc *p, void *arg)
{
	struct course *c = arg;
	struct system *s = c->system;

	iommu_units_start(&s->units, p);
	c->ready = s->workload->setup(s->workload_state, p, c->err);
}

static void take_down(struct proc *p, void *arg)
{
	struct course *c = arg;
	struct system *s = c->system;

	s->workload->teardown(s->workload_state, p);
	dma_system_drain(s->dma, p);
	c->leaks += dma_live_ranges(s->dma);
	if (c->leaks)
		return; /* the domain cannot go while ranges live in it */
	s->workload->detach(s->workload_state, p);
	iommu_units_stop(&s->units, p);
	c->leaks += pages_in_use(s->machine.pages);
}

static struct workload_totals totals_of(const struct system *s)
{
	struct workload_totals t = { 0 };

	s->workload->totals(s->workload_state, &t);
	return t;
}

static void sample(struct course *c)
{
	const struct system *s = c->system;
	const struct window_metrics *w = s->windows ? windows_metrics(s->windows) : NULL;

	c->series.sample[c->series.n++] = (struct series_sample){
		.at = engine_now(s->engine) - c->measured_from,
		.units = totals_of(s).units,
		.unmaps = w ? w->opened : 0,
		.stale_pages = w ? w->stale_pages : 0,
	};
}

static void measure(struct course *c)
{
	struct system *s = c->system;
	sim_time start = engine_now(s->engine);

	s->workload->start(s->workload_state);
	engine_run(s->engine, start + s->time->warmup);
	c->warmup = totals_of(s).verdict;
	c->events_before = engine_events(s->engine);
	c->measured_from = engine_now(s->engine);
	metrics_reset(s->metrics, c->measured_from);
	for (unsigned i = 1; i <= SERIES_SAMPLES; i++) {
		engine_run(
			s->engine, c->measured_from + s->time->measure / SERIES_SAMPLES * i +
					   s->time->measure % SERIES_SAMPLES * i / SERIES_SAMPLES);
		sample(c);
	}
	c->events_measured = engine_events(s->engine) - c->events_before;
	metrics_collect(s->metrics, engine_now(s->engine));
	per_unit_fill(&s->per_unit, &s->machine, totals_of(s).units);
}

static bool all_idle(const struct system *s)
{
	return s->workload->idle(s->workload_state) && iommu_units_idle(&s->units);
}

static void drain(struct course *c)
{
	struct system *s = c->system;
	sim_time deadline = engine_now(s->engine) + s->time->drain;

	s->workload->stop(s->workload_state);
	while (!all_idle(s) && engine_now(s->engine) < deadline)
		engine_run(s->engine, engine_now(s->engine) + DRAIN_STEP);
	c->stuck = !all_idle(s);
}

/* ---- the summary ---- */

static void summarise_names(struct run_summary *r, const struct system *s)
{
	summary_set_text(&r->workload, s->workload->name);
	summary_set_text(&r->model, conf_variant(s->conf, "iommu")->name);
	summary_set_text(&r->allocator, conf_variant(s->conf, "allocator")->name);
	summary_set_text(&r->policy, conf_variant(s->conf, "policy")->name);
	r->cpus = s->machine.ncpus;
}

static void summarise_locks(struct run_summary *r, const struct system *s)
{
	const struct lock *worst = NULL;

	list_for_each (n, &s->machine.locks) {
		const struct lock *l = list_entry(n, const struct lock, link);

		r->spin_share += l->m.spin_share;
		if (l->m.wait.sum > (worst ? worst->m.wait.sum : 0))
			worst = l;
	}
	if (!worst)
		return;
	summary_set_text(&r->worst_lock, worst->name);
	r->worst_lock_spin_share = worst->m.spin_share;
	r->worst_lock_wait = (sim_time)worst->m.wait_per_acquisition;
}

static void summarise_cpus(struct run_summary *r, const struct system *s)
{
	for (unsigned i = 0; i < s->machine.ncpus; i++)
		r->cpu_busy_share += s->machine.cpus[i].m.busy_share / s->machine.ncpus;
}

static void summarise(struct run_summary *r, const struct course *c)
{
	const struct system *s = c->system;
	struct workload_totals t = totals_of(s);
	struct dma_totals d;
	char *scope = xasprintf("%s0.%s", s->workload->name, t.dma_latency_path);

	*r = (struct run_summary){ .measured = s->time->measure, .events = c->events_measured };
	summarise_names(r, s);
	summarise_locks(r, s);
	summarise_cpus(r, s);
	summary_set_text(&r->unit, t.unit);
	r->units = t.units;
	r->bytes = t.bytes;
	r->offered = t.offered;
	r->dropped = t.dropped;
	summary_fill_latency(r, t.dma_latency, scope);
	free(scope);
	if (!s->model)
		return;
	dma_totals(s->dma, &d);
	r->flushes = d.invalidations;
	r->flush_max = d.flush_max;
	r->window_bound = d.window_bound;
	summary_fill_windows(r, s->windows, s->windows_scope);
}

static uint64_t unexpected(const struct dma_verdict *v)
{
	return v->wrong_target + v->unmapped_ok + v->fault_unexpected;
}

/* What only the end of the run tells. */
static void conclude(struct run_summary *r, const struct course *c)
{
	const struct experiment_conf *experiment = conf_common(c->system->conf, "");
	struct dma_verdict v = totals_of(c->system).verdict;

	if (!experiment->expect_faults)
		r->unexpected = unexpected(&v) + unexpected(&c->warmup);
	r->leaks = c->leaks + c->stuck;
}

/* A text file of the point; none for no text. */
static bool write_text(const char *dir, const char *name, const char *text, struct err *err)
{
	char *file;
	FILE *out;
	bool ok;

	if (!text[0])
		return true;
	file = xasprintf("%s/%s.txt", dir, name);
	out = fopen(file, "w");
	ok = out && fputs(text, out) >= 0;
	if (out)
		ok = fclose(out) == 0 && ok;
	if (!ok)
		err_set(err, "%s cannot be written", file);
	free(file);
	return ok;
}

/* What the tool that the workload models would have printed. */
static bool write_report(const struct system *s, const char *dir, struct err *err)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out;
	bool ok;

	if (!s->workload->report)
		return true;
	out = open_memstream(&text, &size);
	BUG_ON(!out);
	s->workload->report(s->workload_state, out);
	fclose(out);
	ok = write_text(dir, s->workload->name, text, err);
	free(text);
	return ok;
}

/* From the first packet to the last: measured, reported, drained, taken down. */
static int run_course(struct course *c, const char *dir)
{
	struct system *s = c->system;
	struct run_summary summary;

	measure(c);
	summarise(&summary, c);
	if (dir && (!point_files_write(dir, s->conf, &s->machine, s->windows, &summary, c->err) ||
			   !series_write(&c->series, dir, c->err) || !write_report(s, dir, c->err)))
		return RUN_REFUSED;
	drain(c);
	if (!c->stuck)
		system_on_cpu0(s, take_down, c);
	conclude(&summary, c);
	if (dir && !summary_write(&summary, dir, c->err))
		return RUN_REFUSED;
	if (summary.leaks == 0)
		system_destroy(s); /* else: parts of it still refer to each other */
	if (summary.leaks || summary.unexpected)
		return RUN_BROKEN;
	return RUN_OK;
}

static void watch(struct system *s, const struct run_watcher *watcher)
{
	if (watcher->observer)
		dma_system_observe(s->dma, watcher->observer);
	watcher->built(watcher->arg, s);
}

int run_point_watched(const struct conf *conf, const char *point_dir,
	const struct run_watcher *watcher, struct err *err)
{
	struct system s;
	struct course c = { .system = &s, .err = err };
	char *fault_text = NULL;
	size_t fault_size = 0;
	FILE *fault_log = open_memstream(&fault_text, &fault_size);
	int status = RUN_REFUSED;

	BUG_ON(!fault_log);
	if (system_create(&s, conf, fault_log, err)) {
		if (watcher)
			watch(&s, watcher);
		system_on_cpu0(&s, bring_up, &c);
		if (c.ready)
			status = run_course(&c, point_dir);
	}
	fclose(fault_log);
	if (point_dir && status != RUN_REFUSED && !write_text(point_dir, "faults", fault_text, err))
		status = RUN_REFUSED;
	free(fault_text);
	return status;
}

int run_point(const struct conf *conf, const char *point_dir, struct err *err)
{
	return run_point_watched(conf, point_dir, NULL, err);
}
