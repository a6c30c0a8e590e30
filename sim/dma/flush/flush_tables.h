/*
 * flush_tables - ranges that wait for a global flush, one array for each remapping unit: what the Intel
 * driver of 3.1 and 4.7 keeps, once for the system (deferred-global) or once per CPU
 * (deferred-percpu-2016). No lock of its own: the caller holds the one over the arrays.
 */
#ifndef SIM_DMA_FLUSH_FLUSH_TABLES_H
#define SIM_DMA_FLUSH_FLUSH_TABLES_H
#include "dma/flush/flush_metrics.h"

/* The ranges that wait on one remapping unit. */
struct flush_unit {
	uint32_t n;
	struct dma_range *range;
	struct line *line; /* of as many ranges as fit */
};

struct flush_tables {
	const struct flush_env *env;
	struct flush_metrics *m;
	uint32_t room; /* ranges, over all units */
	uint32_t per_line;
	bool caching_mode; /* invalidate range by range */
	uint32_t size; /* over all units */
	struct flush_unit *units;
};

/* env, m: the policy's, kept. entry_bytes: what a waiting range takes in the kernel's array. */
void flush_tables_init(struct flush_tables *t, const struct flush_env *env, struct flush_metrics *m,
	uint32_t room, uint32_t entry_bytes, bool caching_mode);
void flush_tables_fini(struct flush_tables *t); /* aborts when a range still waits */
/* There must be room. */
void flush_tables_add(struct flush_tables *t, struct proc *p, const struct dma_range *r);
/* Invalidate and release all; one global invalidation for each unit that has entries. due: when the
 * caller was called, before it waited for the lock. */
void flush_tables_flush(
	struct flush_tables *t, struct proc *p, sim_time due, enum flush_trigger why);

#endif
