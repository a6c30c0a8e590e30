/*
 * window - the stale-mapping tracker. For every unmapped range it measures, from the caches
 * themselves and never from a policy's constants,
 *   policy_window  from the return of unmap until the invalidation that covers the range completes
 *   hw_window      from the return of unmap until no translation cache can translate it any more
 *
 * A range that may be stale is a window with an id. Caches carry the id beside their entries as a
 * mark and report when a marked entry goes. Windows still open at the end are reported with their
 * age, never dropped.
 */
#ifndef SIM_OBS_WINDOW_H
#define SIM_OBS_WINDOW_H
#include <stdio.h>
#include "base/types.h"
#include "obs/metrics.h"

struct windows; /* the tracker of one run */
typedef uint32_t window_id; /* 0: none */

/* Where a translation can survive its mapping; hw windows are split by the last holder. */
enum window_cache {
	WINDOW_IOTLB,
	WINDOW_WALK_CACHE,
	WINDOW_IN_FLIGHT,
	WINDOW_DEVICE_TLB,
	WINDOW_CACHES,
};

struct windows *windows_create(struct metric_scope *scope);
void windows_destroy(struct windows *w);

/* The page-table entries of the range are clear as of t_clear. One reference for the policy (until
 * window_flushed) is taken; caches take theirs with window_hold. */
window_id window_open(struct windows *w, uint16_t domain, iova_t iova, uint32_t npages, hpa_t pa,
	unsigned cpu, sim_time t_clear);
/* A cache entry or walk in flight can still translate the range. */
void window_hold(struct windows *w, window_id id, enum window_cache where);
void window_drop(struct windows *w, window_id id, enum window_cache where, sim_time now);
/* unmap has returned to the driver. */
void window_returned(struct windows *w, window_id id, sim_time t_return);
/* The invalidation that covers the range is complete (may come before window_returned). */
void window_flushed(struct windows *w, window_id id, sim_time now);
/* True while a cache can still translate the range. */
bool window_is_held(const struct windows *w, window_id id);
/* Time of return, or t_clear before it: the delay of a stale access counts from here. */
sim_time window_since(const struct windows *w, window_id id);

/* A DMA went through a stale translation of this window. */
void window_access(struct windows *w, window_id id, bool write, uint32_t bytes, sim_time now);
/* The IOVA (the page) was handed out again while the window is held. */
void window_iova_reused(struct windows *w, window_id id);
void window_page_reused(struct windows *w, window_id id);

/* windows.csv: the worst `n` windows of the run with their story, one row each. */
void windows_write_csv(const struct windows *w, FILE *out);

extern const struct metric_table windows_metric_table;

#endif
