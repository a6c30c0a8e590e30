/*
 * Invalidate requests at a device with a translation cache. The device removes the entries, voids the
 * translations that are on their way to it, waits until its reads that used them are back, and answers
 * with a posted message, which no earlier write of the device is passed by: when the completion is at
 * the root complex, nothing of the device is on its way through the old translation. PCI Express Base
 * Specification, 10.3 "ATS Invalidation".
 */
#include "hw/pcie_priv.h"

#include "base/alloc.h"
#include "base/bits.h"
#include "base/bug.h"

#define REQUEST_BYTES    8u
#define COMPLETION_BYTES 0u

enum { OBEY, IGNORE, SILENT }; /* words of pcie.ats_invalidations */

static void request_arrives(struct event *ev);
static void carried_out(struct event *ev);
static void completion_arrives(struct event *ev);
static void delivered(struct event *ev);

static sim_time now_of(const struct ats_invalidation *inv)
{
	return engine_now(inv->port->machine->engine);
}

static struct ats_invalidation *invalidation_alloc(struct pcie_port *port)
{
	struct list *n = list_pop_front(&port->ats->spare);
	struct ats_invalidation *inv;

	if (n)
		return list_entry(n, struct ats_invalidation, link);
	inv = xcalloc(1, sizeof(*inv));
	inv->port = port;
	list_init(&inv->link);
	event_init(&inv->event, port->machine->engine, request_arrives);
	return inv;
}

static void next_stage(struct ats_invalidation *inv, event_fn *fn, sim_time when)
{
	inv->event.fn = fn;
	event_schedule(&inv->event, when);
}

void pcie_invalidate(struct pcie_port *port, uint8_t itag, uint64_t address, unsigned lg2)
{
	sim_time arrives = pcie_send_down(port, REQUEST_BYTES);
	struct ats_invalidation *inv;

	if (!port->ats || !port->ats->enabled || port->conf->ats_invalidations == SILENT)
		return;
	inv = invalidation_alloc(port);
	inv->itag = itag;
	inv->address = lg2 < 64 ? round_down_lg2(address, lg2) : 0;
	inv->lg2 = lg2;
	port->ats->in_device++;
	next_stage(inv, request_arrives, arrives);
}

/* One at a time. */
static void request_arrives(struct event *ev)
{
	struct ats_invalidation *inv = container_of(ev, struct ats_invalidation, event);
	struct ats *ats = inv->port->ats;

	inv->arrived = now_of(inv);
	ats->m.invalidations++;
	if (ats->busy_until < inv->arrived)
		ats->busy_until = inv->arrived;
	ats->busy_until += inv->port->conf->ats_invalidate;
	next_stage(inv, carried_out, ats->busy_until);
}

static bool overlaps(const struct ats_invalidation *inv, uint64_t at, unsigned lg2)
{
	unsigned larger = inv->lg2 > lg2 ? inv->lg2 : lg2;

	return larger >= 64 || round_down_lg2(at, larger) == round_down_lg2(inv->address, larger);
}

static bool matches(uint64_t key, const struct tag_entry *e, void *arg)
{
	unsigned lg2 = (unsigned)e->value[1];

	return overlaps(arg, (key & GENMASK64(51, 0)) << lg2, lg2);
}

static void forget(struct ats_invalidation *inv)
{
	struct pcie_port *port = inv->port;

	tagcache_invalidate_if(&port->ats->tlb, matches, inv);
	for (uint32_t i = 0; i < port->conf->ats_requests; i++) {
		struct ats_request *r = &port->ats->requests[i];

		if ((r->state == ATS_ASKED || r->state == ATS_ANSWERED) &&
			overlaps(inv, r->x.iova.a, r->x.page_lg2))
			r->discard = true;
	}
}

static void complete(struct ats_invalidation *inv)
{
	struct ats *ats = inv->port->ats;

	list_remove(&inv->link);
	ats->in_device--;
	hist_add(&ats->m.invalidation_time, now_of(inv) - inv->arrived);
	list_push_back(&ats->completing, &inv->link);
	inv->writes_before = UINT64_MAX; /* on the wire: known when it arrives */
	next_stage(inv, completion_arrives, pcie_send_up(inv->port, COMPLETION_BYTES));
}

