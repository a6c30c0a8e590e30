#include "trace/access.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/pqueue.h"

#define HELD_MAX 65536u /* a power of two */

/* An access that is going to happen. */
struct plan {
	sim_time at;
	uint32_t handle, len;
	uint16_t device;
	bool write, dropped;
};

struct buffer { /* by handle, as of the last record taken */
	sim_time mapped;
	struct plan *read; /* planned and not yet out */
	uint64_t len;
	uint16_t device;
	uint8_t flags;
};

struct access {
	sim_time delay;
	struct rng rng;
	access_put_fn *put;
	void *arg;

	struct trace_record *held; /* ring of HELD_MAX */
	uint32_t head, n;
	struct pqueue plans; /* by time */
	struct buffer *buffer;
	uint32_t room;
	sim_time out; /* time of the last record that went out */
};

struct access *access_create(sim_time delay, uint64_t seed, access_put_fn *put, void *arg)
{
	struct access *a = xcalloc(1, sizeof(*a));

	a->delay = delay;
	rng_init(&a->rng, seed, "trace.access");
	a->put = put;
	a->arg = arg;
	a->held = xcalloc(HELD_MAX, sizeof(*a->held));
	return a;
}

void access_destroy(struct access *a)
{
	while (a->plans.n > 0)
		free(pqueue_pop(&a->plans));
	pqueue_fini(&a->plans);
	free(a->held);
	free(a->buffer);
	free(a);
}

/* ---- planned accesses ---- */

static sim_time draw_delay(struct access *a)
{
	double d = rng_exp(&a->rng, (double)a->delay), most = (double)a->delay * ACCESS_DELAYS_MAX;

	return (sim_time)(d < most ? d : most) + 1;
}

static struct plan *plan(
	struct access *a, uint32_t handle, const struct buffer *b, sim_time at, bool write)
{
	struct plan *p = xcalloc(1, sizeof(*p));

	*p = (struct plan){ .at = at < a->out ? a->out : at,
		.handle = handle,
		.len = (uint32_t)(b->len < UINT32_MAX ? b->len : UINT32_MAX),
		.device = b->device,
		.write = write };
	pqueue_push(&a->plans, p->at, p);
	return p;
}

static void emit_plan(struct access *a)
{
	struct plan *p = pqueue_pop(&a->plans);
	const struct trace_record r = { .type = TRACE_DMA,
		.flags = (uint8_t)(TRACE_SYNTHETIC | (p->write ? TRACE_WRITE : 0)),
		.device = p->device,
		.time = p->at > a->out ? p->at : a->out,
		.handle = p->handle,
		.len = p->len };

	if (!p->dropped) {
		if (a->buffer[p->handle].read == p)
			a->buffer[p->handle].read = NULL;
		a->out = r.time;
		a->put(a->arg, &r);
	}
	free(p);
}

/* The oldest record goes out, after the accesses that come before it. A mapping is always older than
 * its accesses, so equal times are the unmap's. */
static void emit_oldest(struct access *a)
{
	const struct trace_record *r = &a->held[a->head];

	while (a->plans.n > 0 && pqueue_top(&a->plans)->key <= r->time)
		emit_plan(a);
	a->out = r->time;
	a->put(a->arg, r);
	a->head = (a->head + 1) % HELD_MAX;
	a->n--;
}

/* ---- records ---- */

static struct buffer *buffer_at(struct access *a, uint32_t handle)
{
	if (handle >= a->room) {
		uint32_t room = handle < 512 ? 1024 : 2 * handle;

		a->buffer = xrealloc(a->buffer, room, sizeof(*a->buffer));
		memset(a->buffer + a->room, 0, (room - a->room) * sizeof(*a->buffer));
		a->room = room;
	}
	return &a->buffer[handle];
}

static bool reads(const struct buffer *b)
{
	return !(b->flags & TRACE_COHERENT) && (b->flags & TRACE_DIR) != TRACE_FROM_DEVICE;
}

static bool writes(const struct buffer *b)
{
	return !(b->flags & TRACE_COHERENT) && (b->flags & TRACE_DIR) != TRACE_TO_DEVICE;
}

/* Segments still to come lengthen the buffer; its read is planned with the last. */
static void see_map(struct access *a, const struct trace_record *r)
{
	struct buffer *b = buffer_at(a, r->handle);

	if (r->type == TRACE_MAP)
		*b = (struct buffer){ .mapped = r->time, .device = r->device, .flags = r->flags };
	b->len += r->len;
	if (r->rest == 0 && reads(b))
		b->read = plan(a, r->handle, b, r->time + draw_delay(a), false);
}

static void see_unmap(struct access *a, const struct trace_record *r)
{
	struct buffer *b = buffer_at(a, r->handle);
	sim_time before;

	if (r->time <= b->mapped)
		before = 0;
	else
		before = r->time - b->mapped - 1;
	if (b->read && b->read->at > r->time) {
		b->read->dropped = true;
		b->read = before ? plan(a, r->handle, b, r->time, false) : NULL;
	}
	if (writes(b) && before) {
		sim_time d = draw_delay(a);

		plan(a, r->handle, b, r->time - (d < before ? d : before), true);
	}
}

void access_take(struct access *a, const struct trace_record *r)
{
	sim_time horizon = a->delay * ACCESS_DELAYS_MAX + 1;

	if (a->delay == 0) {
		a->put(a->arg, r);
		return;
	}
	if (r->type == TRACE_MAP || r->type == TRACE_SEGMENT)
		see_map(a, r);
	else if (r->type == TRACE_UNMAP)
		see_unmap(a, r);
	if (a->n == HELD_MAX)
		emit_oldest(a);
	a->held[(a->head + a->n++) % HELD_MAX] = *r;
	while (a->held[a->head].time + horizon < r->time)
		emit_oldest(a);
}

void access_end(struct access *a)
{
	while (a->n > 0)
		emit_oldest(a);
	while (a->plans.n > 0)
		emit_plan(a);
}
