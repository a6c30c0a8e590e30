/*
 * The text twin of a native trace (text.h): the one format that needs no model and loses nothing.
 */
#include <string.h>

#include "trace/import.h"
#include "trace/text.h"

static bool put_line(struct import *im, struct trace_writer *out, const char *line)
{
	struct trace_record r;
	const char *wrong;

	if (!text_get(line, text_pos(im->in, 0), &r, im->err))
		return false;
	wrong = trace_put(out, &r);
	return !wrong || err_at(im->err, text_pos(im->in, 1), NULL, "the record %s", wrong);
}

static bool put_all(struct import *im, struct trace_writer *out, const char *line)
{
	for (; line; line = text_line(im->in))
		if (line[0] != '\0' && line[0] != '#' && !put_line(im, out, line))
			return false;
	if (text_failed(im->in, im->err))
		return false;
	return !trace_open_map(out) ||
	       err_at(im->err, text_pos(im->in, 0), NULL, "segments of the last map are missing");
}

static bool convert(struct import *im, const char *file)
{
	struct trace_info info = { .seed = 0 };
	struct trace_writer *out;
	const char *line;

	while ((line = text_line(im->in)) != NULL && line[0] == '#')
		text_get_head(line, &info);
	out = trace_create(file, &info, im->err);
	if (!out)
		return false;
	if (put_all(im, out, line))
		return trace_commit(out, im->err);
	trace_abandon(out);
	return false;
}

static bool recognises(const char *start, size_t n)
{
	size_t len = strlen(TEXT_FIRST_LINE);

	return n >= len && memcmp(start, TEXT_FIRST_LINE, len) == 0;
}

const struct importer importer_text = {
	.name = "trace text",
	.summary = "text twin of a native trace, as `iommusim trace dump' writes it",
	.recognises = recognises,
	.convert = convert,
	.knows_accesses = true,
};
