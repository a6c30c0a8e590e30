#include "hw/pcie_priv.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "base/bug.h"

#define CONF_STRUCT_ struct pcie_conf
static const struct conf_field fields[] = { PCIE_CONF(CONF_FIELD_) };
#undef CONF_STRUCT_

static bool validate(const void *conf, struct conf_check *chk)
{
	const struct pcie_conf *c = conf;

	if (!is_pow2(c->mps))
		return conf_refuse(chk, "mps", "must be a power of two");
	if (!is_pow2(c->mrrs))
		return conf_refuse(chk, "mrrs", "must be a power of two");
	if (!is_pow2(c->rcb))
		return conf_refuse(chk, "rcb", "must be a power of two");
	if (!tagcache_shape_ok(c->ats_entries, c->ats_ways))
		return conf_refuse(chk, "ats_entries",
			"must be ats_ways times a power of two (%u ways)", c->ats_ways);
	if (c->pri && !c->ats)
		return conf_refuse(chk, "pri", "needs ats: true");
	if (c->write_credits * 64 < c->mps)
		return conf_refuse(chk, "write_credits",
			"must hold at least one TLP of mps (%llu lines)",
			(unsigned long long)c->mps / 64);
	return true;
}

const struct conf_table pcie_conf_table = CONF_TABLE("pcie", pcie_conf, fields, validate);

#define METRIC_STRUCT_ struct pcie_metrics
static const struct metric_desc desc[] = { PCIE_METRICS(METRIC_DESC_) };
#undef METRIC_STRUCT_
const struct metric_table pcie_metric_table = { "pcie", "One device's link and its DMAs.", desc,
	ARRAY_SIZE(desc) };

static void reset(void *arg, sim_time now)
{
	struct pcie_port *port = arg;

	port->measured_from = now;
}

static void collect(void *arg, sim_time now)
{
	struct pcie_port *port = arg;
	sim_time measured = now - port->measured_from;
	double payload = (double)(port->m.bytes_written + port->m.bytes_read);

	port->m.misses_per_4k = payload > 0 ? (double)port->m.misses * 4096 / payload : 0;
	port->m.misses_per_mib = port->m.misses_per_4k * 256;
	port->m.wire_share_up = measured ? (double)port->m.wire_bytes_up * 8.0 * (double)SEC /
						   (double)port->conf->bandwidth / (double)measured
					 : 0;
}

static void pump_event(struct event *ev)
{
	pcie_pump(container_of(ev, struct pcie_port, pump));
}

struct pcie_port *pcie_port_create(
	struct machine *m, const struct pcie_conf *conf, rid_t rid, struct metric_scope *scope)
{
	struct pcie_port *port = xcalloc(1, sizeof(*port));
	uint32_t ring = 1u << ilog2_ceil(conf->write_credits + 1);

	port->machine = m;
	port->conf = conf;
	port->rid = rid;
	list_init(&port->writes);
	list_init(&port->reads);
	list_init(&port->commit_queue);
	list_init(&port->read_queue);
	list_init(&port->free_units);
	port->credits = conf->write_credits;
	port->tags = conf->read_tags;
	port->releases = xcalloc(ring, sizeof(*port->releases));
	port->release_mask = ring - 1;
	event_init(&port->pump, m->engine, pump_event);
	list_push_back(&m->ports, &port->link);
	if (conf->ats)
		ats_create(port, metric_scope_child(scope, "ats"));
	metric_scope_add(scope, &pcie_metric_table, &port->m);
	metric_scope_hooks(scope, reset, collect, port);
	return port;
}

void pcie_port_destroy(struct pcie_port *port)
{
	struct list *n;

	BUG_ON(!pcie_port_idle(port));
	while ((n = list_pop_front(&port->free_units)) != NULL) {
		struct pcie_unit *u = list_entry(n, struct pcie_unit, link);

		event_fini(&u->event);
		free(u);
	}
	if (port->ats)
		ats_destroy(port);
	list_remove(&port->link);
	event_fini(&port->pump);
	free(port->releases);
	free(port);
}

void pcie_port_connect(struct pcie_port *port, struct xlate_port xlate, struct pcie_observer obs)
{
	port->xlate = xlate;
	port->observer = obs;
	if (port->ats)
		port->ats->tlb.windows = obs.windows;
}

rid_t pcie_port_rid(const struct pcie_port *port)
{
	return port->rid;
}

struct pcie_port *pcie_first(const struct machine *m)
{
	return list_empty(&m->ports) ? NULL : list_entry(m->ports.next, struct pcie_port, link);
}

struct pcie_port *pcie_find(const struct machine *m, rid_t rid)
{
	list_for_each (n, &m->ports) {
		struct pcie_port *port = list_entry(n, struct pcie_port, link);

		if (port->rid.bdf == rid.bdf)
			return port;
	}
	return NULL;
}

const struct hist *pcie_write_latency(const struct pcie_port *port)
{
	return &port->m.write_latency;
}

bool pcie_port_idle(const struct pcie_port *port)
{
	return port->units_in_use == 0 && list_empty(&port->writes) && list_empty(&port->reads) &&
	       (!port->ats || ats_is_idle(port));
}

sim_time pcie_wire_time(const struct pcie_port *port, uint32_t bytes)
{
	return (uint64_t)bytes * 8 * (SEC / 1000) / (port->conf->bandwidth / 1000);
}

static sim_time on_wire(struct pcie_port *port, sim_time *wire_free, uint32_t payload)
{
	uint32_t bytes = port->conf->header + payload;
	sim_time now = engine_now(port->machine->engine);

	if (*wire_free < now)
		*wire_free = now;
	*wire_free += pcie_wire_time(port, bytes);
	port->m.tlps++;
	*(wire_free == &port->up_free ? &port->m.wire_bytes_up : &port->m.wire_bytes_down) += bytes;
	return *wire_free + port->conf->latency;
}

sim_time pcie_send_up(struct pcie_port *port, uint32_t payload)
{
	return on_wire(port, &port->up_free, payload);
}

sim_time pcie_send_down(struct pcie_port *port, uint32_t payload)
{
	return on_wire(port, &port->down_free, payload);
}
