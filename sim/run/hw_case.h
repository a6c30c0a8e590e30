/*
 * hw_case - one case of the hardware vectors on a machine of its own: an IOMMU model driven by
 * register accesses, memory contents and DMA requests alone, as a bench would drive the silicon.
 */
#ifndef SIM_RUN_HW_CASE_H
#define SIM_RUN_HW_CASE_H
#include <jansson.h>
#include "conf/conf.h"
#include "hw/machine.h"
#include "iommu/iommu.h"

struct hw_case {
	const char *id, *note;
	json_t *json; /* borrowed */
	struct conf *conf;
	struct machine_conf machine_conf;
	struct engine *engine;
	struct metrics *metrics;
	struct windows *windows;
	struct machine machine;
	const struct iommu_model_ops *model;
	void *state;
	bool answered; /* the request under way */
};

/* Reset, memory as the case lists it, then its register writes. False with *err: the case is
 * malformed. *known is false when no model stands for its vendor; then nothing is built. */
bool hw_case_begin(struct hw_case *c, json_t *json, bool *known, struct err *err);
void hw_case_end(struct hw_case *c);

/* "0x..." or an integer. */
uint64_t hw_number(const json_t *v);
bool hw_memory_writes(struct hw_case *c, const json_t *list);
bool hw_register_writes(struct hw_case *c, const json_t *list);
uint64_t hw_register_read(struct hw_case *c, uint32_t offset, unsigned bytes);
uint64_t hw_memory_read(struct hw_case *c, uint64_t at);
/* One request within a 4 KiB page; returns when it is answered. */
void hw_dma(struct hw_case *c, struct xlate *x);

#endif
