#include "run/plot_axes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "conf/units.h"

/* How numbers of a kind stand on an axis. */
static const struct number_kind {
	enum conf_type type;
	double scale; /* base units per axis unit */
	const char *unit;
} kinds[] = {
	{ CONF_u64, 1, "" },
	{ CONF_time, 1e6, " (µs)" },
	{ CONF_size, 1024, " (KiB)" },
	{ CONF_rate, 1e9, " (Gb/s)" },
	{ CONF_freq, 1e9, " (GHz)" },
};

static bool read_number(const struct number_kind *k, const char *text, double *x)
{
	uint64_t v;

	if (!units_parse(k->type, text, &v, NULL))
		return false;
	*x = (double)v / k->scale;
	return true;
}

/* Kind that every value of the axis has, NULL: not numbers. Fills x. */
static const struct number_kind *axis_numbers(const struct points *p, size_t axis, double *x)
{
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		size_t i = 0;

		while (i < p->n && read_number(&kinds[k], p->point[i].values[axis], &x[i]))
			i++;
		if (i == p->n)
			return &kinds[k];
	}
	return NULL;
}

static size_t cpu_axis(const struct points *p)
{
	for (size_t a = 0; a < p->naxes; a++) {
		if (strcmp(p->axes[a], POINTS_CPU_AXIS) == 0)
			return a;
	}
	return PLOT_NO_AXIS;
}

static size_t choose_x(struct plot_axes *a, const struct points *p)
{
	size_t axis = cpu_axis(p);
	char label[128];

	if (axis != PLOT_NO_AXIS && axis_numbers(p, axis, a->x)) {
		snprintf(a->x_label, sizeof(a->x_label), "CPUs");
		return axis;
	}
	for (axis = 0; axis < p->naxes; axis++) {
		const struct number_kind *k = axis_numbers(p, axis, a->x);

		if (!k)
			continue;
		snprintf(a->x_label, sizeof(a->x_label), "%s%s",
			point_axis_label(p, axis, label, sizeof(label)), k->unit);
		return axis;
	}
	for (size_t i = 0; i < p->n; i++)
		a->x[i] = p->naxes ? (double)i : (double)p->point[i].summary.cpus;
	snprintf(a->x_label, sizeof(a->x_label), "%s", p->naxes ? "point" : "CPUs");
	return PLOT_NO_AXIS;
}

/* The other axes' values; the common part of a name without any. */
static void series_label(const struct points *p, size_t i, size_t x_axis, char *buf, size_t size)
{
	size_t len = 0;

	snprintf(buf, size, "%s", p->name);
	for (size_t a = 0; a < p->naxes && x_axis != PLOT_NO_AXIS; a++) {
		char label[128];

		if (a == x_axis || len >= size)
			continue;
		point_axis_label(p, a, label, sizeof(label));
		len += (size_t)snprintf(buf + len, size - len, "%s%s %s", len ? ", " : "", label,
			p->point[i].values[a]);
	}
}

static struct plot_series *series_of(struct plot_axes *a, const char *label)
{
	struct plot_series *s;

	for (size_t k = 0; k < a->nseries; k++) {
		if (strcmp(a->series[k].label, label) == 0)
			return &a->series[k];
	}
	a->series = xrealloc(a->series, a->nseries + 1, sizeof(*a->series));
	s = &a->series[a->nseries++];
	*s = (struct plot_series){ .point = xcalloc(a->points->n, sizeof(*s->point)) };
	snprintf(s->label, sizeof(s->label), "%s", label);
	return s;
}

/* Insertion by rising x; points that share x stay in their order. */
static void add_point(const struct plot_axes *a, struct plot_series *s, size_t i)
{
	size_t at = s->n++;

	while (at > 0 && a->x[s->point[at - 1]] > a->x[i]) {
		s->point[at] = s->point[at - 1];
		at--;
	}
	s->point[at] = i;
}

void plot_axes_init(struct plot_axes *a, const struct points *p)
{
	*a = (struct plot_axes){ .points = p, .x = xcalloc(p->n, sizeof(*a->x)) };
	a->x_axis = choose_x(a, p);
	for (size_t i = 0; i < p->n; i++) {
		char label[PLOT_LABEL_MAX];

		series_label(p, i, a->x_axis, label, sizeof(label));
		add_point(a, series_of(a, label), i);
	}
}

void plot_axes_fini(struct plot_axes *a)
{
	for (size_t k = 0; k < a->nseries; k++)
		free(a->series[k].point);
	free(a->series);
	free(a->x);
}

char *plot_x_text(const struct plot_axes *a, size_t point, char *buf, size_t size)
{
	const char *axis, *last;

	if (a->x_axis == PLOT_NO_AXIS || strcmp(a->x_label, "CPUs") == 0) {
		snprintf(buf, size, "%.6g %s", a->x[point], a->x_label);
		return buf;
	}
	axis = a->points->axes[a->x_axis];
	last = strrchr(axis, '.');
	snprintf(buf, size, "%s %s", last ? last + 1 : axis,
		a->points->point[point].values[a->x_axis]);
	return buf;
}

char *plot_subtitle(const struct points *p, char *buf, size_t size)
{
	static const size_t texts[] = {
		offsetof(struct run_summary, model),
		offsetof(struct run_summary, allocator),
		offsetof(struct run_summary, policy),
		offsetof(struct run_summary, workload),
	};
	char measured[32];
	size_t len = (size_t)snprintf(buf, size, "%s:", p->name);

	for (size_t t = 0; t < ARRAY_SIZE(texts) && len < size; t++) {
		const char *first = (const char *)&p->point[0].summary + texts[t];
		bool common = first[0] != '\0';

		for (size_t i = 1; i < p->n; i++) {
			const char *other = (const char *)&p->point[i].summary + texts[t];

			common = common && strcmp(first, other) == 0;
		}
		if (common)
			len += (size_t)snprintf(buf + len, size - len, " %s,", first);
	}
	if (len < size)
		snprintf(buf + len, size - len, " %s measured",
			units_human_time(p->point[0].summary.measured, measured, sizeof(measured)));
	return buf;
}
