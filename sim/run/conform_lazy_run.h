/*
 * conform_lazy_run - a flush policy over the allocators of its domains, on CPUs: what a replay of
 * deferred-flush vectors drives. It counts what each call of the policy causes.
 */
#ifndef SIM_RUN_CONFORM_LAZY_RUN_H
#define SIM_RUN_CONFORM_LAZY_RUN_H
#include "dma/flush/flush.h"
#include "run/conform_models.h"
#include "run/conform_space.h"

/* What one call of the policy caused. */
struct lazy_effects {
	uint64_t flushes, freed, armed;
};

struct lazy_run {
	struct engine *engine; /* the CPUs'; time is not looked at */
	struct conform_bed bed;
	unsigned ndomains, niommus;
	struct conform_space *space; /* ndomains */
	const struct flush_policy_ops *policy;
	void *policy_state, *policy_conf;
	enum iommu_flush_scope scope; /* of the invalidations that are counted */
	struct lazy_effects now;
};

struct lazy_run_params {
	const struct conform_model *model;
	void *policy_conf; /* passes to the run */
	unsigned ncpus, ndomains, niommus;
	enum iommu_flush_scope scope;
};

/* Domain d is on remapping unit d % niommus; the MSI window is reserved in each. NULL and *err. */
struct lazy_run *lazy_run_create(
	const struct lazy_run_params *params, struct conform *c, struct err *err);
/* Drains the policy; allocators that are not sound are mismatches. */
void lazy_run_destroy(struct lazy_run *run, struct conform *c);

/* On the CPU; false: no range is live there (a mismatch). Effects are in run->now. */
bool lazy_run_unmap(struct lazy_run *run, struct conform *c, unsigned cpu, unsigned domain,
	uint64_t pfn, uint32_t *npages);
void lazy_run_fire(struct lazy_run *run, unsigned cpu);

#endif
