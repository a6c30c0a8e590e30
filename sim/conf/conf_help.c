#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "conf/conf_doc_gen.h"
#include "conf/conf_lookup.h"
#include "conf/conf_suggest.h"
#include "conf/conf_text.h"
#include "conf/conf_value.h"
#include "conf/units.h"

#define ROWS_MAX 256

/* ---- tables of keys ---- */

struct rows {
	struct conf_row row[ROWS_MAX];
	char range[ROWS_MAX][256];
	size_t n;
};

static struct rows *rows_create(void)
{
	static const char *const heading[CONF_CELLS] = { "key", "type", "default", "range",
		"meaning" };
	struct rows *r = xcalloc(1, sizeof(*r));

	memcpy(r->row[0].cell, heading, sizeof(heading));
	r->n = 1;
	return r;
}

static void add_field(struct rows *r, const struct conf_field *f)
{
	char *range = r->range[r->n];
	struct conf_row *row = &r->row[r->n];
	size_t len;

	if (r->n == ROWS_MAX)
		return;
	conf_range_text(f, range, sizeof(r->range[0]));
	len = strlen(range);
	if (f->type != CONF_choice && *f->unit)
		snprintf(range + len, sizeof(r->range[0]) - len, "%s%s", len ? " " : "", f->unit);
	row->cell[0] = f->name;
	row->cell[1] = units_type_name(f->type);
	row->cell[2] = *f->def ? f->def : "\"\"";
	row->cell[3] = range;
	row->cell[4] = f->help;
	r->n++;
}

static void print_rows(struct rows *r, FILE *out)
{
	if (r->n > 1)
		conf_print_rows(r->row, r->n, out);
	free(r);
}

static void print_table(const struct conf_table *t, FILE *out)
{
	struct rows *r = rows_create();

	for (size_t i = 0; t && i < t->nfields; i++)
		add_field(r, &t->fields[i]);
	if (r->n > 1)
		putc('\n', out);
	print_rows(r, out);
}

/* ---- sections, variants, keys ---- */

static void help_variant(const struct conf_section *s, const struct conf_variant *v, FILE *out)
{
	char path[128];

	fprintf(out, "%s: %s\n", conf_key_path(s, s->selector, path, sizeof(path)), v->name);
	conf_print_wrapped("  ", v->summary, out);
	if (v->source && *v->source) {
		fputs("  Source:\n", out);
		conf_print_wrapped("    ", v->source, out);
	}
	print_table(v->table, out);
}

static void help_section(const struct conf_section *s, FILE *out)
{
	fprintf(out, "%s\n", *s->path ? s->path : "(top level)");
	conf_print_wrapped("  ", s->help, out);
	if (s->def)
		fprintf(out, "  Default: %s: %s\n", s->selector, s->def);
	print_table(s->table, out);
	for (size_t i = 0; i < s->nvariants; i++) {
		putc('\n', out);
		help_variant(s, &s->variants[i], out);
	}
}

static void help_key(const struct conf_section *s, const struct conf_table *t, const char *key,
	const char *of, FILE *out)
{
	const struct conf_field *f = conf_find_field(t, key);
	struct rows *r;
	char path[128];

	if (!f)
		return;
	r = rows_create();
	fprintf(out, "%s%s%s\n", conf_key_path(s, key, path, sizeof(path)), *of ? "  of " : "", of);
	add_field(r, f);
	print_rows(r, out);
}

static void help_everywhere(const struct conf_section *s, const char *key, FILE *out)
{
	help_key(s, s->table, key, "", out);
	for (size_t i = 0; i < s->nvariants; i++)
		help_key(s, s->variants[i].table, key, s->variants[i].name, out);
}

/* Keys that no table has. */
static bool help_reserved(const char *what, FILE *out)
{
	if (strcmp(what, "platform") == 0) {
		fputs("platform\n", out);
		conf_print_wrapped("  ",
			"Name of a platform, whose file platforms/NAME.yaml gives values that the "
			"experiment's own win over; a name with a slash is a file.",
			out);
		return true;
	}
	if (strcmp(what, "sweep") != 0)
		return false;
	fputs("sweep\n", out);
	conf_print_wrapped("  ",
		"Axes: a list of values for each of some keys, as in 'cpu.count: [1, 2, 4]'. Every "
		"combination of them is one run.",
		out);
	return true;
}

/* ---- what did they ask for ---- */

