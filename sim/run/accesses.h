/*
 * accesses - a VT-d unit of the geometry that an emulated one has, under its driver, to which the maps,
 * unmaps, invalidations and device accesses of a recording are put at their times: for conform_accesses.c.
 */
#ifndef SIM_RUN_ACCESSES_H
#define SIM_RUN_ACCESSES_H
#include "base/err.h"
#include "base/types.h"
#include "dma/truth.h"
#include "run/hw_rig.h"

enum access_event_kind { ACCESS_MAP, ACCESS_UNMAP, ACCESS_INVALIDATE, ACCESS_DMA };

struct access_event {
	sim_time at; /* of the recording */
	enum access_event_kind kind;
	uint64_t iova;
	uint32_t npages; /* not of a DMA; 0: an invalidation of the domain */
	uint64_t pa; /* map: of the first page; DMA: of the page, as the IOMMU translated it */
	unsigned prot; /* IOMMU_PROT_*, likewise */
	rid_t rid; /* DMA */
	bool hit; /* DMA */
	bool settled; /* an invalidation that has been moved to where it took effect */
	unsigned line; /* of the file */
};

/* An unmap whose covering invalidation has not come yet. */
struct open_window {
	window_id id;
	uint64_t iova;
	uint32_t npages;
	sim_time recorded, replayed; /* when the unmap was done, by either clock */
};

struct accesses {
	struct hw_rig rig;
	struct truth truth;
	sim_time epoch; /* of the recording, at the model's time 0 + start */
	sim_time start;
	bool attached[1u << 16]; /* by source-id */
	struct open_window *open;
	size_t nopen;
	/* results */
	uint64_t windows, held_too_long;
	double recorded_us, replayed_us; /* sums of the windows */
	sim_time furthest; /* largest difference between a window here and there */
};

bool accesses_create(struct accesses *a, struct err *err);
/* A device that sends requests; before the first of them. Said twice is once. */
void accesses_device(struct accesses *a, rid_t rid);
/* What was mapped (and, if cached, translated) before the recording began. */
void accesses_before(struct accesses *a, const struct access_event *e, bool cached);
/* Time 0 of the replay is e's. */
void accesses_begin(struct accesses *a, const struct access_event *e);
/* A DMA: whether the IOTLB had it. Others: true. */
bool accesses_replay(struct accesses *a, const struct access_event *e);
void accesses_destroy(struct accesses *a);

#endif
