/*
 * per_unit - where the CPUs' time went, in cycles for each unit that the workload delivered (packet,
 * request). Belongs to the run: CPUs know no packets, workloads no categories.
 */
#ifndef SIM_RUN_PER_UNIT_H
#define SIM_RUN_PER_UNIT_H
#include "hw/cpu.h"

struct per_unit {
	double cycles[CPU_TIME_COUNT];
	double total;
};

void per_unit_register(struct per_unit *u, struct metric_scope *scope);
/* After metrics_collect(). */
void per_unit_fill(struct per_unit *u, const struct machine *m, uint64_t units);

#endif
