#include "run/hw_rig.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/bug.h"
#include "hw/mem.h"

static bool build(struct hw_rig *r, struct err *err)
{
	struct metric_scope *root;

	r->engine = engine_create(1);
	r->metrics = metrics_create();
	r->machine_conf = (struct machine_conf){
		.cpu = conf_common(r->conf, "cpu"),
		.cost = conf_common(r->conf, "cost"),
		.lock = conf_common(r->conf, "lock"),
		.mem = conf_common(r->conf, "memory"),
	};
	machine_init(&r->machine, &r->machine_conf, r->engine, r->metrics);
	root = metrics_root(r->metrics);
	r->windows = windows_create(metric_scope_child(root, "windows"));
	r->state = xcalloc(1, r->model->state_size);
	return r->model->init(r->state, conf_of_variant(r->conf, "iommu"),
		&(struct iommu_env){ .machine = &r->machine,
			.windows = r->windows,
			.scope = metric_scope_child(root, "iommu0") },
		err);
}

bool hw_rig_create(struct hw_rig *r, struct conf *conf, struct err *err)
{
	*r = (struct hw_rig){ .conf = conf };
	r->model = iommu_model_find(conf_variant(conf, "iommu")->name);
	if (!r->model) {
		conf_destroy(conf);
		return err_set(err, "iommu.model is '%s': there is no hardware to drive",
			conf_variant(conf, "iommu")->name);
	}
	if (!build(r, err))
		return false;
	hw_rig_settle(r);
	return true;
}

void hw_rig_destroy(struct hw_rig *r)
{
	metrics_destroy(r->metrics);
	r->model->fini(r->state);
	machine_fini(&r->machine);
	windows_destroy(r->windows);
	engine_destroy(r->engine);
	free(r->state);
	conf_destroy(r->conf);
}

void hw_rig_settle(struct hw_rig *r)
{
	engine_run(r->engine, SIM_TIME_NEVER);
}

uint64_t hw_rig_mmio_read(struct hw_rig *r, uint32_t offset, unsigned bytes)
{
	return r->model->hw_mmio_read(r->state, offset, bytes);
}

void hw_rig_mmio_write(struct hw_rig *r, uint32_t offset, unsigned bytes, uint64_t value)
{
	r->model->hw_mmio_write(r->state, offset, bytes, value);
}

bool hw_rig_mem_write(struct hw_rig *r, uint64_t at, uint64_t value)
{
	if (at % 8 || !mem_exists(r->machine.mem, (hpa_t){ at }, 8))
		return false;
	mem_write64(r->machine.mem, (hpa_t){ at }, value);
	return true;
}

uint64_t hw_rig_mem_read(struct hw_rig *r, uint64_t at)
{
	return mem_exists(r->machine.mem, (hpa_t){ at }, 8)
		       ? mem_read64(r->machine.mem, (hpa_t){ at })
		       : UINT64_MAX;
}

struct request {
	struct xlate x;
	struct engine *engine;
	bool answered;
};

static void done(struct xlate *x)
{
	struct request *r = container_of(x, struct request, x);

	r->answered = true;
	engine_stop(r->engine);
}

void hw_rig_dma(struct hw_rig *r, struct xlate *x)
{
	struct request q = { .x = *x, .engine = r->engine };

	q.x.done = done;
	list_init(&q.x.link);
	q.answered = r->model->hw_translate(r->state, &q.x);
	if (!q.answered)
		engine_run(r->engine, SIM_TIME_NEVER);
	BUG_ON(!q.answered);
	*x = q.x;
}
