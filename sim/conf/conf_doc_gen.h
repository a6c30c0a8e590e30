/*
 * conf_doc_gen - everything people read about the configuration, from the tables alone: help for a
 * key, the commented reference file, the manual page in Markdown, the effective configuration.
 */
#ifndef SIM_CONF_CONF_DOC_GEN_H
#define SIM_CONF_CONF_DOC_GEN_H
#include <stdio.h>
#include "conf/conf.h"

/* Help for a key path, a section or a variant ("policy.deferred-global"); false with the nearest
 * valid name when there is none. */
bool conf_help(const struct conf_schema *schema, const char *what, FILE *out, struct err *err);
void conf_help_index(const struct conf_schema *schema, FILE *out); /* every section, one line */
void conf_write_reference(const struct conf_schema *schema, FILE *out); /* configs/reference.yaml */
void conf_write_markdown(const struct conf_schema *schema, FILE *out); /* docs/config.md */
/* The whole effective configuration as YAML that loads back to the same bytes. */
void conf_write_effective(const struct conf *c, FILE *out);
/* The same with the sweep section of the document that c was bound from, and the keys that only some
 * points of the sweep use: what an experiment's folder keeps, where each point keeps the former. */
void conf_write_experiment(const struct conf *c, FILE *out);

#endif
