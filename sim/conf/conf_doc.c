#include "conf/conf_doc.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/list.h"

/* ---- file names ---- */

struct file_name {
	struct list link;
	char name[];
};

/* One entry per file name ever read; nothing depends on it but the life of the names. */
static struct list file_names = { &file_names, &file_names };

const char *conf_file_name(const char *name)
{
	struct file_name *f;
	size_t len = strlen(name) + 1;

	list_for_each (l, &file_names) {
		f = list_entry(l, struct file_name, link);
		if (strcmp(f->name, name) == 0)
			return f->name;
	}
	f = xcalloc(1, sizeof(*f) + len);
	memcpy(f->name, name, len);
	list_push_back(&file_names, &f->link);
	return f->name;
}

char *conf_beside(const char *file, const char *name)
{
	const char *slash = strrchr(file, '/');

	if (*name == '/' || !slash)
		return xstrdup(name);
	return xasprintf("%.*s/%s", (int)(slash - file), file, name);
}

char *conf_absolute(const char *file, struct src_pos pos)
{
	char *seen = pos.line ? conf_beside(pos.file, file) : xstrdup(file);
	char *real = realpath(seen, NULL), *cwd, *joined;

	if (real || *seen == '/') {
		joined = real ? real : xstrdup(seen);
		free(seen);
		return joined;
	}
	cwd = getcwd(NULL, 0);
	joined = xasprintf("%s/%s", cwd ? cwd : ".", seen);
	free(cwd);
	free(seen);
	return joined;
}

/* ---- entries ---- */

bool conf_same_file(struct src_pos a, struct src_pos b)
{
	return a.line && b.line && a.file == b.file;
}

bool conf_refuse_twice(
	const char *path, struct src_pos first, struct src_pos second, struct err *err)
{
	return err_at(err, second, path, "is set twice; the first is at line %u, column %u",
		first.line, first.column);
}

bool conf_doc_add(struct conf_doc *doc, const struct conf_entry *e, struct err *err)
{
	struct conf_entry *all = doc->entries, *at;
	size_t i;

	for (i = 0; i < doc->nentries && e->rank <= CONF_BY_FILE; i++)
		if (all[i].rank == e->rank && conf_same_file(all[i].key_pos, e->key_pos) &&
			strcmp(all[i].path, e->path) == 0)
			return conf_refuse_twice(e->path, all[i].key_pos, e->key_pos, err);
	for (i = doc->nentries; i > 0 && all[i - 1].rank > e->rank; i--)
		;
	all = doc->entries = xrealloc(all, doc->nentries + 1, sizeof(*all));
	at = &all[i];
	memmove(at + 1, at, (doc->nentries - i) * sizeof(*at));
	doc->nentries++;
	*at = *e;
	at->path = xstrdup(e->path);
	at->value = xstrdup(e->value);
	return true;
}

void conf_doc_drop_rank(struct conf_doc *doc, enum conf_rank rank)
{
	size_t kept = 0;

	for (size_t i = 0; i < doc->nentries; i++) {
		if (doc->entries[i].rank != rank) {
			doc->entries[kept++] = doc->entries[i];
			continue;
		}
		free(doc->entries[i].path);
		free(doc->entries[i].value);
	}
	doc->nentries = kept;
}

const struct conf_entry *conf_doc_find(const struct conf_doc *doc, const char *path)
{
	for (size_t i = doc->nentries; i-- > 0;)
		if (strcmp(doc->entries[i].path, path) == 0)
			return &doc->entries[i];
	return NULL;
}

const char *conf_doc_get(const struct conf_doc *doc, const char *path, struct src_pos *pos)
{
	const struct conf_entry *e = conf_doc_find(doc, path);

	if (!e || e->form == CONF_IS_MAP || e->form == CONF_IS_NULL)
		return NULL;
	if (pos)
		*pos = e->value_pos;
	return e->value;
}

/* ---- the document ---- */

struct conf_doc *conf_doc_create(void)
{
	return xcalloc(1, sizeof(struct conf_doc));
}

static char **copy_names(char *const *names)
{
	char **copy;
	size_t n = 0;

	if (!names)
		return NULL;
	while (names[n])
		n++;
	copy = xcalloc(n + 1, sizeof(*copy));
	while (n-- > 0)
		copy[n] = xstrdup(names[n]);
	return copy;
}

static void free_names(char **names)
{
	for (char **n = names; n && *n; n++)
		free(*n);
	free(names);
}

struct conf_doc *conf_doc_copy(const struct conf_doc *doc)
{
	struct conf_doc *copy = conf_doc_create();

	copy->entries = xcalloc(doc->nentries, sizeof(*copy->entries));
	for (; copy->nentries < doc->nentries; copy->nentries++) {
		struct conf_entry *e = &copy->entries[copy->nentries];

		*e = doc->entries[copy->nentries];
		e->path = xstrdup(e->path);
		e->value = xstrdup(e->value);
	}
	copy->naxes = doc->naxes;
	copy->npinned = doc->npinned;
	copy->axes = xcalloc(doc->naxes + doc->npinned, sizeof(*copy->axes));
	for (size_t i = 0; i < doc->naxes + doc->npinned; i++)
		conf_axis_copy(&copy->axes[i], &doc->axes[i]);
	copy->search = copy_names(doc->search);
	return copy;
}

void conf_doc_destroy(struct conf_doc *doc)
{
	if (!doc)
		return;
	for (size_t i = 0; i < doc->nentries; i++) {
		free(doc->entries[i].path);
		free(doc->entries[i].value);
	}
	for (size_t i = 0; i < doc->naxes + doc->npinned; i++)
		conf_axis_free(&doc->axes[i]);
	free_names(doc->search);
	free(doc->entries);
	free(doc->axes);
	free(doc);
}

bool conf_doc_load(
	struct conf_doc *doc, const char *file, const char *const *search, struct err *err)
{
	size_t n = 0;

	free_names(doc->search);
	while (search && search[n])
		n++;
	doc->search = xcalloc(n + 1, sizeof(*doc->search));
	for (size_t i = 0; i < n; i++)
		doc->search[i] = xstrdup(search[i]);
	return conf_yaml_read(doc, file, CONF_BY_FILE, err) && conf_platform_read(doc, err);
}
