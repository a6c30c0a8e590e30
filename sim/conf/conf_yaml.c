/* The only file that knows libyaml: events become assignments in a conf_doc, with positions. */
#include "conf/conf_doc.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/alloc.h"
#include "base/textio.h"
#include "conf/conf_utf8.h"

#define FILE_MAX   ((size_t)16 << 20)
#define DEPTH_MAX  16
#define NO_ALIASES "anchors, aliases and tags (&, *, !) are not read; write the value out"

struct loader {
	yaml_parser_t parser;
	yaml_event_t event;
	bool have_event;
	struct conf_doc *doc;
	const char *file;
	enum conf_rank rank;
	unsigned depth;
	struct err *err;
};

static struct src_pos pos_of(const struct loader *l, yaml_mark_t mark)
{
	return (struct src_pos){ .file = l->file,
		.line = (unsigned)mark.line + 1,
		.column = (unsigned)mark.column + 1 };
}

static struct src_pos here(const struct loader *l)
{
	return pos_of(l, l->event.start_mark);
}

/* libyaml's own words are good, but for the commonest slip. */
static bool refuse_syntax(struct loader *l)
{
	const yaml_parser_t *p = &l->parser;
	const char *context = p->context ? p->context : "";

	err_at(l->err, pos_of(l, p->problem_mark), NULL, "not YAML: %s%s%s", context,
		*context ? ": " : "", p->problem ? p->problem : "cannot be parsed");
	if (p->problem && strstr(p->problem, "cannot start any token"))
		err_hint(l->err, "tabs cannot indent YAML, and values with special characters need "
				 "quotes");
	return false;
}

/* Step to the next event; anchors, aliases and tags end here, wherever they stand. */
static bool next(struct loader *l)
{
	const yaml_event_t *e = &l->event;
	bool marked = false;

	if (l->have_event)
		yaml_event_delete(&l->event);
	l->have_event = yaml_parser_parse(&l->parser, &l->event) != 0;
	if (!l->have_event)
		return refuse_syntax(l);
	if (e->type == YAML_ALIAS_EVENT)
		marked = true;
	else if (e->type == YAML_SCALAR_EVENT)
		marked = e->data.scalar.anchor || e->data.scalar.tag;
	else if (e->type == YAML_MAPPING_START_EVENT)
		marked = e->data.mapping_start.anchor || e->data.mapping_start.tag;
	else if (e->type == YAML_SEQUENCE_START_EVENT)
		marked = e->data.sequence_start.anchor || e->data.sequence_start.tag;
	return !marked || err_at(l->err, here(l), NULL, NO_ALIASES);
}

static const char *scalar_text(const struct loader *l)
{
	return (const char *)l->event.data.scalar.value;
}

static bool is_null(const struct loader *l)
{
	const char *s = scalar_text(l);

	return l->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	       (!*s || strcmp(s, "~") == 0 || strcmp(s, "null") == 0);
}

static bool is_sweep(const char *path)
{
	return strncmp(path, "sweep.", 6) == 0;
}

/* ---- values ---- */

static bool add(struct loader *l, const char *path, const char *value, enum conf_form form,
	struct src_pos key_pos, struct src_pos value_pos)
{
	struct conf_entry e = {
		.form = form, .rank = l->rank, .key_pos = key_pos, .value_pos = value_pos
	};
	char *text = xstrdup(value), *key = xstrdup(path);
	bool ok;

	e.path = key;
	e.value = text;
	ok = conf_doc_add(l->doc, &e, l->err);
	free(key);
	free(text);
	return ok;
}

/* From SEQUENCE-START to SEQUENCE-END: the values, joined as "[a, b]" in *text (to be freed). Lists of
 * values on an axis may themselves be lists. */
