#include "workloads/nic.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "hw/mem.h"

#define CONF_STRUCT_ struct nic_conf
static const struct conf_field fields[] = { NIC_CONF(CONF_FIELD_) };
#undef CONF_STRUCT_

static bool validate(const void *conf, struct conf_check *chk)
{
	const struct nic_conf *c = conf;

	if (c->buffers == NIC_HALF_PAGE && c->buffer > PAGE_SIZE / 2)
		return conf_refuse(chk, "buffer", "must be at most 2KiB with buffers: half-page");
	if (c->refill >= c->ring)
		return conf_refuse(
			chk, "refill", "must be smaller than the ring (%u descriptors)", c->ring);
	return true;
}

static const struct conf_table conf_table = CONF_TABLE("nic_rx", nic_conf, fields, validate);

#define METRIC_STRUCT_ struct nic_metrics
static const struct metric_desc desc[] = { NIC_METRICS(METRIC_DESC_) };
#undef METRIC_STRUCT_
static const struct metric_table metric_table = { "nic", "A network card under receive traffic.",
	desc, ARRAY_SIZE(desc) };

static const rid_t nic_rid = { 0x0300 }; /* 03:00.0 */

static bool init(void *state, const void *conf, const struct workload_env *env, struct err *err)
{
	struct nic *nic = state;
	struct arrivals_setup setup;

	nic->env = *env;
	nic->conf = conf;
	nic->nqueues = nic->conf->queues ? nic->conf->queues : env->machine->ncpus;
	setup = arrivals_setup_of(env->conf, nic->conf->flows, env->seed);
	nic->arrivals = arrivals_create(&setup, err);
	if (!nic->arrivals)
		return false;
	nic->half_done = xcalloc(mem_size(env->machine->mem) >> PAGE_LG2, 1);
	metric_scope_add(env->scope, &metric_table, &nic->m);
	nic->port = pcie_port_create(
		env->machine, env->pcie, nic_rid, metric_scope_child(env->scope, "pcie"));
	nic->queues = xcalloc(nic->nqueues, sizeof(*nic->queues));
	for (unsigned i = 0; i < nic->nqueues; i++)
		nic_queue_init(&nic->queues[i], nic, i);
	return true;
}

static void fini(void *state)
{
	struct nic *nic = state;

	if (nic->queues) {
		for (unsigned i = 0; i < nic->nqueues; i++)
			nic_queue_fini(&nic->queues[i]);
		pcie_port_destroy(nic->port);
	}
	event_fini(&nic->arrival);
	free(nic->queues);
	free(nic->half_done);
	if (nic->arrivals)
		arrivals_destroy(nic->arrivals);
}

static bool setup(void *state, struct proc *p, struct err *err)
{
	struct nic *nic = state;

	nic->dma = dma_dev_create(nic->env.dma, p, nic->port, err);
	if (!nic->dma)
		return false;
	for (unsigned i = 0; i < nic->nqueues; i++)
		if (!nic_driver_open(&nic->queues[i], p))
			return err_set(err, "no device address is left for ring %u", i);
	return true;
}

static void start(void *state)
{
	nic_traffic_start(state);
}

static void stop(void *state)
{
	nic_traffic_stop(state);
}

static bool idle(const void *state)
{
	const struct nic *nic = state;

	for (unsigned i = 0; i < nic->nqueues; i++)
		if (!nic_queue_idle(&nic->queues[i]))
			return false;
	return pcie_port_idle(nic->port);
}

static void teardown(void *state, struct proc *p)
{
	struct nic *nic = state;

	for (unsigned i = 0; i < nic->nqueues; i++)
		nic_driver_close(&nic->queues[i], p);
}

static void detach(void *state, struct proc *p)
{
	struct nic *nic = state;

	if (nic->dma)
		dma_dev_destroy(nic->dma, p);
}

static void totals(const void *state, struct workload_totals *t)
{
	const struct nic *nic = state;
	const struct nic_metrics *m = &nic->m;

	*t = (struct workload_totals){
		.unit = "packets",
		.units = m->delivered,
		.bytes = m->delivered_bytes,
		.offered = m->offered,
		.dropped = m->dropped_no_descriptor + m->dropped_fifo + m->dropped_fault,
		.latency = &m->latency,
		.dma_latency = pcie_write_latency(nic->port),
		.dma_latency_path = "pcie.write_latency",
		.verdict = dma_dev_verdict(nic->dma),
	};
}

const struct workload_ops workload_nic_rx_ops = {
	.name = "nic_rx",
	.summary =
		"Network card receiving: rings, RSS, NAPI, buffers per packet, recycled, or under XDP",
	.source = "Linux ixgbe and the Intel 82599 datasheet, simplified",
	.state_size = sizeof(struct nic),
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
