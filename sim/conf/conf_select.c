/* Which variant fills each section: the selector's last word, the section's default, or a sweep. */
#include "conf/conf_bound.h"

#include <string.h>

#include "base/alloc.h"
#include "base/bug.h"
#include "conf/conf_suggest.h"

struct conf_bound_section *conf_bound_of(const struct conf *c, const struct conf_section *s)
{
	return &c->sections[s - c->schema->sections];
}

/* `policy: strict` and `policy: {type: strict}` say the same. */
bool conf_selects(const struct conf_entry *e, const struct conf_section *s)
{
	char path[CONF_PATH_MAX + 64];

	if (!s->selector)
		return false;
	if (*s->path && strcmp(e->path, s->path) == 0)
		return e->form == CONF_IS_SCALAR;
	return strcmp(e->path, conf_key_path(s, s->selector, path, sizeof(path))) == 0;
}

bool conf_is_swept(const struct conf_doc *doc, const struct conf_section *s,
	const struct conf_variant *v, bool pinned)
{
	size_t n = doc->naxes + (pinned ? doc->npinned : 0);
	char path[CONF_PATH_MAX + 64];

	if (!s->selector)
		return false;
	conf_key_path(s, s->selector, path, sizeof(path));
	for (size_t i = 0; i < n; i++) {
		const struct conf_axis *a = &doc->axes[i];

		if (strcmp(a->path, path) != 0 && (!*s->path || strcmp(a->path, s->path) != 0))
			continue;
		for (size_t j = 0; j < a->nvalues; j++)
			if (strcmp(a->values[j], v->name) == 0)
				return true;
	}
	return false;
}

size_t conf_variant_names(const struct conf_section *s, const char **names)
{
	BUG_ON(s->nvariants > CONF_VARIANTS_MAX);
	for (size_t i = 0; i < s->nvariants; i++)
		names[i] = s->variants[i].name;
	return s->nvariants;
}

bool conf_check_selection(const struct conf_section *s, const struct conf_entry *e, struct err *err)
{
	const char *names[CONF_VARIANTS_MAX];
	size_t n = conf_variant_names(s, names);
	const char *near;
	char path[CONF_PATH_MAX + 64], list[160];

	conf_key_path(s, s->selector, path, sizeof(path));
	if (e->form == CONF_IS_SCALAR && conf_find_variant(s, e->value))
		return true;
	conf_join(names, n, ", ", list, sizeof(list));
	if (e->form != CONF_IS_SCALAR)
		return err_at(err, e->value_pos, path, "needs one of: %s", list);
	near = conf_nearest(e->value, names, n);
	err_at(err, e->value_pos, path, "'%.40s' is not known; these are: %s", e->value, list);
	if (near)
		err_hint(err, "did you mean '%s'?", near);
	return false;
}

/* `policy: strict` with `policy.type: strict` elsewhere in the file is the same key twice. */
static bool selected_once(const struct conf_doc *doc, const struct conf_section *s, struct err *err)
{
	const struct conf_entry *first = NULL;
	char path[CONF_PATH_MAX + 64];

	for (size_t i = 0; i < doc->nentries; i++) {
		const struct conf_entry *e = &doc->entries[i];

		if (e->rank > CONF_BY_FILE || !conf_selects(e, s))
			continue;
		if (first && first->rank == e->rank && conf_same_file(first->key_pos, e->key_pos))
			return conf_refuse_twice(conf_key_path(s, s->selector, path, sizeof(path)),
				first->key_pos, e->key_pos, err);
		first = e;
	}
	return true;
}

const struct conf_variant *conf_selection(
	const struct conf_doc *doc, const struct conf_section *s, enum conf_rank rank)
{
	const char *name = s->def;

	/* Ascending rank: the last one that counts wins. */
	for (size_t i = 0; i < doc->nentries; i++)
		if (doc->entries[i].rank <= rank && conf_selects(&doc->entries[i], s))
			name = doc->entries[i].value;
	return name ? conf_find_variant(s, name) : NULL;
}

static bool select_variant(struct conf *c, const struct conf_section *s, struct err *err)
{
	for (size_t i = 0; i < c->doc->nentries; i++) {
		const struct conf_entry *e = &c->doc->entries[i];

		if (conf_selects(e, s) && !conf_check_selection(s, e, err))
			return false;
	}
	conf_bound_of(c, s)->variant = conf_selection(c->doc, s, CONF_BY_SET);
	return selected_once(c->doc, s, err);
}

struct conf *conf_select(
	const struct conf_schema *schema, const struct conf_doc *doc, struct err *err)
{
	struct conf *c = xcalloc(1, sizeof(*c));

	c->schema = schema;
	c->doc = conf_doc_copy(doc);
	c->sections = xcalloc(schema->nsections, sizeof(*c->sections));
	for (size_t i = 0; i < schema->nsections; i++) {
		if (schema->sections[i].selector && !select_variant(c, &schema->sections[i], err)) {
			conf_destroy(c);
			return NULL;
		}
	}
	return c;
}
