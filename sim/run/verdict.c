#include "run/verdict.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/types.h"
#include "conf/units.h"

#define REAL_DIGITS 15 /* as in metrics.json */

char *verdict_text(const struct verdict *v, char *buf, size_t size)
{
	if (!v->has_value)
		snprintf(buf, size, "no values");
	else if (strcmp(v->unit, "ps") == 0 && v->value < (double)SIM_TIME_NEVER)
		units_human_time((sim_time)(v->value + 0.5), buf, size);
	else
		snprintf(buf, size, "%.10g %s", v->value, v->unit);
	return buf;
}

size_t verdicts_broken(const struct verdicts *all)
{
	size_t broken = 0;

	for (size_t i = 0; i < all->n; i++)
		broken += !all->v[i].holds;
	return broken;
}

/* ---- JSON ---- */

static json_t *verdict_json(const struct verdict *v)
{
	json_t *o = json_object();

	json_object_set_new(o, "kind", json_string(v->promised ? "promise" : "assertion"));
	json_object_set_new(o, "what", json_string(v->what));
	json_object_set_new(o, "measured", v->has_value ? json_real(v->value) : json_null());
	json_object_set_new(o, "unit", json_string(v->unit));
	if (v->promised)
		json_object_set_new(o, "limit", json_string(v->limit));
	json_object_set_new(o, "holds", json_boolean(v->holds));
	return o;
}

static void put_json(const struct verdicts *all, const struct points *p, FILE *out)
{
	json_t *root = json_object(), *list = json_array();

	for (size_t i = 0; i < p->n; i++) {
		json_t *o = json_object(), *values = json_object(), *verdicts = json_array();

		for (size_t a = 0; a < p->naxes; a++)
			json_object_set_new(values, p->axes[a], json_string(p->point[i].values[a]));
		for (size_t k = 0; k < all->n; k++) {
			if (all->v[k].point == i)
				json_array_append_new(verdicts, verdict_json(&all->v[k]));
		}
		json_object_set_new(o, "dir", json_string(p->point[i].dir));
		json_object_set_new(o, "values", values);
		json_object_set_new(o, "verdicts", verdicts);
		json_array_append_new(list, o);
	}
	json_object_set_new(root, "name", json_string(p->name));
	json_object_set_new(root, "broken", json_integer((json_int_t)verdicts_broken(all)));
	json_object_set_new(root, "points", list);
	json_dumpf(root, out, JSON_INDENT(1) | JSON_REAL_PRECISION(REAL_DIGITS));
	fputc('\n', out);
	json_decref(root);
}

/* ---- JUnit XML ---- */

/* Inside double quotes. XML 1.0 has no way to write most control characters. */
static void put_xml(const char *s, FILE *out)
{
	for (; *s; s++) {
		switch (*s) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		default:
			fputc((unsigned char)*s < ' ' ? '?' : *s, out);
		}
	}
}

static void put_case(const struct verdict *v, const char *suite, FILE *out)
{
	char text[64];

	fputs("    <testcase classname=\"", out);
	put_xml(suite, out);
	fprintf(out, "\" name=\"%s: ", v->promised ? "promise" : "assertion");
	put_xml(v->what, out);
	if (v->holds) {
		fputs("\"/>\n", out);
		return;
	}
	fputs("\">\n      <failure message=\"measured: ", out);
	put_xml(verdict_text(v, text, sizeof(text)), out);
	if (v->promised) {
		fputs("; promised: at most ", out);
		put_xml(v->limit, out);
	}
	fputs("\"/>\n    </testcase>\n", out);
}

static void put_suite(const struct verdicts *all, const struct points *p, size_t point, FILE *out)
{
	size_t tests = 0, failures = 0;
	char label[256];

	for (size_t k = 0; k < all->n; k++) {
		tests += all->v[k].point == point;
		failures += all->v[k].point == point && !all->v[k].holds;
	}
	point_label(p, point, label, sizeof(label));
	fputs("  <testsuite name=\"", out);
	put_xml(label, out);
	fprintf(out, "\" tests=\"%zu\" failures=\"%zu\">\n", tests, failures);
	for (size_t k = 0; k < all->n; k++) {
		if (all->v[k].point == point)
			put_case(&all->v[k], label, out);
	}
	fputs("  </testsuite>\n", out);
}

static void put_junit(const struct verdicts *all, const struct points *p, FILE *out)
{
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"", out);
	put_xml(p->name, out);
	fprintf(out, "\" tests=\"%zu\" failures=\"%zu\">\n", all->n, verdicts_broken(all));
	for (size_t i = 0; i < p->n; i++)
		put_suite(all, p, i, out);
	fputs("</testsuites>\n", out);
}

/* ---- files, written aside and renamed ---- */

struct output {
	const char *file; /* NULL: not wanted */
	void (*put)(const struct verdicts *all, const struct points *p, FILE *out);
	char *aside;
};

static bool write_aside(
	struct output *o, const struct verdicts *all, const struct points *p, struct err *err)
{
	FILE *out;
	bool ok;

	o->aside = xasprintf("%s.tmp-%ld", o->file, (long)getpid());
	out = fopen(o->aside, "w");
	if (!out)
		return err_set(err, "cannot write %s: %s", o->file, strerror(errno));
	o->put(all, p, out);
	ok = !ferror(out);
	if (fclose(out) != 0 || !ok)
		return err_set(err, "cannot write %s: %s", o->file, strerror(errno));
	return true;
}

bool verdicts_write(const struct verdicts *all, const struct points *p, const char *junit,
	const char *json, struct err *err)
{
	struct output outputs[] = { { junit, put_junit, NULL }, { json, put_json, NULL } };
	bool ok = true;

	for (size_t i = 0; ok && i < ARRAY_SIZE(outputs); i++)
		ok = !outputs[i].file || write_aside(&outputs[i], all, p, err);
	for (size_t i = 0; ok && i < ARRAY_SIZE(outputs); i++) {
		if (outputs[i].file && rename(outputs[i].aside, outputs[i].file) != 0)
			ok = err_set(err, "cannot write %s: %s", outputs[i].file, strerror(errno));
	}
	for (size_t i = 0; i < ARRAY_SIZE(outputs); i++) {
		if (outputs[i].aside && !ok)
			unlink(outputs[i].aside);
		free(outputs[i].aside);
	}
	return ok;
}
