#include "tests/models/rig.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bug.h"
#include "hw/cpu.h"

const struct iommu_model_ops *rig_model(const char *name)
{
	size_t n;
	const struct iommu_model_ops *const *models = iommu_models(&n);

	for (size_t i = 0; i < n; i++)
		if (strcmp(models[i]->name, name) == 0)
			return models[i];
	BUG("no model %s", name);
}

void rig_init(struct rig *r, const struct iommu_model_ops *ops, unsigned ncpus)
{
	*r = (struct rig){ .machine_conf = { &r->cpu, &r->cost, &r->lock, &r->mem }, .ops = ops };
	conf_defaults(&cpu_conf_table, &r->cpu);
	conf_defaults(&cost_conf_table, &r->cost);
	conf_defaults(&lock_conf_table, &r->lock);
	conf_defaults(&mem_conf_table, &r->mem);
	r->cpu.count = ncpus;
	if (!ops)
		return;
	r->conf = xcalloc(1, ops->conf->size);
	conf_defaults(ops->conf, r->conf);
}

void rig_start(struct rig *r)
{
	struct metric_scope *root;
	struct err err;

	r->engine = engine_create(1);
	r->metrics = metrics_create();
	root = metrics_root(r->metrics);
	machine_init(&r->machine, &r->machine_conf, r->engine, r->metrics);
	r->windows = windows_create(metric_scope_child(root, "windows"));
	r->log = open_memstream(&r->log_text, &r->log_len);
	if (!r->ops)
		return;
	r->state = xcalloc(1, r->ops->state_size);
	BUG_ON(!r->ops->init(r->state, r->conf,
		&(struct iommu_env){ .machine = &r->machine,
			.windows = r->windows,
			.scope = metric_scope_child(root, "iommu0"),
			.fault_log = r->log },
		&err));
}

struct pcie_port *rig_device(struct rig *r, uint16_t bdf, const struct pcie_conf *conf)
{
	struct pcie_port *port = pcie_port_create(&r->machine, conf, (rid_t){ bdf },
		metric_scope_child(metrics_root(r->metrics), "device"));

	pcie_port_connect(port,
		(struct xlate_port){ .ctx = r->state,
			.translate = r->ops->hw_translate,
			.invalidated = r->ops->hw_invalidated,
			.page_request = r->ops->hw_page_request },
		(struct pcie_observer){ .windows = r->windows });
	pcie_ats_enable(port, conf->ats, conf->pri);
	return port;
}

static void dma_done(struct pcie_dma *d)
{
	*(bool *)d->owner = true;
}

bool rig_dma(struct rig *r, struct pcie_port *port, uint64_t iova, bool write)
{
	bool done = false;
	struct pcie_dma d = {
		.iova = { iova }, .len = 64, .write = write, .done = dma_done, .owner = &done
	};

	pcie_submit(port, &d);
	while (!done) {
		BUG_ON(engine_next(r->engine) == SIM_TIME_NEVER);
		engine_run(r->engine, engine_next(r->engine));
	}
	return !d.faulted;
}

void rig_stop(struct rig *r)
{
	metrics_destroy(r->metrics);
	while (!list_empty(&r->machine.ports))
		pcie_port_destroy(pcie_first(&r->machine));
	if (r->ops)
		r->ops->fini(r->state);
	machine_fini(&r->machine);
	windows_destroy(r->windows);
	engine_destroy(r->engine);
	fclose(r->log);
	free(r->log_text);
	free(r->state);
	free(r->conf);
}

static void *member(const struct rig *r, const char *key, unsigned *bytes)
{
	const struct conf_table *t = r->ops->conf;

	for (size_t i = 0; i < t->nfields; i++) {
		const struct conf_field *f = &t->fields[i];

		if (strcmp(f->name, key) != 0)
			continue;
		*bytes = f->type == CONF_u64 || f->type == CONF_time || f->type == CONF_size ? 8
			 : f->type == CONF_bool                                              ? 1
											     : 4;
		BUG_ON(*bytes == 4 && f->type != CONF_u32 && f->type != CONF_choice);
		return (char *)r->conf + f->off;
	}
	BUG("%s has no key %s", t->name, key);
}

