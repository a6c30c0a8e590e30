#include "workloads/nvme.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/bug.h"

#define CONF_STRUCT_ struct nvme_conf
static const struct conf_field fields[] = { NVME_CONF(CONF_FIELD_) };
#undef CONF_STRUCT_
static const struct conf_table conf_table = CONF_TABLE("nvme", nvme_conf, fields, NULL);

#define METRIC_STRUCT_ struct nvme_metrics
static const struct metric_desc desc[] = { NVME_METRICS(METRIC_DESC_) };
#undef METRIC_STRUCT_
static const struct metric_table metric_table = { "nvme", "A disk under the load of fio jobs.",
	desc, ARRAY_SIZE(desc) };

/* Jobs go round the CPUs, and so does their number of requests on a queue. */
static bool check_depth(const struct nvme *n, struct err *err)
{
	uint32_t per_queue = (n->load.numjobs + n->nqueues - 1) / n->nqueues * n->load.iodepth;

	if (per_queue < n->conf->queue)
		return true;
	err_at(err, conf_pos(n->env.conf, "workload.queue"), "workload.queue",
		"has %u entries for %u requests at once", n->conf->queue, per_queue);
	return err_hint(err, "it needs one more than iodepth x jobs of a CPU");
}

static void add_request(struct nvme_queue *q, struct nvme_job *j, struct nvme_request *r)
{
	q->request = xrealloc(q->request, q->nrequests + 1, sizeof(struct nvme_request *));
	*r = (struct nvme_request){ .queue = q, .job = j, .cid = (uint16_t)q->nrequests };
	q->request[q->nrequests++] = r;
	nvme_request_init(r);
}

static void add_job(struct nvme *n, uint32_t i)
{
	struct nvme_job *j = &n->job[i];
	char name[40];

	j->nvme = n;
	j->queue = &n->queue[i % n->nqueues];
	snprintf(name, sizeof(name), "workload.nvme.job%u", i);
	rng_init(&j->rng, n->env.seed, name);
	j->request = xcalloc(n->load.iodepth, sizeof(*j->request));
	for (uint32_t k = 0; k < n->load.iodepth; k++)
		add_request(j->queue, j, &j->request[k]);
}

static void add_queue(struct nvme *n, uint32_t i)
{
	struct nvme_queue *q = &n->queue[i];

	*q = (struct nvme_queue){
		.nvme = n, .cpu = &n->env.machine->cpus[i], .size = n->conf->queue
	};
	nvme_device_init(q);
	nvme_driver_init(q);
}

static bool init(void *state, const void *conf, const struct workload_env *env, struct err *err)
{
	struct nvme *n = state;

	n->env = *env;
	n->conf = conf;
	if (!nvme_load_init(&n->load, conf, conf_pos(env->conf, "workload"), err))
		return false;
	n->nqueues = env->machine->ncpus;
	if (n->load.numjobs == 0)
		n->load.numjobs = n->nqueues;
	if (!check_depth(n, err))
		return false;
	rng_init(&n->service_rng, env->seed, "workload.nvme.service");
	metric_scope_add(env->scope, &metric_table, &n->m);
	n->port = pcie_port_create(
		env->machine, env->pcie, (rid_t){ 0x0300 }, metric_scope_child(env->scope, "pcie"));
	n->unit_free = xcalloc(n->conf->units, sizeof(*n->unit_free));
	n->queue = xcalloc(n->nqueues, sizeof(*n->queue));
	n->job = xcalloc(n->load.numjobs, sizeof(*n->job));
	for (uint32_t i = 0; i < n->nqueues; i++)
		add_queue(n, i);
	for (uint32_t i = 0; i < n->load.numjobs; i++)
		add_job(n, i);
	return true;
}

static void fini(void *state)
{
	struct nvme *n = state;

	for (uint32_t i = 0; n->job && i < n->load.numjobs; i++) {
		if (n->job[i].arrival.engine)
			event_fini(&n->job[i].arrival);
		for (uint32_t k = 0; k < n->load.iodepth; k++)
			nvme_request_fini(&n->job[i].request[k]);
		free(n->job[i].request);
	}
	for (uint32_t i = 0; n->queue && i < n->nqueues; i++) {
		nvme_device_fini(&n->queue[i]);
		free(n->queue[i].request);
	}
	if (n->port)
		pcie_port_destroy(n->port);
	free(n->job);
	free(n->queue);
	free(n->unit_free);
}

static bool setup(void *state, struct proc *p, struct err *err)
{
	struct nvme *n = state;

	n->dma = dma_dev_create(n->env.dma, p, n->port, err);
	return n->dma && nvme_driver_open(n, p, err);
}

static void start(void *state)
{
	nvme_driver_start(state);
}

static void stop(void *state)
{
	nvme_driver_stop(state);
}

static bool idle(const void *state)
{
	const struct nvme *n = state;

	for (uint32_t i = 0; i < n->load.numjobs; i++)
		if (n->job[i].busy > 0)
			return false;
	for (uint32_t i = 0; i < n->nqueues; i++) {
		const struct nvme_queue *q = &n->queue[i];

		if (q->submit.queued || q->irq.queued || event_is_pending(&q->doorbell) ||
			event_is_pending(&q->coalesce))
			return false;
	}
	return pcie_port_idle(n->port);
}

static void teardown(void *state, struct proc *p)
{
	nvme_driver_close(state, p);
}

static void detach(void *state, struct proc *p)
{
	struct nvme *n = state;

	if (n->dma)
		dma_dev_destroy(n->dma, p);
}

static void totals(const void *state, struct workload_totals *t)
{
	const struct nvme *n = state;

	*t = (struct workload_totals){
		.unit = "requests",
		.units = n->m.completed,
		.bytes = n->m.bytes,
		.offered = n->m.issued,
		.dropped = n->m.failed,
		.latency = &n->m.latency,
		.dma_latency = pcie_write_latency(n->port),
		.dma_latency_path = "pcie.write_latency",
		.verdict = dma_dev_verdict(n->dma),
	};
}

const struct workload_ops workload_nvme_ops = {
	.name = "nvme",
	.summary =
		"Solid-state disk under fio jobs: queue pairs, PRP and SGL, coalesced interrupts",
	.source = "NVM Express 1.4; Linux drivers/nvme/host/pci.c, simplified",
	.state_size = sizeof(struct nvme),
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
