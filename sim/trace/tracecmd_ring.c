/*
 * Pages of the kernel's ring buffer (kernel/trace/ring_buffer.c, struct buffer_data_page and struct
 * ring_buffer_event): a page has the time of its first event and the length of its data; an event's head
 * holds a type or length in its low 5 bits and the time since the event before in its upper 27.
 */
#include <string.h>

#include "trace/tracecmd_priv.h"

#define COMMIT_MASK ((UINT64_C(1) << 27) - 1)
#define MISSED      (UINT64_C(1) << 31)
#define TYPE_MASK   31u
#define DELTA_SHIFT 5u
#define DELTA_BITS  27u

enum { LEN_MAX = 28, PADDING = 29, TIME_EXTEND = 30, TIME_STAMP = 31 };

/* The page at c->page becomes the one being read. */
static bool begin_page(struct tracecmd *t, struct tracecmd_cpu *c)
{
	uint32_t head = 8 + t->long_bytes;
	uint64_t commit;

	if (c->len - c->page < head)
		return tracecmd_fail(t, c->at, "a page of events that is cut short");
	c->time_ns = tracecmd_le(c->data + c->page, 8);
	commit = tracecmd_le(c->data + c->page + 8, t->long_bytes);
	c->lost |= (commit & MISSED) != 0;
	commit &= COMMIT_MASK;
	if (commit > c->len - c->page - head)
		return tracecmd_fail(t, c->at, "a page of events longer than its data");
	c->pos = c->page + head;
	c->commit = c->pos + (uint32_t)commit;
	return true;
}

/* False at the end and on failure. */
static bool next_page(struct tracecmd *t, struct tracecmd_cpu *c)
{
	if (c->len > 0 && c->len - c->page > t->page_bytes)
		c->page += t->page_bytes;
	else if (!tracecmd_more(t, c) || c->len == 0)
		return false;
	return begin_page(t, c);
}

static bool word_at(struct tracecmd *t, struct tracecmd_cpu *c, uint32_t *v)
{
	if (c->commit - c->pos < 4)
		return tracecmd_fail(t, c->at, "an event that is cut short");
	*v = (uint32_t)tracecmd_le(c->data + c->pos, 4);
	c->pos += 4;
	return true;
}

static bool take_data(struct tracecmd *t, struct tracecmd_cpu *c, uint32_t len)
{
	uint64_t id = 0;

	if (len > c->commit - c->pos)
		return tracecmd_fail(t, c->at, "an event longer than its page");
	c->next = (struct tracecmd_event){ .cpu = c->number,
		.time = c->time_ns * NS,
		.data = c->data + c->pos,
		.len = len,
		.lost = c->lost };
	if (len >= 2)
		id = tracecmd_le(c->next.data, 2);
	if (t->by_id[id])
		c->next.format = &t->format[t->by_id[id] - 1];
	c->lost = false;
	c->pos += len;
	return true;
}

/* *got: an event with data is in c->next. */
static bool take_event(struct tracecmd *t, struct tracecmd_cpu *c, bool *got)
{
	uint32_t head = 0, type, delta, more = 0;

	if (!word_at(t, c, &head))
		return false;
	type = head & TYPE_MASK;
	delta = head >> DELTA_SHIFT;
	if (type == 0 || type > LEN_MAX) {
		if (type == PADDING && delta == 0) { /* the rest of the page */
			c->pos = c->commit;
			return true;
		}
		if (!word_at(t, c, &more))
			return false;
	}
	switch (type) {
	case PADDING:
		c->time_ns += delta;
		more = more < 4 ? 0 : more - 4;
		c->pos = more < c->commit - c->pos ? c->pos + more : c->commit;
		return true;
	case TIME_EXTEND:
		c->time_ns += ((uint64_t)more << DELTA_BITS) + delta;
		return true;
	case TIME_STAMP: /* 59 bits; the rest is as it was */
		c->time_ns = (c->time_ns & ~((UINT64_C(1) << 59) - 1)) |
			     (((uint64_t)more << DELTA_BITS) + delta);
		return true;
	default:
		c->time_ns += delta;
		*got = true;
		if (type == 0 && more < 4)
			return tracecmd_fail(t, c->at, "an event of impossible length");
		return take_data(t, c, type ? type * 4 : more - 4);
	}
}

bool tracecmd_ring_next(struct tracecmd *t, struct tracecmd_cpu *c)
{
	bool got = false;

	while (!got) {
		if (c->pos >= c->commit && !next_page(t, c)) {
			c->done = true;
			return !t->failed;
		}
		if (c->pos < c->commit && !take_event(t, c, &got))
			return false;
	}
	if (c->next.time / NS != c->time_ns)
		return tracecmd_fail(t, c->at, "a time beyond all times");
	return true;
}

bool tracecmd_next(struct tracecmd *t, struct tracecmd_event *ev)
{
	struct tracecmd_cpu *best = NULL;

	for (unsigned i = 0; i < t->ncpus; i++) {
		struct tracecmd_cpu *c = &t->cpu[i];

		if ((t->current == (int)i || t->current < 0) && !c->done &&
			!tracecmd_ring_next(t, c))
			return false;
		if (!c->done && (!best || c->next.time < best->next.time))
			best = c;
	}
	t->current = best ? (int)(best - t->cpu) : 0;
	if (best)
		*ev = best->next;
	return best != NULL;
}
