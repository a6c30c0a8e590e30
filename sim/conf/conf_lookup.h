/*
 * conf_lookup - which part of the schema a key path names, and what to say when it names none.
 * Internal to sim/conf.
 */
#ifndef SIM_CONF_CONF_LOOKUP_H
#define SIM_CONF_CONF_LOOKUP_H
#include "conf/conf.h"

enum conf_kind {
	CONF_A_GROUP, /* a name above sections that is none itself */
	CONF_A_SECTION,
	CONF_A_SELECTOR, /* the key that names the variant */
	CONF_A_COMMON_KEY,
	CONF_A_VARIANT_KEY, /* of at least one variant */
};

struct conf_target {
	enum conf_kind kind;
	const struct conf_section *section; /* NULL for a group */
	const struct conf_field *field; /* of a common key */
	const char *key; /* last part of the path: the field's or the selector's name */
};

bool conf_lookup(const struct conf_schema *schema, const char *path, struct conf_target *t);
/* Refuse a path that conf_lookup() does not know, with the nearest name at its level. */
bool conf_refuse_unknown(
	const struct conf_schema *schema, const char *path, struct src_pos pos, struct err *err);

const struct conf_section *conf_find_section(const struct conf_schema *schema, const char *path);
const struct conf_variant *conf_find_variant(const struct conf_section *s, const char *name);
/* NULL table allowed. */
const struct conf_field *conf_find_field(const struct conf_table *table, const char *name);

/* The section that encloses s ("workload" for "workload.arrivals", else the top level), or NULL. */
const struct conf_section *conf_parent(
	const struct conf_schema *schema, const struct conf_section *s);
/* The part of s's path below its parent: "arrivals". */
const char *conf_own_name(const struct conf_schema *schema, const struct conf_section *s);

/* "section.key", or "key" at the top level. Returns buf. */
char *conf_key_path(const struct conf_section *s, const char *key, char *buf, size_t size);

#endif
