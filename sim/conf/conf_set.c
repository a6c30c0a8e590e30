#include "conf/conf_doc.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "conf/conf_value.h"

static bool set_axis(struct conf_doc *doc, const char *path, const char *list, struct src_pos pos,
	struct err *err)
{
	size_t n;
	char **items = conf_split_list(list, &n);
	struct conf_axis axis = { .path = path, .pos = pos };
	struct src_pos *value_pos;
	bool ok;

	if (!items)
		return err_at(err, pos, path, "'%.40s' is not a list, as in '[1, 2, 4]'", list);
	axis.values = xcalloc(n, sizeof(*axis.values));
	axis.value_pos = value_pos = xcalloc(n, sizeof(*value_pos));
	for (; axis.nvalues < n; axis.nvalues++) {
		axis.values[axis.nvalues] = items[axis.nvalues];
		value_pos[axis.nvalues] = pos;
	}
	ok = conf_doc_add_axis(doc, &axis, err);
	free(axis.values);
	free(value_pos);
	free(items);
	return ok;
}

/* Where the file has the axis value that a sweep point sets. */
static void place_on_axis(const struct conf_doc *doc, struct conf_entry *e)
{
	for (size_t i = 0; i < doc->naxes; i++) {
		const struct conf_axis *a = &doc->axes[i];

		for (size_t v = 0; v < a->nvalues && strcmp(a->path, e->path) == 0; v++) {
			if (strcmp(a->values[v], e->value) == 0) {
				e->key_pos = a->pos;
				e->value_pos = a->value_pos[v];
				return;
			}
		}
	}
}

static bool set_entry(
	struct conf_doc *doc, char *path, char *value, const char *origin, struct err *err)
{
	struct src_pos pos = { .file = conf_file_name(origin) };
	struct conf_entry e = { .path = path, .value = value, .rank = CONF_BY_SET };

	if (strncmp(path, "sweep.", 6) == 0)
		return set_axis(doc, path + 6, value, pos, err);
	e.key_pos = e.value_pos = pos;
	if (strcmp(origin, "sweep") == 0) {
		e.rank = CONF_BY_SWEEP;
		place_on_axis(doc, &e);
	}
	if (!conf_doc_add(doc, &e, err))
		return false;
	return strcmp(path, "platform") != 0 || conf_platform_read(doc, err);
}

bool conf_doc_set(struct conf_doc *doc, const char *assignment, const char *origin, struct err *err)
{
	struct src_pos pos = { .file = conf_file_name(origin) };
	const char *equals = strchr(assignment, '=');
	char *path;
	bool ok;

	if (!equals || equals == assignment)
		return err_at(err, pos, NULL, "'%.60s' is not KEY=VALUE, as in 'cpu.count=4'",
			assignment);
	path = xasprintf("%.*s", (int)(equals - assignment), assignment);
	if (strlen(path) > CONF_PATH_MAX) {
		ok = err_at(err, pos, NULL, "the key '%.60s...' is too long", path);
	} else {
		char *value = xstrdup(equals + 1);

		ok = set_entry(doc, path, value, origin, err);
		free(value);
	}
	free(path);
	return ok;
}
