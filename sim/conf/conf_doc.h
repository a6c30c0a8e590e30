/*
 * conf_doc - the assignments of a configuration, before anything is known about what they mean.
 * Internal to sim/conf: conf_yaml fills it, conf_bind reads it.
 */
#ifndef SIM_CONF_CONF_DOC_H
#define SIM_CONF_CONF_DOC_H
#include "conf/conf.h"

/* Who says it; later ranks win. */
enum conf_rank { CONF_BY_PLATFORM, CONF_BY_FILE, CONF_BY_SWEEP, CONF_BY_SET };

enum conf_form {
	CONF_IS_SCALAR,
	CONF_IS_LIST, /* value is "[64, 594]" */
	CONF_IS_NULL, /* `key:` with nothing behind it */
	CONF_IS_MAP, /* a mapping begins here; its keys are entries of their own */
};

struct conf_entry {
	char *path; /* "policy.entries" */
	char *value; /* "" for CONF_IS_NULL and CONF_IS_MAP */
	enum conf_form form;
	enum conf_rank rank;
	struct src_pos key_pos, value_pos;
};

struct conf_doc {
	struct conf_entry *entries; /* ascending rank, then order of writing: the last one wins */
	size_t nentries;
	struct conf_axis *axes; /* those that the command line pins come last */
	size_t naxes, npinned; /* naxes is without the pinned ones */
	char **search; /* folders of platforms, NULL-terminated; NULL before the first file */
};

/* Longest key path; err.path holds it whole. */
#define CONF_PATH_MAX 120

/* A lasting copy of a file name: positions outlive documents, for errors are printed last. */
const char *conf_file_name(const char *name);

/* Add an assignment (copied) behind those of its rank. Refuses a second one of the same path from
 * the same file. */
bool conf_doc_add(struct conf_doc *doc, const struct conf_entry *e, struct err *err);
void conf_doc_drop_rank(struct conf_doc *doc, enum conf_rank rank); /* its entries */

/* Both positions are in one file. */
bool conf_same_file(struct src_pos a, struct src_pos b);
bool conf_refuse_twice(
	const char *path, struct src_pos first, struct src_pos second, struct err *err);

/* ---- conf_axis.c ---- */

void conf_axis_copy(struct conf_axis *to, const struct conf_axis *from);
void conf_axis_free(struct conf_axis *a);
/* Add an axis, values copied; `pos` and `value_pos` as in conf_axis. A second one for the same path
 * from the same file is refused, from elsewhere it replaces the first. */
bool conf_doc_add_axis(struct conf_doc *doc, const struct conf_axis *axis, struct err *err);
/* The axis no longer makes points, but the keys that only its variants have stay valid. */
void conf_doc_pin_axis(struct conf_doc *doc, size_t i);

/* conf_yaml.c: read one file's assignments at the given rank; `platform:` is an entry like others.
 * A platform's file may neither include another platform nor sweep. */
bool conf_yaml_read(struct conf_doc *doc, const char *file, enum conf_rank rank, struct err *err);
/* conf_platform.c: replace the entries of the platform by those of the platform that the last
 * assignment to "platform" names; does nothing when there is none. */
bool conf_platform_read(struct conf_doc *doc, struct err *err);

/* The last assignment to path, or NULL. */
const struct conf_entry *conf_doc_find(const struct conf_doc *doc, const char *path);
/* `name` as seen from the folder of `file`; name itself when it is absolute. free() it. */
char *conf_beside(const char *file, const char *name);
/* The absolute name of a file named at pos: beside the file that names it, or from the current folder
 * when that is the command line. The effective configuration is read from elsewhere. free() it. */
char *conf_absolute(const char *file, struct src_pos pos);

#endif
