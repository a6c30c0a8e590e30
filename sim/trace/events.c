/*
 * Events of dma:* in all their generations (Linux 6.12 to 6.18), iommu:map and iommu:unmap (4.5 without the
 * range's end, and later), and probes on iommu_dma_map_page() and its like, which kernels before 6.12 need
 * to name the device. Linux include/trace/events/{iommu,dma}.h.
 */
#include "trace/events.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "trace/dmacap.h"

#define LIST_MAX 128u /* the events cut their arrays there */

struct events {
	struct import *im;
	struct dmacap *cap;
	sim_time last;
	bool any; /* an event has been seen */
};

typedef bool event_handler(struct events *e, const struct line_event *ev);

/* ---- iommu ---- */

static bool on_iommu_map(struct events *e, const struct line_event *ev)
{
	uint64_t iova, size, pa;

	if (!line_number(ev->body, "iova=", true, &iova) ||
		!line_number(ev->body, "paddr=", true, &pa) ||
		!line_number(ev->body, "size=", false, &size))
		return import_bad(e->im, 0, "a damaged iommu:map event");
	return dmacap_iommu_map(e->cap, ev->cpu, ev->time, iova, size, pa);
}

static bool on_iommu_unmap(struct events *e, const struct line_event *ev)
{
	uint64_t iova, size, done;

	if (!line_number(ev->body, "iova=", true, &iova) ||
		!line_number(ev->body, "size=", false, &size) ||
		!line_number(ev->body, "unmapped_size=", false, &done))
		return import_bad(e->im, 0, "a damaged iommu:unmap event");
	if (done == 0) {
		import_skip(e->im, "an unmap that found nothing to unmap");
		return true;
	}
	return dmacap_iommu_unmap(e->cap, ev->cpu, ev->time, iova, done);
}

/* ---- dma ---- */

struct call {
	struct dmacap_call dma;
	char device[64];
};

static bool get_dir(const char *word, unsigned *dir)
{
	static const struct {
		const char *word, *number;
		unsigned dir;
	} words[] = {
		{ "BIDIRECTIONAL", "0", TRACE_BIDIRECTIONAL },
		{ "TO_DEVICE", "1", TRACE_TO_DEVICE },
		{ "FROM_DEVICE", "2", TRACE_FROM_DEVICE },
		{ "NONE", "3", TRACE_BIDIRECTIONAL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcmp(word, words[i].word) == 0 || strcmp(word, words[i].number) == 0) {
			*dir = words[i].dir;
			return true;
		}
	}
	return false;
}

/* "0000:03:00.0 dir=FROM_DEVICE ...", or "[FAILED TO PARSE] device=... dir=2". */
static bool get_call(struct call *c, const char *body)
{
	char dir[24];
	size_t n = strcspn(body, " ");

	memset(c, 0, sizeof(*c));
	if (!line_word(body, "device=", c->device, sizeof(c->device))) {
		if (n == 0 || n >= sizeof(c->device) || memchr(body, '=', n))
			return false;
		memcpy(c->device, body, n);
		c->device[n] = '\0';
	}
	c->dma.device = c->device;
	return line_word(body, "dir=", dir, sizeof(dir)) && get_dir(dir, &c->dma.dir);
}

static bool get_range(struct call *c, const char *body)
{
	return line_number(body, "dma_addr=", true, &c->dma.iova) &&
	       line_number(body, "size=", false, &c->dma.size);
}

static bool on_dma_map(struct events *e, const struct line_event *ev)
{
	struct call c;

	if (!get_call(&c, ev->body) || !get_range(&c, ev->body))
		return import_bad(e->im, 0, "a damaged dma_map event");
	if (c.dma.iova == UINT64_MAX) {
		import_skip(e->im, "a map that failed");
		return true;
	}
	line_number(ev->body, "phys_addr=", true, &c.dma.pa); /* or stays unknown */
	return dmacap_dma_map(e->cap, ev->cpu, ev->time, &c.dma);
}

static bool on_dma_unmap(struct events *e, const struct line_event *ev)
{
	struct call c;

	if (!get_call(&c, ev->body) || !get_range(&c, ev->body))
		return import_bad(e->im, 0, "a damaged dma_unmap event");
	return dmacap_dma_unmap(e->cap, ev->cpu, ev->time, &c.dma);
}