void rig_set(struct rig *r, const char *key, uint64_t value)
{
	unsigned bytes;
	void *at = member(r, key, &bytes);

	if (bytes == 8)
		*(uint64_t *)at = value;
	else if (bytes == 4)
		*(uint32_t *)at = (uint32_t)value;
	else
		*(bool *)at = value;
}

uint64_t rig_get(const struct rig *r, const char *key)
{
	unsigned bytes;
	void *at = member(r, key, &bytes);

	return bytes == 8 ? *(uint64_t *)at : bytes == 4 ? *(uint32_t *)at : *(bool *)at;
}

struct wanted {
	const char *path;
	const struct metric_desc *desc;
	const void *base;
};

static void look_at(void *arg, const char *path, const struct metric_desc *d, const void *base)
{
	struct wanted *w = arg;

	if (strcmp(path, w->path) != 0)
		return;
	w->desc = d;
	w->base = base;
}

static struct wanted find_metric(const struct rig *r, const char *path)
{
	struct wanted w = { .path = path };

	metrics_visit(r->metrics, look_at, &w);
	if (!w.desc)
		BUG("no metric %s", path);
	return w;
}

uint64_t rig_metric(const struct rig *r, const char *path)
{
	struct wanted w = find_metric(r, path);

	return metric_u64(w.desc, w.base);
}

double rig_real(const struct rig *r, const char *path)
{
	struct wanted w = find_metric(r, path);

	return metric_real(w.desc, w.base);
}

const struct hist *rig_hist(const struct rig *r, const char *path)
{
	struct wanted w = find_metric(r, path);

	return metric_hist(w.desc, w.base);
}

struct errand {
	struct cpu_work work;
	struct rig *rig;
	rig_fn *fn;
	void *arg;
	bool done;
};

static void run_errand(struct proc *p, void *arg)
{
	struct errand *e = arg;

	e->fn(p, e->arg);
	proc_sync(p);
	e->done = true;
	engine_stop(e->rig->engine);
}

void rig_on_cpu(struct rig *r, unsigned cpu, rig_fn *fn, void *arg)
{
	struct errand e = { .rig = r, .fn = fn, .arg = arg };

	cpu_work_init(&e.work, run_errand, &e);
	cpu_post(&r->machine.cpus[cpu], &e.work);
	engine_run(r->engine, SIM_TIME_NEVER);
	BUG_ON(!e.done);
}

void rig_settle(struct rig *r)
{
	while (engine_next(r->engine) != SIM_TIME_NEVER)
		engine_run(r->engine, engine_next(r->engine));
}

static void nothing(struct event *ev)
{
	(void)ev;
}

void rig_run_to(struct rig *r, sim_time t)
{
	struct event at;

	event_init(&at, r->engine, nothing);
	event_schedule(&at, t);
	engine_run(r->engine, t);
	event_fini(&at);
}

sim_time rig_now(const struct rig *r)
{
	return engine_now(r->engine);
}

struct pending {
	struct xlate x;
	bool answered;
};

static void answered(struct xlate *x)
{
	container_of(x, struct pending, x)->answered = true;
}

bool rig_translate(struct rig *r, struct xlate *x)
{
	struct pending q = { .x = *x };
	bool at_once;

	q.x.done = answered;
	at_once = r->ops->hw_translate(r->state, &q.x);
	while (!at_once && !q.answered) {
		BUG_ON(engine_next(r->engine) == SIM_TIME_NEVER);
		engine_run(r->engine, engine_next(r->engine));
	}
	*x = q.x;
	return at_once;
}

struct xlate rig_access(struct rig *r, uint16_t bdf, uint64_t iova, bool write)
{
	struct xlate x = { .rid = { bdf }, .iova = { iova }, .write = write, .len = 4 };

	rig_translate(r, &x);
	return x;
}

const char *rig_log(struct rig *r)
{
	fflush(r->log);
	return r->log_text;
}
