#include "run/points.h"

#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "run/folder.h"

/* Names of files may have 255 bytes; values can be longer. */
#define DIR_NAME_MAX 200

struct points *points_create(const char *root, const char *name)
{
	struct points *p = xcalloc(1, sizeof(*p));

	p->root = xstrdup(root);
	p->name = xstrdup(name);
	p->description = xstrdup("");
	return p;
}

static void free_all(char **v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(v[i]);
	free(v);
}

void points_destroy(struct points *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n; i++) {
		free(p->point[i].dir);
		free_all(p->point[i].values, p->naxes);
	}
	free(p->point);
	free_all(p->axes, p->naxes);
	free(p->root);
	free(p->name);
	free(p->description);
	free(p);
}

void points_set_root(struct points *p, const char *root)
{
	free(p->root);
	p->root = xstrdup(root);
}

void points_describe(struct points *p, const char *text)
{
	free(p->description);
	p->description = xstrdup(text ? text : "");
}

void points_add_axis(struct points *p, const char *path)
{
	p->axes = xrealloc(p->axes, p->naxes + 1, sizeof(*p->axes));
	p->axes[p->naxes++] = xstrdup(path);
}

/* "003-cpu.count=8,policy.type=strict", with what a file name should not have made plain. */
static char *dir_name(const struct points *p, size_t index, const char *const *values)
{
	char name[DIR_NAME_MAX];
	size_t len = (size_t)snprintf(name, sizeof(name), "%03zu", index);

	for (size_t a = 0; a < p->naxes && len < sizeof(name) - 1; a++) {
		size_t from = len;

		len += (size_t)snprintf(name + len, sizeof(name) - len, "%c%s=%s", a ? ',' : '-',
			p->axes[a], values[a]);
		if (len > sizeof(name) - 1)
			len = sizeof(name) - 1;
		for (char *c = name + from + 1; *c; c++) {
			if (!isalnum((unsigned char)*c) && !strchr("._=-+", *c))
				*c = '_';
		}
	}
	return xasprintf("points/%s", name);
}

struct point_ref *points_add(struct points *p, const char *const *values)
{
	struct point_ref *ref;

	p->point = xrealloc(p->point, p->n + 1, sizeof(*p->point));
	ref = &p->point[p->n];
	*ref = (struct point_ref){ .dir = dir_name(p, p->n, values) };
	ref->values = xcalloc(p->naxes + 1, sizeof(*ref->values));
	for (size_t a = 0; a < p->naxes; a++)
		ref->values[a] = xstrdup(values[a]);
	p->n++;
	return ref;
}

char *point_path(const struct points *p, size_t i)
{
	return xasprintf("%s/%s", p->root, p->point[i].dir);
}

char *point_axis_label(const struct points *p, size_t axis, char *buf, size_t size)
{
	static const char type[] = ".type";
	size_t len = strlen(p->axes[axis]);

	if (strcmp(p->axes[axis], POINTS_CPU_AXIS) == 0) {
		snprintf(buf, size, "CPUs");
		return buf;
	}
	if (len > strlen(type) && strcmp(p->axes[axis] + len - strlen(type), type) == 0)
		len -= strlen(type);
	snprintf(buf, size, "%.*s", (int)len, p->axes[axis]);
	return buf;
}

char *point_label(const struct points *p, size_t i, char *buf, size_t size)
{
	size_t len = 0;

	snprintf(buf, size, "the only point");
	for (size_t a = 0; a < p->naxes && len < size; a++) {
		char label[128];

		len += (size_t)snprintf(buf + len, size - len, "%s%s=%s", a ? ", " : "",
			point_axis_label(p, a, label, sizeof(label)), p->point[i].values[a]);
	}
	return buf;
}

bool points_write(const struct points *p, struct err *err)
{
	json_t *root = json_object(), *axes = json_array(), *list = json_array();
	FILE *out = file_create(p->root, POINTS_FILE, err);

	for (size_t a = 0; a < p->naxes; a++)
		json_array_append_new(axes, json_string(p->axes[a]));
	for (size_t i = 0; i < p->n; i++) {
		json_t *o = json_object(), *values = json_array();

		for (size_t a = 0; a < p->naxes; a++)
			json_array_append_new(values, json_string(p->point[i].values[a]));
		json_object_set_new(o, "dir", json_string(p->point[i].dir));
		json_object_set_new(o, "values", values);
		json_array_append_new(list, o);
	}
	json_object_set_new(root, "name", json_string(p->name));
	json_object_set_new(root, "description", json_string(p->description));
	json_object_set_new(root, "axes", axes);
	json_object_set_new(root, "points", list);
	if (out) {
		json_dumpf(root, out, JSON_INDENT(1));
		fputc('\n', out);
	}
	json_decref(root);
	return out && file_close(out, p->root, POINTS_FILE, err);
}

bool points_read_summaries(struct points *p, struct err *err)
{
	for (size_t i = 0; i < p->n; i++) {
		char *dir = point_path(p, i);
		bool ok = summary_read(&p->point[i].summary, dir, err);

		free(dir);
		if (!ok)
			return false;
	}
	return true;
}

/* One entry of "points"; the folder stays as the index names it. */
static bool add_from_json(struct points *p, const json_t *o)
{
	const json_t *values = json_object_get(o, "values");
	const char *dir = json_string_value(json_object_get(o, "dir"));
	const char **text = xcalloc(p->naxes + 1, sizeof(*text));
	bool ok = dir && json_array_size(values) == p->naxes;

	for (size_t a = 0; ok && a < p->naxes; a++) {
		text[a] = json_string_value(json_array_get(values, a));
		ok = text[a] != NULL;
	}
	if (ok) {
		struct point_ref *ref = points_add(p, text);

		free(ref->dir);
		ref->dir = xstrdup(dir);
	}
	free(text);
	return ok;
}

static bool fill_from_json(struct points *p, const json_t *root)
{
	const json_t *axes = json_object_get(root, "axes"), *list = json_object_get(root, "points");

	for (size_t a = 0; a < json_array_size(axes); a++) {
		const char *axis = json_string_value(json_array_get(axes, a));

		if (!axis)
			return false;
		points_add_axis(p, axis);
	}
	for (size_t i = 0; i < json_array_size(list); i++) {
		if (!add_from_json(p, json_array_get(list, i)))
			return false;
	}
	return p->n > 0;
}

struct points *points_load(const char *root, struct err *err)
{
	char *file = xasprintf("%s/%s", root, POINTS_FILE);
	struct points *p = NULL;
	json_error_t why;
	json_t *json;

	if (!file_exists(file)) {
		err_set(err, "%s is not a results folder: it has no %s", root, POINTS_FILE);
		err_hint(err, "name the folder that 'iommusim run' printed");
		free(file);
		return NULL;
	}
	json = json_load_file(file, 0, &why);
	if (json) {
		const char *name = json_string_value(json_object_get(json, "name"));

		p = points_create(root, name ? name : "");
		points_describe(p, json_string_value(json_object_get(json, "description")));
		if (!name || !fill_from_json(p, json)) {
			err_set(err, "%s is not an index of results", file);
			points_destroy(p);
			p = NULL;
		}
	} else {
		err_set(err, "%s:%d: %s", file, why.line, why.text);
	}
	if (p && !points_read_summaries(p, err)) {
		points_destroy(p);
		p = NULL;
	}
	json_decref(json);
	free(file);
	return p;
}
