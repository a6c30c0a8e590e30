#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool fill(struct err *e, struct src_pos pos, const char *path, const char *fmt, va_list ap)
{
	if (!e)
		return false;
	memset(e, 0, sizeof(*e));
	e->pos = pos;
	if (path)
		snprintf(e->path, sizeof(e->path), "%s", path);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	return false;
}

bool err_at(struct err *e, struct src_pos pos, const char *path, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fill(e, pos, path, fmt, ap);
	va_end(ap);
	return false;
}

bool err_set(struct err *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fill(e, (struct src_pos){ 0 }, NULL, fmt, ap);
	va_end(ap);
	return false;
}

bool err_hint(struct err *e, const char *fmt, ...)
{
	va_list ap;

	if (!e)
		return false;
	va_start(ap, fmt);
	vsnprintf(e->hint, sizeof(e->hint), fmt, ap);
	va_end(ap);
	return false;
}

char *err_format(const struct err *e, char *buf, size_t size)
{
	char where[512] = "";

	if (e->pos.file && e->pos.line && e->pos.column)
		snprintf(where, sizeof(where), "%s:%u:%u: ", e->pos.file, e->pos.line,
			e->pos.column);
	else if (e->pos.file && e->pos.line)
		snprintf(where, sizeof(where), "%s:%u: ", e->pos.file, e->pos.line);
	else if (e->pos.file)
		snprintf(where, sizeof(where), "%s: ", e->pos.file);
	snprintf(buf, size, "%s%s%s%s%s%s%s", where, e->path, e->path[0] ? ": " : "", e->text,
		e->hint[0] ? " (" : "", e->hint, e->hint[0] ? ")" : "");
	return buf;
}
