/*
 * conf - one table of fields per component drives parsing, range checks, defaults, --set, sweep
 * axes, `iommusim help`, configs/reference.yaml, docs/config.md and the config echoed into results.
 *
 *   #define POLICY_FIELDS(F) \
 *           F(u32,  entries, "250",  "1", "65536", "entries", "Unmaps gathered before a flush.") \
 *           F(time, timeout, "10ms", "0", "10s",   "",        "Longest time ...")
 *   CONF_DECLARE(policy_conf, POLICY_FIELDS);
 *   #define CONF_STRUCT_ struct policy_conf
 *   static const struct conf_field fields[] = { POLICY_FIELDS(CONF_FIELD_) };
 *   #undef CONF_STRUCT_
 *   static const struct conf_table table = CONF_TABLE("deferred-global", policy_conf, fields, NULL);
 */
#ifndef SIM_CONF_CONF_H
#define SIM_CONF_CONF_H
#include "base/err.h"
#include "base/types.h"

/* What a value is, how it is written, and the C type it is stored as. Sizes and times always need a
 * unit in the file (0 may stand alone). */
enum conf_type {
	CONF_bool, /* true | false */
	CONF_u32,
	CONF_u64, /* decimal, 0x..., 1e6 */
	CONF_f64,
	CONF_time, /* 10ms; ps us ns ms s */
	CONF_size, /* 64KiB; B KiB MiB GiB TiB, kB MB GB */
	CONF_rate, /* 40Gbps; bps kbps Mbps Gbps, bits per second */
	CONF_freq, /* 2.4GHz; Hz kHz MHz GHz */
	CONF_str, /* any text; owned by the bound configuration */
	CONF_path, /* a file; relative names are relative to the file that names them */
	CONF_choice, /* one of the words in `unit`, "ticket|queued|tas"; stored as its index */
	CONF_u32list, /* [64, 594, 1518], at most CONF_LIST_MAX */
};

#define CONF_LIST_MAX 64

struct conf_list {
	uint32_t n;
	uint32_t v[CONF_LIST_MAX];
};

typedef bool conf_ctype_bool;
typedef uint32_t conf_ctype_u32;
typedef uint64_t conf_ctype_u64;
typedef double conf_ctype_f64;
typedef sim_time conf_ctype_time;
typedef uint64_t conf_ctype_size; /* bytes */
typedef uint64_t conf_ctype_rate; /* bits per second */
typedef uint64_t conf_ctype_freq; /* Hz */
typedef const char *conf_ctype_str;
typedef const char *conf_ctype_path;
typedef uint32_t conf_ctype_choice;
typedef struct conf_list conf_ctype_u32list;

struct conf_field {
	const char *name; /* YAML key; an underscore of the C name is an underscore in YAML */
	enum conf_type type;
	size_t off; /* into the component's conf struct */
	const char *def; /* default, as the user would write it */
	const char *min, *max; /* same notation; NULL: no bound */
	const char *unit; /* "entries", "cycles"; "" when the type says it; words of a choice */
	const char *help; /* one sentence, ends in a full stop */
};

/* Cross-field rules, or a value whose form only the component knows. The position of the offending
 * key is looked up by its name: `return conf_refuse(chk, "entries", "must be ...")`. */
