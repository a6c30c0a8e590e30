#include "run/experiment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "conf/conf_doc_gen.h"
#include "run/complain.h"
#include "run/datadir.h"
#include "run/folder.h"
#include "run/merge.h"
#include "run/results.h"
#include "run/summary_table.h"

/* The key `name`, or the file's name without folder and ending. */
static char *name_of(const struct conf_doc *doc, const char *file)
{
	const char *name = conf_doc_get(doc, "name", NULL), *base = strrchr(file, '/'), *dot;

	if (name && name[0])
		return xstrdup(name);
	base = base ? base + 1 : file;
	dot = strrchr(base, '.');
	return dot && dot > base ? xasprintf("%.*s", (int)(dot - base), base) : xstrdup(base);
}

static bool load(const struct experiment *e, struct conf_doc *doc, struct err *err)
{
	char **search = datadir_search("configs/platforms");
	bool ok = conf_doc_load(doc, e->file, (const char *const *)search, err);

	datadir_search_free(search);
	for (const char *const *set = e->sets; ok && *set; set++)
		ok = conf_doc_set(doc, *set, "--set", err);
	return ok;
}

static bool make_plan(
	const struct experiment *e, struct conf_doc *doc, struct plan *plan, struct err *err)
{
	char *name = name_of(doc, e->file);
	bool ok = plan_make(e->schema, doc, name, plan, err);

	if (ok)
		points_describe(plan->points, conf_doc_get(doc, "description", NULL));
	free(name);
	return ok;
}

static bool write_config(const struct plan *plan, const char *dir, struct err *err)
{
	FILE *out = file_create(dir, "config.yaml", err);

	if (!out)
		return false;
	conf_write_experiment(plan->conf[0], out);
	return file_close(out, dir, "config.yaml", err);
}

static bool write_summary(const struct points *p, struct err *err)
{
	FILE *out = file_create(p->root, "summary.txt", err);

	if (!out)
		return false;
	summary_table_print(p, out);
	return file_close(out, p->root, "summary.txt", err);
}

static double seconds_since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

static bool gather(
	const struct plan *plan, struct results *r, unsigned jobs, double wall_s, struct err *err)
{
	time_t started = time(NULL) - (time_t)wall_s;

	return points_read_summaries(plan->points, err) && merge_metrics(plan->points, err) &&
	       points_write(plan->points, err) && write_summary(plan->points, err) &&
	       results_write_host(r, jobs, started, wall_s, err) && results_commit(r, err);
}

static void show(
	const struct experiment *e, const struct plan *plan, const struct results *r, double wall_s)
{
	if (!e->quiet) {
		summary_table_print(plan->points, stdout);
		printf("\n%zu point%s in %.1f s\n", plan->n, plan->n == 1 ? "" : "s", wall_s);
	}
	printf("results: %s\n", results_final(r));
}

/* With the results folder open and signals blocked. */
static int run_plan(const struct experiment *e, const struct plan *plan, struct results *r,
	const struct interrupt *interrupt)
{
	const struct sweep sweep = {
		.plan = plan,
		.jobs = e->jobs ? e->jobs : sweep_default_jobs(),
		.run = e->run_point,
		.progress = isatty(STDERR_FILENO) && !e->quiet,
		.interrupt = interrupt,
	};
	struct timespec start;
	struct err err;
	double wall_s;
	int status;

	clock_gettime(CLOCK_MONOTONIC, &start);
	if (!write_config(plan, results_dir(r), &err))
		return complain(&err);
	status = sweep_run(&sweep);
	if (status != RUN_OK && status != RUN_BROKEN)
		return status;
	wall_s = seconds_since(&start);
	if (!gather(plan, r, sweep.jobs, wall_s, &err))
		return complain(&err);
	show(e, plan, r, wall_s);
	return status;
}

static int run_into_results(const struct experiment *e, const struct plan *plan)
{
	struct interrupt interrupt;
	struct results *r;
	struct err err;
	int status;

	r = results_begin(e->out, plan->points->name, e->force, &err);
	if (!r)
		return complain(&err);
	interrupt_block(&interrupt);
	points_set_root(plan->points, results_dir(r));
	status = run_plan(e, plan, r, &interrupt);
	results_destroy(r);
	interrupt_restore(&interrupt);
	return status;
}

static int show_plan(const struct plan *plan)
{
	for (size_t i = 0; i < plan->n; i++)
		printf("# %s\n", plan->points->point[i].dir);
	conf_write_experiment(plan->conf[0], stdout);
	return RUN_OK;
}

int experiment_point(const struct experiment *e, experiment_point_fn *fn, void *arg)
{
	struct conf_doc *doc = conf_doc_create();
	struct plan plan = { 0 };
	struct err err;
	int status = RUN_REFUSED;

	if (load(e, doc, &err) && make_plan(e, doc, &plan, &err)) {
		if (plan.n == 1)
			status = fn(arg, plan.conf[0], &err);
		else
			err_set(&err, "%s has %zu points, and this is about one", e->file, plan.n);
		if (plan.n != 1)
			err_hint(&err, "--set every axis to one value");
	}
	if (status == RUN_REFUSED)
		complain(&err);
	plan_fini(&plan);
	conf_doc_destroy(doc);
	return status;
}

int experiment_run(const struct experiment *e)
{
	struct conf_doc *doc = conf_doc_create();
	struct plan plan = { 0 };
	struct err err;
	int status;

	if (!load(e, doc, &err) || !make_plan(e, doc, &plan, &err))
		status = complain(&err);
	else
		status = e->dry_run ? show_plan(&plan) : run_into_results(e, &plan);
	plan_fini(&plan);
	conf_doc_destroy(doc);
	return status;
}
