#include "workloads/nic_tx.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/bug.h"

#define CONF_STRUCT_ struct nic_tx_conf
static const struct conf_field fields[] = { NIC_TX_CONF(CONF_FIELD_) };
#undef CONF_STRUCT_

static bool validate(const void *conf, struct conf_check *chk)
{
	const struct nic_tx_conf *c = conf;

	if (c->fragment & (PAGE_SIZE - 1))
		return conf_refuse(chk, "fragment", "must be whole pages of 4 KiB");
	if (tx_pieces_max(c) >= c->ring)
		return conf_refuse(chk, "ring", "must hold a buffer of %u descriptors and one more",
			tx_pieces_max(c));
	return true;
}

static const struct conf_table conf_table = CONF_TABLE("nic_tx", nic_tx_conf, fields, validate);

#define METRIC_STRUCT_ struct nic_tx_metrics
static const struct metric_desc desc[] = { NIC_TX_METRICS(METRIC_DESC_) };
#undef METRIC_STRUCT_
static const struct metric_table metric_table = { "nic_tx", "A network card that sends.", desc,
	ARRAY_SIZE(desc) };

static void add_queue(struct nic_tx *n, unsigned i)
{
	struct tx_queue *q = &n->queue[i];
	struct machine *m = n->env.machine;
	char name[32];

	*q = (struct tx_queue){ .nic = n, .id = i, .size = n->conf->ring };
	q->sender = &m->cpus[i % m->ncpus];
	q->cleaner = &m->cpus[(i + n->conf->completion_cpu) % m->ncpus];
	snprintf(name, sizeof(name), "workload.nic_tx%u", i);
	rng_init(&q->rng, n->env.seed, name);
	tx_card_init(q);
	tx_driver_init(q);
}

static bool init(void *state, const void *conf, const struct workload_env *env, struct err *err)
{
	struct nic_tx *n = state;

	(void)err;
	n->env = *env;
	n->conf = conf;
	n->nqueues = n->conf->queues ? n->conf->queues : env->machine->ncpus;
	metric_scope_add(env->scope, &metric_table, &n->m);
	n->port = pcie_port_create(
		env->machine, env->pcie, (rid_t){ 0x0300 }, metric_scope_child(env->scope, "pcie"));
	event_init(&n->sent, env->machine->engine, tx_sent);
	n->sending_room = n->nqueues * n->conf->ring; /* a buffer has a descriptor at least */
	n->sending = xcalloc(n->sending_room, sizeof(*n->sending));
	n->queue = xcalloc(n->nqueues, sizeof(*n->queue));
	for (unsigned i = 0; i < n->nqueues; i++)
		add_queue(n, i);
	return true;
}

static void fini(void *state)
{
	struct nic_tx *n = state;

	for (unsigned i = 0; i < n->nqueues; i++) {
		tx_card_fini(&n->queue[i]);
		tx_driver_fini(&n->queue[i]);
	}
	event_fini(&n->sent);
	pcie_port_destroy(n->port);
	free(n->sending);
	free(n->queue);
}

static bool setup(void *state, struct proc *p, struct err *err)
{
	struct nic_tx *n = state;

	n->dma = dma_dev_create(n->env.dma, p, n->port, err);
	if (!n->dma)
		return false;
	for (unsigned i = 0; i < n->nqueues; i++)
		if (!tx_driver_open(&n->queue[i], p))
			return err_set(err, "no device address is left for ring %u", i);
	return true;
}

static void start(void *state)
{
	struct nic_tx *n = state;

	for (unsigned i = 0; i < n->nqueues; i++)
		tx_driver_start(&n->queue[i]);
}

static void stop(void *state)
{
	struct nic_tx *n = state;

	n->stopped = true;
	for (unsigned i = 0; i < n->nqueues; i++)
		tx_driver_stop(&n->queue[i]);
}

static bool idle(const void *state)
{
	const struct nic_tx *n = state;

	for (unsigned i = 0; i < n->nqueues; i++)
		if (!tx_driver_idle(&n->queue[i]) || !tx_card_idle(&n->queue[i]))
			return false;
	return n->sending_n == 0 && pcie_port_idle(n->port);
}

static void teardown(void *state, struct proc *p)
{
	struct nic_tx *n = state;

	for (unsigned i = 0; i < n->nqueues; i++)
		tx_driver_close(&n->queue[i], p);
}

static void detach(void *state, struct proc *p)
{
	struct nic_tx *n = state;

	if (n->dma)
		dma_dev_destroy(n->dma, p);
}

static void totals(const void *state, struct workload_totals *t)
{
	const struct nic_tx *n = state;

	*t = (struct workload_totals){
		.unit = "buffers",
		.units = n->m.sent,
		.bytes = n->m.sent_bytes,
		.offered = n->m.offered,
		.dropped = n->m.failed,
		.latency = &n->m.latency,
		.dma_latency = &n->m.latency,
		.dma_latency_path = "latency",
		.verdict = dma_dev_verdict(n->dma),
	};
}

const struct workload_ops workload_nic_tx_ops = {
	.name = "nic_tx",
	.summary = "Network card sending: TSO, scatter lists, completion on any CPU",
	.source = "Linux ixgbe and the Intel 82599 datasheet, simplified",
	.state_size = sizeof(struct nic_tx),
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
