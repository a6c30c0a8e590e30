#include "conf/conf_doc.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "conf/conf_suggest.h"

#define SUFFIX    ".yaml"
#define NAMES_MAX 256

struct names {
	char *name[NAMES_MAX];
	size_t n;
};

static void add_name(struct names *names, const char *file)
{
	size_t len = strlen(file), suffix = strlen(SUFFIX);

	if (len <= suffix || strcmp(file + len - suffix, SUFFIX) != 0 || names->n == NAMES_MAX)
		return;
	len -= suffix;
	for (size_t i = 0; i < names->n; i++)
		if (strlen(names->name[i]) == len && strncmp(names->name[i], file, len) == 0)
			return;
	names->name[names->n++] = xasprintf("%.*s", (int)len, file);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Every platform there is, sorted: a folder lists its files in no order. */
static void list_names(const struct conf_doc *doc, struct names *names)
{
	names->n = 0;
	for (char **dir = doc->search; dir && *dir; dir++) {
		DIR *d = opendir(*dir);
		struct dirent *e;

		while (d && (e = readdir(d)) != NULL)
			add_name(names, e->d_name);
		if (d)
			closedir(d);
	}
	qsort(names->name, names->n, sizeof(names->name[0]), by_name);
}

static bool refuse_name(const struct conf_doc *doc, const struct conf_entry *e, struct err *err)
{
	struct names names;
	const char *list[NAMES_MAX];
	const char *near;
	char words[200];

	list_names(doc, &names);
	for (size_t i = 0; i < names.n; i++)
		list[i] = names.name[i];
	near = conf_nearest(e->value, list, names.n);
	if (names.n == 0)
		err_at(err, e->value_pos, e->path, "'%.40s' is not known: no platforms found",
			e->value);
	else
		err_at(err, e->value_pos, e->path, "'%.40s' is not a platform; these are: %s",
			e->value, conf_join(list, names.n, ", ", words, sizeof(words)));
	if (near)
		err_hint(err, "did you mean '%s'?", near);
	while (names.n > 0)
		free(names.name[--names.n]);
	return false;
}

/* The file of a platform; NULL when no folder has it. free() it. */
static char *find_file(const struct conf_doc *doc, const struct conf_entry *e)
{
	char *file;

	if (strchr(e->value, '/'))
		return e->value_pos.line ? conf_beside(e->value_pos.file, e->value)
					 : xstrdup(e->value);
	for (char **dir = doc->search; dir && *dir; dir++) {
		file = xasprintf("%s/%s" SUFFIX, *dir, e->value);
		if (access(file, F_OK) == 0)
			return file;
		free(file);
	}
	return NULL;
}

bool conf_platform_read(struct conf_doc *doc, struct err *err)
{
	const struct conf_entry *e = conf_doc_find(doc, "platform");
	char *file;
	bool ok;

	if (!e)
		return true;
	if (e->form != CONF_IS_SCALAR || !*e->value)
		return err_at(err, e->value_pos, e->path, "needs the name of a platform");
	file = find_file(doc, e);
	if (!file)
		return refuse_name(doc, e, err);
	conf_doc_drop_rank(doc, CONF_BY_PLATFORM);
	ok = conf_yaml_read(doc, file, CONF_BY_PLATFORM, err);
	free(file);
	return ok;
}
