/*
 * metrics - components own plain counters; the registry only knows where they are.
 * The hot path is `self->m.hits++`. Names, units and help live in one table per component.
 *
 *   #define CACHE_METRICS(M) \
 *           M(COUNTER, lookups, "ops", NULL,      "Lookups.") \
 *           M(COUNTER, hits,    "ops", "lookups", "Lookups that found an entry.")
 *   METRIC_DECLARE(cache_metrics, CACHE_METRICS);
 */
#ifndef SIM_OBS_METRICS_H
#define SIM_OBS_METRICS_H
#include <stdio.h>
#include "base/hist.h"
#include "base/types.h"

enum metric_kind {
	METRIC_COUNTER, /* events since the reset */
	METRIC_TIME, /* ps accumulated since the reset */
	METRIC_GAUGE, /* a level; survives the reset */
	METRIC_REAL, /* computed by the collect hook */
	METRIC_HIST, /* distribution */
};
typedef uint64_t metric_ctype_COUNTER;
typedef uint64_t metric_ctype_TIME;
typedef uint64_t metric_ctype_GAUGE;
typedef double metric_ctype_REAL;
typedef struct hist metric_ctype_HIST;

struct metric_desc {
	const char *name;
	enum metric_kind kind;
	size_t off;
	const char *unit; /* "ops", "ps", "pages", "share" */
	const char *per; /* sibling counter it is also shown relative to, or NULL */
	const char *help; /* one sentence */
};

#define METRIC_MEMBER_(kind, name, unit, per, help) metric_ctype_##kind name;
#define METRIC_DECLARE(tag, LIST)                                                                  \
	struct tag {                                                                               \
		LIST(METRIC_MEMBER_)                                                               \
	}
/* Inside the table: #define METRIC_STRUCT_ struct tag before, #undef after. */
#define METRIC_DESC_(kind, name, unit, per, help)                                                  \
	{ #name, METRIC_##kind, offsetof(METRIC_STRUCT_, name), unit, per, help },

/* The tables of one kind of component, for docs/metrics.md: the scope's class name, what it is. */
struct metric_table {
	const char *name; /* "lock", "iotlb" */
	const char *help;
	const struct metric_desc *desc;
	size_t n;
};

struct metrics; /* the registry of one run */
struct metric_scope; /* a node of the component tree: "iommu0.iotlb" */

struct metrics *metrics_create(void);
/* Does not touch the components' memory: they may be gone already. */
void metrics_destroy(struct metrics *m);
struct metric_scope *metrics_root(struct metrics *m);
/* The child of that name, made at the first call; a dot in the name descends ("dom0.iova"). */
struct metric_scope *metric_scope_child(struct metric_scope *parent, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Register the table's metrics at `base` (struct of the component). Initialises its histograms; their
 * buckets belong to the registry. A name twice in a scope is a bug. */
void metric_scope_add(struct metric_scope *s, const struct metric_table *t, void *base);
/* collect: fill REAL metrics and close time-weighted sums; called once before reports, with the
 * end of the run. reset: restart what a plain zeroing would break; called at the end of warm-up. */
typedef void metric_hook_fn(void *arg, sim_time now);
void metric_scope_hooks(
	struct metric_scope *s, metric_hook_fn *reset, metric_hook_fn *collect, void *arg);

/* End of warm-up: zero counters, times and histograms; gauges stay. */
void metrics_reset(struct metrics *m, sim_time now);
void metrics_collect(struct metrics *m, sim_time now);

/* The tree in order of registration: a scope's own metrics, then its children, each as they came.
 * path is "iommu0.iotlb.hits", valid during the call. */
typedef void metric_visit_fn(
	void *arg, const char *path, const struct metric_desc *d, const void *base);
void metrics_visit(const struct metrics *m, metric_visit_fn *fn, void *arg);

/* The same table by table; path is the scope's, "" for the root. */
typedef void metric_table_fn(
	void *arg, const char *path, const struct metric_table *t, const void *base);
void metrics_visit_tables(const struct metrics *m, metric_table_fn *fn, void *arg);

/* Path of a scope ("iommu0.iotlb"), valid as long as the scope. */
const char *metric_scope_path(const struct metric_scope *s);

/* docs/metrics.md: one section per table, one row per metric. */
void metrics_write_markdown(const struct metric_table *const *tables, size_t n, FILE *out);

static inline const void *metric_at(const struct metric_desc *d, const void *base)
{
	return (const char *)base + d->off;
}

/* COUNTER, TIME, GAUGE */
static inline uint64_t metric_u64(const struct metric_desc *d, const void *base)
{
	return *(const uint64_t *)metric_at(d, base);
}

static inline double metric_real(const struct metric_desc *d, const void *base)
{
	return *(const double *)metric_at(d, base);
}

static inline const struct hist *metric_hist(const struct metric_desc *d, const void *base)
{
	return metric_at(d, base);
}

/* Value over that of its sibling `per`, a histogram standing for its count. False: no ratio. */
bool metric_ratio(
	const struct metric_desc *d, const struct metric_table *t, const void *base, double *ratio);

#endif