static bool on_dma_alloc(struct events *e, const struct line_event *ev)
{
	struct call c;

	if (!get_call(&c, ev->body) || !get_range(&c, ev->body))
		return import_bad(e->im, 0, "a damaged dma_alloc event");
	if (c.dma.iova == 0 || c.dma.iova == UINT64_MAX) {
		import_skip(e->im, "an allocation that failed");
		return true;
	}
	c.dma.coherent = true;
	return dmacap_dma_map(e->cap, ev->cpu, ev->time, &c.dma);
}

static bool on_dma_free(struct events *e, const struct line_event *ev)
{
	struct call c;

	if (!get_call(&c, ev->body) || !get_range(&c, ev->body))
		return import_bad(e->im, 0, "a damaged dma_free event");
	c.dma.coherent = true;
	return dmacap_dma_unmap(e->cap, ev->cpu, ev->time, &c.dma);
}

static bool on_sync(struct events *e, const struct line_event *ev)
{
	struct call c;

	if (!get_call(&c, ev->body) || !get_range(&c, ev->body))
		return import_bad(e->im, 0, "a damaged dma_sync event");
	return dmacap_sync(e->cap, ev->cpu, ev->time, &c.dma,
		memmem(ev->name, ev->name_len, "for_device", 10) != NULL);
}

/* ---- scatter lists ---- */

/* "{0x1,0x2}", or "ARRAY[00, 10, ...]" of little-endian numbers of `bytes` each. */
static bool get_list(const char *body, const char *key, unsigned bytes, uint64_t *v, unsigned *n)
{
	const char *s = line_field(body, key);
	uint64_t byte;
	unsigned i = 0;

	*n = 0;
	if (s && *s == '{') {
		for (s++; *s && *s != '}' && *n < LIST_MAX; s += *s == ',')
			if (!line_number_at(s, true, &v[(*n)++], &s))
				return false;
		return *s == '}' || *n == LIST_MAX;
	}
	if (!s || strncmp(s, "ARRAY[", 6) != 0)
		return false;
	for (s += 6; *s && *s != ']' && *n < LIST_MAX; s += strspn(s, ", "), i++) {
		if (!line_number_at(s, true, &byte, &s) || byte > 0xff)
			return false;
		v[*n] = (i % bytes ? v[*n] : 0) | byte << (8 * (i % bytes));
		*n += i % bytes == bytes - 1;
	}
	return *n == LIST_MAX || (*s == ']' && i % bytes == 0);
}

struct lists {
	uint64_t bus[LIST_MAX], len[LIST_MAX], pa[LIST_MAX];
	unsigned nbus, nlen, npa;
};

static bool get_physical(const char *body, struct lists *l)
{
	return get_list(body, "phys_addrs=", 8, l->pa, &l->npa) ||
	       get_list(body, "addrs=", 8, l->pa, &l->npa);
}

static bool on_dma_map_sg(struct events *e, const struct line_event *ev)
{
	struct lists l = { .nbus = 0 };
	struct call c;
	bool ok = get_call(&c, ev->body) && get_list(ev->body, "dma_addrs=", 8, l.bus, &l.nbus) &&
		  (get_list(ev->body, "sizes=", 4, l.len, &l.nlen) ||
			  get_list(ev->body, "lengths=", 4, l.len, &l.nlen));

	if (!ok || l.nbus == 0 || l.nlen != l.nbus)
		return import_bad(e->im, 0, "a damaged dma_map_sg event");
	get_physical(ev->body, &l); /* or stay unknown */
	if (strstr(ev->body, "[TRUNCATED]"))
		import_skip(e->im, "the rest of a scatter list that the event has cut");
	c.dma.iova = l.bus[0];
	for (unsigned i = 0; i < l.nlen; i++) /* an IOMMU makes one range of them */
		c.dma.size += l.len[i];
	c.dma.pa = l.npa ? l.pa[0] : 0;
	return dmacap_dma_map_sg(
		e->cap, ev->cpu, ev->time, &c.dma, &(struct dmacap_sg){ .pa = l.pa, .npa = l.npa });
}

static bool on_dma_unmap_sg(struct events *e, const struct line_event *ev)
{
	struct lists l = { .nbus = 0 };
	struct call c;

	if (!get_call(&c, ev->body) || !get_physical(ev->body, &l))
		return import_bad(e->im, 0, "a damaged dma_unmap_sg event");
	return dmacap_dma_unmap_sg(
		e->cap, ev->cpu, ev->time, &c.dma, &(struct dmacap_sg){ .pa = l.pa, .npa = l.npa });
}

