#include "run/merge.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "run/folder.h"

#define METRICS_FILE "metrics.csv"

/* Values by column; a column is a metric path. Paths are looked up where the last one was found
 * first: points of one sweep list nearly the same metrics in the same order. */
struct merge {
	char **column;
	size_t ncolumns;
	char ***value; /* [point][column]; NULL: the point has no such metric */
	size_t *nvalues; /* columns that the point's row has room for */
};

static size_t column_of(struct merge *m, const char *path, size_t hint)
{
	for (size_t k = 0; k < m->ncolumns; k++) {
		size_t c = (hint + k) % m->ncolumns;

		if (strcmp(m->column[c], path) == 0)
			return c;
	}
	m->column = xrealloc(m->column, m->ncolumns + 1, sizeof(*m->column));
	m->column[m->ncolumns] = xstrdup(path);
	return m->ncolumns++;
}

static void set_value(struct merge *m, size_t point, size_t column, const char *value)
{
	size_t n = m->nvalues[point];

	if (column >= n) {
		size_t more = 2 * column + 16;

		m->value[point] = xrealloc(m->value[point], more, sizeof(char *));
		memset(m->value[point] + n, 0, (more - n) * sizeof(char *));
		m->nvalues[point] = more;
	}
	m->value[point][column] = xstrdup(value);
}

/* "path,value,..." */
static bool take_line(struct merge *m, size_t point, char *line, size_t *hint)
{
	char *path = strsep(&line, ","), *value = strsep(&line, ",");

	if (!value)
		return false;
	*hint = column_of(m, path, *hint);
	set_value(m, point, *hint, value);
	++*hint;
	return true;
}

static bool read_point(struct merge *m, const struct points *p, size_t i, struct err *err)
{
	char *dir = point_path(p, i), *file = xasprintf("%s/%s", dir, METRICS_FILE), *line = NULL;
	FILE *in = fopen(file, "r");
	size_t size = 0, hint = 0, row = 0;
	bool ok = in != NULL;

	if (!in)
		err_set(err, "cannot read %s: %s", file, strerror(errno));
	while (ok && getline(&line, &size, in) > 0) {
		if (++row > 1 && !take_line(m, i, line, &hint)) /* row 1: titles */
			ok = err_set(err, "%s:%zu: not a row of metrics", file, row);
	}
	if (in)
		fclose(in);
	free(line);
	free(file);
	free(dir);
	return ok;
}

/* Values of axes may be lists: quoted. */
static void put_axis_value(const char *s, FILE *out)
{
	bool quote = strpbrk(s, ",\"") != NULL;

	if (quote)
		fputc('"', out);
	for (; *s; s++) {
		if (*s == '"')
			fputc('"', out);
		fputc(*s, out);
	}
	if (quote)
		fputc('"', out);
}

static void write_rows(const struct merge *m, const struct points *p, FILE *out)
{
	fputs("point", out);
	for (size_t a = 0; a < p->naxes; a++)
		fprintf(out, ",%s", p->axes[a]);
	for (size_t c = 0; c < m->ncolumns; c++)
		fprintf(out, ",%s", m->column[c]);
	fputc('\n', out);
	for (size_t i = 0; i < p->n; i++) {
		fprintf(out, "%zu", i);
		for (size_t a = 0; a < p->naxes; a++) {
			fputc(',', out);
			put_axis_value(p->point[i].values[a], out);
		}
		for (size_t c = 0; c < m->ncolumns; c++) {
			const char *v = c < m->nvalues[i] ? m->value[i][c] : NULL;

			fprintf(out, ",%s", v ? v : "");
		}
		fputc('\n', out);
	}
}

static void merge_fini(struct merge *m, size_t npoints)
{
	for (size_t i = 0; i < npoints; i++) {
		for (size_t c = 0; c < m->nvalues[i]; c++)
			free(m->value[i][c]);
		free(m->value[i]);
	}
	for (size_t c = 0; c < m->ncolumns; c++)
		free(m->column[c]);
	free(m->column);
	free(m->value);
	free(m->nvalues);
}

bool merge_metrics(const struct points *p, struct err *err)
{
	struct merge m = {
		.value = xcalloc(p->n, sizeof(*m.value)),
		.nvalues = xcalloc(p->n, sizeof(*m.nvalues)),
	};
	bool ok = true;
	FILE *out;

	for (size_t i = 0; ok && i < p->n; i++)
		ok = read_point(&m, p, i, err);
	if (ok) {
		out = file_create(p->root, METRICS_FILE, err);
		ok = out != NULL;
		if (out) {
			write_rows(&m, p, out);
			ok = file_close(out, p->root, METRICS_FILE, err);
		}
	}
	merge_fini(&m, p->n);
	return ok;
}
