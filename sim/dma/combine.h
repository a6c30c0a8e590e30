/*
 * combine - which allocators and flush policies go together, from what their tables say.
 */
#ifndef SIM_DMA_COMBINE_H
#define SIM_DMA_COMBINE_H
#include "dma/flush/flush.h"
#include "dma/iova/iova.h"

/* False with the reason as *err's text, which names both, and the ones that would do as its hint. */
bool dma_combination_is_valid(const struct iova_allocator_ops *allocator,
	const void *allocator_conf, const struct flush_policy_ops *policy, struct err *err);

#endif
