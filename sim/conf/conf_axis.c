#include "conf/conf_doc.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

void conf_axis_copy(struct conf_axis *to, const struct conf_axis *from)
{
	const char **values = xcalloc(from->nvalues, sizeof(*values));
	struct src_pos *pos = xcalloc(from->nvalues, sizeof(*pos));

	for (size_t i = 0; i < from->nvalues; i++) {
		values[i] = xstrdup(from->values[i]);
		pos[i] = from->value_pos[i];
	}
	*to = *from;
	to->path = xstrdup(from->path);
	to->values = values;
	to->value_pos = pos;
}

/* The strings are the document's own; the public type only promises not to write them. */
static void free_const(const void *p)
{
	free((void *)(uintptr_t)p);
}

void conf_axis_free(struct conf_axis *a)
{
	for (size_t i = 0; i < a->nvalues; i++)
		free_const(a->values[i]);
	free_const(a->path);
	free(a->values);
	free_const(a->value_pos);
}

static bool axis_is_sound(const struct conf_axis *a, struct err *err)
{
	if (a->nvalues == 0)
		return err_at(err, a->pos, a->path,
			"the axis is empty: needs at least one value, as in '[1, 2, 4]'");
	for (size_t i = 1; i < a->nvalues; i++)
		for (size_t j = 0; j < i; j++)
			if (strcmp(a->values[i], a->values[j]) == 0)
				return err_at(err, a->value_pos[i], a->path,
					"'%.40s' is on the axis twice", a->values[i]);
	return true;
}

static void insert_axis(struct conf_doc *doc, const struct conf_axis *axis)
{
	size_t n = doc->naxes + doc->npinned;
	struct conf_axis *at;

	doc->axes = xrealloc(doc->axes, n + 1, sizeof(*doc->axes));
	at = &doc->axes[doc->naxes++];
	memmove(at + 1, at, doc->npinned * sizeof(*at));
	conf_axis_copy(at, axis);
}

bool conf_doc_add_axis(struct conf_doc *doc, const struct conf_axis *axis, struct err *err)
{
	if (!axis_is_sound(axis, err))
		return false;
	for (size_t i = 0; i < doc->naxes; i++) {
		if (strcmp(doc->axes[i].path, axis->path) != 0)
			continue;
		if (conf_same_file(doc->axes[i].pos, axis->pos))
			return conf_refuse_twice(axis->path, doc->axes[i].pos, axis->pos, err);
		conf_axis_free(&doc->axes[i]);
		conf_axis_copy(&doc->axes[i], axis);
		return true;
	}
	insert_axis(doc, axis);
	return true;
}

void conf_doc_pin_axis(struct conf_doc *doc, size_t i)
{
	struct conf_axis pinned = doc->axes[i];
	size_t behind = doc->naxes + doc->npinned - i - 1;

	memmove(&doc->axes[i], &doc->axes[i + 1], behind * sizeof(*doc->axes));
	doc->axes[i + behind] = pinned;
	doc->naxes--;
	doc->npinned++;
}

size_t conf_doc_axes(const struct conf_doc *doc, const struct conf_axis **axes)
{
	*axes = doc->axes;
	return doc->naxes;
}
