#include "conf/conf_text.h"

#include <stdbool.h>
#include <string.h>

#define GAP 2u /* between columns, and before the first */

/* Length of the next line of *s, at most width, broken at a space if there is one. Steps over it. */
static size_t take_line(const char **s, size_t width, const char **line)
{
	const char *from = *s;
	size_t len, rest = strlen(from), cut;

	*line = from;
	if (rest <= width) {
		*s = from + rest;
		return rest;
	}
	for (cut = width; cut > 0 && from[cut] != ' '; cut--)
		;
	len = cut > 0 ? cut : width;
	*s = from + len;
	while (**s == ' ')
		++*s;
	return len;
}

void conf_print_wrapped(const char *prefix, const char *text, FILE *out)
{
	size_t width = CONF_COLUMNS - strlen(prefix);
	const char *line;
	size_t len;

	while (*text) {
		len = take_line(&text, width, &line);
		fprintf(out, "%s%.*s\n", prefix, (int)len, line);
	}
}

/* Long cells wrap rather than squeeze the sentence in the last column. */
static void column_widths(const struct conf_row *rows, size_t n, size_t *width)
{
	static const size_t cap[CONF_CELLS - 1] = { 28, 12, 18, 22 };
	size_t left = CONF_COLUMNS;

	for (unsigned c = 0; c + 1 < CONF_CELLS; c++) {
		width[c] = 0;
		for (size_t i = 0; i < n; i++) {
			size_t len = strlen(rows[i].cell[c]);

			if (len > width[c])
				width[c] = len < cap[c] ? len : cap[c];
		}
		left -= width[c] + GAP;
	}
	width[CONF_CELLS - 1] = left - GAP;
}

static bool print_line(const char **rest, const size_t *width, FILE *out)
{
	const char *line;
	size_t len, owed = 0; /* blanks that only a later cell makes visible */
	bool more = false;

	for (unsigned c = 0; c < CONF_CELLS; c++) {
		owed += GAP;
		len = take_line(&rest[c], width[c], &line);
		if (len > 0) {
			fprintf(out, "%*s%.*s", (int)owed, "", (int)len, line);
			owed = 0;
		}
		owed += width[c] - len;
		more |= *rest[c] != '\0';
	}
	putc('\n', out);
	return more;
}

void conf_print_rows(const struct conf_row *rows, size_t n, FILE *out)
{
	size_t width[CONF_CELLS];
	const char *rest[CONF_CELLS];

	column_widths(rows, n, width);
	for (size_t i = 0; i < n; i++) {
		memcpy(rest, rows[i].cell, sizeof(rest));
		while (print_line(rest, width, out))
			;
	}
}
