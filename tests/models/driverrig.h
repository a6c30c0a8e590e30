/*
 * driverrig - a VT-d unit brought up by the driver half, with one device and one domain; what the driver
 * wrote is read back by numbers from the specification.
 */
#ifndef TESTS_MODELS_DRIVERRIG_H
#define TESTS_MODELS_DRIVERRIG_H
#include "tests/models/rig.h"

#define DID        7
#define REG_GSTS   0x1c
#define REG_RTADDR 0x20
#define REG_IQH    0x80
#define REG_IQT    0x88
#define REG_IQA    0x90
#define RING       256u /* descriptors */
#define DRAIN_BITS UINT64_C(0xc0) /* DR and DW of an IOTLB descriptor */

extern struct rig driver_rig;
extern const rid_t driver_rid; /* 03:08.2 */

/* The default capabilities with bits added and removed. */
void driver_start(uint64_t cap_on, uint64_t cap_off, unsigned ncpus);
void driver_stop(void); /* asserts that every page is back */

uint64_t driver_reg(uint32_t offset);
uint64_t driver_word(uint64_t at); /* of memory */
unsigned driver_tail(void); /* descriptors, modulo RING */

struct descriptor {
	uint64_t lo, hi;
};

/* The n-th last descriptor on the ring; 0: the wait of the last submission. */
struct descriptor driver_last(unsigned n);

void driver_flush(const struct iommu_flush *f); /* on CPU 0 */
void driver_flush_pages(uint64_t pfn, uint32_t n);

#endif
