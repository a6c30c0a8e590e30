/*
 * walker - the page walkers of a remapping unit: a number of slots, a queue in front of them, and
 * miss-status merging: requests of one device for one page share a walk. What a walk does is the
 * model's; it runs as straight-line code on a flow of its own.
 *
 * An invalidation meets walks in flight in one of three ways (`inflight`):
 *   drain    it waits until every walk that began before it is over, then sweeps their fills too
 *            (the architecture)
 *   no-fill  those walks finish and answer, but may not fill a cache
 *   allow    nothing is done: a stale refill is possible
 */
#ifndef SIM_IOMMU_WALKER_H
#define SIM_IOMMU_WALKER_H
#include <stdio.h>
#include "engine/proc.h"
#include "hw/machine.h"
#include "hw/xlate.h"
#include "obs/window.h"

enum walker_inflight { WALKER_DRAIN, WALKER_NO_FILL, WALKER_ALLOW };
#define WALKER_INFLIGHT_WORDS "drain|no-fill|allow"

#define WALKER_METRICS(M)                                                                          \
	M(COUNTER, walks, "walks", NULL, "Walks begun.")                                           \
	M(COUNTER, merged, "ops", NULL, "Requests that joined a walk under way.")                  \
	M(COUNTER, mem_reads, "reads", "walks", "Memory reads by walks.")                          \
	M(COUNTER, faults, "walks", "walks", "Walks that ended in a fault.")                       \
	M(HIST, queue_wait, "ps", NULL, "Wait for a free walker.")                                 \
	M(HIST, walk_time, "ps", NULL, "From the miss to the answer.")                             \
	M(TIME, busy, "ps", NULL, "Walker time in use, summed over the walkers.")                  \
	M(REAL, occupancy, "walkers", NULL, "Walkers in use, time-weighted mean.")
METRIC_DECLARE(walker_metrics, WALKER_METRICS);

/* One walk. The model sets `leaf` (with domain and leaf_lg2) as soon as it has issued the read of a
 * leaf entry that is present: from then on an unmap finds a stale translation in flight. */
struct walk {
	struct list link; /* queue, in flight, or free */
	struct list requests; /* of struct xlate: whoever waits for it */
	/* of the first request; those that join agree, but for reads that join a write */
	rid_t rid;
	uint64_t page; /* iova >> 12 */
	bool write, has_pasid, priv, exec;
	uint32_t pasid;
	enum xlate_at at;
	sim_time missed_at;
	uint64_t begun; /* number of the walk */
	unsigned mem_reads;
	bool no_fill;
	bool leaf;
	uint16_t domain; /* valid with leaf */
	unsigned leaf_lg2;
	window_id mark; /* stale already: see window.h */
	uint64_t result[2]; /* the model's own, from walk() to answer() */
};

struct walker_pool;
struct walker_ops {
	/* Walk, from the model's own structures; may wait. */
	void (*walk)(void *model, struct proc *p, struct walk *w);
	/* Fill x's response from the finished walk. */
	void (*answer)(void *model, struct walk *w, struct xlate *x);
};

struct walker_pool *walkers_create(struct machine *m, unsigned slots, const struct walker_ops *ops,
	void *model, struct windows *windows, struct metric_scope *scope);
void walkers_destroy(struct walker_pool *wp);

/* x missed: queue or merge it; x->done is called with the answer. */
void walkers_miss(struct walker_pool *wp, struct xlate *x);
/* Issue a memory read of a walk, of one or two 64-bit words. The values are those of the time of
 * issue (the moment that memory orders the read); they arrive at *arrives, until when the caller
 * sleeps (proc_sleep_until). False when the address does not exist. */
bool walk_read(struct walker_pool *wp, struct proc *p, struct walk *w, hpa_t at, uint64_t *v,
	unsigned words, sim_time *arrives);
/* An invalidation's view of walks in flight, by the configured way; may wait (drain). */
void walkers_invalidate(struct walker_pool *wp, struct proc *p, enum walker_inflight how);
/* Mark walks in flight that hold a leaf of the range. */
void walkers_mark(
	struct walker_pool *wp, uint16_t domain, iova_t iova, uint32_t npages, window_id w);
bool walkers_idle(const struct walker_pool *wp);
/* Keep the reads of walks from now on, for people: the last walk's, printed one a line. */
void walkers_trace(struct walker_pool *wp, bool on);
void walkers_print_trace(const struct walker_pool *wp, FILE *out);

extern const struct metric_table walker_metric_table;

#endif
