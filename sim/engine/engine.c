#include "engine/engine_priv.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/bug.h"

static void report(FILE *out, void *arg)
{
	const struct engine *e = arg;
	const struct proc *p = proc_current();

	fprintf(out, "iommusim: at %llu ps, event %llu, seed %llu, proc %s\n",
		(unsigned long long)e->now, (unsigned long long)e->executed,
		(unsigned long long)e->seed, p ? proc_name(p) : "none (event)");
}

struct engine *engine_create(uint64_t seed)
{
	struct engine *e = xcalloc(1, sizeof(*e));

	heap_init(&e->heap);
	e->seed = seed;
	e->next_seq = 1;
	list_init(&e->procs);
	bug_context(report, e);
	return e;
}

void engine_destroy(struct engine *e)
{
	procs_destroy(e);
	bug_context(NULL, NULL);
	heap_fini(&e->heap);
	free(e->events);
	free(e);
}

static uint32_t free_slot(struct engine *e)
{
	if (e->first_free_slot) {
		uint32_t id = e->first_free_slot;

		e->first_free_slot = e->events[id].next_free;
		return id;
	}
	if (e->nslots == e->slot_capacity) {
		e->slot_capacity = e->slot_capacity ? 2 * e->slot_capacity : 256;
		e->events = xrealloc(e->events, e->slot_capacity, sizeof(*e->events));
		e->nslots = e->nslots ? e->nslots : 1; /* slot 0 means "no slot" */
	}
	BUG_ON(e->nslots >= (1u << HEAP_ID_BITS));
	return e->nslots++;
}

void event_init(struct event *ev, struct engine *e, event_fn *fn)
{
	uint32_t id = free_slot(e);

	*ev = (struct event){ .fn = fn, .id = id, .engine = e };
	e->events[id].event = ev;
}

/* Entries of the event that are still in the heap no longer match any `pending`, so the slot can be
 * used again at once. */
void event_fini(struct event *ev)
{
	struct engine *e = ev->engine;

	if (!e)
		return;
	e->events[ev->id].event = NULL;
	e->events[ev->id].next_free = e->first_free_slot;
	e->first_free_slot = ev->id;
	*ev = (struct event){ 0 };
}

void event_schedule(struct event *ev, sim_time when)
{
	struct engine *e = ev->engine;
	uint64_t seq = e->next_seq++;

	BUG_ON(when < e->now);
	BUG_ON(seq >> HEAP_SEQ_BITS);
	ev->pending = seq;
	heap_push(&e->heap, (struct heap_entry){ seq << HEAP_ID_BITS | ev->id, when });
}

void event_cancel(struct event *ev)
{
	ev->pending = 0;
}

sim_time engine_now(const struct engine *e)
{
	return e->now;
}

uint64_t engine_seed(const struct engine *e)
{
	return e->seed;
}

uint64_t engine_events(const struct engine *e)
{
	return e->executed;
}

sim_time engine_next(const struct engine *e)
{
	return heap_next_time(&e->heap);
}

void engine_stop(struct engine *e)
{
	e->stopped = true;
}

void engine_run(struct engine *e, sim_time until)
{
	struct heap_entry entry;

	e->stopped = false;
	e->until = until;
	while (!e->stopped && heap_next_time(&e->heap) <= until && heap_pop(&e->heap, &entry)) {
		struct event *ev = e->events[entry.seq_id & ((1u << HEAP_ID_BITS) - 1)].event;

		if (!ev || ev->pending != entry.seq_id >> HEAP_ID_BITS)
			continue; /* cancelled or moved */
		ev->pending = 0;
		e->now = entry.time;
		e->executed++;
		ev->fn(ev);
	}
	if (!e->stopped && until != SIM_TIME_NEVER && e->now < until)
		e->now = until;
}
