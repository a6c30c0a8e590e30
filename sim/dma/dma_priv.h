/*
 * dma_priv - the state that dma.c, domain.c and dma_flush.c share.
 */
#ifndef SIM_DMA_DMA_PRIV_H
#define SIM_DMA_DMA_PRIV_H
#include "dma/domain.h"
#include "hw/ktimer.h"

#define DMA_METRICS(M)                                                                               \
	M(COUNTER, invalidations, "invalidations", NULL,                                             \
		"Invalidations asked of the IOMMU driver.")                                          \
	M(COUNTER, pages, "invalidations", "invalidations", "Of these, of a page range.")            \
	M(COUNTER, domain, "invalidations", "invalidations", "Of these, of a domain.")               \
	M(COUNTER, global, "invalidations", "invalidations", "Of these, of everything.")             \
	M(COUNTER, by_unmap, "invalidations", "invalidations", "An unmap waited for it.")            \
	M(COUNTER, by_batch_full, "invalidations", "invalidations", "The batch was full.")           \
	M(COUNTER, by_timer, "invalidations", "invalidations", "The flush timer fired.")             \
	M(COUNTER, by_reuse, "invalidations", "invalidations",                                       \
		"The allocator was to hand addresses out again.")                                    \
	M(COUNTER, by_drain, "invalidations", "invalidations", "Detach or end of the run.")          \
	M(HIST, invalidate_time, "ps", NULL, "Duration of one, as the CPU sees it.")                 \
	M(HIST, flush_time, "ps", NULL,                                                              \
		"From when one is due (the unmap's call, the timer's expiry) until it is complete: " \
		"the `one flush' of a policy's promise.")

METRIC_DECLARE(dma_metrics, DMA_METRICS);

struct dma_timer {
	struct ktimer timer;
	struct dma_system *system;
	unsigned number;
};

struct dma_system {
	struct machine *machine;
	const struct dma_system_conf *conf;
	const struct iommu_model_ops *model; /* NULL: no IOMMU */
	const struct iommu_units *units;
	uint32_t reach[UNITS_MAX]; /* by unit: bitmap of the units that its domains live on */
	struct windows *windows;
	const struct flush_policy_ops *policy;
	void *policy_state;
	struct dma_timer **timers; /* one per CPU or per domain, whichever are more */
	unsigned ntimers;
	sim_time *due; /* by CPU: when what the policy does now was due */
	window_id *frame_window; /* by page frame: window of its last unmap */
	uint64_t nframes;
	uint16_t next_domain;
	struct dma_domain **domains; /* by number, next_domain of them */
	struct list devs; /* every struct dma_dev: their counters outlive them, until the reports */
	uint64_t live; /* ranges mapped and not unmapped */
	const struct dma_observer *observer; /* or NULL */
	struct dma_metrics m;
};

struct dma_dev {
	struct dma_system *system;
	struct dma_domain own; /* of the device; unused when it shares another's */
	struct dma_domain *domain; /* that it is attached to */
	unsigned unit; /* in whose scope it is */
	struct pcie_port *port;
	uint64_t mask; /* highest address */
	char name[12];
	struct list link; /* of system->devs */
};

/* dma_flush.c: the policy, and its environment. */
void dma_policy_unmapped(struct dma_system *s, struct proc *p, const struct dma_range *r);
void dma_policy_create(struct dma_system *s);
void dma_policy_domain_add(struct dma_system *s, uint16_t domain); /* before its first unmap */
void dma_policy_destroy(struct dma_system *s);
/* Page-table pages that an unmap took out, back to the page allocator. */
void dma_free_tables(struct dma_system *s, struct proc *p, const struct iommu_freelist *l);
/* As iova_env.flush of the domain's allocator; ctx: the domain. */
void dma_policy_reuse(void *ctx, struct proc *p, const struct iova_range *r);

/* Invalidate on each unit of the bitmap, one after the other. */
void dma_flush_units(
	struct dma_system *s, struct proc *p, uint32_t units, const struct iommu_flush *f);

/* What the devices of a domain have translated themselves: marked as the model's caches are. */
void dma_mark_devices(const struct dma_domain *d, iova_t iova, uint32_t npages, window_id w);

#endif
