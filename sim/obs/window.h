/*
 * window - the stale-mapping tracker. For every unmapped range it measures, from the caches
 * themselves and never from a policy's constants,
 *   policy_window  from the return of unmap until the invalidation that covers the range completes
 *   hw_window      from the return of unmap until no translation cache can translate it any more
 *
 * A range that may be stale is a window with an id. Caches carry the id beside their entries as a
 * mark and report when a marked entry goes. Windows still open at the end are reported with their
 * age, never dropped.
 *
 * A window closes when it is flushed, has returned and no cache holds it. Its record is then
 * recycled, but its id never comes back: an id names one window of the run, for ever.
 */
#ifndef SIM_OBS_WINDOW_H
#define SIM_OBS_WINDOW_H
#include <stdio.h>
#include "base/types.h"
#include "obs/metrics.h"

struct windows; /* the tracker of one run */
typedef uint64_t window_id; /* 0: none */

/* Where a translation can survive its mapping; hw windows are split by the last holder. */
enum window_cache {
	WINDOW_IOTLB,
	WINDOW_WALK_CACHE,
	WINDOW_IN_FLIGHT,
	WINDOW_DEVICE_TLB,
	WINDOW_CACHES,
};

/* Histograms count windows that were opened and closed since the reset, 0 included; never_* and the
 * gauges see every window that is open, whenever it was opened. */
#define WINDOW_METRICS(M)                                                                           \
	M(COUNTER, opened, "windows", NULL, "Ranges unmapped.")                                     \
	M(COUNTER, pages, "pages", "opened", "Pages of those ranges.")                              \
	M(HIST, policy_window, "ps", NULL,                                                          \
		"Return of unmap until the invalidation that covers the range is complete; 0 when " \
		"complete before.")                                                                 \
	M(HIST, hw_window, "ps", NULL,                                                              \
		"Return of unmap until no cache can translate the range; 0 when none could.")       \
	M(HIST, hw_window_iotlb, "ps", NULL, "hw_window above 0 that the IOTLB held longest.")      \
	M(HIST, hw_window_walk_cache, "ps", NULL,                                                   \
		"hw_window above 0 that a paging-structure cache held longest.")                    \
	M(HIST, hw_window_in_flight, "ps", NULL,                                                    \
		"hw_window above 0 that a walk in flight held longest.")                            \
	M(HIST, hw_window_device_tlb, "ps", NULL,                                                   \
		"hw_window above 0 that a device TLB held longest.")                                \
	M(REAL, exposure, "page.us/s", NULL,                                                        \
		"Sum over windows of pages x hw_window, those still open with their age, per "      \
		"second of run.")                                                                   \
	M(GAUGE, stale_pages, "pages", NULL, "Unmapped pages that a cache can still translate.")    \
	M(GAUGE, stale_pages_max, "pages", NULL, "Most stale pages at once.")                       \
	M(REAL, stale_pages_mean, "pages", NULL, "Stale pages at once, mean over time.")            \
	M(GAUGE, never_closed, "windows", NULL, "Windows that a cache still held at the end.")      \
	M(HIST, never_closed_age, "ps", NULL, "Their age at the end, from the return of unmap.")    \
	M(GAUGE, never_flushed, "windows", NULL, "Windows whose invalidation was not complete.")    \
	M(HIST, never_flushed_age, "ps", NULL, "Their age at the end, from the return of unmap.")   \
	M(COUNTER, stale_accesses, "ops", "opened", "DMAs through a stale translation.")            \
	M(COUNTER, stale_reads, "ops", "stale_accesses", "Of these, reads.")                        \
	M(COUNTER, stale_writes, "ops", "stale_accesses", "Of these, writes.")                      \
	M(COUNTER, stale_bytes_read, "bytes", "stale_reads", "Bytes that they read.")               \
	M(COUNTER, stale_bytes_written, "bytes", "stale_writes", "Bytes that they wrote.")          \
	M(HIST, stale_delay, "ps", NULL, "Return of unmap until the stale access.")                 \
	M(COUNTER, iova_reuse_before_flush, "ops", "opened",                                        \
		"IOVAs handed out again while an old translation of them was cached.")              \
	M(COUNTER, page_reuse_before_flush, "ops", "opened",                                        \
		"Pages given to another owner while a stale translation of them was cached.")

METRIC_DECLARE(window_metrics, WINDOW_METRICS);

struct windows *windows_create(struct metric_scope *scope);
void windows_destroy(struct windows *w);

/* The page-table entries of the range are clear as of t_clear. One reference for the policy (until
 * window_flushed) is taken; caches take theirs with window_hold. */
window_id window_open(struct windows *w, uint16_t domain, iova_t iova, uint32_t npages, hpa_t pa,
	unsigned cpu, sim_time t_clear);
/* A cache entry or walk in flight can still translate the range. A translation that moves from one
 * cache to another is held by the new before it is dropped by the old. */
void window_hold(struct windows *w, window_id id, enum window_cache where);
void window_drop(struct windows *w, window_id id, enum window_cache where, sim_time now);
/* unmap has returned to the driver. */
void window_returned(struct windows *w, window_id id, sim_time t_return);
/* The invalidation that covers the range is complete (may come before window_returned). */
void window_flushed(struct windows *w, window_id id, sim_time now);
/* True while a cache can still translate the range; false for the id of a closed window. */
bool window_is_held(const struct windows *w, window_id id);
/* Time of return, or t_clear before it: the delay of a stale access counts from here. SIM_TIME_NEVER
 * when the window has closed and its record serves another. */
sim_time window_since(const struct windows *w, window_id id);

/* A DMA went through a stale translation of this window; it may have closed meanwhile. */
void window_access(struct windows *w, window_id id, bool write, uint32_t bytes, sim_time now);
/* The IOVA (the page) was handed out again while the window is held. */
void window_iova_reused(struct windows *w, window_id id);
void window_page_reused(struct windows *w, window_id id);

/* The worst windows of the run, kept by either measure. Complete after metrics_collect(). */
enum window_rank { WINDOW_BY_HW, WINDOW_BY_POLICY, WINDOW_RANKS };
#define WINDOW_WORST 32

struct window_story {
	uint64_t seq; /* 1 for the first window of the run: breaks ties */
	uint16_t domain;
	uint16_t cpu;
	iova_t iova;
	hpa_t pa;
	uint32_t npages;
	sim_time t_clear, t_return;
	sim_time t_flushed, t_hw_closed; /* SIM_TIME_NEVER: still open at the end */
	sim_time policy_window, hw_window; /* of one still open: its age */
	enum window_cache last_holder; /* WINDOW_CACHES: none held it */
	uint64_t accesses;
};

/* At most `max` stories, worst first; windows of 0 are not among them. Returns their number. */
size_t windows_worst(
	const struct windows *w, enum window_rank by, struct window_story *out, size_t max);
/* windows.csv: the worst windows of the run with their story, one row each. */
void windows_write_csv(const struct windows *w, FILE *out);

const struct window_metrics *windows_metrics(const struct windows *w);
extern const struct metric_table windows_metric_table;

#endif
