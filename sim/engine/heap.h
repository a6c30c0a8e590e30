/*
 * heap - pending entries in one total order of (time, sequence, id): a 4-ary heap whose groups of
 * four children fill one cache line, with lazy pop (the top's place is filled by the next push, which
 * most events do). Measured best without tuning at 15 to 2,000 entries; no bad case on ties.
 * Private to the engine.
 */
#ifndef SIM_ENGINE_HEAP_H
#define SIM_ENGINE_HEAP_H
#include "base/types.h"

#define HEAP_ID_BITS  24u
#define HEAP_SEQ_BITS 40u /* 10^12 events */

/* seq_id: sequence in the high bits, event id in the low ones. */
struct heap_entry {
	uint64_t seq_id;
	sim_time time;
};

struct heap {
	struct heap_entry *at; /* 64-byte aligned; the root is at[HEAP_ROOT] */
	size_t end; /* one past the last used */
	size_t capacity;
	bool hole; /* the root has been popped and not yet filled */
};

void heap_init(struct heap *h);
void heap_fini(struct heap *h);
void heap_push(struct heap *h, struct heap_entry e);
/* False when empty. */
bool heap_pop(struct heap *h, struct heap_entry *out);
/* Time of the first entry without removing it; SIM_TIME_NEVER when empty. */
sim_time heap_next_time(const struct heap *h);

#endif
