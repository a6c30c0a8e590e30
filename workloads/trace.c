#include <stdlib.h>

#include "base/alloc.h"
#include "workloads/replay.h"

#define DEVICES_MAX 256u

#define CONF_STRUCT_ struct replay_conf
static const struct conf_field fields[] = { REPLAY_CONF(CONF_FIELD_) };
#undef CONF_STRUCT_

static bool validate(const void *conf, struct conf_check *chk)
{
	const struct replay_conf *c = conf;

	if (!c->file || c->file[0] == '\0')
		return conf_refuse(chk, "file", "must name a trace");
	return true;
}

static const struct conf_table conf_table = CONF_TABLE("trace", replay_conf, fields, validate);

#define METRIC_STRUCT_ struct replay_metrics
static const struct metric_desc desc[] = { REPLAY_METRICS(METRIC_DESC_) };
#undef METRIC_STRUCT_
static const struct metric_table metric_table = { "trace", "A DMA trace that is replayed.", desc,
	ARRAY_SIZE(desc) };

/* The trace, and a machine that can hold it. */
static bool open_trace(struct replay *r, struct err *err)
{
	struct src_pos pos = conf_pos(r->env.conf, "workload.file");
	struct err inner;

	if (!replay_open(r, r->conf->file, &inner)) {
		err_at(err, pos, "workload.file", "%s: %.180s", r->conf->file, inner.text);
		return inner.hint[0] ? err_hint(err, "%s", inner.hint) : false;
	}
	if (r->totals.cpus > r->env.machine->ncpus) {
		err_at(err, pos, "workload.file", "was recorded on %u CPUs, and there are %u",
			r->totals.cpus, r->env.machine->ncpus);
		return err_hint(err, "set cpu.count: %u", r->totals.cpus);
	}
	if (r->totals.devices > DEVICES_MAX)
		return err_at(err, pos, "workload.file",
			"has %u devices; at most %u can be replayed", r->totals.devices,
			DEVICES_MAX);
	if (r->totals.devices == 0)
		return err_at(err, pos, "workload.file", "has no device");
	return true;
}

static bool init(void *state, const void *conf, const struct workload_env *env, struct err *err)
{
	struct replay *r = state;

	r->env = *env;
	r->conf = conf;
	r->translated = dma_system_translates(env->dma);
	if (!open_trace(r, err))
		return false;
	metric_scope_add(env->scope, &metric_table, &r->m);
	r->cpu = xcalloc(r->totals.cpus + 1u, sizeof(*r->cpu));
	r->device = xcalloc(r->totals.devices, sizeof(*r->device));
	for (uint32_t i = 0; i < r->totals.cpus; i++)
		replay_cpu_init(r, i);
	for (uint32_t i = 0; i < r->totals.devices; i++) {
		replay_device_init(r, i);
		r->device[i].port = pcie_port_create(env->machine, env->pcie,
			(rid_t){ (uint16_t)(0x0300 + 8 * i) }, /* 03:00.0, 03:01.0, ... */
			metric_scope_child(env->scope, "pcie%u", i));
	}
	return true;
}

static void fini(void *state)
{
	struct replay *r = state;

	replay_fini_events(r);
	for (uint32_t i = 0; r->device && i < r->totals.devices; i++)
		pcie_port_destroy(r->device[i].port);
	free(r->cpu);
	free(r->device);
	replay_close(r);
}

static bool setup(void *state, struct proc *p, struct err *err)
{
	struct replay *r = state;

	for (uint32_t i = 0; i < r->totals.devices; i++) {
		r->device[i].dma = dma_dev_create(r->env.dma, p, r->device[i].port, err);
		if (!r->device[i].dma)
			return false;
	}
	return true;
}

/* A trace of a simulation carries its times, and they are kept: the kernel's ticks then fall where they
 * fell. Others begin now. */
static void start(void *state)
{
	struct replay *r = state;
	sim_time now = engine_now(r->env.machine->engine);

	r->origin = r->totals.first >= now && r->conf->speed == 1 ? 0 : now;
	replay_feed(r);
}

static void stop(void *state)
{
	replay_drop(state);
}

static bool idle(const void *state)
{
	return replay_is_idle(state);
}

static void teardown(void *state, struct proc *p)
{
	struct replay *r = state;

	while (!list_empty(&r->buffers)) {
		struct replay_buffer *b = list_entry(r->buffers.next, struct replay_buffer, link);

		if (b->mapped)
			replay_unmap(b, p);
		replay_buffer_free(r, b);
	}
	replay_memory_free(r, p);
}

static void detach(void *state, struct proc *p)
{
	struct replay *r = state;

	for (uint32_t i = 0; i < r->totals.devices; i++)
		if (r->device[i].dma)
			dma_dev_destroy(r->device[i].dma, p);
}

static void add_verdict(struct dma_verdict *sum, const struct dma_verdict *v)
{
	sum->right += v->right;
	sum->stale += v->stale;
	sum->wrong_target += v->wrong_target;
	sum->unmapped_ok += v->unmapped_ok;
	sum->fault_expected += v->fault_expected;
	sum->fault_unexpected += v->fault_unexpected;
}

static void totals(const void *state, struct workload_totals *t)
{
	const struct replay *r = state;

	*t = (struct workload_totals){
		.unit = "DMAs",
		.units = r->m.dmas,
		.bytes = r->m.dma_bytes,
		.offered = r->m.issued,
		.dropped = r->m.faulted,
		.latency = &r->m.latency,
		.dma_latency = &r->m.latency,
		.dma_latency_path = "latency",
	};
	for (uint32_t i = 0; i < r->totals.devices; i++) {
		struct dma_verdict v = dma_dev_verdict(r->device[i].dma);

		add_verdict(&t->verdict, &v);
	}
}

const struct workload_ops workload_trace_ops = {
	.name = "trace",
	.summary = "A DMA trace, at its recorded times or as fast as the model goes",
	.source = "iommusim trace import, iommusim trace gen",
	.state_size = sizeof(struct replay),
	.conf = &conf_table,
	.init = init,
	.fini = fini,
	.setup = setup,
	.start = start,
	.stop = stop,
	.idle = idle,
	.teardown = teardown,
	.detach = detach,
	.totals = totals,
};
