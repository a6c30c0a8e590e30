/*
 * flush - when a dead mapping's IOTLB entries are invalidated and its IOVA may be reused.
 * The policy owns a range from unmapped() until it calls env->release. One policy instance serves
 * all domains and remapping units of the system.
 */
#ifndef SIM_DMA_FLUSH_FLUSH_H
#define SIM_DMA_FLUSH_FLUSH_H
#include "dma/iova/iova.h"
#include "iommu/iommu.h"

struct dma_domain; /* opaque to policies */

/* An unmapped range on its way back. */
struct dma_range {
	struct dma_domain *domain;
	uint16_t domain_id;
	unsigned iommu; /* first remapping unit of the domain */
	struct iova_range iova;
	struct iommu_freelist tables;
	window_id window;
	bool keeps_iova; /* its address is not the range's to give back */
};

/* Why an invalidation is sent; counted by the DMA layer. */
#define FLUSH_TRIGGERS(T)                                                                          \
	T(unmap, "Unmap waits for its own invalidation.")                                          \
	T(batch_full, "The batch of unmapped ranges was full.")                                    \
	T(timer, "The flush timer fired.")                                                         \
	T(reuse, "The allocator was to hand addresses out again.")                                 \
	T(drain, "Detach or end of the run.")

enum flush_trigger {
#define FLUSH_TRIGGER_ID_(id, help) FLUSH_BY_##id,
	FLUSH_TRIGGERS(FLUSH_TRIGGER_ID_)
#undef FLUSH_TRIGGER_ID_
		FLUSH_TRIGGER_COUNT
};

/* What the DMA layer (or a test) lends to a policy. */
struct flush_env {
	struct machine *machine;
	struct metric_scope *scope; /* "flush" */
	unsigned ncpus, niommus;
	void *ctx;
	/* Invalidate on one remapping unit; returns when complete. */
	void (*invalidate)(void *ctx, struct proc *p, unsigned iommu, const struct iommu_flush *f,
		enum flush_trigger why);
	/* The invalidation that covers r is complete: closes its policy window. Before release. */
	void (*flushed)(void *ctx, struct proc *p, const struct dma_range *r);
	/* IOVA back to the allocator, table pages back to the page allocator. */
	void (*release)(void *ctx, struct proc *p, const struct dma_range *r);
	/* The same in two steps, for a policy that needs IOVA_TELLS_REUSE: the address goes back before any
	 * invalidation, to an allocator that asks for it (ops->reuse) before it hands the address out
	 * again, if need be within this call; the table pages after flushed(). */
	void (*give_back)(void *ctx, struct proc *p, const struct dma_range *r);
	void (*release_tables)(void *ctx, struct proc *p, const struct dma_range *r);
	/* Arm or move timer number `timer` (a policy has one, or one per CPU or per domain, by their
	 * numbers) on p's CPU; it calls ops->timer. */
	void (*timer_mod)(void *ctx, struct proc *p, unsigned timer, sim_time delay);
	/* Longest time from arming such a timer to its expiry, from the kernel's tick. */
	sim_time (*timer_bound)(void *ctx, sim_time delay);
};

struct flush_policy_ops {
	const char *name, *summary, *source;
	size_t state_size; /* the core allocates and zeroes */
	const struct conf_table *conf; /* NULL: no parameters */
	/* A baseline that releases ranges before any invalidation covers them. Everything else that is
	 * said here holds for it too; its `held` ranges are those whose windows are open. */
	bool unsafe;
	unsigned needs; /* of enum iova_caps: works over allocators that have all of these */

	bool (*init)(void *state, const void *conf, const struct flush_env *env, struct err *err);
	/* Optional: a domain comes to be, before its first unmap. */
	void (*domain_add)(void *state, uint16_t domain);
	void (*fini)(void *state); /* aborts when it still holds a range */
	/* The page-table entries of r are already clear in memory; r is copied. May wait. */
	void (*unmapped)(void *state, struct proc *p, const struct dma_range *r);
	/* With IOVA_TELLS_REUSE in `needs` only: the allocator of the domain asks for the invalidation of r,
	 * given back and about to be free for others, or (r NULL) of everything given back so far. Under
	 * the allocator's locks. Returns when it is complete. */
	void (*reuse)(void *state, struct proc *p, uint16_t domain, const struct iova_range *r);
	/* Optional; as timer work on the CPU that armed it. */
	void (*timer)(void *state, struct proc *p, unsigned timer);
	/* Invalidate and release everything still held: detach, end of run. */
	void (*drain)(void *state, struct proc *p);
	uint64_t (*held)(const void *state); /* ranges waiting for their flush */
	/* Longest time from the return of unmap until the flush that covers it is *started*, or
	 * SIM_TIME_NEVER: the promise that `check` holds a run to, plus one flush. */
	sim_time (*window_bound)(const void *state);
};

#define POLICY(id) extern const struct flush_policy_ops flush_##id##_ops;
#include "dma/flush/policies.def"
#undef POLICY
const struct flush_policy_ops *const *flush_policies(size_t *n);

#endif
