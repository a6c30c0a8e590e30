#include "conf/conf_write.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bug.h"
#include "conf/conf_doc_gen.h"
#include "conf/conf_value.h"

#define MARGIN_MAX 64

struct writer {
	const struct conf *c;
	enum conf_style style;
	bool platform_swept; /* what platforms set must stay theirs */
	FILE *out;
};

/* ---- an experiment keeps what its points need ---- */

static bool has_axis(const struct conf_doc *doc, const char *path)
{
	for (size_t i = 0; i < doc->naxes; i++)
		if (strcmp(doc->axes[i].path, path) == 0)
			return true;
	return false;
}

/* Writing a default down makes it an assignment. In an experiment that would reach variants and
 * platforms of other points which have defaults of their own. */
static bool must_stay_default(const struct writer *w, const struct conf_section *s,
	const struct conf_variant *v, const struct conf_field *f)
{
	char path[CONF_PATH_MAX + 64];
	const struct conf_entry *e =
		conf_doc_find(w->c->doc, conf_key_path(s, f->name, path, sizeof(path)));

	if (w->style != CONF_EXPERIMENT)
		return false;
	if (w->platform_swept && (!e || e->rank == CONF_BY_PLATFORM))
		return true;
	for (size_t i = 0; v && !e && i < s->nvariants; i++)
		if (&s->variants[i] != v && conf_find_field(s->variants[i].table, f->name) &&
			conf_is_swept(w->c->doc, s, &s->variants[i], false))
			return true;
	return false;
}

static void write_key(
	const struct writer *w, const struct conf_field *f, const void *conf, const char *margin)
{
	fprintf(w->out, "%s%s: ", margin, f->name);
	conf_value_print(f, conf, w->out);
	putc('\n', w->out);
}

/* A key that the selected variant does not have: print its value as its own variant reads it. */
static void write_waiting_key(const struct writer *w, const struct conf_entry *e,
	const struct conf_table *t, const struct conf_field *f, const char *margin)
{
	void *conf = xcalloc(1, t->size);
	char *text = f->type == CONF_path && *e->value ? conf_absolute(e->value, e->value_pos)
						       : xstrdup(e->value);

	BUG_ON(!conf_value_store(f, text, conf, NULL));
	write_key(w, f, conf, margin);
	free(text);
	free(conf);
}

static void write_waiting_keys(
	const struct writer *w, const struct conf_section *s, const char *margin)
{
	const struct conf_doc *doc = w->c->doc;
	const struct conf_variant *selected = conf_bound_of(w->c, s)->variant;
	struct conf_target t;

	for (size_t i = 0; i < doc->nentries; i++) {
		const struct conf_entry *e = &doc->entries[i];

		if (!conf_lookup(w->c->schema, e->path, &t) || t.kind != CONF_A_VARIANT_KEY ||
			t.section != s || conf_doc_find(doc, e->path) != e ||
			conf_find_field(selected->table, t.key))
			continue;
		for (size_t v = 0; v < s->nvariants; v++) {
			const struct conf_table *table = s->variants[v].table;
			const struct conf_field *f = conf_find_field(table, t.key);

			if (f && conf_is_swept(doc, s, &s->variants[v], false)) {
				write_waiting_key(w, e, table, f, margin);
				break;
			}
		}
	}
}

/* No field: the values name variants, or platforms, which are files when they have a slash. */
static void write_axis(const struct writer *w, const struct conf_axis *a)
{
	struct conf_target t;
	const struct conf_field *f = NULL;
	char *file;

	if (conf_lookup(w->c->schema, a->path, &t) && t.section) {
		f = t.field;
		for (size_t v = 0; v < t.section->nvariants && !f; v++)
			f = conf_find_field(t.section->variants[v].table, t.key);
	}
	fprintf(w->out, "  %s: [", a->path);
	for (size_t i = 0; i < a->nvalues; i++) {
		fputs(i ? ", " : "", w->out);
		if (f && f->type == CONF_u32list) {
			fputs(a->values[i], w->out);
		} else if (f ? f->type == CONF_path : strchr(a->values[i], '/') != NULL) {
			file = conf_absolute(a->values[i], a->value_pos[i]);
			conf_print_scalar(file, w->out);
			free(file);
		} else {
			conf_print_scalar(a->values[i], w->out);
		}
	}
	fputs("]\n", w->out);
}

static void write_sweep(const struct writer *w)
{
	if (w->c->doc->naxes > 0)
		fputs("sweep:\n", w->out);
	for (size_t i = 0; i < w->c->doc->naxes; i++)
		write_axis(w, &w->c->doc->axes[i]);
}

/* ---- the walk ---- */

static void write_fields(const struct writer *w, const struct conf_section *s,
	const struct conf_variant *v, const struct conf_table *t, const void *conf,
	const char *margin)
{
	for (size_t i = 0; t && i < t->nfields; i++) {
		if (must_stay_default(w, s, v, &t->fields[i]))
			continue;
		if (w->style == CONF_REFERENCE)
			conf_comment_field(&t->fields[i], margin, w->out);
		write_key(w, &t->fields[i], conf, margin);
	}
}

static bool selector_is_platforms(const struct writer *w, const struct conf_section *s)
{
	if (!w->platform_swept)
		return false;
	for (size_t i = 0; i < w->c->doc->nentries; i++)
		if (w->c->doc->entries[i].rank > CONF_BY_PLATFORM &&
			conf_selects(&w->c->doc->entries[i], s))
			return false;
	return true;
}

static void write_keys(const struct writer *w, const struct conf_section *s, const char *margin)
{
	const struct conf_bound_section *b = conf_bound_of(w->c, s);

	if (b->variant && !selector_is_platforms(w, s)) {
		fprintf(w->out, "%s%s: ", margin, s->selector);
		conf_print_scalar(b->variant->name, w->out);
		putc('\n', w->out);
	}
	write_fields(w, s, NULL, s->table, b->common, margin);
	if (!b->variant)
		return;
	write_fields(w, s, b->variant, b->variant->table, b->own, margin);
	if (w->style == CONF_EXPERIMENT)
		write_waiting_keys(w, s, margin);
	if (w->style == CONF_REFERENCE)
		conf_comment_variants(s, b->variant, margin, w->out);
}

static void write_sections(
	const struct writer *w, const struct conf_section *parent, const char *margin)
{
	char inner[MARGIN_MAX];

	for (size_t i = 0; i < w->c->schema->nsections; i++) {
		const struct conf_section *s = &w->c->schema->sections[i];

		if (conf_parent(w->c->schema, s) != parent)
			continue;
		if (w->style == CONF_REFERENCE)
			conf_comment_section(s, margin, w->out);
		snprintf(inner, sizeof(inner), "%s%s", margin, *s->path ? "  " : "");
		if (*s->path)
			fprintf(w->out, "%s%s:\n", margin, conf_own_name(w->c->schema, s));
		write_keys(w, s, inner);
		write_sections(w, s, inner);
	}
}

void conf_write(const struct conf *c, enum conf_style style, FILE *out)
{
	struct writer w = { .c = c, .style = style, .out = out };

	w.platform_swept = style == CONF_EXPERIMENT && has_axis(c->doc, "platform");
	write_sections(&w, NULL, "");
	if (style == CONF_EXPERIMENT)
		write_sweep(&w);
}

void conf_write_effective(const struct conf *c, FILE *out)
{
	conf_write(c, CONF_EFFECTIVE, out);
}

void conf_write_experiment(const struct conf *c, FILE *out)
{
	conf_write(c, CONF_EXPERIMENT, out);
}
