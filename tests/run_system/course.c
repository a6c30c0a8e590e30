#include "tests/run_system/course.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "hw/pages.h"
#include "run/schema.h"

static void set_all(struct conf_doc *doc, const char *const *settings)
{
	struct err err;
	char text[512];

	for (; settings && *settings; settings++)
		if (!conf_doc_set(doc, *settings, "test", &err))
			ck_abort_msg("%s", err_format(&err, text, sizeof(text)));
}

static void bring_up(struct proc *p, void *arg)
{
	struct course *c = arg;
	struct system *s = &c->system;

	iommu_units_start(&s->units, p);
	c->ready = s->workload->setup(s->workload_state, p, &c->err);
}

void course_start(struct course *c, const char *const *common, const char *const *more)
{
	course_start_watched(c, common, more, NULL);
}

void course_start_watched(struct course *c, const char *const *common, const char *const *more,
	const struct run_watcher *watcher)
{
	struct conf_doc *doc = conf_doc_create();
	char text[512];

	*c = (struct course){ 0 };
	set_all(doc, common);
	set_all(doc, more);
	if (!conf_bind(schema_get(), doc, &c->conf, &c->err) ||
		!system_create(&c->system, c->conf, NULL, &c->err))
		ck_abort_msg("%s", err_format(&c->err, text, sizeof(text)));
	conf_doc_destroy(doc);
	if (watcher) {
		if (watcher->observer)
			dma_system_observe(c->system.dma, watcher->observer);
		watcher->built(watcher->arg, &c->system);
	}
	system_on_cpu0(&c->system, bring_up, c);
}

void course_measure(struct course *c, sim_time warmup, sim_time measure)
{
	struct system *s = &c->system;

	ck_assert(c->ready);
	s->workload->start(s->workload_state);
	c->measured_from = engine_now(s->engine);
	if (warmup) {
		engine_run(s->engine, engine_now(s->engine) + warmup);
		c->measured_from = engine_now(s->engine);
		metrics_reset(s->metrics, c->measured_from);
	}
	engine_run(s->engine, c->measured_from + measure);
	c->measured = measure;
	metrics_collect(s->metrics, engine_now(s->engine));
}

static void take_down(struct proc *p, void *arg)
{
	struct system *s = &((struct course *)arg)->system;

	s->workload->teardown(s->workload_state, p);
	dma_system_drain(s->dma, p);
	ck_assert_uint_eq(dma_live_ranges(s->dma), 0);
	s->workload->detach(s->workload_state, p);
	iommu_units_stop(&s->units, p);
}

static bool all_idle(const struct system *s)
{
	return s->workload->idle(s->workload_state) && iommu_units_idle(&s->units);
}

uint64_t course_end(struct course *c)
{
	struct system *s = &c->system;

	s->workload->stop(s->workload_state);
	for (unsigned i = 0; i < 10000 && !all_idle(s); i++)
		engine_run(s->engine, engine_now(s->engine) + 100 * US);
	ck_assert(all_idle(s));
	system_on_cpu0(s, take_down, c);
	return pages_in_use(s->machine.pages);
}

uint64_t course_give_up(struct course *c)
{
	struct system *s = &c->system;

	engine_run(s->engine,
		engine_now(s->engine) + 1 * MS); /* first fetches of the rings there are */
	system_on_cpu0(s, take_down, c);
	return pages_in_use(s->machine.pages);
}

void course_fini(struct course *c)
{
	system_destroy(&c->system);
	conf_destroy(c->conf);
}

struct nic *course_nic(struct course *c)
{
	return c->system.workload_state;
}

/* ---- metrics by path ---- */

struct lookup {
	const char *path;
	const struct metric_desc *desc;
	const void *base;
};

static void match(void *arg, const char *path, const struct metric_desc *d, const void *base)
{
	struct lookup *l = arg;

	if (strcmp(path, l->path) == 0) {
		l->desc = d;
		l->base = base;
	}
}

static struct lookup look_up(const struct course *c, const char *path)
{
	struct lookup l = { .path = path };

	metrics_visit(c->system.metrics, match, &l);
	if (!l.desc)
		ck_abort_msg("there is no metric %s", path);
	return l;
}

uint64_t course_u64(const struct course *c, const char *path)
{
	struct lookup l = look_up(c, path);

	BUG_ON(l.desc->kind == METRIC_REAL || l.desc->kind == METRIC_HIST);
	return metric_u64(l.desc, l.base);
}

double course_real(const struct course *c, const char *path)
{
	struct lookup l = look_up(c, path);

	BUG_ON(l.desc->kind != METRIC_REAL);
	return metric_real(l.desc, l.base);
}

const struct hist *course_hist(const struct course *c, const char *path)
{
	struct lookup l = look_up(c, path);

	BUG_ON(l.desc->kind != METRIC_HIST);
	return metric_hist(l.desc, l.base);
}

static void put(void *arg, const char *path, const struct metric_desc *d, const void *base)
{
	const struct hist *h;

	fprintf(arg, "%s ", path);
	switch (d->kind) {
	case METRIC_REAL:
		fprintf(arg, "%.17g\n", metric_real(d, base));
		break;
	case METRIC_HIST:
		h = metric_hist(d, base);
		fprintf(arg, "%llu %llu %llu\n", (unsigned long long)h->count,
			(unsigned long long)h->sum, (unsigned long long)h->max);
		break;
	default:
		fprintf(arg, "%llu\n", (unsigned long long)metric_u64(d, base));
	}
}

char *course_metrics_text(const struct course *c)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	BUG_ON(!out);
	metrics_visit(c->system.metrics, put, out);
	fclose(out);
	return text;
}
