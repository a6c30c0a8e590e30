/*
 * probe - who looks on while a run goes by: what each CPU, lock, walker, invalidation queue and device was
 * busy with, from when until when. Nobody, normally: then a probe costs one test of a pointer.
 */
#ifndef SIM_OBS_PROBE_H
#define SIM_OBS_PROBE_H
#include "base/types.h"

enum probe_kind { PROBE_CPU, PROBE_LOCK, PROBE_WALKER, PROBE_QUEUE, PROBE_DEVICE, PROBE_KINDS };

/* What was busy: one track of a picture. */
struct probe_track {
	enum probe_kind kind;
	const void *owner; /* tells tracks of a kind apart, with the number */
	unsigned number;
	const char *name; /* "&iovad->iova_rbtree_lock"; lives as long as the run */
};

struct probe {
	/* Spans of a CPU, lock, walker or queue nest or follow each other; those of a device overlap.
	 * `what` is copied. Ends may lie ahead of the engine's time. */
	void (*span)(void *ctx, const struct probe_track *track, const char *what, sim_time from,
		sim_time to);
	void *ctx;
};

static inline void probe_span(const struct probe *p, struct probe_track track, const char *what,
	sim_time from, sim_time to)
{
	if (p)
		p->span(p->ctx, &track, what, from, to);
}

#endif
