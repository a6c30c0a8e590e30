/*
 * copy - records of some traces into another, whose handles and devices have other numbers.
 */
#ifndef SIM_TRACE_COPY_H
#define SIM_TRACE_COPY_H
#include "trace/file.h"

/* The slots of a trace that is being written. */
struct copy_slots {
	uint32_t *free, nfree, room, next;
};

void copy_slots_fini(struct copy_slots *s);
uint32_t copy_slot_get(struct copy_slots *s);
void copy_slot_put(struct copy_slots *s, uint32_t slot);

/* Numbers of one source in the copy. */
struct copy_source {
	uint32_t *handle, room; /* by the source's handle */
	uint16_t *device, ndevices;
};

void copy_source_fini(struct copy_source *s);
/* r with the copy's numbers. DEVICE records are not for this: copy_device(). */
struct trace_record copy_record(
	struct copy_source *s, struct copy_slots *slots, const struct trace_record *r);
void copy_device(struct copy_source *s, uint16_t number);

#endif
