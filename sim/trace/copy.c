#include "trace/copy.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/bug.h"

void copy_slots_fini(struct copy_slots *s)
{
	free(s->free);
}

uint32_t copy_slot_get(struct copy_slots *s)
{
	return s->nfree > 0 ? s->free[--s->nfree] : s->next++;
}

void copy_slot_put(struct copy_slots *s, uint32_t slot)
{
	if (s->nfree == s->room) {
		s->room = s->room ? 2 * s->room : 256;
		s->free = xrealloc(s->free, s->room, sizeof(*s->free));
	}
	s->free[s->nfree++] = slot;
}

void copy_source_fini(struct copy_source *s)
{
	free(s->handle);
	free(s->device);
}

void copy_device(struct copy_source *s, uint16_t number)
{
	s->device = xrealloc(s->device, s->ndevices + 1u, sizeof(*s->device));
	s->device[s->ndevices++] = number;
}

struct trace_record copy_record(
	struct copy_source *s, struct copy_slots *slots, const struct trace_record *r)
{
	struct trace_record copy = *r;

	BUG_ON(r->type == TRACE_DEVICE || r->device >= s->ndevices);
	if (r->handle >= s->room) {
		s->room = r->handle < 512 ? 1024 : 2 * r->handle;
		s->handle = xrealloc(s->handle, s->room, sizeof(*s->handle));
	}
	copy.device = s->device[r->device];
	if (r->type == TRACE_MAP)
		s->handle[r->handle] = copy_slot_get(slots);
	copy.handle = s->handle[r->handle];
	if (r->type == TRACE_UNMAP)
		copy_slot_put(slots, copy.handle);
	return copy;
}