static bool read_list_text(struct loader *l, const char *path, char **text)
{
	char *longer;

	*text = xstrdup("[");
	for (bool first = true; next(l); first = false) {
		if (l->event.type == YAML_SEQUENCE_END_EVENT) {
			longer = xasprintf("%s]", *text);
			free(*text);
			*text = longer;
			return true;
		}
		if (l->event.type != YAML_SCALAR_EVENT || is_null(l))
			return err_at(l->err, here(l), path, "a list may hold plain values only");
		longer = xasprintf("%s%s%s", *text, first ? "" : ", ", scalar_text(l));
		free(*text);
		*text = longer;
	}
	return false;
}

struct axis_values {
	char **text;
	struct src_pos *pos;
	size_t n;
};

static bool read_axis_values(struct loader *l, const char *path, struct axis_values *v)
{
	struct src_pos pos;
	char *text;

	while (next(l)) {
		if (l->event.type == YAML_SEQUENCE_END_EVENT)
			return true;
		pos = here(l);
		v->text = xrealloc(v->text, v->n + 1, sizeof(*v->text));
		v->pos = xrealloc(v->pos, v->n + 1, sizeof(*v->pos));
		if (l->event.type == YAML_SEQUENCE_START_EVENT) {
			bool ok = read_list_text(l, path, &text);

			v->text[v->n] = text;
			v->pos[v->n++] = pos;
			if (!ok)
				return false;
			continue;
		}
		if (l->event.type != YAML_SCALAR_EVENT || is_null(l))
			return err_at(l->err, pos, path, "an axis holds plain values only");
		v->text[v->n] = xstrdup(scalar_text(l));
		v->pos[v->n++] = pos;
	}
	return false;
}

/* `cpu.count: [1, 2, 4]` inside `sweep:`, from its SEQUENCE-START. */
static bool read_axis(struct loader *l, const char *path, struct src_pos key_pos)
{
	struct axis_values v = { 0 };
	struct conf_axis axis = { .path = path, .pos = key_pos };
	bool ok = read_axis_values(l, path, &v);

	if (ok) {
		axis.nvalues = v.n;
		axis.value_pos = v.pos;
		axis.values = xcalloc(v.n, sizeof(*axis.values));
		for (size_t i = 0; i < v.n; i++)
			axis.values[i] = v.text[i];
		ok = conf_doc_add_axis(l->doc, &axis, l->err);
		free(axis.values);
	}
	while (v.n > 0)
		free(v.text[--v.n]);
	free(v.text);
	free(v.pos);
	return ok;
}

static bool read_list(struct loader *l, const char *path, struct src_pos key_pos)
{
	struct src_pos pos = here(l);
	char *text;
	bool ok;

	if (is_sweep(path))
		return read_axis(l, path + strlen("sweep."), key_pos);
	ok = read_list_text(l, path, &text) && add(l, path, text, CONF_IS_LIST, key_pos, pos);
	free(text);
	return ok;
}

static bool read_scalar(struct loader *l, const char *path, struct src_pos key_pos)
{
	if (strcmp(path, "sweep") == 0 && !is_null(l))
		return err_at(l->err, here(l), path, "must be axes, as in 'cpu.count: [1, 2, 4]'");
	if (is_sweep(path))
		return err_at(l->err, here(l), path, "needs a list of values, as in '[1, 2, 4]'");
	return add(l, path, scalar_text(l), is_null(l) ? CONF_IS_NULL : CONF_IS_SCALAR, key_pos,
		here(l));
}

/* ---- keys ---- */

static bool read_map(struct loader *l, const char *path);

static bool read_value(struct loader *l, const char *path, struct src_pos key_pos)
{
	switch ((int)l->event.type) {
	case YAML_SCALAR_EVENT:
		return read_scalar(l, path, key_pos);
	case YAML_SEQUENCE_START_EVENT:
		return read_list(l, path, key_pos);
	default:
		return add(l, path, "", CONF_IS_MAP, key_pos, here(l)) && read_map(l, path);
	}
}

