#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bug.h"
#include "trace/copy.h"
#include "trace/tools.h"

/* A mapping that lives before the cut, with its segments. */
struct alive {
	struct trace_record *record; /* MAP, then SEGMENTs */
	uint32_t n;
};

struct cut {
	sim_time from, to;
	struct alive *alive; /* by handle */
	uint32_t room;
	struct trace_record *device;
	uint32_t ndevices;
	struct copy_slots slots;
	struct copy_source source;
	struct trace_writer *out;
	bool within; /* a map's segments are under way */
};

static struct alive *alive_at(struct cut *c, uint32_t handle)
{
	if (handle >= c->room) {
		uint32_t room = handle < 512 ? 1024 : 2 * handle;

		c->alive = xrealloc(c->alive, room, sizeof(*c->alive));
		memset(c->alive + c->room, 0, (room - c->room) * sizeof(*c->alive));
		c->room = room;
	}
	return &c->alive[handle];
}

/* A record before the piece: only what lives on matters. */
static void remember(struct cut *c, const struct trace_record *r)
{
	struct alive *a;

	if (r->type == TRACE_DEVICE) {
		c->device = xrealloc(c->device, c->ndevices + 1, sizeof(*c->device));
		c->device[c->ndevices++] = *r;
		return;
	}
	a = alive_at(c, r->handle);
	if (r->type == TRACE_UNMAP) {
		free(a->record);
		*a = (struct alive){ NULL, 0 };
	} else if (r->type == TRACE_MAP || r->type == TRACE_SEGMENT) {
		a->record = xrealloc(a->record, a->n + 1, sizeof(*a->record));
		a->record[a->n++] = *r;
	}
}

static void put(struct cut *c, struct trace_record r)
{
	const char *wrong;

	if (r.type != TRACE_DEVICE)
		r = copy_record(&c->source, &c->slots, &r);
	else
		copy_device(&c->source, r.device);
	wrong = trace_put(c->out, &r);
	if (wrong)
		BUG("a cut record %s", wrong);
}

static void put_remembered(struct cut *c)
{
	for (uint32_t i = 0; i < c->ndevices; i++) {
		c->device[i].time = 0;
		put(c, c->device[i]);
	}
	for (uint32_t h = 0; h < c->room; h++)
		for (uint32_t i = 0; i < c->alive[h].n; i++) {
			struct trace_record r = c->alive[h].record[i];

			r.time = 0;
			r.flags |= TRACE_SYNTHETIC;
			put(c, r);
		}
}

static bool copy_piece(struct cut *c, struct trace_reader *in, struct err *err)
{
	const struct trace_record *rec;
	bool begun = false;

	while ((rec = trace_next(in)) != NULL) {
		struct trace_record r = *rec;

		if (r.time < c->from && !begun) {
			remember(c, &r);
			continue;
		}
		if (!begun)
			put_remembered(c);
		begun = true;
		if (r.time >= c->to && !c->within)
			break;
		r.time -= c->from;
		c->within = r.rest > 0;
		put(c, r);
	}
	if (trace_failed(in, err))
		return false;
	if (!begun)
		put_remembered(c);
	return true;
}

static void cut_fini(struct cut *c)
{
	for (uint32_t h = 0; h < c->room; h++)
		free(c->alive[h].record);
	free(c->alive);
	free(c->device);
	copy_slots_fini(&c->slots);
	copy_source_fini(&c->source);
}

bool trace_cut(const char *file, sim_time from, sim_time to, const char *out, struct err *err)
{
	struct trace_reader *in = trace_open(file, err);
	struct cut c = { .from = from, .to = to };
	bool ok = false;

	if (!in)
		return false;
	c.out = trace_create(out, trace_info_of(in), err);
	if (c.out) {
		ok = copy_piece(&c, in, err);
		if (ok)
			ok = trace_commit(c.out, err);
		else
			trace_abandon(c.out);
	}
	trace_close(in);
	cut_fini(&c);
	return ok;
}