/* "policy.deferred-global", or the variant's name alone. */
static bool help_if_variant(const struct conf_schema *schema, const char *what, FILE *out)
{
	char path[256];
	bool found = false;

	for (size_t i = 0; i < schema->nsections; i++) {
		const struct conf_section *s = &schema->sections[i];

		for (size_t v = 0; v < s->nvariants; v++) {
			const char *name = s->variants[v].name;

			if (strcmp(what, name) != 0 &&
				strcmp(what, conf_key_path(s, name, path, sizeof(path))) != 0)
				continue;
			help_variant(s, &s->variants[v], out);
			found = true;
		}
	}
	return found;
}

/* A key without its section: every section that has it. */
static bool help_if_bare_key(const struct conf_schema *schema, const char *what, FILE *out)
{
	struct conf_target t;
	char path[256];
	bool found = false;

	for (size_t i = 0; i < schema->nsections; i++) {
		const struct conf_section *s = &schema->sections[i];

		if (!conf_lookup(schema, conf_key_path(s, what, path, sizeof(path)), &t) ||
			(t.kind != CONF_A_COMMON_KEY && t.kind != CONF_A_VARIANT_KEY))
			continue;
		help_everywhere(s, what, out);
		found = true;
	}
	return found;
}

struct all_names {
	const char **name;
	size_t n;
};

static void add_path(struct all_names *all, const struct conf_section *s, const char *key)
{
	char path[256];

	all->name = xrealloc(all->name, all->n + 1, sizeof(*all->name));
	all->name[all->n++] = xstrdup(conf_key_path(s, key, path, sizeof(path)));
}

static void add_paths(
	struct all_names *all, const struct conf_section *s, const struct conf_table *t)
{
	for (size_t i = 0; t && i < t->nfields; i++)
		add_path(all, s, t->fields[i].name);
}

static void collect(const struct conf_schema *schema, struct all_names *all)
{
	for (size_t i = 0; i < schema->nsections; i++) {
		const struct conf_section *s = &schema->sections[i];

		if (*s->path)
			add_path(all, s, "");
		add_paths(all, s, s->table);
		for (size_t v = 0; v < s->nvariants; v++) {
			add_path(all, s, s->variants[v].name);
			add_paths(all, s, s->variants[v].table);
		}
	}
}

/* Nearest by whole path, else by last part ("entris" for policy.entries). */
static const char *nearest_of(const struct all_names *all, const char *what)
{
	const char *near = conf_nearest(what, all->name, all->n);
	const char **last;

	if (near)
		return near;
	last = xcalloc(all->n, sizeof(*last));
	for (size_t i = 0; i < all->n; i++) {
		const char *dot = strrchr(all->name[i], '.');

		last[i] = dot ? dot + 1 : all->name[i];
	}
	near = conf_nearest(what, last, all->n);
	for (size_t i = 0; i < all->n && near; i++) {
		if (last[i] == near) {
			near = all->name[i];
			break;
		}
	}
	free(last);
	return near;
}

static bool refuse(const struct conf_schema *schema, const char *what, struct err *err)
{
	struct all_names all = { 0 };
	const char *near;

	collect(schema, &all);
	near = nearest_of(&all, what);
	err_set(err, "'%.60s' is no key, section or component", what);
	if (near)
		err_hint(err, "did you mean '%s'?", near);
	for (size_t i = 0; i < all.n; i++)
		free((void *)(uintptr_t)all.name[i]);
	free(all.name);
	return false;
}

bool conf_help(const struct conf_schema *schema, const char *what, FILE *out, struct err *err)
{
	struct conf_target t;

	if (help_reserved(what, out))
		return true;
	if (*what && conf_lookup(schema, what, &t) && t.kind != CONF_A_GROUP) {
		if (t.kind == CONF_A_SECTION || t.kind == CONF_A_SELECTOR)
			help_section(t.section, out);
		else
			help_everywhere(t.section, t.key, out);
		return true;
	}
	return help_if_variant(schema, what, out) || help_if_bare_key(schema, what, out) ||
	       refuse(schema, what, err);
}

void conf_help_index(const struct conf_schema *schema, FILE *out)
{
	struct rows *r = rows_create();
	static const char *const heading[CONF_CELLS] = { "section", "chosen by", "default", "keys",
		"meaning" };

	memcpy(r->row[0].cell, heading, sizeof(heading));
	for (size_t i = 0; i < schema->nsections && r->n < ROWS_MAX; i++) {
		const struct conf_section *s = &schema->sections[i];
		size_t nkeys = s->table ? s->table->nfields : 0;

		snprintf(r->range[r->n], sizeof(r->range[0]), "%zu", nkeys);
		r->row[r->n] = (struct conf_row){ { *s->path ? s->path : "(top level)",
			s->selector ? s->selector : "", s->def ? s->def : "", r->range[r->n],
			s->help } };
		r->n++;
	}
	print_rows(r, out);
}
