/*
 * metric_docs - docs/metrics.md, from the tables that systems really register: every variant of every
 * section is set up once, so no list of tables has to be kept.
 */
#ifndef SIM_RUN_METRIC_DOCS_H
#define SIM_RUN_METRIC_DOCS_H
#include <stdio.h>
#include "conf/conf.h"

bool metric_docs_write(const struct conf_schema *schema, FILE *out, struct err *err);

#endif
