/*
 * events - kernel events, whoever printed or stored them, handed to dmacap. Written as text: ftrace's own
 * form, or "device=... dma_addr=0x..." with the fields' names, which is how binary records are given.
 */
#ifndef SIM_TRACE_EVENTS_H
#define SIM_TRACE_EVENTS_H
#include "trace/import.h"
#include "trace/line.h"

struct events;

struct events *events_create(struct import *im);
void events_destroy(struct events *e); /* what waited is spooled */
/* False: the error is set. A time before the last one's is bad, like a CPU that cannot be. */
bool events_take(struct events *e, struct line_event *ev);
/* Has any event been seen? */
bool events_any(const struct events *e);

#endif
