/*
 * workload - what drives a run: CPUs and a device that react to each other (closed loop).
 * One ops table per workload, one file, one line in workloads.def.
 */
#ifndef WORKLOADS_WORKLOAD_H
#define WORKLOADS_WORKLOAD_H
#include <stdio.h>
#include "conf/conf.h"
#include "dma/dma.h"
#include "hw/machine.h"
#include "obs/metrics.h"

struct workload_env {
	struct machine *machine;
	struct dma_system *dma;
	struct metric_scope *scope; /* "nic0" */
	const struct conf *conf; /* for sections of shared parts: "workload.arrivals", ... */
	uint64_t seed;
	const struct pcie_conf *pcie;
};

/* What every workload reports, whatever it is: the summary's columns. Since the last reset. */
struct workload_totals {
	uint64_t units, bytes; /* delivered packets or requests, payload bytes */
	uint64_t offered, dropped;
	const char *unit; /* "packets" */
	const struct hist *latency; /* of a unit */
	const struct hist *dma_latency; /* of the device's DMAs */
	const char *dma_latency_path; /* its metric, below the workload's scope */
	struct dma_verdict verdict;
};

struct workload_ops {
	const char *name, *summary, *source;
	size_t state_size; /* the core allocates and zeroes */
	const struct conf_table *conf;

	bool (*init)(
		void *state, const void *conf, const struct workload_env *env, struct err *err);
	void (*fini)(void *state);
	/* Attach and set up in simulated time, on CPU 0: rings, first buffers. False with *err when the
	 * system cannot hold it: then nothing more is called, and the run's process ends. */
	bool (*setup)(void *state, struct proc *p, struct err *err);
	void (*start)(void *state); /* traffic begins, at engine_now() */
	void (*stop)(void *state); /* no new work; work in flight completes */
	bool (*idle)(const void *state); /* after stop: nothing in flight */
	void (*teardown)(void *state, struct proc *p); /* unmap and free everything */
	void (*detach)(void *state, struct proc *p); /* after the flush policy is drained */
	void (*totals)(const void *state, struct workload_totals *t);
	/* Optional: what the tool that it models would print, of the measured time: NAME.txt of the point. */
	void (*report)(const void *state, FILE *out);
};

#define WORKLOAD(id) extern const struct workload_ops workload_##id##_ops;
#include "workloads/workloads.def"
#undef WORKLOAD
const struct workload_ops *const *workloads(size_t *n);

#endif
