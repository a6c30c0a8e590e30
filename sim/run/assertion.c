#include "run/assertion.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/types.h"
#include "conf/conf_suggest.h"
#include "conf/units.h"

#define SOURCE  "--assert"
#define WINDOWS "windows."

static bool equal(double a, double b)
{
	return a == b;
}

static bool differ(double a, double b)
{
	return a != b;
}

static bool below(double a, double b)
{
	return a < b;
}

static bool at_most(double a, double b)
{
	return a <= b;
}

static bool above(double a, double b)
{
	return a > b;
}

static bool at_least(double a, double b)
{
	return a >= b;
}

/* The longer of two that begin alike comes first. */
static const struct {
	const char *text;
	bool (*holds)(double measured, double limit);
} ops[] = {
	{ "==", equal },
	{ "!=", differ },
	{ "<=", at_most },
	{ ">=", at_least },
	{ "<", below },
	{ ">", above },
};

/* Windows that were never closed are in a distribution of their own, by their age at the end. */
static const struct {
	const char *closed, *open;
} open_windows[] = {
	{ WINDOWS "hw_window", WINDOWS "never_closed_age" },
	{ WINDOWS "policy_window", WINDOWS "never_flushed_age" },
};

/* ---- reading ---- */

static struct src_pos at(unsigned column)
{
	return (struct src_pos){ SOURCE, 1, column };
}

static unsigned column_of(const struct assertion *a, const char *at)
{
	return (unsigned)(at - a->text) + 1;
}

static const char *skip_spaces(const char *s)
{
	while (isspace((unsigned char)*s))
		s++;
	return s;
}

static bool in_word(char c)
{
	return c && !isspace((unsigned char)c) && !strchr("()<>=!", c);
}

/* Returns what follows; NULL with *err. */
static const char *read_word(const struct assertion *a, const char *s, char *word, struct err *err)
{
	size_t n = 0;

	while (in_word(s[n]))
		n++;
	if (n == 0) {
		err_at(err, at(column_of(a, s)), a->text, "expected a metric%s",
			*s ? "" : ", but this is the end");
		err_hint(err, "as in 'max(windows.hw_window) <= 10ms'");
		return NULL;
	}
	if (n >= ASSERTION_WORD_MAX) {
		err_at(err, at(column_of(a, s)), a->text, "this name is longer than any metric's");
		return NULL;
	}
	memcpy(word, s, n);
	word[n] = '\0';
	return s + n;
}

static bool find_function(struct assertion *a, const char *name, unsigned column, struct err *err)
{
	const char *names[HIST_STATS], *near;
	char list[128];

	for (enum hist_stat s = 0; s < HIST_STATS; s++) {
		names[s] = hist_stat_name(s);
		if (strcmp(name, names[s]) == 0) {
			a->has_function = true;
			a->function = s;
			return true;
		}
	}
	err_at(err, at(column), a->text, "there is no function '%.40s'", name);
	near = conf_nearest(name, names, HIST_STATS);
	if (near)
		return err_hint(err, "did you mean '%s'?", near);
	return err_hint(
		err, "there are %s", conf_join(names, HIST_STATS, " and ", list, sizeof(list)));
}

/* metric | function "(" metric ")" */
static const char *read_value(struct assertion *a, struct err *err)
{
	const char *s = skip_spaces(a->text), *after;

	a->metric_column = column_of(a, s);
	after = read_word(a, s, a->metric, err);
	if (!after || *skip_spaces(after) != '(')
		return after;
	if (!find_function(a, a->metric, a->metric_column, err))
		return NULL;
	s = skip_spaces(skip_spaces(after) + 1);
	a->metric_column = column_of(a, s);
	after = read_word(a, s, a->metric, err);
	if (!after)
		return NULL;
	after = skip_spaces(after);
	if (*after == ')')
		return after + 1;
	err_at(err, at(column_of(a, after)), a->text, "expected ')' after the metric");
	return NULL;
}

static const char *read_op(struct assertion *a, const char *s, struct err *err)
{
	s = skip_spaces(s);
	for (unsigned i = 0; i < ARRAY_SIZE(ops); i++) {
		size_t len = strlen(ops[i].text);

		if (strncmp(s, ops[i].text, len) != 0)
			continue;
		a->op = i;
		return s + len;
	}
	err_at(err, at(column_of(a, s)), a->text, "expected a comparison: ==, !=, <, <=, > or >=");
	if (*s == '=')
		err_hint(err, "did you mean '=='?");
	return NULL;
}

