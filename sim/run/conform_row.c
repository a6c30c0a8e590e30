#include "run/conform_row.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static struct src_pos at_column(const struct conform_row *row, unsigned column)
{
	struct src_pos pos = row->pos;

	pos.column = column;
	return pos;
}

bool conform_row_refuse(
	const struct conform_row *row, unsigned i, struct err *err, const char *fmt, ...)
{
	char text[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return err_at(err, at_column(row, row->column[i]), NULL, "%s", text);
}

bool conform_row_split(struct conform_row *row, char *line, struct src_pos pos, struct err *err)
{
	char *at = line, *comma;

	*row = (struct conform_row){ .pos = pos };
	do {
		if (row->n == CONFORM_FIELDS_MAX)
			return err_at(err, at_column(row, (unsigned)(at - line) + 1), NULL,
				"more than %u fields", CONFORM_FIELDS_MAX);
		row->field[row->n] = at;
		row->column[row->n++] = (unsigned)(at - line) + 1;
		comma = strchr(at, ',');
		if (comma) {
			*comma = '\0';
			at = comma + 1;
		}
	} while (comma);
	return true;
}

bool conform_row_has(const struct conform_row *row, unsigned n, struct err *err)
{
	unsigned last = row->n - 1;
	unsigned end = row->column[last] + (unsigned)strlen(row->field[last]);

	if (row->n == n)
		return true;
	return err_at(err, at_column(row, row->n > n ? row->column[n] : end), NULL,
		"a row '%s' has %u fields, this one has %u", row->field[0], n, row->n);
}

/* Digits of the base only: no sign, no space, no prefix. */
static bool parse(const char *s, unsigned base, uint64_t *out)
{
	uint64_t v = 0, digit;

	if (!*s)
		return false;
	for (; *s; s++) {
		if (*s >= '0' && *s <= '9')
			digit = (uint64_t)(*s - '0');
		else if (base == 16 && *s >= 'a' && *s <= 'f')
			digit = (uint64_t)(*s - 'a') + 10;
		else
			return false;
		if (v > (UINT64_MAX - digit) / base)
			return false;
		v = v * base + digit;
	}
	*out = v;
	return true;
}

bool conform_row_hex(const struct conform_row *row, unsigned i, const char *what, uint64_t min,
	uint64_t max, uint64_t *out, struct err *err)
{
	if (!parse(row->field[i], 16, out))
		return conform_row_refuse(
			row, i, err, "%s is '%s', not a hexadecimal number", what, row->field[i]);
	if (*out < min || *out > max)
		return conform_row_refuse(row, i, err,
			"%s is %" PRIx64 ", outside %" PRIx64 " to %" PRIx64, what, *out, min, max);
	return true;
}

bool conform_row_dec(const struct conform_row *row, unsigned i, const char *what, uint64_t min,
	uint64_t max, uint64_t *out, struct err *err)
{
	if (!parse(row->field[i], 10, out))
		return conform_row_refuse(
			row, i, err, "%s is '%s', not a decimal number", what, row->field[i]);
	if (*out < min || *out > max)
		return conform_row_refuse(row, i, err,
			"%s is %" PRIu64 ", outside %" PRIu64 " to %" PRIu64, what, *out, min, max);
	return true;
}
