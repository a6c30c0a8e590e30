/*
 * truth - the ground truth of one domain: which IOVA pages are live, where they lead, and what
 * became of those that are not. Every translation that a device gets is held against it. Takes no
 * simulated time; the simulated kernel knows nothing of it.
 */
#ifndef SIM_DMA_TRUTH_H
#define SIM_DMA_TRUTH_H
#include "base/types.h"
#include "obs/window.h"

struct truth_page {
	uint64_t pa; /* of the page, last mapped; valid while live or window != 0 */
	window_id window; /* of the last unmap; 0: never unmapped */
	sim_time mapped_at; /* first page of a range only, like slack */
	uint32_t slack; /* bytes of the range's pages outside the buffer */
	uint8_t prot; /* IOMMU_PROT_* */
	bool live;
};

/* A radix tree of pages, 12 bits a level, made as it is written. */
struct truth {
	void *root;
	unsigned levels;
	uint64_t leaf_base; /* of the leaf last used */
	struct truth_page *leaf;
};

void truth_init(struct truth *t, unsigned iova_bits);
void truth_fini(struct truth *t);
/* The page's record, made if need be. Valid until truth_fini(). */
struct truth_page *truth_at(struct truth *t, uint64_t pfn);
/* NULL when nothing near was ever mapped. */
const struct truth_page *truth_find(struct truth *t, uint64_t pfn);

#endif
