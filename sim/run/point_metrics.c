#include "run/point_metrics.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "conf/conf_suggest.h"

struct point_metrics {
	json_t *root;
	const json_t *metrics; /* a tree of scopes */
	json_t *units; /* flat: by path */
};

struct point_metrics *point_metrics_load(const char *point_dir, struct err *err)
{
	char *file = xasprintf("%s/" POINT_METRICS_FILE, point_dir);
	struct point_metrics *m = xcalloc(1, sizeof(*m));
	json_error_t why;

	m->root = json_load_file(file, 0, &why);
	m->metrics = json_object_get(m->root, "metrics");
	m->units = json_object_get(m->root, "units");
	if (!m->root && why.line > 0)
		err_set(err, "%s:%d:%d: %s", file, why.line, why.column, why.text);
	else if (!m->root)
		err_set(err, "%s", why.text);
	else if (!json_is_object(m->metrics) || !json_is_object(m->units))
		err_set(err, "%s is not a file of metrics", file);
	free(file);
	if (json_is_object(m->metrics) && json_is_object(m->units))
		return m;
	point_metrics_destroy(m);
	return NULL;
}

void point_metrics_destroy(struct point_metrics *m)
{
	if (!m)
		return;
	json_decref(m->root);
	free(m);
}

static const json_t *find(const struct point_metrics *m, const char *path)
{
	char *copy = xstrdup(path), *rest = copy, *part;
	const json_t *o = m->metrics;

	while ((part = strsep(&rest, ".")) != NULL)
		o = json_object_get(o, part);
	free(copy);
	return o;
}

const char *point_metrics_unit(const struct point_metrics *m, const char *path)
{
	return json_string_value(json_object_get(m->units, path));
}

bool point_metrics_is_dist(const struct point_metrics *m, const char *path)
{
	return json_is_object(find(m, path));
}

static bool number(const json_t *j, double *out)
{
	*out = json_number_value(j);
	return json_is_number(j);
}

bool point_metrics_stat(
	const struct point_metrics *m, const char *path, enum hist_stat s, double *out)
{
	return number(json_object_get(find(m, path), hist_stat_name(s)), out);
}

bool point_metrics_value(const struct point_metrics *m, const char *path, double *out)
{
	return number(find(m, path), out);
}

static const char *last_part(const char *path)
{
	const char *dot = strrchr(path, '.');

	return dot ? dot + 1 : path;
}

const char *point_metrics_nearest(const struct point_metrics *m, const char *word)
{
	size_t n = json_object_size(m->units), k = 0;
	const char **paths = xcalloc(n, sizeof(*paths)), **lasts = xcalloc(n, sizeof(*lasts));
	const char *near, *path;
	json_t *unit;

	json_object_foreach(m->units, path, unit)
	{
		paths[k] = path;
		lasts[k++] = last_part(path);
	}
	near = conf_nearest(word, paths, n);
	if (!near && !strchr(word, '.')) {
		near = conf_nearest(word, lasts, n);
		for (k = 0; near && k < n && lasts[k] != near; k++)
			;
		near = near ? paths[k] : NULL;
	}
	free(paths);
	free(lasts);
	return near;
}
