/*
 * table - text tables for terminals: columns as wide as their cells, cut where the page is narrower.
 */
#ifndef SIM_RUN_TABLE_H
#define SIM_RUN_TABLE_H
#include <stdio.h>
#include "base/err.h"

#define TABLE_WIDTH 100 /* columns of the terminals we write for */

struct table;

struct table *table_create(void);
void table_destroy(struct table *t);
/* Columns before rows. Text stands left and may be cut ("rbtr~"), numbers stand right and may not. */
void table_text_column(struct table *t, const char *title);
void table_number_column(struct table *t, const char *title);
void table_row(struct table *t);
/* Next cell of the last row. */
void table_cell(struct table *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void table_print(const struct table *t, unsigned width, FILE *out);

#endif
