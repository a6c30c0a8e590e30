#include "tests/run/fake_point.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bug.h"
#include "base/rng.h"
#include "obs/report.h"
#include "obs/window.h"
#include "run/folder.h"

#define FAKE_METRICS(M)                                                                            \
	M(COUNTER, packets, "packets", NULL, "Packets, of a kind.")                                \
	M(HIST, latency, "ps", NULL, "DMA latency.")
METRIC_DECLARE(fake_metrics, FAKE_METRICS);
#define METRIC_STRUCT_ struct fake_metrics
static const struct metric_desc descs[] = { FAKE_METRICS(METRIC_DESC_) };
#undef METRIC_STRUCT_
static const struct metric_table table = { "fake", "A fake NIC.", descs, ARRAY_SIZE(descs) };

static void fake_windows(struct windows *w, bool strict, struct rng *r)
{
	for (unsigned i = 0; i < 2000; i++) {
		sim_time t = (sim_time)i * 5 * US, until = t + rng_below(r, 10 * MS);
		window_id id =
			window_open(w, 1, (iova_t){ 0xfff00000u - ((uint64_t)i << PAGE_LG2) }, 1,
				(hpa_t){ 0x1000000 }, i % 4, t);
		bool held = rng_below(r, 4) != 0;

		if (held)
			window_hold(w, id, WINDOW_IOTLB);
		if (!strict)
			window_returned(w, id, t);
		if (held)
			window_drop(w, id, WINDOW_IOTLB, strict ? t : until);
		window_flushed(w, id, strict ? t : until);
		if (strict)
			window_returned(w, id, t);
	}
}

static void fake_summary(struct run_summary *s, unsigned cpus, const char *policy, bool strict)
{
	double demand = cpus * (strict ? 0.09 : 0.05), busy = demand > 1 ? 1 : demand;

	summary_set_text(&s->workload, "nic_rx");
	summary_set_text(&s->model, "vtd");
	summary_set_text(&s->allocator, "rbtree-3.1");
	summary_set_text(&s->policy, policy);
	summary_set_text(&s->unit, "packets");
	s->cpus = cpus;
	s->measured = 20 * MS;
	s->units = (uint64_t)(busy * 20000);
	s->bytes = s->units * 1500;
	s->offered = 20000;
	s->dropped = s->offered - s->units;
	s->cpu_busy_share = busy;
	s->spin_share = demand > 1 ? 1 - 1 / demand : demand * demand / 10;
	summary_set_text(&s->worst_lock, strict ? "iommu0.q_lock" : "dom0.iova_rbtree_lock");
	s->worst_lock_spin_share = s->spin_share * 0.8;
	s->worst_lock_wait = (sim_time)((double)(400 * NS) * cpus * busy);
	s->flushes = strict ? 2000 : 8;
	s->window_bound = strict ? 0 : 12 * MS;
	s->flush_max = 3 * US;
}

static bool write_files(const char *dir, struct metrics *m, const struct windows *w,
	const struct run_summary *s, struct err *err)
{
	char *hist = xasprintf("%s/hist", dir);
	FILE *csv, *json, *windows;
	bool ok = folder_make(hist, err) && report_hists(m, hist, err);

	free(hist);
	csv = ok ? file_create(dir, "metrics.csv", err) : NULL;
	json = ok ? file_create(dir, "metrics.json", err) : NULL;
	windows = ok ? file_create(dir, "windows.csv", err) : NULL;
	if (!csv || !json || !windows)
		return false;
	report_csv(m, csv);
	report_json(m, json);
	windows_write_csv(w, windows);
	return file_close(csv, dir, "metrics.csv", err) &&
	       file_close(json, dir, "metrics.json", err) &&
	       file_close(windows, dir, "windows.csv", err) && summary_write(s, dir, err);
}

bool fake_point_write(const char *dir, unsigned cpus, const char *policy, struct err *err)
{
	struct metrics *m = metrics_create();
	struct metric_scope *scope = metric_scope_child(metrics_root(m), "windows");
	struct windows *w = windows_create(scope);
	struct run_summary s = { 0 };
	struct fake_metrics fake = { 0 };
	bool strict = strcmp(policy, "strict") == 0, ok;
	struct rng r;

	rng_init(&r, cpus, policy);
	metric_scope_add(metric_scope_child(metrics_root(m), "nic0"), &table, &fake);
	fake_windows(w, strict, &r);
	fake.packets = 1000 * cpus;
	for (unsigned i = 0; i < 5000; i++)
		hist_add(&fake.latency, 800 * NS + (sim_time)rng_exp(&r, (double)(cpus * 60 * NS)));
	metrics_collect(m, 20 * MS);
	fake_summary(&s, cpus, policy, strict);
	summary_fill_windows(&s, w, scope);
	summary_fill_latency(&s, &fake.latency, "nic0.latency");
	ok = write_files(dir, m, w, &s, err);
	metrics_destroy(m);
	windows_destroy(w);
	return ok;
}

struct points *fake_results(const char *root, const char *const *cpus, size_t ncpus,
	const char *const *policies, size_t npolicies)
{
	struct points *p = points_create(root, "nic-rx-2011");
	struct err err;

	points_add_axis(p, "policy.type");
	points_add_axis(p, "cpu.count");
	for (size_t k = 0; k < npolicies; k++) {
		for (size_t c = 0; c < ncpus; c++) {
			const char *values[] = { policies[k], cpus[c] };
			char *dir;

			points_add(p, values);
			dir = point_path(p, p->n - 1);
			BUG_ON(!folder_make(dir, &err));
			BUG_ON(!fake_point_write(dir, (unsigned)atoi(cpus[c]), policies[k], &err));
			free(dir);
		}
	}
	BUG_ON(!points_write(p, &err) || !points_read_summaries(p, &err));
	return p;
}
