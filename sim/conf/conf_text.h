/*
 * conf_text - paragraphs and tables that fit a terminal. Internal to sim/conf.
 */
#ifndef SIM_CONF_CONF_TEXT_H
#define SIM_CONF_CONF_TEXT_H
#include <stdio.h>
#include <stddef.h>

#define CONF_COLUMNS 100u /* of a terminal, and of generated files */

/* Words of text, every line begun with `prefix` and none wider than CONF_COLUMNS. */
void conf_print_wrapped(const char *prefix, const char *text, FILE *out);

/* Rows of cells, every cell wrapped in its column; column widths follow from the cells, the last
 * column takes the rest. */
#define CONF_CELLS 5
struct conf_row {
	const char *cell[CONF_CELLS];
};
void conf_print_rows(const struct conf_row *rows, size_t n, FILE *out);

#endif