static bool read_number(struct assertion *a, const char *s, struct err *err)
{
	size_t n;

	s = skip_spaces(s);
	a->number_column = column_of(a, s);
	for (n = strlen(s); n > 0 && isspace((unsigned char)s[n - 1]); n--)
		;
	if (n == 0)
		return err_at(err, at(a->number_column), a->text,
			"expected a number after the comparison");
	if (n >= sizeof(a->number))
		return err_at(err, at(a->number_column), a->text, "this is too long for a number");
	memcpy(a->number, s, n);
	a->number[n] = '\0';
	return true;
}

bool assertion_parse(struct assertion *a, const char *text, struct err *err)
{
	const char *s;

	*a = (struct assertion){ .text = text };
	s = read_value(a, err);
	s = s ? read_op(a, s, err) : NULL;
	return s && read_number(a, s, err);
}

/* ---- judging ---- */

/* The full path, into buf of 2 x ASSERTION_WORD_MAX. */
static bool find_metric(
	const struct assertion *a, const struct point_metrics *m, char *path, struct err *err)
{
	const char *near;

	snprintf(path, 2 * (size_t)ASSERTION_WORD_MAX, "%s%s",
		strchr(a->metric, '.') ? "" : WINDOWS, a->metric);
	if (point_metrics_unit(m, path))
		return true;
	err_at(err, at(a->metric_column), a->text, "there is no metric '%.100s'", a->metric);
	near = point_metrics_nearest(m, path);
	if (!near)
		near = point_metrics_nearest(m, a->metric);
	if (near)
		return err_hint(err, "did you mean '%s'?", near);
	return err_hint(err, "a point's metrics.csv lists its metrics; 'iommusim help metrics' "
			     "explains them");
}

static bool check_function(
	const struct assertion *a, const struct point_metrics *m, const char *path, struct err *err)
{
	bool dist = point_metrics_is_dist(m, path);

	if (dist == a->has_function)
		return true;
	if (dist) {
		err_at(err, at(a->metric_column), a->text, "'%.100s' is a distribution", a->metric);
		return err_hint(err, "ask for max(%.100s), say", a->metric);
	}
	err_at(err, at(a->metric_column), a->text, "'%.100s' is one number: it takes no function",
		a->metric);
	return err_hint(err, "write '%.80s %s %.40s'", a->metric, ops[a->op].text, a->number);
}

static bool read_limit(const struct assertion *a, const char *unit, double *limit, struct err *err)
{
	bool time = strcmp(unit, "ps") == 0;
	struct err why = { 0 };
	uint64_t exact;
	char *end;

	if (time || strcmp(unit, "bytes") == 0) {
		if (units_parse(time ? CONF_time : CONF_size, a->number, &exact, &why)) {
			*limit = (double)exact;
			return true;
		}
		err_at(err, at(a->number_column), a->text, "%s", why.text);
		return err_hint(err, "%s", why.hint);
	}
	*limit = strtod(a->number, &end);
	if (*end == '\0' && isfinite(*limit))
		return true;
	err_at(err, at(a->number_column), a->text, "'%.40s' is not a plain number", a->number);
	return err_hint(err, "this value is in %.40s and takes no unit", unit);
}

/* False: it has none. */
static bool measure(
	const struct assertion *a, const struct point_metrics *m, const char *path, double *out)
{
	bool any;

	if (!a->has_function)
		return point_metrics_value(m, path, out);
	any = point_metrics_stat(m, path, a->function, out);
	for (size_t i = 0; a->function == HIST_STAT_MAX && i < ARRAY_SIZE(open_windows); i++) {
		double age;

		if (strcmp(path, open_windows[i].closed) == 0 &&
			point_metrics_stat(m, open_windows[i].open, HIST_STAT_MAX, &age)) {
			*out = any && *out > age ? *out : age;
			any = true;
		}
	}
	return any;
}

bool assertion_judge(const struct assertion *a, const struct point_metrics *m, struct verdict *v,
	struct err *err)
{
	char path[2 * ASSERTION_WORD_MAX];
	const char *unit;
	double limit = 0;

	if (!find_metric(a, m, path, err) || !check_function(a, m, path, err))
		return false;
	unit = a->has_function && a->function == HIST_STAT_COUNT ? "values"
								 : point_metrics_unit(m, path);
	if (!read_limit(a, unit, &limit, err))
		return false;
	*v = (struct verdict){ .what = a->text };
	snprintf(v->unit, sizeof(v->unit), "%s", unit);
	v->has_value = measure(a, m, path, &v->value);
	v->holds = v->has_value ? ops[a->op].holds(v->value, limit) : a->has_function;
	return true;
}
