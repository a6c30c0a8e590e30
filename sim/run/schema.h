/*
 * schema - every section of an experiment file, assembled from the tables of the components.
 */
#ifndef SIM_RUN_SCHEMA_H
#define SIM_RUN_SCHEMA_H
#include "conf/conf.h"

const struct conf_schema *schema_get(void);

#endif
