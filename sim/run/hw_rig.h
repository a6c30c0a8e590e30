/*
 * hw_rig - an IOMMU model alone on a machine, driven by register accesses, memory contents and DMA
 * requests, as a bench would drive the silicon: what conformance, the `machine` console and fuzzing
 * stand on.
 */
#ifndef SIM_RUN_HW_RIG_H
#define SIM_RUN_HW_RIG_H
#include "conf/conf.h"
#include "hw/machine.h"
#include "iommu/iommu.h"

struct hw_rig {
	struct conf *conf; /* owned */
	struct machine_conf machine_conf;
	struct engine *engine;
	struct metrics *metrics;
	struct windows *windows;
	struct machine machine;
	const struct iommu_model_ops *model;
	void *state;
};

/* Takes conf over, whatever comes of it. iommu.model must not be off. */
bool hw_rig_create(struct hw_rig *r, struct conf *conf, struct err *err);
/* Everything must be idle (hw_rig_settle). */
void hw_rig_destroy(struct hw_rig *r);

/* Until nothing is left to happen: commands, walks and invalidations are done. */
void hw_rig_settle(struct hw_rig *r);
/* Neither settles. Memory that does not exist: writes are refused, reads give all ones. at is
 * aligned to 8. */
uint64_t hw_rig_mmio_read(struct hw_rig *r, uint32_t offset, unsigned bytes);
void hw_rig_mmio_write(struct hw_rig *r, uint32_t offset, unsigned bytes, uint64_t value);
bool hw_rig_mem_write(struct hw_rig *r, uint64_t at, uint64_t value);
uint64_t hw_rig_mem_read(struct hw_rig *r, uint64_t at);
/* One request within a 4 KiB page; returns when it is answered, with the response in *x. */
void hw_rig_dma(struct hw_rig *r, struct xlate *x);

#endif
