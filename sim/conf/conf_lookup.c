#include "conf/conf_lookup.h"

#include <stdio.h>
#include <string.h>

#include "conf/conf_doc.h"
#include "conf/conf_suggest.h"

#define NAMES_MAX 512

const struct conf_section *conf_find_section(const struct conf_schema *schema, const char *path)
{
	for (size_t i = 0; i < schema->nsections; i++)
		if (strcmp(schema->sections[i].path, path) == 0)
			return &schema->sections[i];
	return NULL;
}

const struct conf_variant *conf_find_variant(const struct conf_section *s, const char *name)
{
	for (size_t i = 0; i < s->nvariants; i++)
		if (strcmp(s->variants[i].name, name) == 0)
			return &s->variants[i];
	return NULL;
}

const struct conf_field *conf_find_field(const struct conf_table *table, const char *name)
{
	for (size_t i = 0; table && i < table->nfields; i++)
		if (strcmp(table->fields[i].name, name) == 0)
			return &table->fields[i];
	return NULL;
}

/* What follows `above` and its dot in path ("" when they are equal); NULL when path is elsewhere. */
static const char *below(const char *above, const char *path)
{
	size_t len = strlen(above);

	if (len == 0)
		return path;
	if (strncmp(above, path, len) != 0 || (path[len] != '.' && path[len] != '\0'))
		return NULL;
	return path[len] ? path + len + 1 : path + len;
}

/* The innermost section around path; *rest is what it does not cover. */
static const struct conf_section *enclosing(
	const struct conf_schema *schema, const char *path, const char **rest)
{
	const struct conf_section *best = NULL;
	const char *r;

	*rest = path;
	for (size_t i = 0; i < schema->nsections; i++) {
		r = below(schema->sections[i].path, path);
		if (r && (!best || strlen(r) < strlen(*rest))) {
			best = &schema->sections[i];
			*rest = r;
		}
	}
	return best;
}

const struct conf_section *conf_parent(
	const struct conf_schema *schema, const struct conf_section *s)
{
	const struct conf_section *best = NULL;

	if (!*s->path)
		return NULL;
	for (size_t i = 0; i < schema->nsections; i++) {
		const struct conf_section *p = &schema->sections[i];

		if (p != s && below(p->path, s->path) &&
			(!best || strlen(p->path) > strlen(best->path)))
			best = p;
	}
	return best;
}

const char *conf_own_name(const struct conf_schema *schema, const struct conf_section *s)
{
	const struct conf_section *parent = conf_parent(schema, s);

	return parent ? below(parent->path, s->path) : s->path;
}

static bool is_group(const struct conf_schema *schema, const char *path)
{
	const char *r;

	for (size_t i = 0; i < schema->nsections; i++) {
		r = below(path, schema->sections[i].path);
		if (r && *r)
			return true;
	}
	return false;
}

static bool any_variant_has(const struct conf_section *s, const char *key)
{
	for (size_t i = 0; i < s->nvariants; i++)
		if (conf_find_field(s->variants[i].table, key))
			return true;
	return false;
}

bool conf_lookup(const struct conf_schema *schema, const char *path, struct conf_target *t)
{
	const char *rest;
	const struct conf_section *s = enclosing(schema, path, &rest);

	*t = (struct conf_target){ .section = s, .key = rest };
	if (s && !*rest)
		t->kind = CONF_A_SECTION;
	else if (s && s->selector && strcmp(s->selector, rest) == 0)
		t->kind = CONF_A_SELECTOR;
	else if (s && (t->field = conf_find_field(s->table, rest)) != NULL)
		t->kind = CONF_A_COMMON_KEY;
	else if (s && any_variant_has(s, rest))
		t->kind = CONF_A_VARIANT_KEY;
	else if (is_group(schema, path))
		*t = (struct conf_target){ .kind = CONF_A_GROUP };
	else
		return false;
	return true;
}

char *conf_key_path(const struct conf_section *s, const char *key, char *buf, size_t size)
{
	snprintf(buf, size, "%s%s%s", s->path, *s->path && *key ? "." : "", key);
	return buf;
}

/* ---- what to say about an unknown key ---- */

struct names {
	const char *name[NAMES_MAX];
	size_t n;
	char text[4096]; /* of names that are parts of longer ones */
	size_t used;
};

static void add_name(struct names *names, const char *name, size_t len)
{
	for (size_t i = 0; i < names->n; i++)
		if (strlen(names->name[i]) == len && strncmp(names->name[i], name, len) == 0)
			return;
	if (names->n == NAMES_MAX || names->used + len + 1 > sizeof(names->text))
		return;
	memcpy(names->text + names->used, name, len);
	names->text[names->used + len] = '\0';
	names->name[names->n++] = names->text + names->used;
	names->used += len + 1;
}

static void add_fields(struct names *names, const struct conf_table *table)
{
	for (size_t i = 0; table && i < table->nfields; i++)
		add_name(names, table->fields[i].name, strlen(table->fields[i].name));
}

/* Every name that may stand in section s (NULL: at a top level without keys of its own). */
static void names_at(
	const struct conf_schema *schema, const struct conf_section *s, struct names *names)
{
	const char *path = s ? s->path : "";
	const char *r;

	names->n = names->used = 0;
	if (s && s->selector)
		add_name(names, s->selector, strlen(s->selector));
	add_fields(names, s ? s->table : NULL);
	for (size_t i = 0; s && i < s->nvariants; i++)
		add_fields(names, s->variants[i].table);
	for (size_t i = 0; i < schema->nsections; i++) {
		r = below(path, schema->sections[i].path);
		if (r && *r)
			add_name(names, r, strcspn(r, "."));
	}
	if (!*path) {
		add_name(names, "platform", strlen("platform"));
		add_name(names, "sweep", strlen("sweep"));
	}
}

/* A key by its right name in the wrong place: the one section that has it. */
static const struct conf_section *home_of(const struct conf_schema *schema, const char *key)
{
	for (size_t i = 0; i < schema->nsections; i++) {
		const struct conf_section *s = &schema->sections[i];

		if (conf_find_field(s->table, key) || any_variant_has(s, key))
			return s;
	}
	return NULL;
}

bool conf_refuse_unknown(
	const struct conf_schema *schema, const char *path, struct src_pos pos, struct err *err)
{
	const char *rest, *near, *last = strrchr(path, '.');
	const struct conf_section *s = enclosing(schema, path, &rest);
	const struct conf_section *home = home_of(schema, last ? last + 1 : path);
	struct conf_target t;
	struct names names;
	char word[CONF_PATH_MAX + 1], list[140];

	snprintf(word, sizeof(word), "%.*s", (int)strcspn(rest, "."), rest);
	names_at(schema, s, &names);
	snprintf(list, sizeof(list), "%.*s", (int)(strlen(path) - strlen(rest) + strlen(word)),
		path);
	if (strlen(word) < strlen(rest) && conf_lookup(schema, list, &t))
		return err_at(err, pos, path, "'%s' is a single value, it has no keys", list);
	near = conf_nearest(word, names.name, names.n);
	err_at(err, pos, path, "unknown key");
	if (near)
		err_hint(err, "did you mean '%s'?", near);
	else if (home)
		err_hint(err, "did you mean '%s'?",
			conf_key_path(home, last ? last + 1 : path, list, sizeof(list)));
	else
		err_hint(err, "keys here: %s",
			conf_join(names.name, names.n, ", ", list, sizeof(list)));
	return false;
}
