/* The axes of a sweep against the schema: full names, known keys, values that the keys take. */
#include "conf/conf_bound.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

static bool check_axis(struct conf *c, const struct conf_axis *a, struct err *err)
{
	struct conf_entry e = { .rank = CONF_BY_SWEEP, .key_pos = a->pos };
	bool ok = true;

	e.path = xstrdup(a->path);
	for (size_t i = 0; i < a->nvalues && ok; i++) {
		e.value = xstrdup(a->values[i]);
		e.value_pos = a->value_pos[i];
		ok = conf_check_entry(c, &e, err);
		free(e.value);
	}
	free(e.path);
	return ok;
}

bool conf_check_axes(struct conf *c, struct err *err)
{
	for (size_t i = 0; i < c->doc->naxes + c->doc->npinned; i++)
		if (!check_axis(c, &c->doc->axes[i], err))
			return false;
	return true;
}

/* `policy` on an axis is `policy.type`. */
static void complete_path(const struct conf_schema *schema, struct conf_axis *a)
{
	const struct conf_section *s = conf_find_section(schema, a->path);
	const char *old = a->path;

	if (!s || !s->selector || !*s->path)
		return;
	a->path = xasprintf("%s.%s", s->path, s->selector);
	free((void *)(uintptr_t)old);
}

static bool is_pinned(
	const struct conf_schema *schema, const struct conf_doc *doc, const struct conf_axis *a)
{
	struct conf_target t;
	bool selector = conf_lookup(schema, a->path, &t) && t.kind == CONF_A_SELECTOR;

	for (size_t i = 0; i < doc->nentries; i++) {
		const struct conf_entry *e = &doc->entries[i];

		if (e->rank == CONF_BY_SET &&
			(strcmp(e->path, a->path) == 0 || (selector && conf_selects(e, t.section))))
			return true;
	}
	return false;
}

static bool name_once(const struct conf_doc *doc, struct err *err)
{
	for (size_t i = 1; i < doc->naxes; i++)
		for (size_t j = 0; j < i; j++)
			if (strcmp(doc->axes[i].path, doc->axes[j].path) == 0)
				return conf_refuse_twice(
					doc->axes[i].path, doc->axes[j].pos, doc->axes[i].pos, err);
	return true;
}

bool conf_resolve_sweep(const struct conf_schema *schema, struct conf_doc *doc, struct err *err)
{
	struct conf *c;
	bool ok;

	for (size_t i = 0; i < doc->naxes; i++)
		complete_path(schema, &doc->axes[i]);
	if (!name_once(doc, err))
		return false;
	c = conf_select(schema, doc, err);
	ok = c && conf_check_axes(c, err);
	conf_destroy(c);
	for (size_t i = doc->naxes; ok && i-- > 0;)
		if (is_pinned(schema, doc, &doc->axes[i]))
			conf_doc_pin_axis(doc, i);
	return ok;
}
