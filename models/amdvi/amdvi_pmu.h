/*
 * amdvi_pmu - the events that the performance counters of a unit count: AMD IOMMU Specification, 48882,
 * section 2.12 "Performance counters", by the names that Linux's `perf list` gives them
 * (arch/x86/events/amd/iommu.c). Each is a metric too, and there it always counts.
 */
#ifndef MODELS_AMDVI_AMDVI_PMU_H
#define MODELS_AMDVI_AMDVI_PMU_H
#include "models/amdvi/amdvi_regs.h"
#include "obs/metrics.h"

/* PMU(name, CSOURCE, help) */
#define AMDVI_PMU(P)                                                                               \
	P(mem_pass_untrans, 0x01, "Requests passed on untranslated.")                              \
	P(mem_pass_pretrans, 0x02, "Requests that came translated by the device.")                 \
	P(mem_pass_excl, 0x03, "Requests passed on in the exclusion range.")                       \
	P(mem_target_abort, 0x04, "Requests refused.")                                             \
	P(mem_trans_total, 0x05, "Requests that need a translation.")                              \
	P(mem_iommu_tlb_pte_hit, 0x06, "Found in the page-table cache.")                           \
	P(mem_iommu_tlb_pte_mis, 0x07, "Not found in the page-table cache.")                       \
	P(mem_iommu_tlb_pde_hit, 0x08, "Walks that a page-directory cache shortened.")             \
	P(mem_iommu_tlb_pde_mis, 0x09, "Walks from the root.")                                     \
	P(mem_dte_hit, 0x0a, "Device table entry found in its cache.")                             \
	P(mem_dte_mis, 0x0b, "Device table entry read from memory.")                               \
	P(page_tbl_read_tot, 0x0c, "Page-table entries read.")                                     \
	P(page_tbl_read_nst, 0x0d, "Of them, of host tables.")                                     \
	P(page_tbl_read_gst, 0x0e, "Of them, of guest tables.")                                    \
	P(cmd_processed, 0x11, "Commands executed.")                                               \
	P(cmd_processed_inv, 0x12, "Of them, invalidations.")                                      \
	P(tlb_inv, 0x13, "Cached translations removed by invalidations.")

struct amdvi_pmu {
#define AMDVI_PMU_MEMBER_(name, source, help) uint64_t name;
	AMDVI_PMU(AMDVI_PMU_MEMBER_)
#undef AMDVI_PMU_MEMBER_
};

enum amdvi_pmu_source {
#define AMDVI_PMU_ID_(name, source, help) PMU_##name = source,
	AMDVI_PMU(AMDVI_PMU_ID_)
#undef AMDVI_PMU_ID_
};

#define AMDVI_BANKS             2u /* as on the parts whose boot messages are published */
#define AMDVI_COUNTERS_PER_BANK 4u

struct amdvi_counter {
	uint64_t reg[COUNTER_REGS];
};

struct amdvi_counters {
	struct amdvi_counter of[AMDVI_BANKS][AMDVI_COUNTERS_PER_BANK];
	uint64_t wanted; /* bit CSOURCE: some counter counts it */
};

/* What an event belongs to, for the counters' filters. */
struct amdvi_origin {
	uint16_t device, domain;
	uint32_t pasid;
};

uint64_t amdvi_counter_read(const struct amdvi_counters *c, uint32_t offset, unsigned bytes);
void amdvi_counter_write(struct amdvi_counters *c, uint32_t offset, unsigned bytes, uint64_t value);
void amdvi_counters_add(struct amdvi_counters *c, enum amdvi_pmu_source source,
	const struct amdvi_origin *from, uint64_t n);

/* Count event `name` n times, in the metric and in the counters that are set to it. */
#define AMDVI_COUNT(hw, name, from, n)                                                             \
	do {                                                                                       \
		(hw)->pmu.name += (n);                                                             \
		if ((hw)->counters.wanted >> PMU_##name & 1)                                       \
			amdvi_counters_add(&(hw)->counters, PMU_##name, (from), (n));              \
	} while (0)

extern const struct metric_table amdvi_pmu_table;

#endif
