/*
 * xlate - a translation request on its way from the PCIe root complex to the remapping hardware
 * and back. Embedded in its owner; nothing is allocated.
 */
#ifndef SIM_HW_XLATE_H
#define SIM_HW_XLATE_H
#include "base/list.h"
#include "base/types.h"
#include "obs/window.h"

struct xlate;
/* The answer is in x->rsp; called at the engine's time of completion. */
typedef void xlate_done_fn(struct xlate *x);

/* PCIe address type of a request. */
enum xlate_at { XLATE_UNTRANSLATED, XLATE_TRANSLATION_REQUEST, XLATE_TRANSLATED };

struct xlate {
	/* request; the range does not cross a 4 KiB boundary; len 0: a read of no bytes, which only
	 * orders what went before */
	rid_t rid;
	bool write; /* translation request: the device wants to write, too */
	bool has_pasid, priv, exec; /* PASID TLP prefix; priv and exec only with it */
	uint32_t pasid;
	enum xlate_at at;
	uint32_t len; /* bytes */
	iova_t iova; /* XLATE_TRANSLATED: the host address, from the device's own cache */
	xlate_done_fn *done;

	/* response; a fault is a result, its code the architectural one of the model */
	bool ok;
	bool may_read,
		may_write; /* of a translation request: its rights; ok with none is an answer */
	bool hit; /* served by the IOTLB */
	bool merged; /* missed, and joined a walk that was under way for another request */
	uint8_t mem_reads; /* memory reads of the walk */
	uint16_t fault_code;
	hpa_t pa; /* of the first byte */
	unsigned page_lg2;
	sim_time latency; /* from the call to the answer */
	window_id
		mark; /* of a translation request: it is stale already, and who keeps it holds this */

	struct list link; /* of whoever holds the request at the moment */
	sim_time issued; /* by the IOMMU */
};

/* A Page Request message of a device (PCIe PRI). */
struct page_request {
	rid_t rid;
	bool read, write; /* what it wants of the page */
	bool last; /* of its group */
	bool has_pasid, priv, exec;
	uint32_t pasid;
	uint16_t group; /* 9 bits; comes back in the response */
	iova_t iova; /* of the page */
};
enum page_response {
	PAGE_RESPONSE_SUCCESS = 0,
	PAGE_RESPONSE_INVALID = 1,
	PAGE_RESPONSE_FAILURE = 15
};

/* Who is at the other end of a device's link: an IOMMU model, or nobody (all NULL: bus address =
 * physical address). */
struct xlate_port {
	void *ctx;
	/* True: answered at once, x->latency says when the answer counts; done is not called.
	 * False: done will be called. */
	bool (*translate)(void *ctx, struct xlate *x);
	/* An Invalidate Completion message: the invalidate request of that tag is done. */
	void (*invalidated)(void *ctx, rid_t rid, uint8_t itag);
	void (*page_request)(void *ctx, const struct page_request *r);
};

#endif
