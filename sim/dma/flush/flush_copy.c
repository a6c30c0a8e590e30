/*
 * copy: Markuze, Morrison, Tsafrir, "True IOMMU Protection from DMA Attacks: When Copy Is Faster Than Zero
 * Copy", ASPLOS 2016: buffers of the driver are never mapped. The device gets one of a pool of buffers that
 * stay mapped for good, and the DMA layer copies into it at map, out of it at unmap. So there is nothing to
 * invalidate and no window, and a device sees no byte beside the buffer.
 *
 * The pool is the allocator's (premapped), the copies are the DMA layer's, charged by the line
 * (cost.copy_line). What is left for the policy are the ranges that are mapped after all, rings and requests
 * too long for the pool: those are strict.
 */
#include "dma/flush/flush_strict.h"

const struct flush_policy_ops flush_copy_ops = {
	.name = "copy",
	.summary = "Buffers that stay mapped, data copied: no unmap; the rest is strict",
	.source = "Markuze, Morrison, Tsafrir: True IOMMU Protection (ASPLOS 2016)",
	.needs = IOVA_PREMAPPED,
	.state_size = sizeof(struct flush_strict),
	.init = flush_strict_init,
	.fini = flush_strict_fini,
	.unmapped = flush_strict_unmapped,
	.drain = flush_strict_drain,
	.held = flush_strict_held,
	.window_bound = flush_strict_window_bound,
};
