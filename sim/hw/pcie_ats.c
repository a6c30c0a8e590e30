/*
 * Address Translation Services at the device: its translation cache (ATC), the requests that fill it,
 * page requests, and whether a DMA may go. PCI Express Base Specification, chapter 10 "ATS
 * Specification". Not architectural: how many pages are asked for ahead, and in what order.
 *
 * A translation is used only while the cache has it. An invalidation that overtakes a translation on
 * its way voids it (10.3.3); see pcie_ats_invalidate.c.
 */
#include "hw/pcie_priv.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "base/bug.h"

#define METRIC_STRUCT_ struct ats_metrics
static const struct metric_desc desc[] = { ATS_METRICS(METRIC_DESC_) };
#undef METRIC_STRUCT_
const struct metric_table ats_metric_table = { "ats", "A device's Address Translation Services.",
	desc, ARRAY_SIZE(desc) };

#define RIGHT_R BIT64(0)
#define RIGHT_W BIT64(1)

#define COMPLETION_BYTES   8u /* one translation */
#define PAGE_REQUEST_BYTES 0u /* the request is in the header */

static void request_arrives(struct event *ev);
static void completion_arrives(struct event *ev);

static sim_time now_of(const struct pcie_port *port)
{
	return engine_now(port->machine->engine);
}

void ats_create(struct pcie_port *port, struct metric_scope *scope)
{
	const struct pcie_conf *c = port->conf;
	const struct tagcache_conf tlb = { c->ats_entries, c->ats_ways,
		(enum tagcache_replace)c->ats_replace, WINDOW_DEVICE_TLB };
	struct ats *ats = xcalloc(1, sizeof(*ats));

	port->ats = ats;
	tagcache_init(
		&ats->tlb, &tlb, port->machine->engine, NULL, metric_scope_child(scope, "cache"));
	metric_scope_add(scope, &ats_metric_table, &ats->m);
	list_init(&ats->spare);
	list_init(&ats->reading);
	list_init(&ats->completing);
	ats->requests = xcalloc(c->ats_requests, sizeof(*ats->requests));
	for (uint32_t i = 0; i < c->ats_requests; i++) {
		ats->requests[i].port = port;
		list_init(&ats->requests[i].x.link);
		event_init(&ats->requests[i].event, port->machine->engine, request_arrives);
	}
}

void ats_destroy(struct pcie_port *port)
{
	struct ats *ats = port->ats;
	struct list *n;

	for (uint32_t i = 0; i < port->conf->ats_requests; i++)
		event_fini(&ats->requests[i].event);
	while ((n = list_pop_front(&ats->spare)) != NULL) {
		struct ats_invalidation *inv = list_entry(n, struct ats_invalidation, link);

		event_fini(&inv->event);
		free(inv);
	}
	tagcache_fini(&ats->tlb);
	free(ats->requests);
	free(ats);
}

bool pcie_has_ats(const struct pcie_port *port)
{
	return port->ats != NULL;
}

bool pcie_has_pri(const struct pcie_port *port)
{
	return port->conf->pri;
}

uint8_t pcie_ats_queue(const struct pcie_port *port)
{
	return (uint8_t)port->conf->ats_queue;
}

void pcie_ats_enable(struct pcie_port *port, bool on, bool pri)
{
	struct ats *ats = port->ats;

	if (!ats)
		return;
	ats->enabled = on;
	ats->pri = on && pri;
	if (!on)
		tagcache_invalidate(&ats->tlb, 0, 0);
}

bool ats_is_idle(const struct pcie_port *port)
{
	const struct ats *ats = port->ats;

	for (uint32_t i = 0; i < port->conf->ats_requests; i++)
		if (ats->requests[i].state != ATS_IDLE)
			return false;
	return ats->in_device == 0 && list_empty(&ats->completing);
}

/* ---- the cache ---- */

/* Counted as one lookup, whatever the sizes of pages seen so far. */
static struct tag_entry *find(struct ats *ats, uint64_t iova, bool count)
{
	struct tag_entry *e = NULL;
	uint64_t found = 0;

