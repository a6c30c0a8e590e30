/*
 * points_table - the columns that tell the points of a table apart: one per axis of the sweep.
 */
#ifndef SIM_RUN_POINTS_TABLE_H
#define SIM_RUN_POINTS_TABLE_H
#include "run/points.h"
#include "run/table.h"

/* Without a sweep: the policy. */
void points_table_columns(struct table *t, const struct points *p);
/* Begins the row of point i. */
void points_table_row(struct table *t, const struct points *p, size_t i);
/* "15.3 us"; a time of 0 is told from a short one. */
void points_table_time(struct table *t, sim_time ps);

#endif
