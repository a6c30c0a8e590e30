#include "hw/pcie_priv.h"

#include <stdio.h>

#include "base/bug.h"
#include "hw/mem.h"

static void commit_writes(struct pcie_port *port);
static void start_reads(struct pcie_port *port);

static void tell_dma(const struct pcie_dma *d, const struct pcie_port *port, sim_time now)
{
	char what[48];

	if (!port->machine->probe)
		return;
	snprintf(what, sizeof(what), "%s %u B%s", d->write ? "write" : "read", d->len,
		d->faulted  ? ", refused"
		: d->missed ? ", walked"
			    : "");
	probe_span(port->machine->probe,
		(struct probe_track){ PROBE_DEVICE, port, port->rid.bdf, "device" }, what,
		d->issued, now);
}

void pcie_dma_complete(struct pcie_dma *d, struct pcie_port *port, sim_time now)
{
	sim_time latency = now - d->issued;

	d->busy = false;
	if (d->interrupt)
		return;
	tell_dma(d, port, now);
	port->m.faulted += d->faulted;
	hist_add(d->write ? &port->m.write_latency : &port->m.read_latency, latency);
	hist_add(d->missed ? &port->m.latency_miss : &port->m.latency_hit, latency);
	if (d->write) {
		port->m.dma_writes++;
		port->m.bytes_written += d->len;
	} else {
		port->m.dma_reads++;
		port->m.bytes_read += d->len;
	}
}

/* ---- translation ---- */

static void translated(struct pcie_unit *u, sim_time ready_at, bool hit)
{
	struct pcie_port *port = u->port;

	u->translated = true;
	u->ready_at = ready_at;
	u->x.iova = u->from; /* what the device means, to whoever looks */
	u->dma->missed |= !hit;
	port->m.requests += !u->dma->interrupt;
	port->m.misses += !hit && !u->x.merged;
	u->dma->faulted |= !u->x.ok;
	if (port->observer.seen && !u->dma->interrupt)
		port->observer.seen(port->observer.ctx, port->rid, &u->x, ready_at);
	commit_writes(port);
	start_reads(port);
}

static void walk_done(struct xlate *x)
{
	struct pcie_unit *u = container_of(x, struct pcie_unit, x);

	translated(u, engine_now(u->port->machine->engine), false);
}

static void untranslated(struct xlate *x)
{
	x->ok = x->hit = true;
	x->merged = false;
	x->pa = (hpa_t){ x->iova.a };
	x->latency = 0;
}

/* The device's own translation cache knows that it may not. */
static void denied(struct xlate *x)
{
	x->ok = x->merged = false;
	x->hit = true;
	x->fault_code = 0;
	x->latency = 0;
}

void pcie_unit_arrives(struct event *ev)
{
	struct pcie_unit *u = container_of(ev, struct pcie_unit, event);
	struct pcie_port *port = u->port;
	sim_time now = engine_now(port->machine->engine);

	if (u->dma->write) {
		port->writes_arrived++;
		list_push_back(&port->commit_queue, &u->link);
	} else {
		u->writes_before = port->writes_arrived;
		list_push_back(&port->read_queue, &u->link);
	}
	u->x.done = walk_done;
	if (u->denied)
		denied(&u->x);
	else if (u->dma->interrupt || !port->xlate.translate)
		untranslated(&u->x);
	else if (!port->xlate.translate(port->xlate.ctx, &u->x))
		return;
	translated(u, now + u->x.latency, u->x.hit);
}

/* ---- posted writes: in order ---- */

static void write_visible(struct event *ev)
{
	struct pcie_unit *u = container_of(ev, struct pcie_unit, event);
	struct pcie_dma *d = u->dma;

	pcie_dma_complete(d, u->port, engine_now(u->port->machine->engine));
	pcie_unit_free(u);
	d->done(d);
}

static void commit(struct pcie_unit *u)
{
	struct pcie_port *port = u->port;
	sim_time visible;

	if (u->ready_at > port->last_commit)
		port->last_commit = u->ready_at;
	port->writes_committed++;
	visible = u->x.ok ? mem_write_done(port->machine->mem, port->last_commit, u->len)
			  : port->last_commit;
	if (visible > port->last_visible)
		port->last_visible = visible;
	pcie_credit_return(port, u, visible);
	if (u->last && u->dma->done) {
		u->event.fn = write_visible;
		event_schedule(&u->event, visible);
		return;
	}
	if (u->last)
		pcie_dma_complete(u->dma, port, visible);
	pcie_unit_free(u);
}

static void commit_writes(struct pcie_port *port)
{
	while (!list_empty(&port->commit_queue)) {
		struct pcie_unit *u = list_entry(port->commit_queue.next, struct pcie_unit, link);

		if (!u->translated)
			break; /* holds back everything behind it */
		list_remove(&u->link);
		commit(u);
	}
	if (port->ats)
		ats_writes_committed(port);
}

/* ---- reads: behind the writes that came before, past everything else ---- */

static void read_returns(struct event *ev)
{
	struct pcie_unit *u = container_of(ev, struct pcie_unit, event);
	struct pcie_port *port = u->port;
	struct pcie_dma *d = u->dma;

	port->tags += u->lines;
	d->completed += u->len;
	if (u->x.at == XLATE_TRANSLATED)
		ats_read_returned(port, u);
	pcie_unit_free(u);
	if (d->completed == d->len) {
		pcie_dma_complete(d, port, engine_now(port->machine->engine));
		if (d->done)
			d->done(d);
	}
	pcie_pump(port);
}

/* Completions carry at most MPS and end at read completion boundaries; a refused request gets one
 * completion without data. */
static uint32_t completions(const struct pcie_unit *u)
{
	uint64_t rcb = u->port->conf->rcb, mps = u->port->conf->mps;
	uint64_t head = u->x.iova.a & (rcb - 1);

	return u->x.ok ? (uint32_t)((head + u->len + mps - 1) / mps) : 1;
}

static void start_read(struct pcie_unit *u)
{
	struct pcie_port *port = u->port;
	uint32_t n = u->denied ? 0 : completions(u);
	uint32_t bytes = n * port->conf->header + (u->x.ok ? u->len : 0);
	sim_time at = u->ready_at;

	if (u->writes_before > 0 && port->last_commit > at)
		at = port->last_commit; /* a read pushes the writes before it */
	if (u->x.ok)
		at = mem_read_done(port->machine->mem, at, u->len);
	if (port->down_free > at)
		at = port->down_free;
	port->down_free = at + pcie_wire_time(port, bytes);
	port->m.tlps += n;
	port->m.wire_bytes_down += bytes;
	u->event.fn = read_returns;
	event_schedule(&u->event, port->down_free + port->conf->latency);
}

static void start_reads(struct pcie_port *port)
{
	struct list *n = port->read_queue.next;

	while (n != &port->read_queue) {
		struct pcie_unit *u = list_entry(n, struct pcie_unit, link);

		n = n->next;
		if (!u->translated || u->writes_before > port->writes_committed)
			continue;
		list_remove(&u->link);
		start_read(u);
	}
}
