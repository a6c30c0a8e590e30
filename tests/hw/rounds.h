/*
 * rounds - CPUs that come back to one lock again and again, and what each visit saw: for tests of
 * order, exclusion and hand-over.
 */
#ifndef TESTS_HW_ROUNDS_H
#define TESTS_HW_ROUNDS_H
#include "base/rng.h"
#include "hw/lock.h"
#include "tests/support/bed.h"

#define ROUNDS_VISITS 40000u

struct visit {
	unsigned cpu;
	sim_time arrived, acquired, released;
};

struct rounds {
	struct bed bed;
	struct lock lock;
	/* before rounds_run() */
	unsigned visits_each;
	sim_time think, hold; /* means when random, else exact */
	bool random, sync; /* sync: the holder lets others run before it releases */
	/* after it: in order of acquisition */
	struct visit visit[ROUNDS_VISITS];
	unsigned n;
};

/* CPUs with transfers of 50 ns and 120 ns and a lock of that type. */
void rounds_init(struct rounds *r, unsigned cpus, unsigned per_socket, enum lock_type type);
void rounds_run(struct rounds *r);
void rounds_fini(struct rounds *r);

#endif
