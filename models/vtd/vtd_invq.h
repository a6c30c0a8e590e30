/*
 * vtd_invq - the invalidation engine at work: hw_invq.c takes descriptors from the queue and requests
 * from the registers, hw_invalidate.c carries them out.
 */
#ifndef MODELS_VTD_VTD_INVQ_H
#define MODELS_VTD_VTD_INVQ_H
#include "iommu/linefetch.h"
#include "models/vtd/vtd.h"

struct invq {
	struct vtd *v;
	struct proc *p;
	struct linefetch fetch;
};

struct descriptor {
	uint64_t lo, hi, rest; /* rest: third and fourth word of a 256-bit descriptor, or'ed */
};

/* Let t pass for the engine. */
void vtd_invq_spend(struct invq *q, sim_time t);
/* sid and fm: for VTD_SELECTIVE. */
void vtd_invalidate_context(struct invq *q, uint64_t g, uint16_t sid, unsigned fm);
/* False: not a valid request. `word`: as the second word of an IOTLB descriptor. */
bool vtd_invalidate_iotlb(struct invq *q, uint64_t g, uint16_t did, uint64_t word);
bool vtd_invalidate_pasid_iotlb(struct invq *q, const struct descriptor *d);
bool vtd_invalidate_pasid_cache(struct invq *q, const struct descriptor *d);

/* 6.5.2.5, 6.5.2.6: sends an invalidate request to the device, when one more may be under way. */
bool vtd_device_tlb(struct invq *q, const struct descriptor *d);
bool vtd_pasid_device_tlb(struct invq *q, const struct descriptor *d);
/* Until the devices have answered all of them; false: they have not. */
bool vtd_ats_wait(struct invq *q);
bool vtd_page_group_response(struct invq *q, const struct descriptor *d);

#endif
