#include "trace/rules.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define MAPPING_MAX (UINT64_C(1) << 32) /* the DMA API's lengths have 32 bits */

void trace_rules_init(struct trace_rules *t)
{
	*t = (struct trace_rules){ .room = 0 };
}

void trace_rules_fini(struct trace_rules *t)
{
	free(t->handle);
	t->handle = NULL;
	t->room = 0;
}

bool trace_rules_live(const struct trace_rules *t, uint32_t handle)
{
	return handle < t->totals.handles && t->handle[handle].len > 0;
}

static void grow(struct trace_rules *t)
{
	uint32_t room = t->room ? 2 * t->room : 1024;

	t->handle = xrealloc(t->handle, room, sizeof(*t->handle));
	memset(t->handle + t->room, 0, (room - t->room) * sizeof(*t->handle));
	t->room = room;
}

/* Pieces are joined page by page. */
static const char *check_pages(const struct trace_record *r)
{
	if (r->rest && r->type != TRACE_MAP && r->type != TRACE_SEGMENT)
		return "announces segments and is no map";
	if (r->type == TRACE_SEGMENT && (r->value & (PAGE_SIZE - 1)))
		return "is a segment that does not begin at a page";
	if (r->rest && ((r->value + r->len) & (PAGE_SIZE - 1)))
		return "is followed by a segment and does not end at a page's end";
	return NULL;
}

static const char *take_device(struct trace_rules *t, const struct trace_record *r)
{
	if (r->device != t->totals.devices || r->device == UINT16_MAX)
		return "declares a device out of turn";
	t->totals.devices++;
	return NULL;
}

static const char *take_map(struct trace_rules *t, const struct trace_record *r)
{
	if (r->handle > t->totals.handles || r->handle == UINT32_MAX)
		return "uses a handle more than one above the highest before";
	if (trace_rules_live(t, r->handle))
		return "maps a handle that is live";
	if (r->len == 0)
		return "maps nothing";
	if ((r->flags & TRACE_DIR) > TRACE_BIDIRECTIONAL)
		return "has no known direction";
	if (r->value > UINT64_MAX - r->len)
		return "goes beyond the end of the address space";
	if (r->handle == t->room)
		grow(t);
	if (r->handle == t->totals.handles)
		t->totals.handles++;
	t->handle[r->handle] =
		(struct trace_handle){ .len = r->len, .device = r->device, .flags = r->flags };
	t->open_handle = r->handle;
	t->open_rest = r->rest;
	t->totals.maps++;
	if (++t->totals.live > t->totals.live_max)
		t->totals.live_max = t->totals.live;
	return NULL;
}

static const char *take_segment(struct trace_rules *t, const struct trace_record *r)
{
	struct trace_handle *h;

	if (t->open_rest == 0)
		return "is a segment without its map";
	h = &t->handle[t->open_handle];
	if (r->handle != t->open_handle || r->rest != t->open_rest - 1 || r->time != t->totals.last)
		return "is not the segment that the map announces";
	if (r->len == 0)
		return "maps nothing";
	if (r->value > UINT64_MAX - r->len)
		return "goes beyond the end of the address space";
	if (h->len + r->len >= MAPPING_MAX)
		return "makes a mapping of 4 GiB or more";
	h->len += r->len;
	t->open_rest--;
	t->totals.segments++;
	return NULL;
}

static const char *take_access(struct trace_rules *t, const struct trace_record *r)
{
	const struct trace_handle *h;

	if (!trace_rules_live(t, r->handle))
		return "is an access to a handle that is not mapped";
	h = &t->handle[r->handle];
	if (h->device != r->device)
		return "is an access by another device than the mapping's";
	if (r->len == 0)
		return "accesses nothing";
	if (r->value >= h->len || r->len > h->len - r->value)
		return "is an access beyond its mapping";
	t->totals.dmas += r->type == TRACE_DMA;
	t->totals.syncs += r->type == TRACE_SYNC;
	return NULL;
}

static const char *take_unmap(struct trace_rules *t, const struct trace_record *r)
{
	if (!trace_rules_live(t, r->handle))
		return "unmaps a handle that is not mapped";
	if (t->handle[r->handle].device != r->device)
		return "unmaps another device's mapping";
	t->handle[r->handle].len = 0;
	t->totals.live--;
	t->totals.unmaps++;
	return NULL;
}

static const char *take(struct trace_rules *t, const struct trace_record *r)
{
	switch (r->type) {
	case TRACE_DEVICE:
		return take_device(t, r);
	case TRACE_MAP:
		return take_map(t, r);
	case TRACE_SEGMENT:
		return take_segment(t, r);
	case TRACE_DMA:
	case TRACE_SYNC:
		return take_access(t, r);
	case TRACE_UNMAP:
		return take_unmap(t, r);
	default:
		return "is of no known type";
	}
}

const char *trace_rules_take(struct trace_rules *t, const struct trace_record *r)
{
	struct trace_totals *n = &t->totals;
	const char *wrong;

	if (n->records > 0 && r->time < n->last)
		return "lies before the record before it";
	if (r->time > TRACE_TIME_MAX)
		return "lies more than 115 days after the beginning";
	if (r->cpu >= TRACE_CPUS_MAX)
		return "names a CPU above 1023";
	if (r->flags & ~TRACE_FLAGS)
		return "has unknown flags";
	wrong = check_pages(r);
	if (wrong)
		return wrong;
	if (t->open_rest && r->type != TRACE_SEGMENT)
		return "comes where a segment of the last map should be";
	if (r->type != TRACE_DEVICE && r->device >= n->devices)
		return "names a device that has not been declared";
	wrong = take(t, r);
	if (wrong)
		return wrong;
	if (n->records++ == 0)
		n->first = r->time;
	n->last = r->time;
	if (r->cpu >= n->cpus)
		n->cpus = r->cpu + 1u;
	return NULL;
}

const char *trace_rules_end(const struct trace_rules *t)
{
	return t->open_rest ? "ends within the segments of a map" : NULL;
}