/* ---- probes on the DMA API ---- */

static bool get_probe(struct call *c, const char *body, const char *address)
{
	uint64_t dir;
	char word[8];

	memset(c, 0, sizeof(*c));
	c->dma.device = c->device;
	if (!line_word(body, "dev=", c->device, sizeof(c->device)) ||
		!line_number(body, address, true, &c->dma.iova) ||
		!line_number(body, "size=", false, &c->dma.size) ||
		!line_number(body, "dir=", false, &dir) || dir > 3)
		return false;
	word[0] = (char)('0' + dir);
	word[1] = '\0';
	return get_dir(word, &c->dma.dir);
}

static bool skip_event(struct events *e, const struct line_event *ev)
{
	char why[80];

	snprintf(why, sizeof(why), "event %.*s", (int)(ev->name_len < 60 ? ev->name_len : 60),
		ev->name);
	import_skip(e->im, why);
	return true;
}

static bool on_probe(struct events *e, const struct line_event *ev)
{
	const char *body = ev->body + 1;
	struct call c;

	if (strncmp(body, "iommu_dma_map_page+", 19) == 0) {
		if (!get_probe(&c, ev->body, "off="))
			return import_bad(e->im, 0, "a damaged probe of iommu_dma_map_page");
		dmacap_map_enter(e->cap, ev->cpu, &c.dma);
		return true;
	}
	if (strncmp(body, "iommu_dma_unmap_page+", 21) == 0) {
		if (!get_probe(&c, ev->body, "iova="))
			return import_bad(e->im, 0, "a damaged probe of iommu_dma_unmap_page");
		dmacap_unmap_enter(e->cap, ev->cpu, &c.dma);
		return true;
	}
	/* What iommu_dma_map_page() returns is known from the event between. */
	return strstr(body, "<- iommu_dma_map_page)") || skip_event(e, ev);
}

/* ---- all of them ---- */

static const struct {
	const char *name;
	event_handler *handler;
} handlers[] = {
	{ "dma_map_page", on_dma_map }, /* 6.12 */
	{ "dma_map_phys", on_dma_map }, /* 6.18 */
	{ "dma_map_resource", on_dma_map },
	{ "dma_unmap_page", on_dma_unmap },
	{ "dma_unmap_phys", on_dma_unmap },
	{ "dma_unmap_resource", on_dma_unmap },
	{ "dma_alloc", on_dma_alloc },
	{ "dma_alloc_pages", on_dma_alloc },
	{ "dma_free", on_dma_free },
	{ "dma_free_pages", on_dma_free },
	{ "dma_map_sg", on_dma_map_sg },
	{ "dma_unmap_sg", on_dma_unmap_sg },
	{ "dma_sync_single_for_cpu", on_sync },
	{ "dma_sync_single_for_device", on_sync },
};

static bool is_iommu(const struct line_event *ev)
{
	return strncmp(ev->body, "IOMMU: iova=", 12) == 0;
}

static bool dispatch(struct events *e, const struct line_event *ev)
{
	if (is_iommu(ev) && line_name_is(ev, "map"))
		return on_iommu_map(e, ev);
	if (is_iommu(ev) && line_name_is(ev, "unmap"))
		return on_iommu_unmap(e, ev);
	if (ev->body[0] == '(')
		return on_probe(e, ev);
	for (size_t i = 0; i < ARRAY_SIZE(handlers); i++)
		if (line_name_is(ev, handlers[i].name))
			return handlers[i].handler(e, ev);
	return skip_event(e, ev);
}

struct events *events_create(struct import *im)
{
	struct events *e = xcalloc(1, sizeof(*e));

	e->im = im;
	e->cap = dmacap_create(im);
	return e;
}

void events_destroy(struct events *e)
{
	dmacap_destroy(e->cap);
	free(e);
}

bool events_any(const struct events *e)
{
	return e->any;
}

bool events_take(struct events *e, struct line_event *ev)
{
	if (ev->cpu >= TRACE_CPUS_MAX)
		return import_bad(e->im, 1, "names a CPU above 1023");
	if (ev->time < e->last) {
		if (!import_bad(e->im, 1, "is earlier than the event before it"))
			return false;
		ev->time = e->last;
	}
	if (e->any && ev->time - e->last > TRACE_TIME_MAX / 2)
		return import_bad(e->im, 1, "is months later than the event before it");
	e->last = ev->time;
	e->any = true;
	return dispatch(e, ev);
}
