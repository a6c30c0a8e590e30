/*
 * conform_row - one line of a vector file, cut at its commas, with the column of every field so that
 * a complaint points at it.
 */
#ifndef SIM_RUN_CONFORM_ROW_H
#define SIM_RUN_CONFORM_ROW_H
#include <stdint.h>
#include "base/err.h"

#define CONFORM_FIELDS_MAX 12u

struct conform_row {
	struct src_pos pos; /* column 1 */
	unsigned n;
	const char *field[CONFORM_FIELDS_MAX];
	unsigned column[CONFORM_FIELDS_MAX];
};

/* Cuts `line` in place. */
bool conform_row_split(struct conform_row *row, char *line, struct src_pos pos, struct err *err);
/* The row must have exactly n fields. */
bool conform_row_has(const struct conform_row *row, unsigned n, struct err *err);
/* Field i as a number in [min, max]; `what` names it in messages. Hex is lower case without 0x. */
bool conform_row_hex(const struct conform_row *row, unsigned i, const char *what, uint64_t min,
	uint64_t max, uint64_t *out, struct err *err);
bool conform_row_dec(const struct conform_row *row, unsigned i, const char *what, uint64_t min,
	uint64_t max, uint64_t *out, struct err *err);
/* Refuse the row because of field i. */
bool conform_row_refuse(const struct conform_row *row, unsigned i, struct err *err, const char *fmt,
	...) __attribute__((format(printf, 4, 5)));

#endif