	for (uint64_t s = ats->sizes; s && !e; s &= s - 1) {
		found = ats_key((unsigned)__builtin_ctzll(s), iova);
		e = tagcache_peek(&ats->tlb, found);
	}
	if (count)
		tagcache_lookup(&ats->tlb, e ? found : ats_key(PAGE_LG2, iova));
	return e;
}

static void fill(struct ats_request *r)
{
	struct ats *ats = r->port->ats;
	const struct xlate *x = &r->x;
	unsigned lg2 = x->page_lg2;
	struct tag_entry *e = tagcache_fill(&ats->tlb, ats_key(lg2, x->iova.a),
		round_down_lg2(x->pa.a, lg2) | (x->may_read ? RIGHT_R : 0) |
			(x->may_write ? RIGHT_W : 0),
		lg2);

	ats->sizes |= BIT64(lg2);
	if (e && x->mark)
		tagcache_mark(&ats->tlb, e, x->mark);
}

/* ---- requests ---- */

static struct ats_request *request_for(struct pcie_port *port, uint64_t page, bool write)
{
	for (uint32_t i = 0; i < port->conf->ats_requests; i++) {
		struct ats_request *r = &port->ats->requests[i];

		if (r->state != ATS_IDLE && r->x.iova.a == page && r->x.write == write)
			return r;
	}
	return NULL;
}

static void ask(struct ats_request *r)
{
	r->state = ATS_ASKED;
	r->discard = false;
	r->x.ok = r->x.may_read = r->x.may_write = false;
	r->x.page_lg2 = PAGE_LG2;
	r->x.mark = 0;
	r->asked = now_of(r->port);
	r->port->ats->m.requests++;
	r->event.fn = request_arrives;
	event_schedule(&r->event, pcie_send_up(r->port, 0));
}

static struct ats_request *begin(struct pcie_port *port, uint64_t page, bool write)
{
	for (uint32_t i = 0; i < port->conf->ats_requests; i++) {
		struct ats_request *r = &port->ats->requests[i];

		if (r->state != ATS_IDLE)
			continue;
		r->x.rid = port->rid;
		r->x.iova = (iova_t){ page };
		r->x.len = 1;
		r->x.write = write;
		r->x.at = XLATE_TRANSLATION_REQUEST;
		r->wanted = false;
		ask(r);
		return r;
	}
	return NULL; /* all are out: one that comes back pumps */
}

static void answered(struct ats_request *r, sim_time when)
{
	struct pcie_port *port = r->port;
	struct windows *windows = port->ats->tlb.windows;
	sim_time now = now_of(port), arrives;

	/* The completion leaves when the answer counts; what else leaves meanwhile goes first. */
	arrives = pcie_send_down(port, r->x.ok ? COMPLETION_BYTES : 0) + (when - now);
	if (r->x.mark)
		window_hold(windows, r->x.mark, WINDOW_IN_FLIGHT);
	r->state = ATS_ANSWERED;
	r->event.fn = completion_arrives;
	event_schedule(&r->event, arrives);
}

static void walk_done(struct xlate *x)
{
	struct ats_request *r = container_of(x, struct ats_request, x);

	answered(r, now_of(r->port));
}

static void request_arrives(struct event *ev)
{
	struct ats_request *r = container_of(ev, struct ats_request, event);
	struct pcie_port *port = r->port;

	r->x.done = walk_done;
	if (port->xlate.translate(port->xlate.ctx, &r->x))
		answered(r, now_of(port) + r->x.latency);
}

static bool is_enough(const struct xlate *x)
{
	return x->ok && (x->write ? x->may_write : x->may_read);
}

static void page_request_arrives(struct event *ev)
{
	struct ats_request *r = container_of(ev, struct ats_request, event);
	struct pcie_port *port = r->port;
	const struct page_request q = { .rid = port->rid,
		.read = !r->x.write,
		.write = r->x.write,
		.last = true,
		.group = (uint16_t)(r - port->ats->requests),
		.iova = r->x.iova };

	port->xlate.page_request(port->xlate.ctx, &q);
}

