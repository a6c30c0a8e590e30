/*
 * engine - the pending events of one simulation, in one total order of (time, sequence).
 *
 * An event is owned by whoever schedules it and is scheduled at most once at a time; scheduling it
 * again moves it. Nothing is allocated per event. Flows of control (proc.h) are events too.
 * Ties in time run in the order in which they were scheduled.
 */
#ifndef SIM_ENGINE_ENGINE_H
#define SIM_ENGINE_ENGINE_H
#include "base/types.h"

struct engine;
struct event;
typedef void event_fn(struct event *ev);

struct event {
	event_fn *fn;
	uint32_t id; /* slot in the engine's table */
	uint64_t pending; /* sequence of the live heap entry; 0: not scheduled */
	struct engine *engine;
};

struct engine *engine_create(uint64_t seed);
void engine_destroy(struct engine *e);

/* An event must be registered before its first use and unregistered (which cancels it) before its
 * memory goes away. */
void event_init(struct event *ev, struct engine *e, event_fn *fn);
void event_fini(struct event *ev);
/* when must not lie before engine_now(). */
void event_schedule(struct event *ev, sim_time when);
void event_cancel(struct event *ev);
static inline bool event_is_pending(const struct event *ev)
{
	return ev->pending != 0;
}

sim_time engine_now(const struct engine *e);
uint64_t engine_seed(const struct engine *e);
/* Run every event with time <= until, then set the clock to `until`. With the clock at the last
 * event: after engine_stop(), and with SIM_TIME_NEVER, which runs until nothing is pending. */
void engine_run(struct engine *e, sim_time until);
void engine_stop(struct engine *e);
/* Time of the next pending entry or SIM_TIME_NEVER. A cancelled event may make it early, never late. */
sim_time engine_next(const struct engine *e);
/* Events executed so far: the measure of the program's own work. */
uint64_t engine_events(const struct engine *e);

#endif
