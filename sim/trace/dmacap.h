/*
 * dmacap - what a recording of kernel events says about mappings, put together. Three sources tell of
 * the same call, each with a part of the story, and a recording may hold any of them:
 *
 *   iommu:map, iommu:unmap   address, size, physical address; no device, no direction
 *   dma:*                    everything; printed after the iommu event of the same call
 *   probes on the DMA API    device, exact offset and size before the iommu event; they miss calls
 *
 * Where iommu events exist they decide what was mapped, and the others add to it; without them dma:*
 * decide. So a map waits, and everything after it, until its call is over: a bounded number of steps.
 *
 * A scatter list is one mapping to the API but one iommu:map for each contiguous piece: pieces that
 * follow each other on a CPU, in time, address and alignment, are put together.
 */
#ifndef SIM_TRACE_DMACAP_H
#define SIM_TRACE_DMACAP_H
#include "trace/import.h"
#include "trace/spool.h"

struct dmacap;

struct dmacap_call { /* of the DMA API */
	const char *device; /* name */
	unsigned dir; /* enum trace_dir */
	uint64_t iova, size; /* exact */
	uint64_t pa; /* maps; 0: not known */
	bool coherent;
};

struct dmacap *dmacap_create(struct import *im);
void dmacap_destroy(struct dmacap *c); /* the recording is over: what waited is spooled */

/* Each: false with the error set, when the event contradicts those before it and bad ones are not to
 * be skipped. Times must not fall. */
bool dmacap_iommu_map(
	struct dmacap *c, unsigned cpu, sim_time t, uint64_t iova, uint64_t size, uint64_t pa);
bool dmacap_iommu_unmap(struct dmacap *c, unsigned cpu, sim_time t, uint64_t iova, uint64_t size);
bool dmacap_dma_map(struct dmacap *c, unsigned cpu, sim_time t, const struct dmacap_call *call);
bool dmacap_dma_unmap(struct dmacap *c, unsigned cpu, sim_time t, const struct dmacap_call *call);
/* The pieces of a scatter list in bus addresses and in memory; one call. */
struct dmacap_sg {
	uint64_t *bus, *bus_len; /* of nbus ranges */
	unsigned nbus;
	uint64_t *pa; /* of npa pieces, or none known */
	unsigned npa;
};
bool dmacap_dma_map_sg(struct dmacap *c, unsigned cpu, sim_time t, const struct dmacap_call *call,
	const struct dmacap_sg *sg);
bool dmacap_dma_unmap_sg(struct dmacap *c, unsigned cpu, sim_time t, const struct dmacap_call *call,
	const struct dmacap_sg *sg);
bool dmacap_sync(struct dmacap *c, unsigned cpu, sim_time t, const struct dmacap_call *call,
	bool for_device);
/* A DMA that was seen; call->dir says read or write, call->size is cut at the mapping's end, call->pa is
 * the page it led to. What was never mapped here is older than the recording. */
bool dmacap_access(struct dmacap *c, sim_time t, const struct dmacap_call *call);
/* Probes. enter: call->iova holds the offset in the page. */
void dmacap_map_enter(struct dmacap *c, unsigned cpu, const struct dmacap_call *call);
void dmacap_unmap_enter(struct dmacap *c, unsigned cpu, const struct dmacap_call *call);

#endif
