/* "name: map\nID: 1149\nformat:\n\tfield:u64 iova;\toffset:8;\tsize:8;\tsigned:0;\n..." */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "trace/line.h"
#include "trace/tracecmd_priv.h"

#define FORMATS_MAX 65535u

static bool number_after(const char *line, const char *key, uint32_t *v)
{
	const char *s = strstr(line, key);
	uint64_t wide;

	if (!s || !line_number_at(s + strlen(key), false, &wide, NULL) || wide > UINT32_MAX)
		return false;
	*v = (uint32_t)wide;
	return true;
}

/* The declared type and name: "__data_loc char[] device", "u64 iova", "char comm[16]". */
static void declaration(struct tracecmd_field *f, const char *s, size_t n)
{
	size_t end = n, begin;

	while (end > 0 && s[end - 1] != '[' && memchr(s, '[', n) && s[n - 1] == ']')
		end--;
	if (end > 0 && s[end - 1] == '[')
		end--;
	for (begin = end; begin > 0 && s[begin - 1] != ' '; begin--)
		;
	snprintf(f->name, sizeof(f->name), "%.*s", (int)(end - begin), s + begin);
	f->located = memmem(s, n, "__data_loc", 10) != NULL;
	f->text = memmem(s, n, "char", 4) != NULL;
	f->element = memmem(s, n, "u64", 3) || memmem(s, n, "long", 4) ? 8 : 4;
}

static void add_field(struct tracecmd_format *f, const char *line)
{
	const char *from = line + strlen("field:"), *end = strchr(from, ';');
	struct tracecmd_field *field = &f->field[f->nfields];

	if (!end || end == from || f->nfields == TRACECMD_FIELDS_MAX)
		return;
	declaration(field, from, (size_t)(end - from));
	if (number_after(end, "offset:", &field->offset) &&
		number_after(end, "size:", &field->size))
		f->nfields++;
}

static void parse_line(struct tracecmd_format *f, const char *line, bool *has_id)
{
	line += strspn(line, " \t");
	if (strncmp(line, "name: ", 6) == 0)
		snprintf(f->name, sizeof(f->name), "%.60s", line + 6);
	else if (strncmp(line, "ID: ", 4) == 0)
		*has_id = number_after(line, "ID: ", &f->id);
	else if (strncmp(line, "field:", 6) == 0)
		add_field(f, line);
}

bool tracecmd_format_add(struct tracecmd *t, const char *system, const char *text, size_t n)
{
	struct tracecmd_format f = { .nfields = 0 };
	const char *end = text + n, *next;
	bool has_id = false;
	char line[512];

	for (; text < end; text = next) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		size_t len = (size_t)((newline ? newline : end) - text);

		next = newline ? newline + 1 : end;
		snprintf(line, sizeof(line), "%.*s", (int)(len < 511 ? len : 511), text);
		parse_line(&f, line, &has_id);
	}
	if (!has_id || f.id > UINT16_MAX || !f.name[0] || t->nformats == FORMATS_MAX)
		return true; /* nothing that an event can name */
	snprintf(f.system, sizeof(f.system), "%s", system);
	if ((t->nformats & (t->nformats - 1)) == 0)
		t->format =
			xrealloc(t->format, t->nformats ? 2 * t->nformats : 1, sizeof(*t->format));
	t->format[t->nformats++] = f;
	t->by_id[f.id] = t->nformats;
	return true;
}

/* "systems {NAME, events {size TEXT}}" */
bool tracecmd_formats(struct tracecmd *t, uint64_t at, const unsigned char *bytes, size_t n)
{
	size_t pos = 4;
	uint64_t systems, events, size;

	if (n < 4)
		return tracecmd_fail(t, at, "formats of events are missing");
	systems = tracecmd_le(bytes, 4);
	for (uint64_t s = 0; s < systems; s++) {
		const char *name = (const char *)bytes + pos;
		size_t len = pos < n ? strnlen(name, n - pos) : 0;

		if (pos >= n || n - pos < len + 5)
			return tracecmd_fail(t, at, "damaged formats of events");
		pos += len + 1;
		events = tracecmd_le(bytes + pos, 4);
		pos += 4;
		for (uint64_t e = 0; e < events; e++) {
			if (n - pos < 8)
				return tracecmd_fail(t, at, "damaged formats of events");
			size = tracecmd_le(bytes + pos, 8);
			pos += 8;
			if (size > n - pos)
				return tracecmd_fail(t, at, "damaged formats of events");
			tracecmd_format_add(t, name, (const char *)bytes + pos, size);
			pos += size;
		}
	}
	return true;
}
