/*
 * rig - one IOMMU model on a small machine of its own: engine, CPUs, memory, window tracker and fault
 * log. Everything is at its default until the test changes it, between rig_init() and rig_start().
 */
#ifndef TESTS_MODELS_RIG_H
#define TESTS_MODELS_RIG_H
#include "hw/machine.h"
#include "hw/pcie.h"
#include "iommu/iommu.h"

struct rig {
	struct cpu_conf cpu;
	struct cost_conf cost;
	struct lock_conf lock;
	struct mem_conf mem;
	struct machine_conf machine_conf;
	struct engine *engine;
	struct metrics *metrics;
	struct machine machine;
	struct windows *windows;
	const struct iommu_model_ops *ops; /* NULL: no IOMMU, only the machine */
	void *conf, *state;
	FILE *log;
	char *log_text; /* valid after rig_log() */
	size_t log_len;
};

const struct iommu_model_ops *rig_model(const char *name);
void rig_init(struct rig *r, const struct iommu_model_ops *ops, unsigned ncpus);
void rig_start(struct rig *r);
void rig_stop(struct rig *r);

/* A numeric key of the model's configuration, before rig_start(). */
void rig_set(struct rig *r, const char *key, uint64_t value);
uint64_t rig_get(const struct rig *r, const char *key);
/* A metric by its path in the results, "iommu0.iotlb.hits": a counter, time or gauge; a computed one
 * (after metrics_collect); a histogram. */
uint64_t rig_metric(const struct rig *r, const char *path);
double rig_real(const struct rig *r, const char *path);
const struct hist *rig_hist(const struct rig *r, const char *path);

/* Run fn on a CPU in simulated time, to its end. */
typedef void rig_fn(struct proc *p, void *arg);
void rig_on_cpu(struct rig *r, unsigned cpu, rig_fn *fn, void *arg);
/* Until nothing is left to happen. */
void rig_settle(struct rig *r);
/* Until `t`, even if nothing happens. */
void rig_run_to(struct rig *r, sim_time t);
sim_time rig_now(const struct rig *r);

/* A device with this configuration, its own translation cache on, linked to the model; rig_stop() ends it.
 * conf outlives it. */
struct pcie_port *rig_device(struct rig *r, uint16_t bdf, const struct pcie_conf *conf);
/* A DMA of 64 bytes to its end; true when it was not refused. */
bool rig_dma(struct rig *r, struct pcie_port *port, uint64_t iova, bool write);

/* One request from now until its answer: true when that came at once. */
bool rig_translate(struct rig *r, struct xlate *x);
/* The same for a 4-byte access; the answer. */
struct xlate rig_access(struct rig *r, uint16_t bdf, uint64_t iova, bool write);
/* What the driver has logged so far. */
const char *rig_log(struct rig *r);

#endif