/* The device may not use the page: it asks for it where it can, or gives the DMA up. */
static void denied(struct ats_request *r)
{
	struct pcie_port *port = r->port;

	port->ats->m.denied++;
	if (!r->wanted) {
		r->state = ATS_IDLE; /* only looked ahead: asked again when its turn comes */
		return;
	}
	r->state = ATS_DENIED;
	if (!r->x.ok || !port->ats->pri || !port->xlate.page_request)
		return;
	r->state = ATS_PAGE_ASKED;
	port->ats->m.page_requests++;
	r->event.fn = page_request_arrives;
	event_schedule(&r->event, pcie_send_up(port, PAGE_REQUEST_BYTES));
}

static void completion_arrives(struct event *ev)
{
	struct ats_request *r = container_of(ev, struct ats_request, event);
	struct pcie_port *port = r->port;
	struct ats *ats = port->ats;

	hist_add(&ats->m.request_time, now_of(port) - r->asked);
	ats->m.discarded += r->discard;
	r->state = ATS_IDLE;
	if (!r->discard && r->x.ok && (r->x.may_read || r->x.may_write))
		fill(r);
	if (!r->discard && !is_enough(&r->x))
		denied(r);
	if (r->x.mark) /* the cache holds it by now, or nobody does */
		window_drop(ats->tlb.windows, r->x.mark, WINDOW_IN_FLIGHT, now_of(port));
	r->x.mark = 0;
	pcie_pump(port);
}

static void page_response_arrives(struct event *ev)
{
	struct ats_request *r = container_of(ev, struct ats_request, event);
	struct pcie_port *port = r->port;

	port->ats->m.page_responses += r->response == PAGE_RESPONSE_SUCCESS;
	if (r->response == PAGE_RESPONSE_FAILURE)
		port->ats->pri = false; /* until it is enabled again */
	if (r->response == PAGE_RESPONSE_SUCCESS)
		ask(r);
	else
		r->state = ATS_DENIED;
	pcie_pump(port);
}

void pcie_page_response(struct pcie_port *port, uint16_t group, enum page_response code)
{
	sim_time arrives = pcie_send_down(port, 0);
	struct ats_request *r;

	if (!port->ats || group >= port->conf->ats_requests)
		return; /* of no group of this device: ignored */
	r = &port->ats->requests[group];
	if (r->state != ATS_PAGE_ASKED || event_is_pending(&r->event))
		return;
	r->response = code;
	r->event.fn = page_response_arrives;
	event_schedule(&r->event, arrives);
}

/* ---- DMAs ---- */

enum ats_verdict ats_translate(struct pcie_port *port, iova_t iova, bool write, hpa_t *pa)
{
	struct ats *ats = port->ats;
	uint64_t page = round_down_lg2(iova.a, PAGE_LG2);
	struct tag_entry *e = find(ats, iova.a, true);
	struct ats_request *r;

	if (e && (e->value[0] & (write ? RIGHT_W : RIGHT_R))) {
		unsigned lg2 = (unsigned)e->value[1];

		*pa = (hpa_t){ round_down_lg2(e->value[0], PAGE_LG2) |
			       (iova.a & (BIT64(lg2) - 1)) };
		return ATS_HIT;
	}
	r = request_for(port, page, write);
	if (r && r->state == ATS_DENIED) {
		r->state = ATS_IDLE;
		return ATS_REFUSED;
	}
	if (!r)
		r = begin(port, page, write);
	if (r)
		r->wanted = true;
	return ATS_WAIT;
}

static void look_ahead_in(struct pcie_port *port, struct list *dmas)
{
	uint32_t most = port->conf->ats_requests;

	for (struct list *n = dmas->next; n != dmas && most; n = n->next, most--) {
		const struct pcie_dma *d = list_entry(n, struct pcie_dma, link);
		uint64_t page = round_down_lg2(d->iova.a + d->sent, PAGE_LG2);

		if (d->interrupt || find(port->ats, page, false) ||
			request_for(port, page, d->write))
			continue;
		if (!begin(port, page, d->write))
			return;
	}
}

void ats_look_ahead(struct pcie_port *port)
{
	look_ahead_in(port, &port->writes);
	look_ahead_in(port, &port->reads);
}