/* What only an experiment's own file may say. */
static bool platform_may_say(const struct loader *l, const char *path, struct src_pos pos)
{
	if (l->rank != CONF_BY_PLATFORM)
		return true;
	if (strcmp(path, "platform") == 0)
		return err_at(l->err, pos, path, "a platform may not include another one");
	if (strcmp(path, "sweep") == 0 || is_sweep(path))
		return err_at(l->err, pos, path, "a platform may not sweep; experiments do");
	return true;
}

static bool read_pair(struct loader *l, const char *parent)
{
	struct src_pos key_pos = here(l);
	char *path;
	bool ok;

	if (l->event.type != YAML_SCALAR_EVENT || !*scalar_text(l))
		return err_at(l->err, key_pos, parent, "a key must be a plain name");
	path = xasprintf("%s%s%s", parent, *parent ? "." : "", scalar_text(l));
	if (strlen(path) > CONF_PATH_MAX)
		ok = err_at(l->err, key_pos, NULL, "the key '%.60s...' is too long", path);
	else
		ok = platform_may_say(l, path, key_pos) && next(l) && read_value(l, path, key_pos);
	free(path);
	return ok;
}

/* From MAPPING-START to MAPPING-END. */
static bool read_map(struct loader *l, const char *path)
{
	if (l->depth == DEPTH_MAX)
		return err_at(l->err, here(l), path, "is nested too deeply");
	l->depth++;
	for (;;) {
		if (!next(l))
			return false;
		if (l->event.type == YAML_MAPPING_END_EVENT)
			break;
		if (!read_pair(l, path))
			return false;
	}
	l->depth--;
	return true;
}

/* ---- the file ---- */

static bool read_stream(struct loader *l)
{
	struct src_pos file = { .file = l->file };

	if (!next(l) || !next(l)) /* STREAM-START, DOCUMENT-START */
		return false;
	if (l->event.type == YAML_STREAM_END_EVENT)
		return err_at(l->err, file, NULL,
			"holds no configuration: it is empty or has only "
			"comments");
	if (!next(l))
		return false;
	if (l->event.type != YAML_MAPPING_START_EVENT)
		return err_at(l->err, here(l), NULL,
			"must hold keys and values, as in "
			"'policy: strict'");
	if (!read_map(l, "") || !next(l) || !next(l)) /* DOCUMENT-END */
		return false;
	if (l->event.type != YAML_STREAM_END_EVENT)
		return err_at(l->err, here(l), NULL,
			"a second document begins here; a file may "
			"hold only one");
	return true;
}

static bool parse(struct loader *l, const char *text, size_t len)
{
	bool ok;

	if (!yaml_parser_initialize(&l->parser))
		return err_set(l->err, "no memory for the YAML parser");
	yaml_parser_set_encoding(&l->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&l->parser, (const unsigned char *)text, len);
	ok = read_stream(l);
	if (l->have_event)
		yaml_event_delete(&l->event);
	yaml_parser_delete(&l->parser);
	return ok;
}

static char *read_whole(const char *file, size_t *len, struct err *err)
{
	struct text_in *in = text_open(file, err);
	struct src_pos pos = { .file = file };
	char *text = NULL;
	size_t n;

	if (!in)
		return NULL;
	*len = 0;
	do {
		text = xrealloc(text, *len + 65536, 1);
		n = text_read(in, text + *len, 65536);
		*len += n;
	} while (n > 0 && *len <= FILE_MAX);
	if (!text_failed(in, err) &&
		(*len <= FILE_MAX ||
			err_at(err, pos, NULL, "is larger than 16 MiB: not a configuration"))) {
		text_close(in);
		return text;
	}
	text_close(in);
	free(text);
	return NULL;
}

bool conf_yaml_read(struct conf_doc *doc, const char *file, enum conf_rank rank, struct err *err)
{
	struct loader l = { .doc = doc, .rank = rank, .err = err, .file = conf_file_name(file) };
	size_t len;
	char *text = read_whole(l.file, &len, err);
	bool ok;

	if (!text)
		return false;
	ok = conf_check_utf8(text, len, l.file, err) && parse(&l, text, len);
	free(text);
	return ok;
}
