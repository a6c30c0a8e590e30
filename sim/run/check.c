#include "run/check.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "conf/units.h"
#include "run/points_table.h"
#include "run/run.h"

/* A promise of 0 is one of completion: the flush is over before unmap returns. */
sim_time check_limit(const struct run_summary *s)
{
	if (s->window_bound == SIM_TIME_NEVER || s->window_bound == 0)
		return s->window_bound;
	return s->window_bound + s->flush_max;
}

struct promise {
	const char *what; /* as part of a sentence */
	bool is_time;
	uint64_t (*value)(const struct run_summary *s);
	uint64_t (*limit)(const struct run_summary *s);
};

static sim_time longer(sim_time a, sim_time b)
{
	return a > b ? a : b;
}

static uint64_t policy_window(const struct run_summary *s)
{
	return longer(s->policy_window_max, s->worst_policy_window);
}

static uint64_t hw_window(const struct run_summary *s)
{
	return longer(s->hw_window_max, s->worst_hw_window);
}

static uint64_t iova_reuse(const struct run_summary *s)
{
	return s->iova_reuse;
}

static uint64_t unexpected(const struct run_summary *s)
{
	return s->unexpected;
}

static uint64_t leaks(const struct run_summary *s)
{
	return s->leaks;
}

static uint64_t none(const struct run_summary *s)
{
	(void)s;
	return 0;
}

static const struct promise promises[] = {
	{ "a policy window", true, policy_window, check_limit },
	{ "a hw window", true, hw_window, check_limit },
	{ "IOVAs reused before their flush", false, iova_reuse, none },
	{ "translations that contradict the ground truth", false, unexpected, none },
	{ "leaks", false, leaks, none },
};

static bool is_kept(const struct promise *p, const struct run_summary *s)
{
	return p->value(s) <= p->limit(s);
}

static bool all_kept(const struct run_summary *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(promises); i++) {
		if (!is_kept(&promises[i], s))
			return false;
	}
	return true;
}

static void verdict_row(struct table *t, const struct points *p, size_t i)
{
	const struct run_summary *s = &p->point[i].summary;

	points_table_row(t, p, i);
	if (s->window_bound == SIM_TIME_NEVER)
		table_cell(t, "none");
	else
		points_table_time(t, s->window_bound);
	points_table_time(t, s->flush_max);
	points_table_time(t, policy_window(s));
	points_table_time(t, hw_window(s));
	if (hw_window(s) > 0) {
		points_table_time(t, s->worst_hw_at);
		table_cell(t, "0x%" PRIx64, s->worst_hw_iova);
		table_cell(t, "%" PRIu64, s->worst_hw_cpu);
	} else {
		for (int k = 0; k < 3; k++)
			table_cell(t, "-");
	}
	table_cell(t, "%s", all_kept(s) ? "ok" : "BROKEN");
}

static const char *human(sim_time t, char *buf, size_t size)
{
	return t == 0 ? "0" : units_human_time(t, buf, size);
}

static void explain(const struct points *p, size_t i, FILE *out)
{
	const struct run_summary *s = &p->point[i].summary;
	char label[256], a[32], b[32];

	point_label(p, i, label, sizeof(label));
	for (size_t k = 0; k < ARRAY_SIZE(promises); k++) {
		const struct promise *pr = &promises[k];

		if (is_kept(pr, s))
			continue;
		fprintf(out, "BROKEN at point %zu (%s): ", i, label);
		if (pr->is_time)
			fprintf(out, "%s of %s; the policy %s promises at most %s\n", pr->what,
				human(pr->value(s), a, sizeof(a)), s->policy.s,
				human(pr->limit(s), b, sizeof(b)));
		else
			fprintf(out, "%" PRIu64 " %s\n", pr->value(s), pr->what);
	}
}

