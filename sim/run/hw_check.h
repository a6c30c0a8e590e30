/*
 * hw_check - replaying hardware vectors: the tally of a file, and what differs between the vendors that
 * the vectors have: which model stands for one, how a case configures it, what else than the results of
 * DMA a step is held to.
 */
#ifndef SIM_RUN_HW_CHECK_H
#define SIM_RUN_HW_CHECK_H
#include <stdio.h>
#include "base/err.h"
#include "run/hw_case.h"

#define HW_OPS     7u
#define HW_CODES   256u
#define HW_DEVIATE 32u
#define HW_VENDORS 2u

struct hw_check {
	FILE *out;
	struct src_pos pos;
	uint64_t cases, skipped, steps[HW_OPS];
	uint64_t exact, allowed, departures; /* DMA results */
	struct {
		char name[32];
		uint64_t n;
	} by_name[HW_DEVIATE]; /* departures, by the recording's names for them */
	unsigned nnames;
	struct {
		uint64_t cases, ok, fault[HW_CODES];
	} by_vendor[HW_VENDORS];
	uint64_t mismatches;
	/* of the case */
	bool branched; /* an earlier step took another allowed result: status may differ from here */
	size_t step;
};

struct hw_vendor {
	const char *name, *model;
	const char *fault_key; /* of a recorded result: the code */
	struct {
		const char *cap, *key; /* of the case's "caps", of the section iommu */
	} keys[4];
	size_t state_size; /* what it keeps through a case; zeroed at the start */
	/* Before the first step. */
	void (*begin)(struct hw_check *t, struct hw_case *c, void *state);
	/* After a step's DMA (x: its last request), or after its writes (x NULL), before what the step
	 * reads is compared. Must not look at the results themselves. */
	void (*after)(struct hw_check *t, struct hw_case *c, void *state, const json_t *step,
		const struct xlate *x);
};

extern const struct hw_vendor *const hw_vendors[HW_VENDORS];
extern const struct hw_vendor hw_vendor_vtd, hw_vendor_amd;
/* NULL: no model stands for it. */
const struct hw_vendor *hw_vendor_find(const char *name);

/* One mismatch: `got` against what the step says. */
void hw_differs(struct hw_check *t, struct hw_case *c, const json_t *step, const char *what,
	const char *got);
/* A departure of the recording that the model does not share, asserted the specification's way. */
void hw_departs(struct hw_check *t, const char *name);
/* Register against the recording, unless the case has branched. */
void hw_check_register(struct hw_check *t, struct hw_case *c, const json_t *step,
	const json_t *expected, uint32_t offset, unsigned bytes);

#endif
