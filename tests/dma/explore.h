/*
 * explore - run a few flows in every order of their atomic steps (hw/word.h). Each order is replayed from
 * the start, on CPUs of a machine of its own; orders that lead to a state which was seen before are
 * not followed twice. Depth first: every reachable state is reached.
 *
 * Two states are the same when the shared memory is (hash()), and each flow has seen the same values in
 * its steps so far: what it does next follows from those.
 */
#ifndef TESTS_DMA_EXPLORE_H
#define TESTS_DMA_EXPLORE_H
#include "run/conform_bed.h"

#define EXPLORE_FLOWS 3u

struct explore {
	unsigned nflows;
	void (*flow)(struct proc *p, unsigned i); /* on CPU i */
	void (*begin)(struct conform_bed *bed); /* set up; no steps are taken */
	void (*end)(void); /* every flow has ended: hold the outcome to the contract, take down */
	uint64_t (*hash)(void); /* of all that the flows share, the test's own records included */
	/* what came of it */
	uint64_t orders, states, steps_most;
};

void explore_all(struct explore *e);
/* A step of the test's own, from within a flow: others may come in between. */
void explore_step(struct proc *p);

#endif
