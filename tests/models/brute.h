/*
 * brute - a walk of legacy-mode tables with no cache and no time, written from the specification (VT-d
 * 4.1, 3.4 to 3.7, 7.1.3, 9.1, 9.3, 9.8) apart from the model, to hold the model to.
 */
#ifndef TESTS_MODELS_BRUTE_H
#define TESTS_MODELS_BRUTE_H
#include <stdlib.h>
#include "tests/models/hand.h"

/* Comparisons to make in each mode: the validation script asks for more than every test run makes. */
static inline unsigned brute_steps(unsigned usual)
{
	const char *asked = getenv("IOMMUSIM_BRUTE_STEPS");

	return asked ? (unsigned)strtoul(asked, NULL, 10) : usual;
}

struct brute_result {
	unsigned fault; /* 0: translated */
	uint64_t pa;
	unsigned page_lg2;
	/* The paging entry that decided, as far as the walk came; level 0: none was read. */
	unsigned level;
};

struct brute_result brute_walk(struct hand *h, uint16_t bdf, uint64_t iova, bool write);

#endif
