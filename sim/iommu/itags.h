/*
 * itags - invalidate requests that a unit has sent to devices' own translation caches and that are not
 * answered yet, by the tag that the completion carries (PCI Express 10.3): at most 32 of a unit, and as
 * many of a device as it takes. What a time-out means is the model's.
 */
#ifndef SIM_IOMMU_ITAGS_H
#define SIM_IOMMU_ITAGS_H
#include "base/hist.h"
#include "engine/engine.h"
#include "engine/proc.h"
#include "hw/machine.h"

#define ITAGS 32u

/* The request was not answered in time; it is not pending any more. */
typedef void itags_late_fn(void *model, rid_t rid, uint64_t cookie);

struct itags {
	struct machine *machine;
	itags_late_fn *late;
	void *model;
	struct hist *answer_time; /* or NULL */
	struct {
		bool pending;
		rid_t rid;
		sim_time sent, due;
		uint64_t cookie; /* the model's */
	} tag[ITAGS];
	unsigned n; /* pending */
	struct waitq answered;
	struct event timeout;
};

void itags_init(struct itags *t, struct machine *m, itags_late_fn *late, void *model,
	struct hist *answer_time);
void itags_fini(struct itags *t);
/* The block of 2^lg2 bytes at `address`, as pcie_invalidate(). Waits while `most` requests of the device
 * (0: no limit of its own), or ITAGS in all, are pending. timeout SIM_TIME_NEVER: none. A device that
 * does not exist does not answer. */
void itags_send(struct itags *t, struct proc *p, rid_t rid, unsigned most, uint64_t address,
	unsigned lg2, sim_time timeout, uint64_t cookie);
/* An Invalidate Completion; false: nothing like that is pending. */
bool itags_answered(struct itags *t, rid_t rid, uint8_t itag);
/* Forget all that is pending; their number. */
unsigned itags_give_up(struct itags *t);
/* Until nothing is pending. */
void itags_wait(struct itags *t, struct proc *p);

#endif