struct conf_check;
bool conf_refuse(struct conf_check *chk, const char *field, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

struct conf_table {
	const char *name;
	size_t size; /* sizeof the conf struct */
	const struct conf_field *fields;
	size_t nfields;
	bool (*validate)(const void *conf, struct conf_check *chk); /* or NULL */
};

#define CONF_MEMBER_(type, name, def, min, max, unit, help) conf_ctype_##type name;
#define CONF_DECLARE(tag, FIELDS)                                                                  \
	struct tag {                                                                               \
		FIELDS(CONF_MEMBER_)                                                               \
	}
/* Inside the table: #define CONF_STRUCT_ struct tag before, #undef after. */
#define CONF_FIELD_(type, name, def, min, max, unit, help)                                         \
	{ #name, CONF_##type, offsetof(CONF_STRUCT_, name), def, min, max, unit, help },
#define CONF_TABLE(nm, tag, flds, check)                                                           \
	{                                                                                          \
		.name = nm, .size = sizeof(struct tag), .fields = flds,                            \
		.nfields = sizeof(flds) / sizeof((flds)[0]), .validate = check                     \
	}

/* One of several components that can fill a section: an allocator, a policy, a workload. */
struct conf_variant {
	const char *name; /* the YAML value: "rbtree-3.1" */
	const char *summary; /* one line, for `iommusim list` */
	const char *source; /* what it models and from where, or "" */
	const struct conf_table *table; /* NULL: no keys of its own */
};

/* A section of the file: keys that are always there, and where `selector` is set the keys of the
 * variant that it names. `policy: strict` is short for `policy: {type: strict}`. */
struct conf_section {
	const char *path; /* "workload.arrivals"; "" is the top level */
	const char *help; /* one or two sentences */
	const struct conf_table *table; /* or NULL */
	const char *selector; /* "type", or NULL: no variants */
	const struct conf_variant *variants;
	size_t nvariants;
	const char *def; /* name of the default variant */
};

/* Every section of a program; parents before children. Assembled in sim/run/schema.c. */
struct conf;
struct conf_schema {
	const struct conf_section *sections;
	size_t nsections;
	/* Optional: rules between sections, of a configuration that is otherwise right. */
	bool (*check)(const struct conf *c, struct err *err);
};

/*
 * A conf_doc is what the user said, in order: (key path, value as text, position). Later wins over
 * earlier only between sources (platform < file < sweep point < --set); twice in one file is refused.
 */
struct conf_doc;
struct conf_doc *conf_doc_create(void);
struct conf_doc *conf_doc_copy(const struct conf_doc *doc);
void conf_doc_destroy(struct conf_doc *doc);
/* Add one "key=value"; `origin` is named in messages. Origin "sweep" is an axis value of a sweep point
 * (messages name its place in the file); every other origin wins over all files and sweeps. The keys
 * "platform" and "sweep.KEY" (a list: "sweep.cpu.count=[1, 2]") work as in a file; a set key that is
 * an axis pins it: conf_resolve_sweep() drops the axis. */
bool conf_doc_set(
	struct conf_doc *doc, const char *assignment, const char *origin, struct err *err);
/* Value as text of the last assignment to path, or NULL. */
const char *conf_doc_get(const struct conf_doc *doc, const char *path, struct src_pos *pos);

/* An axis of the `sweep:` section: key path and its values, as text, in file order. */
struct conf_axis {
	const char *path;
	const char **values;
	size_t nvalues;
	struct src_pos pos;
	const struct src_pos *value_pos; /* of each value */
};
size_t conf_doc_axes(const struct conf_doc *doc, const struct conf_axis **axes);
/* Give every axis its full key path (`policy` becomes `policy.type`), refuse axes that name no key,
 * hold the same key twice or a value that the key refuses, and drop axes that the command line pins.
 * Once, after the last conf_doc_set() of the command line and before the points are made. */
bool conf_resolve_sweep(const struct conf_schema *schema, struct conf_doc *doc, struct err *err);

/* Read a YAML file into doc (conf_yaml.c). `platform: NAME` at the top level includes
 * NAME.yaml found along `search` (NULL-terminated list of folders); a name with a slash is a file. */
bool conf_doc_load(
	struct conf_doc *doc, const char *file, const char *const *search, struct err *err);

/*
 * A bound configuration: every section's structs, defaults filled in, ranges and rules checked. A key
 * of a variant that is not selected is refused, but for two cases in which it waits for its turn:
 * the sweep section selects a variant that has it, or a later source (--set over file over platform)
 * replaced the variant that it was written for.
 */
bool conf_bind(const struct conf_schema *schema, const struct conf_doc *doc, struct conf **out,
	struct err *err);
void conf_destroy(struct conf *c);
const void *conf_common(const struct conf *c, const char *section); /* its table's struct */
const struct conf_variant *conf_variant(const struct conf *c, const char *section);
const void *conf_of_variant(const struct conf *c, const char *section); /* NULL: no table */
/* Where the user wrote a key, or the best position there is (its section, the file). For errors that
 * only show when the system is built. */
struct src_pos conf_pos(const struct conf *c, const char *path);

/* A conf struct filled with its table's defaults, for tests and micro-benchmarks. */
void conf_defaults(const struct conf_table *t, void *conf);

#endif
