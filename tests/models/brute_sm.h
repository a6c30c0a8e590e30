/*
 * brute_sm - a walk of scalable-mode tables with no cache and no time, written from the specification
 * (VT-d 4.1, 3.4.3, 3.6 to 3.8, 7.1.3, 9.2, 9.4 to 9.8) apart from the model, to hold the model to. It
 * changes nothing: the accessed and dirty bits that the walk sets are in the answer.
 */
#ifndef TESTS_MODELS_BRUTE_SM_H
#define TESTS_MODELS_BRUTE_SM_H
#include "tests/models/brute.h"

#define BRUTE_ENTRIES 64u

struct brute_sm {
	unsigned fault; /* 0: translated */
	bool recorded; /* with a fault: no FPD bit on the way */
	bool may_read, may_write; /* of a translation request */
	uint64_t pa; /* of a translation request: with a right */
	unsigned page_lg2;
	/* Every paging entry that was looked at, with what the walk sets in it. */
	unsigned n;
	struct {
		uint64_t at, before, set;
	} entry[BRUTE_ENTRIES];
};

struct brute_sm brute_sm_walk(struct hand *h, const struct xlate *x);

#endif