int check_points(const struct points *p, FILE *out)
{
	static const char *const numbers[] = { "bound", "flush", "policy window", "hw window", "at",
		"iova", "CPU" };
	struct table *t = table_create();
	size_t broken = 0;

	points_table_columns(t, p);
	for (size_t k = 0; k < ARRAY_SIZE(numbers); k++)
		table_number_column(t, numbers[k]);
	table_text_column(t, "verdict");
	for (size_t i = 0; i < p->n; i++)
		verdict_row(t, p, i);
	fputs("Longest windows of each point, against its policy's bound and the longest flush\n\n",
		out);
	table_print(t, TABLE_WIDTH, out);
	table_destroy(t);
	for (size_t i = 0; i < p->n; i++) {
		if (all_kept(&p->point[i].summary))
			continue;
		fputs(broken++ ? "" : "\n", out);
		explain(p, i, out);
	}
	if (broken)
		fprintf(out, "\n%zu of %zu points break their promise\n", broken, p->n);
	else
		fprintf(out, "\n%zu of %zu points: every promise kept\n", p->n, p->n);
	return broken ? RUN_BROKEN : RUN_OK;
}

/* ---- promises and assertions as one list ---- */

static struct verdict promise_verdict(const struct promise *pr, const struct run_summary *s)
{
	struct verdict v = { .what = pr->what, .promised = true, .has_value = true };
	uint64_t limit = pr->limit(s);

	v.value = (double)pr->value(s);
	v.holds = is_kept(pr, s);
	snprintf(v.unit, sizeof(v.unit), "%s", pr->is_time ? "ps" : "count");
	if (pr->is_time)
		human(limit, v.limit, sizeof(v.limit));
	else
		snprintf(v.limit, sizeof(v.limit), "%" PRIu64, limit);
	return v;
}

static void add_verdict(struct verdicts *all, size_t point, struct verdict v)
{
	v.point = point;
	all->v = xrealloc(all->v, all->n + 1, sizeof(*all->v));
	all->v[all->n++] = v;
}

static void name_point(size_t i, struct err *err)
{
	size_t len = strlen(err->text);

	snprintf(err->text + len, sizeof(err->text) - len, " at point %zu", i);
}

static bool judge_point(const struct points *p, size_t i, const struct check *c,
	struct verdicts *all, struct err *err)
{
	char *dir = point_path(p, i);
	struct point_metrics *m = c->n ? point_metrics_load(dir, err) : NULL;
	bool ok = c->n == 0 || m;

	for (size_t k = 0; k < ARRAY_SIZE(promises); k++)
		add_verdict(all, i, promise_verdict(&promises[k], &p->point[i].summary));
	for (size_t k = 0; ok && k < c->n; k++) {
		struct verdict v;

		ok = assertion_judge(&c->assertion[k], m, &v, err);
		if (ok)
			add_verdict(all, i, v);
		else if (i > 0) /* the points before it have what this one lacks */
			name_point(i, err);
	}
	point_metrics_destroy(m);
	free(dir);
	return ok;
}

/* A row per point and assertion; how many are broken. */
static size_t print_assertions(const struct verdicts *all, const struct points *p, FILE *out)
{
	struct table *t = table_create();
	size_t broken = 0, n = 0;
	char text[64];

	points_table_columns(t, p);
	table_text_column(t, "assertion");
	table_number_column(t, "measured");
	table_text_column(t, "verdict");
	for (size_t k = 0; k < all->n; k++) {
		const struct verdict *v = &all->v[k];

		if (v->promised)
			continue;
		points_table_row(t, p, v->point);
		table_cell(t, "%s", v->what);
		table_cell(t, "%s", verdict_text(v, text, sizeof(text)));
		table_cell(t, "%s", v->holds ? "ok" : "BROKEN");
		broken += !v->holds;
		n++;
	}
	if (n > 0) {
		fputs("\nAssertions\n\n", out);
		table_print(t, TABLE_WIDTH, out);
		fprintf(out, "\n%zu of %zu assertions broken\n", broken, n);
	}
	table_destroy(t);
	return broken;
}

int check_results(const struct points *p, const struct check *c, FILE *out, struct err *err)
{
	struct verdicts all = { 0 };
	int status = RUN_REFUSED;
	bool ok = true;

	for (size_t i = 0; ok && i < p->n; i++)
		ok = judge_point(p, i, c, &all, err);
	if (ok && verdicts_write(&all, p, c->junit, c->json, err)) {
		status = check_points(p, out);
		if (print_assertions(&all, p, out) > 0)
			status = RUN_BROKEN;
	}
	free(all.v);
	return status;
}
