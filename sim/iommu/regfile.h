/*
 * regfile - a block of memory-mapped registers, from a table: reset values, which bits software can
 * write, which it clears by writing 1. Accesses of 1 to 8 bytes at any offset behave byte by byte;
 * what a write sets off is the model's.
 */
#ifndef SIM_IOMMU_REGFILE_H
#define SIM_IOMMU_REGFILE_H
#include "base/types.h"

struct reg_desc {
	const char *name; /* the specification's */
	uint32_t offset;
	unsigned bytes; /* 4 or 8 */
	uint64_t writable, w1c; /* masks; all other bits are read-only to software */
};

struct regfile {
	uint8_t *value, *writable, *w1c;
	uint32_t size;
};

void regfile_init(struct regfile *rf, uint32_t size);
void regfile_fini(struct regfile *rf);
void regfile_add(struct regfile *rf, const struct reg_desc *d, uint64_t reset);
/* Software's accesses. Beyond the block: reads give all ones, writes vanish. */
uint64_t regfile_read(const struct regfile *rf, uint32_t offset, unsigned bytes);
void regfile_write(struct regfile *rf, uint32_t offset, unsigned bytes, uint64_t value);
/* Hardware's own: no masks. */
uint32_t reg32(const struct regfile *rf, uint32_t offset);
uint64_t reg64(const struct regfile *rf, uint32_t offset);
void reg32_set(struct regfile *rf, uint32_t offset, uint32_t value);
void reg64_set(struct regfile *rf, uint32_t offset, uint64_t value);
/* True when an access of `bytes` at `offset` includes byte `at`. */
static inline bool reg_touches(uint32_t offset, unsigned bytes, uint32_t at)
{
	return at >= offset && at < offset + bytes;
}

#endif
