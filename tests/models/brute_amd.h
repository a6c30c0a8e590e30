/*
 * brute_amd - a walk of AMD's device table, host tables and guest tables with no cache and no time, written
 * from the specification (48882: 2.2.2, 2.2.3, 2.2.6, 2.5) apart from the model, to hold the model to.
 */
#ifndef TESTS_MODELS_BRUTE_AMD_H
#define TESTS_MODELS_BRUTE_AMD_H
#include "tests/models/amdhand.h"

struct brute_amd {
	unsigned code; /* of the event; 0: translated */
	uint64_t pa;
	unsigned lg2;
};

/* pasid < 0: a request without one. */
struct brute_amd brute_amd_walk(
	struct ahand *h, uint16_t bdf, int pasid, uint64_t address, bool write);

#endif
