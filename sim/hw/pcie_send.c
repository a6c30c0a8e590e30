/*
 * The device's side of a link: DMAs cut into units, the wire, credits and tags.
 */
#include "hw/pcie_priv.h"

#include "base/alloc.h"
#include "base/bits.h"
#include "base/bug.h"

enum { FIDELITY_TLP, FIDELITY_DMA }; /* words of pcie.fidelity */

static struct pcie_unit *unit_alloc(struct pcie_port *port)
{
	struct list *n = list_pop_front(&port->free_units);
	struct pcie_unit *u;

	port->units_in_use++;
	if (n)
		return list_entry(n, struct pcie_unit, link);
	u = xcalloc(1, sizeof(*u));
	u->port = port;
	list_init(&u->link);
	list_init(&u->x.link);
	event_init(&u->event, port->machine->engine, pcie_unit_arrives);
	return u;
}

void pcie_unit_free(struct pcie_unit *u)
{
	u->port->units_in_use--;
	u->event.fn = pcie_unit_arrives;
	list_push_front(&u->port->free_units, &u->link);
}

/* ---- credits ---- */

/* Take back what has been released by now, but not more than is needed. *since: when the credit that
 * made it enough was released; 0 when there was enough already. */
static bool have_credits(struct pcie_port *port, uint32_t lines, sim_time *since)
{
	sim_time now = engine_now(port->machine->engine);

	*since = 0;
	while (port->credits < lines && port->release_head != port->release_tail) {
		struct credit_release *r = &port->releases[port->release_head & port->release_mask];

		if (r->when > now)
			break;
		port->credits += r->lines;
		*since = r->when;
		port->release_head++;
	}
	return port->credits >= lines;
}

/* Sleep until enough credits are back; when those are not even committed, a commit wakes us. */
static void wait_for_credits(struct pcie_port *port, uint32_t lines)
{
	uint32_t have = port->credits;

	for (uint32_t i = port->release_head; i != port->release_tail; i++) {
		struct credit_release *r = &port->releases[i & port->release_mask];

		have += r->lines;
		if (have >= lines) {
			event_schedule(&port->pump, r->when);
			return;
		}
	}
	port->starved = true;
}

static void release_credits(struct pcie_port *port, sim_time when, uint32_t lines)
{
	uint32_t tail = port->release_tail++;

	if (tail != port->release_head) { /* releases are in order */
		sim_time last = port->releases[(tail - 1) & port->release_mask].when;

		when = when > last ? when : last;
	}
	port->releases[tail & port->release_mask] = (struct credit_release){ when, lines };
}

void pcie_credit_return(struct pcie_port *port, const struct pcie_unit *u, sim_time visible)
{
	sim_time now = engine_now(port->machine->engine);
	uint32_t mps_lines = (uint32_t)port->conf->mps / 64, left = u->lines;
	sim_time spacing = pcie_wire_time(port, (uint32_t)port->conf->mps + port->conf->header);

	/* The TLPs of one unit came one after another, and so do their credits. */
	for (uint32_t i = u->tlps; i > 0 && left > 0; i--) {
		uint32_t lines = i > 1 && left > mps_lines ? mps_lines : left;

		release_credits(port, visible - (i - 1) * spacing, lines);
		left -= lines;
	}
	if (port->starved) {
		port->starved = false;
		event_schedule(&port->pump, visible > now ? visible : now);
	}
}

/* ---- sending ---- */

/* With `fidelity: dma` a write is cut into equal pieces of whole TLPs, none larger than a quarter of the
 * credits pays for: with larger ones the credits in flight would be used too coarsely. */
static uint64_t piece_of_write(const struct pcie_port *port, uint64_t left)
{
	uint64_t mps = port->conf->mps, quarter = (uint64_t)port->conf->write_credits / 4 * 64;
	uint64_t n = (left + quarter - 1) / quarter;

	return (left / n + mps - 1) / mps * mps;
}

/* Bytes of the next unit of d: up to the request's largest size and never across a 4 KiB boundary. */
static uint32_t unit_bytes(const struct pcie_port *port, const struct pcie_dma *d, uint64_t largest)
{
	uint64_t at = d->iova.a + d->sent;
	uint64_t to_page = PAGE_SIZE - (at & (PAGE_SIZE - 1));
	uint64_t left = d->len - d->sent;

	left = left < to_page ? left : to_page;
	if (port->conf->fidelity == FIDELITY_DMA)
		largest = d->write ? piece_of_write(port, left) : PAGE_SIZE;
	return (uint32_t)(left < largest ? left : largest);
}

static uint32_t pieces(uint32_t bytes, uint64_t size)
{
	return (uint32_t)((bytes + size - 1) / size);
}

/* `since`: when the last of the credits or tags for it came back. A unit of several TLPs has sent all
 * but its last by then, as far as the wire allowed. */
