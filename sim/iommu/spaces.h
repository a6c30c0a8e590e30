/*
 * spaces - not architectural: the tags of cached translations. An address space is a domain, or one
 * PASID in it; domain id and PASID together do not fit a cache key, so spaces are numbered as they are
 * met.
 */
#ifndef SIM_IOMMU_SPACES_H
#define SIM_IOMMU_SPACES_H
#include "base/types.h"

#define SPACE_NO_PASID UINT32_MAX /* the domain's own */

struct space {
	uint16_t domain;
	uint32_t pasid; /* or SPACE_NO_PASID */
};

struct spaces {
	struct space *list; /* by number */
	uint32_t n, most;
	uint32_t *hash; /* number + 1; 0: empty */
};

void spaces_init(struct spaces *s, uint32_t most); /* at most 65536 */
void spaces_fini(struct spaces *s);
/* The number, given out now if need be. False when all are in use: whoever has cached anything by
 * number forgets it, calls spaces_clear() and asks again. */
bool spaces_number(struct spaces *s, uint16_t domain, uint32_t pasid, uint16_t *number);
void spaces_clear(struct spaces *s);

#endif
