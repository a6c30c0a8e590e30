/*
 * brute_sm_priv - the state of one walk by hand: brute_sm_source.c finds out whose request it is,
 * brute_sm.c walks its tables.
 */
#ifndef TESTS_MODELS_BRUTE_SM_PRIV_H
#define TESTS_MODELS_BRUTE_SM_PRIV_H
#include "tests/models/brute_sm.h"

/* What the tables say of the request. */
struct brute_walk {
	struct hand *h;
	uint64_t cap, ecap, too_high;
	bool write, priv, exec;
	bool any; /* a translation request: with one right or the other it is served */
	uint64_t pasid_entry[8];
	struct brute_sm *r;
};

/* Words of memory; false: there is none. */
bool brute_get(const struct brute_walk *b, uint64_t at, uint64_t *v, unsigned words);
/* The fault, or 0 with b->pasid_entry, priv and exec set. */
unsigned brute_sm_source(struct brute_walk *b, const struct xlate *x);

#endif
