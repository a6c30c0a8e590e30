/*
 * flush_strict - the functions of the policy strict, for policies that are strict about some ranges.
 */
#ifndef SIM_DMA_FLUSH_FLUSH_STRICT_H
#define SIM_DMA_FLUSH_FLUSH_STRICT_H
#include "dma/flush/flush_metrics.h"

struct flush_strict {
	struct flush_env env;
	struct flush_metrics m;
};

/* Members of the ops table; state is a struct flush_strict. */
bool flush_strict_init(void *state, const void *conf, const struct flush_env *env, struct err *err);
void flush_strict_fini(void *state);
void flush_strict_unmapped(void *state, struct proc *p, const struct dma_range *r);
void flush_strict_drain(void *state, struct proc *p);
uint64_t flush_strict_held(const void *state);
sim_time flush_strict_window_bound(const void *state);

#endif
