/*
 * iova_aperture - what the two bitmap allocators of the AMD driver share: a space of at most 32
 * apertures of 128 MiB, each with a bitmap of one page, made one at a time as they are needed.
 *
 * The space begins at the aperture boundary at or below the domain's first PFN (0 in the kernel); the
 * pages below that PFN and the reserved ones are taken when their aperture is made. The last page of an
 * aperture, or below a narrower limit, is never used (iommu_area_alloc).
 */
#ifndef SIM_DMA_IOVA_IOVA_APERTURE_H
#define SIM_DMA_IOVA_IOVA_APERTURE_H
#include "dma/iova/iova.h"
#include "dma/iova/iova_bitmap.h"
#include "dma/iova/iova_metrics.h"
#include "hw/lock.h"

#define APERTURE_LG2       15u /* pages: 128 MiB */
#define APERTURE_PAGES     (1u << APERTURE_LG2)
#define APERTURES_MAX      32u
#define APERTURES_MAX_TEXT "32"

struct aperture {
	struct iova_bitmap bits;
	uint64_t first_pfn;
	struct lock lock; /* bitmap_lock of 4.5; not used by 3.1 */
	uint32_t next_bit; /* on that lock's line */
};

struct pfn_range {
	uint64_t first, last;
};

struct iova_space {
	struct machine *machine;
	const char *name;
	uint64_t base_pfn, first_pfn, last_pfn;
	struct aperture *aperture[APERTURES_MAX];
	uint32_t n;
	struct pfn_range *reserved;
	uint32_t nreserved;
	struct iova_metrics m;
	struct iova_bitmap_metrics bitmap_m;
};

void iova_space_init(struct iova_space *s, const struct iova_env *env);
void iova_space_fini(struct iova_space *s);
/* False when there are 32. The kernel's page for the bitmap is charged. */
bool iova_space_grow(struct iova_space *s, struct proc *p);
void iova_space_reserve(struct iova_space *s, uint64_t first_pfn, uint64_t last_pfn);

/* A request against one space: its highest usable PFN, and alignment. */
struct iova_space_req {
	uint64_t limit_pfn;
	uint32_t npages;
	unsigned align_lg2;
};
struct iova_space_req iova_space_req(const struct iova_space *s, const struct iova_req *req);
static inline bool aperture_is_below(const struct aperture *a, const struct iova_space_req *req)
{
	return a->first_pfn <= req->limit_pfn;
}
/* iommu_area_alloc(): first fit from next_bit on; takes it. The aperture lies below the limit. */
bool aperture_alloc(struct aperture *a, struct proc *p, const struct iova_space_req *req,
	uint32_t next_bit, uint32_t *bit);
struct aperture *iova_space_of(const struct iova_space *s, uint64_t pfn, uint32_t *bit);

bool iova_space_check(const struct iova_space *s, struct err *err);

#endif
