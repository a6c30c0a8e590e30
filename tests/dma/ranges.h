/*
 * ranges - what lends a flush policy its environment in tests: it makes unmapped ranges, remembers
 * where each stands, and holds every call of the policy to the contract of flush.h.
 */
#ifndef TESTS_DMA_RANGES_H
#define TESTS_DMA_RANGES_H
#include "dma/flush/flush.h"
#include "hw/ktimer.h"
#include "run/conform_bed.h"

#define RANGES_MAX    65536u
#define RANGES_TIMERS 64u

/* RELEASED: flushed, too. */
enum range_state { RANGE_UNUSED, RANGE_UNMAPPED, RANGE_COVERED, RANGE_FLUSHED, RANGE_RELEASED };

struct tracked {
	enum range_state state;
	struct dma_range range;
	bool released; /* an unsafe policy does that first */
	bool given_back; /* the address, before its flush */
	sim_time t_return; /* SIM_TIME_NEVER: unmapped() has not returned */
	sim_time t_flushed;
};

struct ranges {
	struct machine *machine;
	const struct flush_policy_ops *ops;
	void *state, *conf;
	struct flush_env env;
	sim_time invalidate_time; /* what one invalidation takes, on a timed machine */
	struct tracked t[RANGES_MAX]; /* the window id is the index */
	unsigned n, settled; /* made; of these the first ones that are all done with */
	bool domain_known[UINT16_MAX + 1];
	/* what the policy did */
	uint64_t invalidations[3]; /* by scope */
	uint64_t triggers[FLUSH_TRIGGER_COUNT];
	uint64_t released, timer_mods;
	uint64_t done; /* flushed and released */
	uint64_t armed; /* timers, by bits of their numbers */
	uint64_t leaf_only; /* invalidations */
	struct iommu_flush last; /* invalidation */
	sim_time worst_window;
	struct ranges_timer {
		struct ranges *ranges;
		unsigned number;
		struct ktimer ktimer;
	} timer[RANGES_TIMERS];
};

/* The policy's defaults with one key set, through its table, as a file would; a choice by its index.
 * free() it. */
void *ranges_conf(const struct flush_policy_ops *ops, const char *field, uint64_t value);
/* conf: the policy's, kept by pointer; NULL: its defaults. */
void ranges_init(struct ranges *r, struct conform_bed *bed, const struct flush_policy_ops *ops,
	const void *conf, unsigned niommus);
void ranges_fini(struct ranges *r, struct proc *p); /* drains: nothing may be left */
/* An armed timer fires, the lowest number first; false: none is armed. For untimed machines. */
bool ranges_fire(struct ranges *r);
/* Unmap a range of its own addresses in the domain, on remapping unit domain % niommus. Every 8th frees
 * a page-table page. */
void ranges_unmap(struct ranges *r, struct proc *p, uint16_t domain, uint32_t npages);
unsigned ranges_count(const struct ranges *r, enum range_state state);

#endif
