#include "run/plan.h"

#include <stdlib.h>

#include "base/alloc.h"

static bool count_points(const struct conf_axis *axes, size_t naxes, size_t *n, struct err *err)
{
	*n = 1;
	for (size_t a = 0; a < naxes; a++) {
		if (axes[a].nvalues > PLAN_POINTS_MAX / *n)
			return err_at(err, axes[a].pos, axes[a].path,
				"the sweep has more than %d points", PLAN_POINTS_MAX);
		*n *= axes[a].nvalues;
	}
	return true;
}

/* The values of point i: the last axis turns fastest. */
static void values_of(size_t i, const struct conf_axis *axes, size_t naxes, const char **values)
{
	for (size_t a = naxes; a-- > 0;) {
		values[a] = axes[a].values[i % axes[a].nvalues];
		i /= axes[a].nvalues;
	}
}

static bool bind_point(const struct conf_schema *schema, const struct conf_axis *axes, size_t naxes,
	const char *const *values, struct plan *p, struct err *err)
{
	struct conf_doc *doc = p->doc[p->n];

	for (size_t a = 0; a < naxes; a++) {
		char *set = xasprintf("%s=%s", axes[a].path, values[a]);
		bool ok = conf_doc_set(doc, set, "sweep", err);

		free(set);
		if (!ok)
			return false;
	}
	return conf_bind(schema, doc, &p->conf[p->n], err);
}

bool plan_make(const struct conf_schema *schema, struct conf_doc *doc, const char *name,
	struct plan *out, struct err *err)
{
	const struct conf_axis *axes;
	const char **values;
	size_t naxes, n;
	bool ok = true;

	*out = (struct plan){ 0 };
	if (!conf_resolve_sweep(schema, doc, err))
		return false;
	naxes = conf_doc_axes(doc, &axes);
	if (!count_points(axes, naxes, &n, err))
		return false;
	out->points = points_create("", name);
	for (size_t a = 0; a < naxes; a++)
		points_add_axis(out->points, axes[a].path);
	out->conf = xcalloc(n, sizeof(*out->conf));
	out->doc = xcalloc(n, sizeof(*out->doc));
	values = xcalloc(naxes + 1, sizeof(*values));
	for (size_t i = 0; ok && i < n; i++) {
		values_of(i, axes, naxes, values);
		out->doc[i] = conf_doc_copy(doc);
		ok = bind_point(schema, axes, naxes, values, out, err);
		points_add(out->points, values);
		out->n++;
	}
	free(values);
	return ok;
}

void plan_fini(struct plan *p)
{
	for (size_t i = 0; i < p->n; i++) {
		if (p->conf[i])
			conf_destroy(p->conf[i]);
		conf_doc_destroy(p->doc[i]);
	}
	free(p->conf);
	free(p->doc);
	points_destroy(p->points);
	*p = (struct plan){ 0 };
}
