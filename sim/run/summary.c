#include "run/summary.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "run/folder.h"

#define REAL_DIGITS 15

enum summary_kind { SUMMARY_u64, SUMMARY_real, SUMMARY_text, SUMMARY_time };

struct summary_field {
	const char *name;
	enum summary_kind kind;
	size_t off;
};

#define FIELD(kind, name, help) { #name, SUMMARY_##kind, offsetof(struct run_summary, name) },
static const struct summary_field fields[] = { RUN_SUMMARY(FIELD) };
#undef FIELD

void summary_set_text(summary_ctype_text *t, const char *text)
{
	snprintf(t->s, sizeof(t->s), "%s", text);
}

void summary_fill_windows(
	struct run_summary *s, const struct windows *w, const struct metric_scope *scope)
{
	const struct window_metrics *m = windows_metrics(w);
	struct window_story worst;

	summary_set_text(&s->windows_scope, metric_scope_path(scope));
	s->unmaps = m->opened;
	s->policy_window_p50 = hist_percentile(&m->policy_window, 50);
	s->policy_window_p99 = hist_percentile(&m->policy_window, 99);
	s->policy_window_max = m->policy_window.max;
	s->hw_window_p50 = hist_percentile(&m->hw_window, 50);
	s->hw_window_p99 = hist_percentile(&m->hw_window, 99);
	s->hw_window_max = m->hw_window.max;
	s->exposure = m->exposure;
	s->never_closed = m->never_closed;
	s->never_flushed = m->never_flushed;
	if (windows_worst(w, WINDOW_BY_POLICY, &worst, 1) > 0) {
		s->worst_policy_window = worst.policy_window;
		s->worst_policy_at = worst.t_return;
		s->worst_policy_iova = worst.iova.a;
		s->worst_policy_cpu = worst.cpu;
	}
	if (windows_worst(w, WINDOW_BY_HW, &worst, 1) > 0) {
		s->worst_hw_window = worst.hw_window;
		s->worst_hw_at = worst.t_return;
		s->worst_hw_iova = worst.iova.a;
		s->worst_hw_cpu = worst.cpu;
	}
	s->stale_accesses = m->stale_accesses;
	s->iova_reuse = m->iova_reuse_before_flush;
	s->page_reuse = m->page_reuse_before_flush;
}

void summary_fill_latency(struct run_summary *s, const struct hist *h, const char *hist_path)
{
	summary_set_text(&s->latency_hist, hist_path);
	s->latency_p50 = hist_percentile(h, 50);
	s->latency_p99 = hist_percentile(h, 99);
	s->latency_max = h->max;
}

static json_t *field_to_json(const struct run_summary *s, const struct summary_field *f)
{
	const void *at = (const char *)s + f->off;
	double real;
	uint64_t u;

	switch (f->kind) {
	case SUMMARY_text:
		return json_string(((const summary_ctype_text *)at)->s);
	case SUMMARY_real:
		real = *(const double *)at;
		return isfinite(real) ? json_real(real) : json_real(0);
	default:
		u = *(const uint64_t *)at;
		return u <= INT64_MAX ? json_integer((json_int_t)u) : json_null();
	}
}

bool summary_write(const struct run_summary *s, const char *dir, struct err *err)
{
	FILE *out = file_create(dir, SUMMARY_FILE, err);
	json_t *o;

	if (!out)
		return false;
	o = json_object();
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		json_object_set_new(o, fields[i].name, field_to_json(s, &fields[i]));
	json_dumpf(o, out, JSON_INDENT(1) | JSON_REAL_PRECISION(REAL_DIGITS));
	fputc('\n', out);
	json_decref(o);
	return file_close(out, dir, SUMMARY_FILE, err);
}

static bool field_from_json(struct run_summary *s, const struct summary_field *f, const json_t *j)
{
	void *at = (char *)s + f->off;

	switch (f->kind) {
	case SUMMARY_text:
		if (!json_is_string(j))
			return false;
		summary_set_text(at, json_string_value(j));
		return true;
	case SUMMARY_real:
		if (!json_is_number(j))
			return false;
		*(double *)at = json_number_value(j);
		return true;
	case SUMMARY_time:
		if (json_is_null(j)) {
			*(sim_time *)at = SIM_TIME_NEVER;
			return true;
		}
		break;
	case SUMMARY_u64:
		break;
	}
	if (!json_is_integer(j) || json_integer_value(j) < 0)
		return false;
	*(uint64_t *)at = (uint64_t)json_integer_value(j);
	return true;
}

bool summary_read(struct run_summary *s, const char *dir, struct err *err)
{
	char *file = xasprintf("%s/%s", dir, SUMMARY_FILE);
	json_error_t why;
	json_t *o = json_load_file(file, 0, &why);
	bool ok = true;

	*s = (struct run_summary){ 0 };
	if (!o)
		ok = err_set(err, "%s: %s", file, why.text);
	for (size_t i = 0; ok && i < ARRAY_SIZE(fields); i++) {
		const json_t *j = json_object_get(o, fields[i].name);

		if (!j)
			ok = err_set(err, "%s: the key '%s' is missing", file, fields[i].name);
		else if (!field_from_json(s, &fields[i], j))
			ok = err_set(err, "%s: the key '%s' has a value of the wrong kind", file,
				fields[i].name);
	}
	json_decref(o);
	free(file);
	return ok;
}
