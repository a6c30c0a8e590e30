/*
 * conf_write - the one walk over a bound configuration that prints it as YAML: bare (effective),
 * with its sweep (experiment) or with every sentence (reference). Internal to sim/conf.
 */
#ifndef SIM_CONF_CONF_WRITE_H
#define SIM_CONF_CONF_WRITE_H
#include <stdio.h>
#include "conf/conf_bound.h"

enum conf_style { CONF_EFFECTIVE, CONF_EXPERIMENT, CONF_REFERENCE };

void conf_write(const struct conf *c, enum conf_style style, FILE *out);

/* conf_reference.c: the comments of the reference. `margin` is what each line begins with. */
void conf_comment_section(const struct conf_section *s, const char *margin, FILE *out);
void conf_comment_field(const struct conf_field *f, const char *margin, FILE *out);
void conf_comment_variants(const struct conf_section *s, const struct conf_variant *selected,
	const char *margin, FILE *out);

#endif
