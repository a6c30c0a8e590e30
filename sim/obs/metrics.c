#include "obs/metrics.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bug.h"

#define NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

struct scope_table {
	const struct metric_table *table;
	void *base;
};

struct scope_hook {
	metric_hook_fn *reset, *collect;
	void *arg;
};

struct metric_scope {
	char *path; /* from the root; "" is the root */
	const char *name; /* last part of path */
	struct scope_table *tables;
	size_t ntables;
	uint64_t **buckets; /* of the tables' histograms */
	size_t nbuckets;
	struct scope_hook *hooks;
	size_t nhooks;
	struct metric_scope **children;
	size_t nchildren;
};

struct metrics {
	struct metric_scope root;
};

/* Makes room for one more element of a vector of n; grows at powers of two. */
static void *grow(void *v, size_t n, size_t size)
{
	if (n & (n - 1))
		return v;
	return xrealloc(v, n ? 2 * n : 1, size);
}

struct metrics *metrics_create(void)
{
	struct metrics *m = xcalloc(1, sizeof(*m));

	m->root.path = xstrdup("");
	m->root.name = m->root.path;
	return m;
}

static void scope_fini(struct metric_scope *s)
{
	for (size_t i = 0; i < s->nchildren; i++) {
		scope_fini(s->children[i]);
		free(s->children[i]);
	}
	for (size_t i = 0; i < s->nbuckets; i++)
		free(s->buckets[i]);
	free(s->buckets);
	free(s->children);
	free(s->tables);
	free(s->hooks);
	free(s->path);
}

void metrics_destroy(struct metrics *m)
{
	if (!m)
		return;
	scope_fini(&m->root);
	free(m);
}

struct metric_scope *metrics_root(struct metrics *m)
{
	return &m->root;
}

const char *metric_scope_path(const struct metric_scope *s)
{
	return s->path;
}

static bool scope_has_metric(const struct metric_scope *s, const char *name)
{
	for (size_t i = 0; i < s->ntables; i++) {
		for (size_t k = 0; k < s->tables[i].table->n; k++) {
			if (strcmp(s->tables[i].table->desc[k].name, name) == 0)
				return true;
		}
	}
	return false;
}

static struct metric_scope *find_child(const struct metric_scope *s, const char *name)
{
	for (size_t i = 0; i < s->nchildren; i++) {
		if (strcmp(s->children[i]->name, name) == 0)
			return s->children[i];
	}
	return NULL;
}

static struct metric_scope *child_named(struct metric_scope *parent, const char *name)
{
	struct metric_scope *s = find_child(parent, name);

	if (s)
		return s;
	/* Paths become names of files and keys of objects. */
	BUG_ON(name[0] == '\0' || name[strspn(name, NAME_CHARS)] != '\0');
	BUG_ON(scope_has_metric(parent, name));
	s = xcalloc(1, sizeof(*s));
	s->path = xasprintf("%s%s%s", parent->path, parent->path[0] ? "." : "", name);
	s->name = s->path + strlen(s->path) - strlen(name);
	parent->children = grow(parent->children, parent->nchildren, sizeof(struct metric_scope *));
	parent->children[parent->nchildren++] = s;
	return s;
}

struct metric_scope *metric_scope_child(struct metric_scope *parent, const char *fmt, ...)
{
	char name[256], *rest = name, *part;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(name, sizeof(name), fmt, ap);
	va_end(ap);
	BUG_ON(n <= 0 || (size_t)n >= sizeof(name));
	while ((part = strsep(&rest, ".")) != NULL)
		parent = child_named(parent, part);
	return parent;
}

/* With its buckets, which hist_add() would make at the first value: so that they can be freed
 * without a look into the component, which may be gone by then. */
static void own_hist(struct metric_scope *s, struct hist *h)
{
	hist_init(h);
	h->bucket = xcalloc(HIST_BUCKETS, sizeof(*h->bucket));
	s->buckets = grow(s->buckets, s->nbuckets, sizeof(*s->buckets));
	s->buckets[s->nbuckets++] = h->bucket;
}

