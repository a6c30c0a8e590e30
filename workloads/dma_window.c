/*
 * A device that reads or writes at random inside a window that stays mapped: no driver, no map, no unmap,
 * nothing but link, translation and memory. What pcie-bench does with a real card (Neugebauer et al.,
 * "Understanding PCIe performance for end host networking", SIGCOMM 2018): latency with one request in
 * flight, bandwidth with many, and the reach of the IOTLB by the window's size.
 *
 * Units of `size` bytes stand at multiples of `size` rounded up to a cache line, plus `offset`, as there.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "hw/pages.h"
#include "workloads/workload.h"

enum { OP_READ, OP_WRITE, OP_WRITE_READ };
enum { PATTERN_RANDOM, PATTERN_SEQUENTIAL };
enum { MAPPING_PAGE, MAPPING_WHOLE };

#define LINE_BYTES  64u
#define LARGE_LG2   21u /* the window begins where a superpage can */
#define LARGE_PAGES (1u << (LARGE_LG2 - PAGE_LG2))

#define WINDOW_CONF(F)                                                                             \
	F(choice, op, "read", NULL, NULL, "read|write|write-read",                                 \
		"What the device does; write-read: a write, then a read of the same place.")       \
	F(size, window, "256KiB", "4KiB", "1GiB", "", "Bytes that it does it in.")                 \
	F(size, size, "64B", "1B", "4KiB", "", "Bytes of a request.")                              \
	F(size, offset, "0", "0", "63B", "", "From the cache line's begin.")                       \
	F(choice, pattern, "random", NULL, NULL, "random|sequential", "Order of the places.")      \
	F(u32, in_flight, "32", "1", "4096", "requests",                                           \
		"Requests at once; 1: latency, many: bandwidth.")                                  \
	F(time, gap, "0", "0", "1s", "", "From a request's end until its place is used again.")    \
	F(choice, mapping, "page", NULL, NULL, "page|whole",                                       \
		"A mapping a page, or one of the whole, with superpages where the IOMMU has them.")

CONF_DECLARE(window_conf, WINDOW_CONF);

#define DMA_WINDOW_METRICS(M)                                                                      \
	M(COUNTER, requests, "requests", NULL, "Requests completed.")                              \
	M(COUNTER, bytes, "bytes", NULL, "Their bytes, read or written.")                          \
	M(COUNTER, faulted, "requests", "requests", "Refused by the IOMMU.")                       \
	M(HIST, latency, "ps", NULL, "Of a request; write-read: until the read is back.")

METRIC_DECLARE(window_workload_metrics, DMA_WINDOW_METRICS);

struct slot { /* of a request in flight */
	struct window_load *load;
	struct pcie_dma read, write;
	struct event again;
	iova_t at;
	sim_time begun;
};

struct window_load {
	struct workload_env env;
	const struct window_conf *conf;
	struct pcie_port *port;
	struct dma_dev *dma;
	struct rng rng;
	hpa_t memory, aligned; /* what was taken, and where the window begins in it */
	unsigned npages, taken;
	iova_t *page; /* by page of the window; mapping: whole has only the first */
	unsigned nmapped;
	uint64_t places, next;
	struct slot *slot;
	bool stopped;
	struct window_workload_metrics m;
};

#define CONF_STRUCT_ struct window_conf
static const struct conf_field fields[] = { WINDOW_CONF(CONF_FIELD_) };
#undef CONF_STRUCT_

static uint64_t stride(const struct window_conf *c)
{
	return (c->offset + c->size + LINE_BYTES - 1) & ~(uint64_t)(LINE_BYTES - 1);
}

static bool validate(const void *conf, struct conf_check *chk)
{
	const struct window_conf *c = conf;

	if (c->window & (PAGE_SIZE - 1))
		return conf_refuse(chk, "window", "must be whole pages of 4 KiB");
	if (stride(c) > PAGE_SIZE)
		return conf_refuse(chk, "size", "must fit in a page with its offset");
	return true;
}

static const struct conf_table conf_table = CONF_TABLE("dma_window", window_conf, fields, validate);

#define METRIC_STRUCT_ struct window_workload_metrics
static const struct metric_desc desc[] = { DMA_WINDOW_METRICS(METRIC_DESC_) };
#undef METRIC_STRUCT_
static const struct metric_table metric_table = { "dma_window",
	"A device that reads or writes in a window.", desc, ARRAY_SIZE(desc) };

/* ---- the device ---- */

/* Units do not cross pages: a page has as many as fit. */
static iova_t place(const struct window_load *l, uint64_t i)
{
	uint64_t per_page = PAGE_SIZE / stride(l->conf), page = i / per_page;
	uint64_t within = i % per_page * stride(l->conf) + l->conf->offset;

	if (l->conf->mapping == MAPPING_WHOLE)
		return (iova_t){ l->page[0].a + (page << PAGE_LG2) + within };
	return (iova_t){ l->page[page].a + within };
}

static void request(struct slot *s);

static void again(struct event *ev)
{
	request(container_of(ev, struct slot, again));
}

static void end_request(struct slot *s)
{
	struct window_load *l = s->load;
	sim_time now = engine_now(l->env.machine->engine);

	l->m.requests++;
	l->m.bytes += l->conf->size * (l->conf->op == OP_WRITE_READ ? 2 : 1);
	l->m.faulted += s->read.faulted || s->write.faulted;
	hist_add(&l->m.latency, now - s->begun);
	event_schedule(&s->again, now + l->conf->gap);
}

