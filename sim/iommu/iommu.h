/*
 * iommu - what every IOMMU model provides. Two halves that meet only in simulated memory and
 * registers, so that a wrong bit in either half shows as a wrong translation:
 *   hw_*   the silicon: sees requests, register accesses and memory
 *   drv_*  the OS driver: writes tables, rings doorbells, waits for completion
 * obs_* is neither: the simulator's own eye on the caches, which takes no time and changes nothing.
 */
#ifndef SIM_IOMMU_IOMMU_H
#define SIM_IOMMU_IOMMU_H
#include <stdio.h>
#include "conf/conf.h"
#include "engine/proc.h"
#include "hw/machine.h"
#include "hw/xlate.h"
#include "obs/metrics.h"
#include "obs/window.h"

#define IOMMU_PROT_R 1u
#define IOMMU_PROT_W 2u

enum iommu_flush_scope { IOMMU_FLUSH_PAGES, IOMMU_FLUSH_DOMAIN, IOMMU_FLUSH_ALL };

struct iommu_flush {
	enum iommu_flush_scope scope;
	uint16_t domain; /* PAGES, DOMAIN */
	iova_t iova; /* PAGES: any alignment; the driver widens as its hardware needs */
	uint32_t npages;
	bool leaf_only; /* no table page was freed: walk caches may stay */
};

/* Table pages that an unmap took out of the tree, chained through the pages' own first word (as a
 * kernel's freelist); they must not be reused before the flush. */
struct iommu_freelist {
	hpa_t head; /* valid while n > 0 */
	uint32_t n;
};

/* A device as its driver presents it. */
struct iommu_dev {
	rid_t rid;
	bool ats; /* it has a translation cache of its own, and that is switched on */
	uint8_t ats_queue; /* invalidate requests that it takes before it answers, 1..32 */
	bool pri; /* it sends page requests */
};

struct iommu_env {
	struct machine *machine;
	struct windows *windows;
	struct metric_scope *scope; /* "iommu0" */
	unsigned index;
	FILE *fault_log; /* kernel-style lines for faults that the driver reads back; or NULL */
};

struct iommu_model_ops {
	const char *name; /* "vtd" */
	const char *summary; /* one line */
	const char *spec; /* "Intel VT-d Architecture Specification, rev. 4.1" */
	size_t state_size; /* the core allocates and zeroes */
	const struct conf_table *conf;

	bool (*init)(void *state, const void *conf, const struct iommu_env *env, struct err *err);
	void (*fini)(void *state); /* after drv_stop; aborts when a table page is left */

	/* As struct xlate_port: true when answered at once. */
	bool (*hw_translate)(void *state, struct xlate *x);
	uint64_t (*hw_mmio_read)(void *state, uint32_t offset, unsigned bytes);
	void (*hw_mmio_write)(void *state, uint32_t offset, unsigned bytes, uint64_t value);
	bool (*hw_idle)(const void *state); /* no walk and no invalidation in progress */
	/* As struct xlate_port; NULL: the model knows no device TLBs, no page requests. */
	void (*hw_invalidated)(void *state, rid_t rid, uint8_t itag);
	void (*hw_page_request)(void *state, const struct page_request *r);

	void (*drv_start)(void *state, struct proc *p); /* tables, queues, translation on */
	/* Off; frees everything of drv_start. After the last domain is gone. */
	void (*drv_stop)(void *state, struct proc *p);
	bool (*drv_domain_add)(void *state, struct proc *p, uint16_t domain, struct err *err);
	/* The domain lives on this unit too, with the tables of `owner`, another unit's state that has it.
	 * Map and unmap go to the owner, flushes to every unit. NULL: a domain has one unit only. */
	bool (*drv_domain_share)(
		void *state, struct proc *p, uint16_t domain, const void *owner, struct err *err);
	void (*drv_domain_del)(
		void *state, struct proc *p, uint16_t domain); /* frees its own tables */
	bool (*drv_attach)(void *state, struct proc *p, const struct iommu_dev *dev,
		uint16_t domain, struct err *err);
	void (*drv_detach)(void *state, struct proc *p, rid_t rid);
	unsigned (*drv_addr_width)(const void *state); /* bits of IOVA */
	uint64_t (*drv_page_sizes)(const void *state); /* bitmap, bit n: 2^n bytes */
	/* The unit serves device TLBs (and page requests); NULL: it does not. */
	bool (*drv_has_ats)(const void *state);
	bool (*drv_has_pri)(const void *state);
	/* n pages of 2^page_lg2 bytes, page_lg2 from the bitmap, iova and pa aligned to it; no page of
	 * the range is mapped. */
	void (*drv_map)(void *state, struct proc *p, uint16_t domain, iova_t iova, hpa_t pa,
		unsigned page_lg2, uint32_t n, unsigned prot);
	/* All of a range is mapped: what the unit needs besides, as not-present entries may be cached or
	 * writes held in buffers. NULL: nothing. */
	void (*drv_sync_map)(
		void *state, struct proc *p, uint16_t domain, iova_t iova, uint32_t npages);
	/* Clear what maps [iova, iova + npages * 4 KiB), wholly mapped before. Tables that the range
	 * covers completely go to *freed (appended). The clear is visible to hardware on return. */
	void (*drv_unmap)(void *state, struct proc *p, uint16_t domain, iova_t iova,
		uint32_t npages, struct iommu_freelist *freed);
	/* Invalidate and wait until it is complete. */
	void (*drv_flush)(void *state, struct proc *p, const struct iommu_flush *f);
	/* Read back, log and clear recorded faults, as the fault interrupt's handler does by itself. */
	void (*drv_faults)(void *state, struct proc *p);

	/* For people: named registers and the caches' contents in numbers; the reads of the walk that
	 * was begun last, kept after obs_trace(true). */
	void (*obs_print)(const void *state, FILE *out);
	void (*obs_trace)(void *state, bool on);
	void (*obs_print_walk)(const void *state, FILE *out);

	/* Mark every cached or in-flight translation of the range with the window; each mark is a
	 * window_hold, dropped with window_drop when the entry goes. */
	void (*obs_mark)(void *state, uint16_t domain, iova_t iova, uint32_t npages, window_id w);
};

const struct iommu_model_ops *const *iommu_models(size_t *n);
/* NULL when no model has the name, as for iommu.model: none. */
const struct iommu_model_ops *iommu_model_find(const char *name);

#endif
