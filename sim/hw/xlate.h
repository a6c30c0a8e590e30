/*
 * xlate - a translation request on its way from the PCIe root complex to the remapping hardware
 * and back. Embedded in its owner; nothing is allocated.
 */
#ifndef SIM_HW_XLATE_H
#define SIM_HW_XLATE_H
#include "base/list.h"
#include "base/types.h"

struct xlate;
/* The answer is in x->rsp; called at the engine's time of completion. */
typedef void xlate_done_fn(struct xlate *x);

/* PCIe address type of a request. */
enum xlate_at { XLATE_UNTRANSLATED, XLATE_TRANSLATION_REQUEST, XLATE_TRANSLATED };

struct xlate {
	/* request; len > 0 and the range does not cross a 4 KiB boundary */
	rid_t rid;
	bool write;
	bool has_pasid, priv, exec; /* PASID TLP prefix; priv and exec only with it */
	uint32_t pasid;
	enum xlate_at at;
	uint32_t len; /* bytes */
	iova_t iova;
	xlate_done_fn *done;

	/* response; a fault is a result, its code the architectural one of the model */
	bool ok;
	bool hit; /* served by the IOTLB */
	bool merged; /* missed, and joined a walk that was under way for another request */
	uint8_t mem_reads; /* memory reads of the walk */
	uint16_t fault_code;
	hpa_t pa; /* of the first byte */
	unsigned page_lg2;
	sim_time latency; /* from the call to the answer */

	struct list link; /* of whoever holds the request at the moment */
	sim_time issued; /* by the IOMMU */
};

/* Who translates: an IOMMU model, or nobody (fn NULL: bus address = physical address).
 * True: answered at once, x->latency says when the answer counts; done is not called.
 * False: done will be called. */
struct xlate_port {
	bool (*translate)(void *ctx, struct xlate *x);
	void *ctx;
};

#endif
