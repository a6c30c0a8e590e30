/*
 * units - the remapping units of a machine: all of one model and one configuration, each with a scope of
 * devices (as the DRHD structures of DMAR and the IVHD blocks of IVRS say): the buses from its first to
 * the next unit's.
 */
#ifndef SIM_IOMMU_UNITS_H
#define SIM_IOMMU_UNITS_H
#include "iommu/iommu.h"

#define UNITS_MAX 16u

#define UNITS_CONF(F)                                                                              \
	F(u32list, scopes, "[0]", "0", "255", "bus",                                               \
		"First PCI bus of each remapping unit's scope, ascending from 0; one number a unit.")
CONF_DECLARE(units_conf, UNITS_CONF);
extern const struct conf_table units_conf_table;

struct iommu_units {
	const struct iommu_model_ops *ops; /* NULL: no IOMMU */
	unsigned n;
	void *state[UNITS_MAX];
	uint8_t first_bus[UNITS_MAX];
};

struct units_env {
	struct machine *machine;
	struct windows *windows;
	struct metric_scope *root; /* units are "iommu0", "iommu1", ... in it */
	FILE *fault_log;
};

bool iommu_units_init(struct iommu_units *u, const struct iommu_model_ops *ops, const void *conf,
	const struct units_conf *scopes, const struct units_env *env, struct err *err);
/* After iommu_units_stop(), also when init has failed. */
void iommu_units_fini(struct iommu_units *u);
void iommu_units_start(const struct iommu_units *u, struct proc *p);
void iommu_units_stop(const struct iommu_units *u, struct proc *p);
bool iommu_units_idle(const struct iommu_units *u);
/* The unit in whose scope the device is. */
unsigned iommu_unit_of(const struct iommu_units *u, rid_t rid);

#endif
