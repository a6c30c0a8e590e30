#include "run/table.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bug.h"

#define GAP      2 /* between columns */
#define MIN_TEXT 6 /* a column of text is not cut below */

struct column {
	char *title;
	bool number;
};

struct table {
	struct column *column;
	size_t ncolumns;
	char **cell; /* rows x columns */
	size_t nrows, filled; /* cells of the last row */
};

struct table *table_create(void)
{
	return xcalloc(1, sizeof(struct table));
}

void table_destroy(struct table *t)
{
	for (size_t i = 0; i < t->nrows * t->ncolumns; i++)
		free(t->cell[i]);
	for (size_t c = 0; c < t->ncolumns; c++)
		free(t->column[c].title);
	free(t->cell);
	free(t->column);
	free(t);
}

static void add_column(struct table *t, const char *title, bool number)
{
	BUG_ON(t->nrows > 0);
	t->column = xrealloc(t->column, t->ncolumns + 1, sizeof(*t->column));
	t->column[t->ncolumns++] = (struct column){ xstrdup(title), number };
}

void table_text_column(struct table *t, const char *title)
{
	add_column(t, title, false);
}

void table_number_column(struct table *t, const char *title)
{
	add_column(t, title, true);
}

void table_row(struct table *t)
{
	size_t at = t->nrows * t->ncolumns;

	BUG_ON(t->nrows > 0 && t->filled != t->ncolumns);
	t->cell = xrealloc(t->cell, at + t->ncolumns, sizeof(*t->cell));
	memset(t->cell + at, 0, t->ncolumns * sizeof(*t->cell));
	t->nrows++;
	t->filled = 0;
}

void table_cell(struct table *t, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	BUG_ON(t->nrows == 0 || t->filled == t->ncolumns);
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	t->cell[(t->nrows - 1) * t->ncolumns + t->filled++] = xstrdup(text);
}

static size_t wanted_width(const struct table *t, size_t c)
{
	size_t width = strlen(t->column[c].title);

	for (size_t r = 0; r < t->nrows; r++) {
		size_t len = strlen(t->cell[r * t->ncolumns + c]);

		width = len > width ? len : width;
	}
	return width;
}

/* The widest text gives way first. */
static void fit(const struct table *t, size_t *width, size_t limit)
{
	size_t total = GAP * (t->ncolumns - 1);

	for (size_t c = 0; c < t->ncolumns; c++)
		total += width[c] = wanted_width(t, c);
	for (; total > limit; total--) {
		size_t widest = t->ncolumns;

		for (size_t c = 0; c < t->ncolumns; c++) {
			if (t->column[c].number || width[c] <= MIN_TEXT)
				continue;
			if (widest == t->ncolumns || width[c] > width[widest])
				widest = c;
		}
		if (widest == t->ncolumns)
			return;
		width[widest]--;
	}
}

/* Blanks are printed only when text follows: no line ends in them. */
static void print_row(const struct table *t, const size_t *width, char *const *cell, FILE *out)
{
	size_t blanks = 0;

	for (size_t c = 0; c < t->ncolumns; c++) {
		const char *text = cell ? cell[c] : t->column[c].title;
		size_t len = strlen(text);
		bool cut = len > width[c];

		len = cut ? width[c] : len;
		if (len == 0) {
			blanks += width[c] + GAP;
			continue;
		}
		blanks += t->column[c].number ? width[c] - len : 0;
		fprintf(out, "%*s%.*s%s", (int)blanks, "", (int)(len - cut), text, cut ? "~" : "");
		blanks = GAP + (t->column[c].number ? 0 : width[c] - len);
	}
	fputc('\n', out);
}

static void print_rule(const struct table *t, const size_t *width, FILE *out)
{
	for (size_t c = 0; c < t->ncolumns; c++) {
		for (size_t i = 0; i < width[c]; i++)
			fputc('-', out);
		fprintf(out, "%*s", c + 1 < t->ncolumns ? GAP : 0, "");
	}
	fputc('\n', out);
}

void table_print(const struct table *t, unsigned width, FILE *out)
{
	size_t *widths;

	BUG_ON(t->ncolumns == 0 || (t->nrows > 0 && t->filled != t->ncolumns));
	widths = xcalloc(t->ncolumns, sizeof(*widths));
	fit(t, widths, width);
	print_row(t, widths, NULL, out);
	print_rule(t, widths, out);
	for (size_t r = 0; r < t->nrows; r++)
		print_row(t, widths, t->cell + r * t->ncolumns, out);
	free(widths);
}