void metric_scope_add(struct metric_scope *s, const struct metric_table *t, void *base)
{
	for (size_t k = 0; k < t->n; k++) {
		BUG_ON(scope_has_metric(s, t->desc[k].name) || find_child(s, t->desc[k].name));
		if (t->desc[k].kind == METRIC_HIST)
			own_hist(s, (void *)((char *)base + t->desc[k].off));
	}
	s->tables = grow(s->tables, s->ntables, sizeof(*s->tables));
	s->tables[s->ntables++] = (struct scope_table){ .table = t, .base = base };
}

void metric_scope_hooks(
	struct metric_scope *s, metric_hook_fn *reset, metric_hook_fn *collect, void *arg)
{
	s->hooks = grow(s->hooks, s->nhooks, sizeof(*s->hooks));
	s->hooks[s->nhooks++] = (struct scope_hook){ reset, collect, arg };
}

static void table_reset(const struct metric_table *t, char *base)
{
	for (size_t k = 0; k < t->n; k++) {
		void *at = base + t->desc[k].off;

		switch (t->desc[k].kind) {
		case METRIC_COUNTER:
		case METRIC_TIME:
			*(uint64_t *)at = 0;
			break;
		case METRIC_REAL:
			*(double *)at = 0;
			break;
		case METRIC_HIST:
			hist_reset(at);
			break;
		case METRIC_GAUGE:
			break;
		}
	}
}

static void scope_reset(struct metric_scope *s, sim_time now)
{
	for (size_t i = 0; i < s->ntables; i++)
		table_reset(s->tables[i].table, s->tables[i].base);
	for (size_t i = 0; i < s->nhooks; i++) {
		if (s->hooks[i].reset)
			s->hooks[i].reset(s->hooks[i].arg, now);
	}
	for (size_t i = 0; i < s->nchildren; i++)
		scope_reset(s->children[i], now);
}

void metrics_reset(struct metrics *m, sim_time now)
{
	scope_reset(&m->root, now);
}

/* Children first, so that a parent can sum up what they have computed. */
static void scope_collect(struct metric_scope *s, sim_time now)
{
	for (size_t i = 0; i < s->nchildren; i++)
		scope_collect(s->children[i], now);
	for (size_t i = 0; i < s->nhooks; i++) {
		if (s->hooks[i].collect)
			s->hooks[i].collect(s->hooks[i].arg, now);
	}
}

void metrics_collect(struct metrics *m, sim_time now)
{
	scope_collect(&m->root, now);
}

static void scope_visit(const struct metric_scope *s, metric_table_fn *fn, void *arg)
{
	for (size_t i = 0; i < s->ntables; i++)
		fn(arg, s->path, s->tables[i].table, s->tables[i].base);
	for (size_t i = 0; i < s->nchildren; i++)
		scope_visit(s->children[i], fn, arg);
}

void metrics_visit_tables(const struct metrics *m, metric_table_fn *fn, void *arg)
{
	scope_visit(&m->root, fn, arg);
}

struct visit {
	metric_visit_fn *fn;
	void *arg;
};

static void visit_table(void *arg, const char *path, const struct metric_table *t, const void *base)
{
	const struct visit *v = arg;

	for (size_t k = 0; k < t->n; k++) {
		char full[512];

		snprintf(full, sizeof(full), "%s%s%s", path, path[0] ? "." : "", t->desc[k].name);
		v->fn(v->arg, full, &t->desc[k], base);
	}
}

void metrics_visit(const struct metrics *m, metric_visit_fn *fn, void *arg)
{
	struct visit v = { fn, arg };

	metrics_visit_tables(m, visit_table, &v);
}

static double amount(const struct metric_desc *d, const void *base)
{
	if (d->kind == METRIC_HIST)
		return (double)metric_hist(d, base)->count;
	return d->kind == METRIC_REAL ? metric_real(d, base) : (double)metric_u64(d, base);
}

bool metric_ratio(
	const struct metric_desc *d, const struct metric_table *t, const void *base, double *ratio)
{
	double whole;

	for (size_t k = 0; d->per && k < t->n; k++) {
		if (strcmp(t->desc[k].name, d->per) != 0)
			continue;
		whole = amount(&t->desc[k], base);
		*ratio = amount(d, base) / whole;
		return whole != 0;
	}
	return false;
}