static void carried_out(struct event *ev)
{
	struct ats_invalidation *inv = container_of(ev, struct ats_invalidation, event);
	struct ats *ats = inv->port->ats;

	inv->seq = ats->sent;
	inv->reads_left = 0;
	if (inv->port->conf->ats_invalidations == OBEY && inv->lg2 != PCIE_INVALIDATE_NOTHING) {
		forget(inv);
		inv->reads_left = (uint32_t)ats->reads_out;
	}
	if (inv->reads_left)
		list_push_back(&ats->reading, &inv->link);
	else
		complete(inv);
}

void ats_read_returned(struct pcie_port *port, const struct pcie_unit *u)
{
	struct ats *ats = port->ats;
	struct list *n = ats->reading.next;

	ats->reads_out--;
	while (n != &ats->reading) {
		struct ats_invalidation *inv = list_entry(n, struct ats_invalidation, link);

		n = n->next;
		if (u->seq < inv->seq && --inv->reads_left == 0)
			complete(inv);
	}
}

/* At the root complex: behind the writes that arrived before it. */
static void completion_arrives(struct event *ev)
{
	struct ats_invalidation *inv = container_of(ev, struct ats_invalidation, event);

	inv->writes_before = inv->port->writes_arrived;
	ats_writes_committed(inv->port);
}

void ats_writes_committed(struct pcie_port *port)
{
	struct list *n = port->ats->completing.next;

	while (n != &port->ats->completing) {
		struct ats_invalidation *inv = list_entry(n, struct ats_invalidation, link);
		sim_time when = now_of(inv);

		n = n->next;
		if (event_is_pending(&inv->event) || inv->writes_before > port->writes_committed)
			continue; /* on the wire, being delivered, or held back */
		if (inv->writes_before > 0 && port->last_visible > when)
			when = port->last_visible;
		next_stage(inv, delivered, when);
	}
}

static void delivered(struct event *ev)
{
	struct ats_invalidation *inv = container_of(ev, struct ats_invalidation, event);
	struct pcie_port *port = inv->port;
	uint8_t itag = inv->itag;

	list_remove(&inv->link);
	list_push_front(&port->ats->spare, &inv->link);
	if (port->xlate.invalidated)
		port->xlate.invalidated(port->xlate.ctx, port->rid, itag);
}

/* ---- marks ---- */

void pcie_mark(struct pcie_port *port, iova_t iova, uint32_t npages, window_id w)
{
	struct ats *ats = port->ats;
	uint64_t end = iova.a + ((uint64_t)npages << PAGE_LG2);

	if (!ats || !ats->enabled)
		return;
	for (uint64_t s = ats->sizes; s; s &= s - 1) {
		unsigned lg2 = (unsigned)__builtin_ctzll(s);

		for (uint64_t at = round_down_lg2(iova.a, lg2); at < end; at += BIT64(lg2))
			tagcache_mark_matching(&ats->tlb, ats_key(lg2, at), UINT64_MAX, w);
	}
	for (uint32_t i = 0; i < port->conf->ats_requests; i++) {
		struct ats_request *r = &ats->requests[i];
		uint64_t base = round_down_lg2(r->x.iova.a, r->x.page_lg2);

		/* Answered and on its way; one that is not answered yet is the IOMMU's to mark. */
		if (r->state != ATS_ANSWERED || !(r->x.may_read || r->x.may_write) || base >= end ||
			base + BIT64(r->x.page_lg2) <= iova.a)
			continue;
		if (r->x.mark)
			window_drop(ats->tlb.windows, r->x.mark, WINDOW_IN_FLIGHT,
				engine_now(port->machine->engine));
		r->x.mark = w;
		window_hold(ats->tlb.windows, w, WINDOW_IN_FLIGHT);
	}
}