static void dma_done(struct pcie_dma *d)
{
	end_request(d->owner);
}

static void submit(struct slot *s, struct pcie_dma *d, bool write, pcie_done_fn *done)
{
	*d = (struct pcie_dma){ .iova = s->at,
		.len = (uint32_t)s->load->conf->size,
		.write = write,
		.done = done,
		.owner = s };
	pcie_submit(s->load->port, d);
}

/* The read of write-read follows its write at once: PCIe's order makes it wait for that. */
static void request(struct slot *s)
{
	struct window_load *l = s->load;

	if (l->stopped)
		return;
	s->at = place(l, l->conf->pattern == PATTERN_RANDOM ? rng_below(&l->rng, l->places)
							    : l->next++ % l->places);
	s->begun = engine_now(l->env.machine->engine);
	if (l->conf->op != OP_READ)
		submit(s, &s->write, true, l->conf->op == OP_WRITE ? dma_done : NULL);
	if (l->conf->op != OP_WRITE)
		submit(s, &s->read, false, dma_done);
}

/* ---- the window ---- */

static bool map_all(struct window_load *l, struct proc *p)
{
	bool whole = l->conf->mapping == MAPPING_WHOLE;
	uint32_t len = whole ? (uint32_t)l->conf->window : (uint32_t)PAGE_SIZE;

	for (; l->nmapped < (whole ? 1 : l->npages); l->nmapped++) {
		hpa_t pa = { l->aligned.a + l->nmapped * PAGE_SIZE };

		if (!dma_map_single(l->dma, p, pa, len, DMA_BIDIRECTIONAL, &l->page[l->nmapped]))
			return false;
	}
	return true;
}

static bool init(void *state, const void *conf, const struct workload_env *env, struct err *err)
{
	struct window_load *l = state;

	(void)err;
	l->env = *env;
	l->conf = conf;
	l->npages = (unsigned)(l->conf->window >> PAGE_LG2);
	l->places = l->npages * (PAGE_SIZE / stride(l->conf));
	rng_init(&l->rng, env->seed, "workload.dma_window");
	metric_scope_add(env->scope, &metric_table, &l->m);
	l->port = pcie_port_create(
		env->machine, env->pcie, (rid_t){ 0x0300 }, metric_scope_child(env->scope, "pcie"));
	l->page = xcalloc(l->npages, sizeof(*l->page));
	l->slot = xcalloc(l->conf->in_flight, sizeof(*l->slot));
	for (uint32_t i = 0; i < l->conf->in_flight; i++) {
		l->slot[i].load = l;
		event_init(&l->slot[i].again, env->machine->engine, again);
	}
	return true;
}

static void fini(void *state)
{
	struct window_load *l = state;

	for (uint32_t i = 0; i < l->conf->in_flight; i++)
		event_fini(&l->slot[i].again);
	pcie_port_destroy(l->port);
	free(l->slot);
	free(l->page);
}

static bool setup(void *state, struct proc *p, struct err *err)
{
	struct window_load *l = state;
	uint64_t large = PAGE_SIZE * LARGE_PAGES;

	l->dma = dma_dev_create(l->env.dma, p, l->port, err);
	if (!l->dma)
		return false;
	l->taken = l->npages + LARGE_PAGES;
	l->memory = pages_take_contig(l->env.machine->pages, l->taken);
	l->aligned.a = (l->memory.a + large - 1) & ~(large - 1);
	return map_all(l, p) || err_set(err, "no device address is left for the window");
}

static void start(void *state)
{
	struct window_load *l = state;

	for (uint32_t i = 0; i < l->conf->in_flight; i++)
		request(&l->slot[i]);
}

static void stop(void *state)
{
	struct window_load *l = state;

	l->stopped = true;
	for (uint32_t i = 0; i < l->conf->in_flight; i++)
		event_cancel(&l->slot[i].again);
}

static bool idle(const void *state)
{
	const struct window_load *l = state;

	return pcie_port_idle(l->port);
}

static void teardown(void *state, struct proc *p)
{
	struct window_load *l = state;
	bool whole = l->conf->mapping == MAPPING_WHOLE;

	while (l->nmapped > 0)
		dma_unmap_single(l->dma, p, l->page[--l->nmapped],
			whole ? (uint32_t)l->conf->window : (uint32_t)PAGE_SIZE, DMA_BIDIRECTIONAL);
	if (l->taken)
		pages_free_contig(l->env.machine->pages, p, l->memory, l->taken);
}

static void detach(void *state, struct proc *p)
{
	struct window_load *l = state;

	if (l->dma)
		dma_dev_destroy(l->dma, p);
}

static void totals(const void *state, struct workload_totals *t)
{
	const struct window_load *l = state;

	*t = (struct workload_totals){
		.unit = "requests",
		.units = l->m.requests,
		.bytes = l->m.bytes,
		.offered = l->m.requests,
		.dropped = l->m.faulted,
		.latency = &l->m.latency,
		.dma_latency = &l->m.latency,
		.dma_latency_path = "latency",
		.verdict = dma_dev_verdict(l->dma),
	};
}

const struct workload_ops workload_dma_window_ops = {
	.name = "dma_window",
	.summary =
		"Reads or writes at random in a window that stays mapped: latency, bandwidth, reach",
	.source = "pcie-bench (Neugebauer et al., SIGCOMM 2018)",
	.state_size = sizeof(struct window_load),
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
