/* From what the user said to filled structs: who selects which variant, what each key means there. */
#include "conf/conf_bound.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bug.h"
#include "conf/conf_suggest.h"
#include "conf/conf_value.h"
#include "conf/units.h"

/* Give a sentence its place. */
static bool place(struct err *err, struct src_pos pos, const char *path)
{
	struct err bare;

	if (!err)
		return false;
	bare = *err;
	err_at(err, pos, path, "%s", bare.text);
	memcpy(err->hint, bare.hint, sizeof(err->hint));
	return false;
}

/* ---- what a key means ---- */

/* Where a value goes. dst NULL: it is right, but waits for its variant to be selected. */
struct place {
	const struct conf_table *table;
	const struct conf_field *field;
	void *dst;
};

/* May a key of a variant that is not selected wait for its turn? */
static bool may_wait(const struct conf *c, const struct conf_section *s,
	const struct conf_variant *v, enum conf_rank rank)
{
	return conf_is_swept(c->doc, s, v, true) || conf_selection(c->doc, s, rank) == v;
}

static bool refuse_foreign(const struct conf *c, const struct conf_section *s, const char *key,
	const struct conf_entry *e, struct err *err)
{
	const struct conf_variant *selected = conf_bound_of(c, s)->variant;
	const char *owners[CONF_VARIANTS_MAX];
	char list[128], what[CONF_PATH_MAX + 1];
	size_t n = 0;

	for (size_t i = 0; i < s->nvariants; i++)
		if (conf_find_field(s->variants[i].table, key))
			owners[n++] = s->variants[i].name;
	snprintf(what, sizeof(what), "%s", s->path);
	return err_at(err, e->key_pos, e->path, "'%s' belongs to %s%s%s; the %s here is %s", key,
		what, *what ? " " : "", conf_join(owners, n, " and ", list, sizeof(list)),
		s->selector, selected ? selected->name : "not set");
}

static bool find_variant_key(const struct conf *c, const struct conf_target *t,
	const struct conf_entry *e, struct place *p, struct err *err)
{
	const struct conf_section *s = t->section;
	const struct conf_bound_section *b = conf_bound_of(c, s);

	if (b->variant && (p->field = conf_find_field(b->variant->table, t->key)) != NULL) {
		p->table = b->variant->table;
		p->dst = b->own;
		return true;
	}
	for (size_t i = 0; i < s->nvariants; i++) {
		const struct conf_variant *v = &s->variants[i];

		p->table = v->table;
		p->field = conf_find_field(v->table, t->key);
		if (p->field && may_wait(c, s, v, e->rank))
			return true;
	}
	return refuse_foreign(c, s, t->key, e, err);
}

/* "a time, as in '10ms'" */
static char *what_it_needs(const struct conf_field *f, char *buf, size_t size)
{
	char words[128];

	if (f->type == CONF_choice)
		snprintf(buf, size, "one of %s", conf_range_text(f, words, sizeof(words)));
	else if (f->type == CONF_bool)
		snprintf(buf, size, "true or false");
	else
		snprintf(buf, size, "a %s, as in '%s'", units_type_name(f->type),
			units_example(f->type));
	return buf;
}

static bool right_form(const struct conf_field *f, const struct conf_entry *e, struct err *err)
{
	static const char *const is[] = {
		[CONF_IS_MAP] = "not keys of its own",
		[CONF_IS_LIST] = "not a list",
		[CONF_IS_NULL] = "but has no value",
	};
	char needs[160];

	if (e->form == CONF_IS_SCALAR || (e->form == CONF_IS_LIST && f->type == CONF_u32list))
		return true;
	return err_at(err, e->value_pos, e->path, "needs %s, %s",
		what_it_needs(f, needs, sizeof(needs)), is[e->form]);
}

static const char *keep(struct conf *c, char *text)
{
	c->texts = xrealloc(c->texts, c->ntexts + 1, sizeof(*c->texts));
	c->texts[c->ntexts++] = text;
	return text;
}

static bool store(
	struct conf *c, const struct place *p, const struct conf_entry *e, struct err *err)
{
	const char *text = e->value;
	void *scratch = p->dst ? NULL : xcalloc(1, p->table->size);
	bool ok;

	if (p->field->type == CONF_path && *text && p->dst)
		text = keep(c, conf_absolute(e->value, e->value_pos));
	ok = right_form(p->field, e, err) &&
	     (conf_value_store(p->field, text, p->dst ? p->dst : scratch, err) ||
		     place(err, e->value_pos, e->path));
	free(scratch);
	return ok;
}

