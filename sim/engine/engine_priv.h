/*
 * engine_priv - what engine.c and proc.c share: the state of one simulation.
 */
#ifndef SIM_ENGINE_ENGINE_PRIV_H
#define SIM_ENGINE_ENGINE_PRIV_H
#include <stdio.h>

#include "base/list.h"
#include "engine/engine.h"
#include "engine/heap.h"
#include "engine/proc.h"

struct engine_slot {
	struct event *event;
	uint32_t next_free;
};

struct engine {
	struct heap heap;
	sim_time now, until;
	uint64_t next_seq, executed, seed;
	struct engine_slot *events; /* by event id */
	uint32_t nslots, slot_capacity, first_free_slot;
	bool stopped;
	struct list procs;
	unsigned nprocs;
};

void procs_destroy(struct engine *e);

#endif
