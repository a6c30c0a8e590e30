/*
 * conf_bound - the inside of a struct conf: what conf_bind fills and the accessors and writers read.
 * Internal to sim/conf.
 */
#ifndef SIM_CONF_CONF_BOUND_H
#define SIM_CONF_CONF_BOUND_H
#include "conf/conf_doc.h"
#include "conf/conf_lookup.h"

struct conf_bound_section {
	const struct conf_variant *variant; /* NULL: no variants */
	void *common, *own; /* structs of the section's and the variant's tables */
};

struct conf {
	const struct conf_schema *schema;
	struct conf_doc *doc; /* a copy: text values point into it */
	struct conf_bound_section *sections; /* as in the schema */
	char **texts; /* file names made absolute */
	size_t ntexts;
};

struct conf_bound_section *conf_bound_of(const struct conf *c, const struct conf_section *s);

/* ---- conf_select.c ---- */

#define CONF_VARIANTS_MAX 64

/* A struct conf that knows the selected variants but no values. NULL and *err on failure. */
struct conf *conf_select(
	const struct conf_schema *schema, const struct conf_doc *doc, struct err *err);
/* Does the assignment select the variant of s (`policy: strict` or `policy.type: strict`)? */
bool conf_selects(const struct conf_entry *e, const struct conf_section *s);
bool conf_check_selection(
	const struct conf_section *s, const struct conf_entry *e, struct err *err);
/* The variant of s that sources up to rank select, or its default; NULL when there is none. */
const struct conf_variant *conf_selection(
	const struct conf_doc *doc, const struct conf_section *s, enum conf_rank rank);
/* An axis over the selector of s has the variant among its values; `pinned` axes too, or not. */
bool conf_is_swept(const struct conf_doc *doc, const struct conf_section *s,
	const struct conf_variant *v, bool pinned);
/* names has room for CONF_VARIANTS_MAX; returns how many there are. */
size_t conf_variant_names(const struct conf_section *s, const char **names);

/* ---- conf_bind.c, conf_sweep.c ---- */

/* Is the assignment (of a value on an axis, say) one that the schema takes? Stores nothing. */
bool conf_check_entry(struct conf *c, const struct conf_entry *e, struct err *err);
bool conf_check_axes(struct conf *c, struct err *err);

#endif
