/*
 * domain - one address space of the IOMMU API: its IOVA allocator, its tables in the model, its
 * ground truth; and the map and unmap of ranges, split into the page sizes that the model supports.
 */
#ifndef SIM_DMA_DOMAIN_H
#define SIM_DMA_DOMAIN_H
#include "dma/dma.h"
#include "dma/truth.h"

#define DOMAIN_METRICS(M)                                                                          \
	M(COUNTER, maps, "ranges", NULL, "Ranges mapped.")                                         \
	M(COUNTER, pages_mapped, "pages", "maps", "Pages of those, in 4 KiB.")                     \
	M(COUNTER, unmaps, "ranges", NULL, "Ranges unmapped.")                                     \
	M(COUNTER, pages_unmapped, "pages", "unmaps", "Pages of those, in 4 KiB.")                 \
	M(COUNTER, map_failures, "ranges", "maps", "Maps refused: no address was free.")           \
	M(COUNTER, pages_shared, "pages", "pages_mapped",                                          \
		"Pages of those that another range had mapped already (identity).")                \
	M(COUNTER, bytes_copied, "bytes", NULL,                                                    \
		"Bytes copied to and from buffers that stay mapped.")                              \
	M(COUNTER, below_4g, "ranges", "maps", "Addresses found below 4 GiB at the first try.")    \
	M(HIST, map_time, "ps", NULL, "Duration of a map call.")                                   \
	M(HIST, unmap_time, "ps", NULL, "Duration of an unmap call.")                              \
	M(COUNTER, right, "translations", NULL, "Translations that were live and right.")          \
	M(COUNTER, stale, "translations", "right", "Through a mapping that was gone.")             \
	M(COUNTER, wrong_target, "translations", "right",                                          \
		"Live address, but led to a page that it does not belong to (any more).")          \
	M(COUNTER, unmapped_ok, "translations", "right", "Translated although never mapped.")      \
	M(COUNTER, fault_expected, "translations", NULL, "Refused, and rightly so.")               \
	M(COUNTER, fault_unexpected, "translations", NULL, "Refused although live.")               \
	M(REAL, subpage_exposure, "byte.us/s", NULL,                                               \
		"Bytes mapped beyond the buffers x time, per second of run.")

METRIC_DECLARE(domain_metrics, DOMAIN_METRICS);
extern const struct metric_table domain_metric_table;

struct dma_domain {
	struct dma_system *system;
	uint16_t id;
	unsigned iommu; /* the unit whose driver keeps the tables */
	void *state; /* that unit's */
	uint32_t units; /* bitmap of those it lives on */
	char name[16]; /* "dom0" */
	const struct iova_allocator_ops *allocator;
	unsigned caps; /* the allocator's, with its parameters */
	void *iova; /* allocator's state; freed with the device's record */
	struct truth truth;
	unsigned addr_bits;
	struct domain_metrics m;
	double slack_byte_us;
	sim_time measured_from;
};

/* On the remapping unit `iommu`, and with the next number of the system. */
bool domain_init(struct dma_domain *d, struct dma_system *s, struct proc *p, unsigned iommu,
	struct err *err);
/* Live on another unit too: a device in its scope is about to be attached. */
bool domain_extend(struct dma_domain *d, struct proc *p, unsigned iommu, struct err *err);
/* After the last device is detached. */
void domain_fini(struct dma_domain *d, struct proc *p);

/* What a map call wants an address for. */
struct domain_req {
	uint32_t npages;
	bool coherent;
	unsigned prot; /* IOMMU_PROT_* */
	hpa_t pa; /* of the first segment */
};
/* An address for npages, below 4 GiB first where the mask allows both. */
bool domain_alloc_iova(struct dma_domain *d, struct proc *p, const struct domain_req *want,
	uint64_t mask, struct iova_range *out);
/* The lock that some drivers hold through a map, and while an unmap clears its tables. */
void domain_enter(struct dma_domain *d, struct proc *p);
void domain_leave(struct dma_domain *d, struct proc *p);
/* iommu_map(): [pfn, pfn + npages) to pa, in the largest pages that fit. */
void domain_map(struct dma_domain *d, struct proc *p, uint64_t pfn, hpa_t pa, uint32_t npages,
	unsigned prot);
/* All of [pfn, pfn + npages) is mapped. */
void domain_sync_map(struct dma_domain *d, struct proc *p, uint64_t pfn, uint32_t npages);
/* Note what the range's pages hold beyond the buffer; first page's record. */
void domain_note_slack(struct dma_domain *d, uint64_t pfn, uint32_t slack, sim_time now);
/* iommu_unmap() and the policy: clears the range and hands it over; returns when unmap may. */
void domain_unmap(struct dma_domain *d, struct proc *p, const struct iova_range *r);
/* The same of a range whose address stays with somebody else: only the tables are the policy's. */
void domain_unmap_page(struct dma_domain *d, struct proc *p, uint64_t pfn);
/* Map and unmap for good what no policy sees: buffers of IOVA_PREMAPPED. The memory is the domain's. */
void domain_map_buffer(
	struct dma_domain *d, struct proc *p, const struct iova_range *r, unsigned prot);
void domain_unmap_buffer(struct dma_domain *d, struct proc *p, const struct iova_range *r);
/* What the model answered for one unit of the domain's traffic. */
void domain_judge(struct dma_domain *d, const struct xlate *x, sim_time now);

#endif
