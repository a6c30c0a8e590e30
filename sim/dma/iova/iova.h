/*
 * iova - who hands out device addresses. One ops table per allocator, one file per allocator, one
 * line in allocators.def. Runs on a simulated CPU: every cost and every lock is explicit.
 */
#ifndef SIM_DMA_IOVA_IOVA_H
#define SIM_DMA_IOVA_IOVA_H
#include "conf/conf.h"
#include "engine/proc.h"
#include "hw/machine.h"
#include "obs/metrics.h"

/* What an allocator is given at init. PFN: iova >> 12. */
struct iova_env {
	struct machine *machine;
	struct metric_scope *scope; /* "dom0.iova" */
	const char *name; /* "dom0", prefix of lock names */
	uint64_t first_pfn, last_pfn; /* the space, both usable */
	unsigned ncpus;
};

struct iova_req {
	uint32_t npages; /* > 0 */
	uint64_t limit_pfn; /* highest usable PFN (device mask, 32-bit-first policy) */
	bool size_aligned; /* aligned to its size rounded up to a power of two */
};

struct iova_range {
	uint64_t pfn;
	uint32_t npages; /* as asked for */
	void *cookie; /* the allocator's own: makes free cheaper; NULL: look it up */
};

struct iova_allocator_ops {
	const char *name; /* the YAML value: "rbtree-3.1" */
	const char *summary; /* one line for `iommusim list` */
	const char *source; /* what it models: "Linux 3.1 drivers/iommu/iova.c" */
	size_t state_size; /* the core allocates and zeroes; the allocator never does */
	const struct conf_table *conf; /* NULL: no parameters */

	bool (*init)(void *state, const void *conf, const struct iova_env *env, struct err *err);
	void (*fini)(void *state); /* aborts when a range is still live */

	/* False when no range at or below req->limit_pfn is free. On success *out is aligned as asked
	 * and disjoint from every live and reserved range. May wait for simulated locks. */
	bool (*alloc)(
		void *state, struct proc *p, const struct iova_req *req, struct iova_range *out);
	/* Optional: what the driver does at unmap to learn the range from its address; fills *out with
	 * the cookie for free(). The range must be live. May wait. */
	void (*find)(void *state, struct proc *p, uint64_t pfn, struct iova_range *out);
	/* The range must be exactly one returned by alloc (or find) and not yet freed. May wait. */
	void (*free)(void *state, struct proc *p, const struct iova_range *r);
	/* Take [first, last] out of the space, before the first alloc. */
	void (*reserve)(void *state, struct proc *p, uint64_t first_pfn, uint64_t last_pfn);

	/* Walk the whole structure; for tests and conformance. */
	bool (*check)(const void *state, struct err *err);
	uint64_t (*live)(const void *state); /* ranges allocated and not freed */
};

#define ALLOCATOR(id) extern const struct iova_allocator_ops iova_##id##_ops;
#include "dma/iova/allocators.def"
#undef ALLOCATOR
/* Every allocator, in the order of allocators.def. */
const struct iova_allocator_ops *const *iova_allocators(size_t *n);

#endif
