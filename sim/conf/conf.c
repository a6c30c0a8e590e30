/* What a bound configuration answers. */
#include "conf/conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "conf/conf_bound.h"
#include "conf/conf_value.h"

void conf_defaults(const struct conf_table *t, void *conf)
{
	struct err err;

	memset(conf, 0, t->size);
	for (size_t i = 0; i < t->nfields; i++)
		if (!conf_value_store(&t->fields[i], t->fields[i].def, conf, &err))
			BUG("default of %s.%s: %s", t->name, t->fields[i].name, err.text);
}

void conf_destroy(struct conf *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->schema->nsections; i++) {
		free(c->sections[i].common);
		free(c->sections[i].own);
	}
	while (c->ntexts > 0)
		free(c->texts[--c->ntexts]);
	free(c->texts);
	free(c->sections);
	conf_doc_destroy(c->doc);
	free(c);
}

static const struct conf_bound_section *section(const struct conf *c, const char *path)
{
	const struct conf_section *s = conf_find_section(c->schema, path);

	if (!s)
		BUG("no configuration section '%s'", path);
	return conf_bound_of(c, s);
}

const void *conf_common(const struct conf *c, const char *path)
{
	return section(c, path)->common;
}

const struct conf_variant *conf_variant(const struct conf *c, const char *path)
{
	return section(c, path)->variant;
}

const void *conf_of_variant(const struct conf *c, const char *path)
{
	return section(c, path)->own;
}

/* The experiment's file itself, without a line. */
static struct src_pos file_pos(const struct conf_doc *doc)
{
	struct src_pos pos = { 0 };

	for (size_t i = 0; i < doc->nentries; i++)
		if (doc->entries[i].rank == CONF_BY_FILE)
			pos.file = doc->entries[i].key_pos.file;
	return pos;
}

struct src_pos conf_pos(const struct conf *c, const char *path)
{
	const struct conf_entry *e = conf_doc_find(c->doc, path);
	char above[CONF_PATH_MAX + 64];
	char *dot;

	if (e)
		return e->form == CONF_IS_MAP ? e->key_pos : e->value_pos;
	snprintf(above, sizeof(above), "%s", path);
	while ((dot = strrchr(above, '.')) != NULL) {
		*dot = '\0';
		e = conf_doc_find(c->doc, above);
		if (e)
			return e->form == CONF_IS_MAP ? e->key_pos : e->value_pos;
	}
	return file_pos(c->doc);
}