static void send(struct pcie_port *port, struct pcie_dma *d, struct pcie_unit *u,
	uint32_t wire_bytes, sim_time since)
{
	sim_time now = engine_now(port->machine->engine), arrives;
	sim_time start = d->ready > port->up_free ? d->ready : port->up_free;
	sim_time end = start + pcie_wire_time(port, wire_bytes);
	sim_time last = since + pcie_wire_time(port, wire_bytes / u->tlps);

	u->dma = d;
	u->translated = false;
	u->x.rid = port->rid;
	u->x.len = u->len;
	u->x.write = d->write;
	d->sent += u->len;
	u->last = d->sent == d->len;
	if (u->denied) { /* ends at the device; in the order of those that are sent */
		arrives = port->up_free + port->conf->latency;
		event_schedule(&u->event, arrives > now ? arrives : now);
		if (u->last)
			list_remove(&d->link);
		return;
	}
	port->m.tlps += u->tlps;
	port->m.wire_bytes_up += wire_bytes;
	if (last > end) /* the wire was free, and had to wait */
		(*(d->write ? &port->m.credit_stalls : &port->m.tag_stalls))++;
	port->up_free = end > last ? end : last;
	arrives = port->up_free + port->conf->latency;
	event_schedule(&u->event, arrives > now ? arrives : now);
	if (u->last)
		list_remove(&d->link);
}

static void go_translated(struct pcie_port *port, struct pcie_unit *u, hpa_t pa, bool write)
{
	u->x.iova = (iova_t){ pa.a };
	u->x.at = XLATE_TRANSLATED;
	u->seq = port->ats->sent++;
	port->ats->reads_out += !write;
	port->ats->m.translated++;
}

/* With ATS the device sends what it has the translation of. False: it must wait. */
static bool address(struct pcie_port *port, struct pcie_dma *d, struct pcie_unit *u)
{
	enum ats_verdict may = ATS_HIT;
	hpa_t pa;

	u->from = u->x.iova = (iova_t){ d->iova.a + d->sent };
	u->x.at = XLATE_UNTRANSLATED;
	u->denied = false;
	if (!port->ats || !port->ats->enabled || d->interrupt)
		return true;
	may = ats_translate(port, u->from, d->write, &pa);
	if (may == ATS_WAIT) {
		d->missed = d->waits = true;
		return false;
	}
	if (d->waits)
		d->ready = engine_now(port->machine->engine);
	d->waits = false;
	if (may == ATS_HIT)
		go_translated(port, u, pa, d->write);
	u->denied = may == ATS_REFUSED;
	return true;
}

static bool send_write(struct pcie_port *port)
{
	struct pcie_dma *d = list_entry(port->writes.next, struct pcie_dma, link);
	uint32_t len = unit_bytes(port, d, port->conf->mps);
	uint32_t lines = pieces(len, 64);
	struct pcie_unit *u;
	sim_time since;

	if (!have_credits(port, lines, &since)) {
		wait_for_credits(port, lines);
		return false;
	}
	u = unit_alloc(port);
	if (!address(port, d, u)) {
		pcie_unit_free(u);
		return false;
	}
	port->credits -= lines;
	u->len = len;
	u->lines = lines;
	u->tlps = pieces(len, port->conf->mps);
	send(port, d, u, len + u->tlps * port->conf->header, since);
	return true;
}

static bool send_read(struct pcie_port *port)
{
	struct pcie_dma *d = list_entry(port->reads.next, struct pcie_dma, link);
	uint32_t len = unit_bytes(port, d, port->conf->mrrs);
	uint32_t tags = pieces(len, port->conf->mrrs);
	struct pcie_unit *u;

	/* A piece that needs more tags than the device has takes them all. */
	tags = tags < port->conf->read_tags ? tags : port->conf->read_tags;
	if (tags > port->tags)
		return false; /* a completion pumps again */
	u = unit_alloc(port);
	if (!address(port, d, u)) {
		pcie_unit_free(u);
		return false;
	}
	port->tags -= tags;
	u->len = len;
	u->lines = tags;
	u->tlps = pieces(len, port->conf->mrrs);
	/* Tried at submission and whenever tags come back: what can go now, could not go before. */
	send(port, d, u, u->tlps * port->conf->header, engine_now(port->machine->engine));
	return true;
}

void pcie_pump(struct pcie_port *port)
{
	while (!port->starved && !event_is_pending(&port->pump) && !list_empty(&port->writes))
		if (!send_write(port))
			break;
	while (!list_empty(&port->reads))
		if (!send_read(port))
			break;
	if (port->ats && port->ats->enabled)
		ats_look_ahead(port);
}

void pcie_submit(struct pcie_port *port, struct pcie_dma *d)
{
	BUG_ON(d->busy || d->len == 0);
	d->busy = true;
	d->faulted = d->missed = false;
	d->sent = d->completed = 0;
	d->waits = false;
	d->issued = d->ready = engine_now(port->machine->engine);
	list_push_back(d->write ? &port->writes : &port->reads, &d->link);
	if (port->watch)
		port->watch(port->watch_ctx, d, d->issued);
	pcie_pump(port);
}

void pcie_port_watch(struct pcie_port *port, pcie_watch_fn *fn, void *ctx)
{
	port->watch = fn;
	port->watch_ctx = ctx;
}

sim_time pcie_doorbell(struct pcie_port *port, sim_time now)
{
	sim_time present = engine_now(port->machine->engine);
	uint32_t bytes = port->conf->header + 4;
	sim_time wire = pcie_wire_time(port, bytes);
	sim_time start = now > port->down_free ? now : port->down_free;

	port->m.tlps++;
	port->m.wire_bytes_down += bytes;
	/* `now` may lie ahead of the engine: completions of until then must not queue behind it. */
	port->down_free = (present > port->down_free ? present : port->down_free) + wire;
	return start + wire + port->conf->latency;
}
