/*
 * system - one simulated computer under one workload, built from a bound configuration: engine,
 * machine, IOMMU, DMA layer, workload; torn down in reverse.
 */
#ifndef SIM_RUN_SYSTEM_H
#define SIM_RUN_SYSTEM_H
#include "conf/conf.h"
#include "dma/dma.h"
#include "run/per_unit.h"
#include "run/run_conf.h"
#include "workloads/workload.h"

struct system {
	const struct conf *conf;
	const struct time_conf *time;
	struct engine *engine;
	struct metrics *metrics;
	struct machine machine;
	struct machine_conf machine_conf;
	struct dma_system_conf dma_conf;
	const struct iommu_model_ops *model; /* NULL: off */
	struct iommu_units units; /* none without a model */
	struct metric_scope *windows_scope, *workload_scope;
	struct windows *windows; /* NULL without a model */
	struct per_unit per_unit;
	struct dma_system *dma;
	const struct workload_ops *workload;
	void *workload_state;
	FILE *fault_log;
};

/* fault_log outlives the system. False with *err: what was built is taken down again. */
bool system_create(struct system *s, const struct conf *conf, FILE *fault_log, struct err *err);
/* Every mapping and page must be back. */
void system_destroy(struct system *s);

/* Run fn on CPU 0 in simulated time, to its end. */
void system_on_cpu0(struct system *s, void (*fn)(struct proc *p, void *arg), void *arg);

#endif
