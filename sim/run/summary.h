/*
 * summary - the few numbers of a point that the terminal table, `check` and `plot` need: written as
 * summary.json by the run, read back from there only. One table gives struct, writer and reader.
 */
#ifndef SIM_RUN_SUMMARY_H
#define SIM_RUN_SUMMARY_H
#include "base/err.h"
#include "base/types.h"
#include "obs/window.h"

/* Kinds: u64, real, text, time (ps; null in the file: never). */
#define RUN_SUMMARY(F)                                                                             \
	F(text, workload, "What drove the run.")                                                   \
	F(text, model, "IOMMU model.")                                                             \
	F(text, allocator, "IOVA allocator.")                                                      \
	F(text, policy, "Flush policy.")                                                           \
	F(u64, cpus, "CPUs.")                                                                      \
	F(time, measured, "Measured time, without the warm-up.")                                   \
	F(u64, events, "Events of the engine in the measured time.")                               \
	F(text, unit, "What the workload delivers: packets, requests.")                            \
	F(u64, units, "Delivered.")                                                                \
	F(u64, bytes, "Payload bytes of those.")                                                   \
	F(u64, offered, "Offered.")                                                                \
	F(u64, dropped, "Dropped.")                                                                \
	F(real, cpu_busy_share, "CPU time not idle, over CPUs x measured time.")                   \
	F(real, spin_share, "Lock waits, over CPUs x measured time, all locks.")                   \
	F(text, worst_lock, "Lock with the longest total wait; empty: none was waited for.")       \
	F(real, worst_lock_spin_share, "Its part of spin_share.")                                  \
	F(time, worst_lock_wait, "Its wait per acquisition.")                                      \
	F(u64, unmaps, "Ranges unmapped.")                                                         \
	F(u64, flushes, "Invalidations of the IOTLB, of every granularity.")                       \
	F(time, flush_max, "Longest flush, from its start by the driver until complete.")          \
	F(time, window_bound, "Promise of the policy: return of unmap until the flush starts.")    \
	F(time, policy_window_p50, "policy_window, median.")                                       \
	F(time, policy_window_p99, "policy_window, 99th percentile.")                              \
	F(time, policy_window_max, "policy_window, longest.")                                      \
	F(time, hw_window_p50, "hw_window, median.")                                               \
	F(time, hw_window_p99, "hw_window, 99th percentile.")                                      \
	F(time, hw_window_max, "hw_window, longest.")                                              \
	F(real, exposure, "Pages x hw_window, page.us per second of run.")                         \
	F(u64, never_closed, "Windows that a cache held at the end.")                              \
	F(u64, never_flushed, "Windows whose flush was not complete at the end.")                  \
	F(time, worst_policy_window, "Longest policy_window, an open one by its age.")             \
	F(time, worst_policy_at, "When it began: return of unmap.")                                \
	F(u64, worst_policy_iova, "Its address.")                                                  \
	F(u64, worst_policy_cpu, "CPU that unmapped it.")                                          \
	F(time, worst_hw_window, "Longest hw_window, an open one by its age.")                     \
	F(time, worst_hw_at, "When it began: return of unmap.")                                    \
	F(u64, worst_hw_iova, "Its address.")                                                      \
	F(u64, worst_hw_cpu, "CPU that unmapped it.")                                              \
	F(u64, stale_accesses, "DMAs through a stale translation.")                                \
	F(u64, iova_reuse, "IOVAs handed out again before their flush.")                           \
	F(u64, page_reuse, "Pages given to another owner before their flush.")                     \
	F(u64, unexpected,                                                                         \
		"Translations that contradict the ground truth and that nobody expected.")         \
	F(u64, leaks, "IOVA ranges and pages that were not given back.")                           \
	F(time, latency_p50, "DMA latency, median.")                                               \
	F(time, latency_p99, "DMA latency, 99th percentile.")                                      \
	F(time, latency_max, "DMA latency, longest.")                                              \
	F(text, latency_hist, "Metric path of that distribution.")                                 \
	F(text, windows_scope, "Metric path of the stale windows.")

#define SUMMARY_TEXT_MAX 96

typedef uint64_t summary_ctype_u64;
typedef double summary_ctype_real;
typedef sim_time summary_ctype_time;
typedef struct {
	char s[SUMMARY_TEXT_MAX];
} summary_ctype_text;

#define SUMMARY_MEMBER_(kind, name, help) summary_ctype_##kind name;
struct run_summary {
	RUN_SUMMARY(SUMMARY_MEMBER_)
};
#undef SUMMARY_MEMBER_

#define SUMMARY_FILE "summary.json"

/* Cuts what does not fit. */
void summary_set_text(summary_ctype_text *t, const char *text);
/* Every field that the stale-window tracker knows; `scope` is where it was created. */
void summary_fill_windows(
	struct run_summary *s, const struct windows *w, const struct metric_scope *scope);
/* The fields of the DMA latency; `hist_path` is the metric's full path. */
void summary_fill_latency(struct run_summary *s, const struct hist *h, const char *hist_path);

bool summary_write(const struct run_summary *s, const char *dir, struct err *err);
/* Every key must be there, with the right type. */
bool summary_read(struct run_summary *s, const char *dir, struct err *err);

#endif