static bool check_section(const struct conf_section *s, const struct conf_entry *e, struct err *err)
{
	if (e->form == CONF_IS_MAP || e->form == CONF_IS_NULL)
		return true;
	if (s && conf_selects(e, s))
		return true;
	if (s && s->selector)
		return err_at(err, e->value_pos, e->path,
			"is a section: needs keys of its own or one %s, not a list", s->selector);
	return err_at(err, e->value_pos, e->path, "is a section: needs keys of its own");
}

/* Entries that the documents themselves deal with. */
static bool is_reserved(const struct conf_entry *e)
{
	return strcmp(e->path, "platform") == 0 || strcmp(e->path, "sweep") == 0 ||
	       strncmp(e->path, "sweep.", strlen("sweep.")) == 0;
}

static bool bind_entry(struct conf *c, const struct conf_entry *e, bool check_only, struct err *err)
{
	struct conf_target t;
	struct place p = { 0 };

	if (is_reserved(e))
		return true;
	if (!conf_lookup(c->schema, e->path, &t))
		return conf_refuse_unknown(c->schema, e->path, e->key_pos, err);
	if (t.kind == CONF_A_SELECTOR || (t.kind == CONF_A_SECTION && conf_selects(e, t.section)))
		return conf_check_selection(t.section, e, err);
	if (t.kind == CONF_A_GROUP || t.kind == CONF_A_SECTION)
		return check_section(t.section, e, err);
	if (t.kind == CONF_A_COMMON_KEY) {
		p.field = t.field;
		p.table = t.section->table;
		p.dst = conf_bound_of(c, t.section)->common;
	} else if (!find_variant_key(c, &t, e, &p, err)) {
		return false;
	}
	if (check_only)
		p.dst = NULL;
	return store(c, &p, e, err);
}

bool conf_check_entry(struct conf *c, const struct conf_entry *e, struct err *err)
{
	return bind_entry(c, e, true, err);
}

/* ---- the whole ---- */

static void *with_defaults(const struct conf_table *t)
{
	void *conf;

	if (!t)
		return NULL;
	conf = xcalloc(1, t->size);
	conf_defaults(t, conf);
	return conf;
}

static bool allocate(struct conf *c, struct err *err)
{
	for (size_t i = 0; i < c->schema->nsections; i++) {
		const struct conf_section *s = &c->schema->sections[i];
		struct conf_bound_section *b = &c->sections[i];
		const char *names[CONF_VARIANTS_MAX];
		char list[160];

		b->common = with_defaults(s->table);
		if (s->selector && !b->variant)
			return err_at(err, conf_pos(c, s->path), s->path, "needs a %s, one of: %s",
				s->selector,
				conf_join(names, conf_variant_names(s, names), ", ", list,
					sizeof(list)));
		if (b->variant)
			b->own = with_defaults(b->variant->table);
	}
	return true;
}

struct conf_check {
	const struct conf *conf;
	const struct conf_section *section;
	struct err *err;
};

bool conf_refuse(struct conf_check *chk, const char *field, const char *fmt, ...)
{
	char path[CONF_PATH_MAX + 64], text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	conf_key_path(chk->section, field, path, sizeof(path));
	return err_at(chk->err, conf_pos(chk->conf, path), path, "%s", text);
}

static bool validate(const struct conf *c, struct err *err)
{
	for (size_t i = 0; i < c->schema->nsections; i++) {
		const struct conf_section *s = &c->schema->sections[i];
		const struct conf_bound_section *b = &c->sections[i];
		const struct conf_table *own = b->variant ? b->variant->table : NULL;
		struct conf_check chk = { .conf = c, .section = s, .err = err };

		if (s->table && s->table->validate && !s->table->validate(b->common, &chk))
			return false;
		if (own && own->validate && !own->validate(b->own, &chk))
			return false;
	}
	return true;
}

static bool fill(struct conf *c, struct err *err)
{
	/* Ascending rank: what comes later overwrites. */
	for (size_t i = 0; i < c->doc->nentries; i++)
		if (!bind_entry(c, &c->doc->entries[i], false, err))
			return false;
	return true;
}

bool conf_bind(const struct conf_schema *schema, const struct conf_doc *doc, struct conf **out,
	struct err *err)
{
	struct conf *c = conf_select(schema, doc, err);

	*out = NULL;
	if (!c)
		return false;
	if (!allocate(c, err) || !fill(c, err) || !conf_check_axes(c, err) || !validate(c, err) ||
		(schema->check && !schema->check(c, err))) {
		conf_destroy(c);
		return false;
	}
	*out = c;
	return true;
}
