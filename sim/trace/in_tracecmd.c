/*
 * trace-cmd's binary files. An event's fields are written as text, "name=value", for the one place that
 * understands events (events.c). Probes are left out: which function they are on is not in the file in a
 * form that lasts.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "trace/events.h"
#include "trace/tracecmd.h"

#define BODY_BYTES  8192u
#define ARRAY_SHOWN 128u

struct body {
	char text[BODY_BYTES];
	size_t n;
};

static void put(struct body *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void put(struct body *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(b->text + b->n, sizeof(b->text) - b->n, fmt, ap);
	va_end(ap);
	b->n += n > 0 ? (size_t)n : 0;
	if (b->n >= sizeof(b->text))
		b->n = sizeof(b->text) - 1;
}

static uint64_t little(const unsigned char *bytes, uint32_t n)
{
	uint64_t v = 0;

	while (n-- > 0)
		v = v << 8 | bytes[n];
	return v;
}

static void put_text(struct body *b, const unsigned char *s, uint32_t n)
{
	put(b, "%.*s", (int)strnlen((const char *)s, n), (const char *)s);
}

static void put_array(struct body *b, const unsigned char *s, uint32_t n, uint32_t element)
{
	put(b, "{");
	for (uint32_t i = 0; i < n / element && i < ARRAY_SHOWN; i++)
		put(b, "%s0x%" PRIx64, i ? "," : "", little(s + i * element, element));
	put(b, "}");
}

/* False: the event is shorter than its format says. */
static bool put_field(
	struct body *b, const struct tracecmd_event *ev, const struct tracecmd_field *f)
{
	uint32_t offset = f->offset, size = f->size, where;

	if (size > ev->len || offset > ev->len - size)
		return false;
	put(b, "%s%s=", b->n && b->text[b->n - 1] != ' ' ? " " : "", f->name);
	if (f->located && size == 4) {
		where = (uint32_t)little(ev->data + offset, 4); /* length << 16 | offset */
		offset = where & 0xffff;
		size = where >> 16;
		if (size > ev->len || offset > ev->len - size)
			return false;
		if (f->text)
			put_text(b, ev->data + offset, size);
		else
			put_array(b, ev->data + offset, size, f->element);
	} else if (f->text && size > 1) {
		put_text(b, ev->data + offset, size);
	} else if (size <= 8) {
		put(b, strcmp(f->name, "dir") == 0 ? "%" PRIu64 : "0x%" PRIx64,
			little(ev->data + offset, size));
	}
	return true;
}

static bool is_wanted(const struct tracecmd_format *f)
{
	return strcmp(f->system, "iommu") == 0 || strcmp(f->system, "dma") == 0;
}

static bool render(struct body *b, const struct tracecmd_event *ev)
{
	bool ok = true;

	b->n = 0;
	b->text[0] = '\0';
	if (!is_wanted(ev->format))
		return true;
	if (strcmp(ev->format->system, "iommu") == 0)
		put(b, "IOMMU: ");
	for (unsigned i = 0; ok && i < ev->format->nfields; i++)
		if (strncmp(ev->format->field[i].name, "common_", 7) != 0)
			ok = put_field(b, ev, &ev->format->field[i]);
	return ok;
}

static bool take(struct import *im, struct events *e, const struct tracecmd_event *ev)
{
	struct body body;
	struct line_event line = { .cpu = ev->cpu, .time = ev->time, .body = body.text };
	char where[48];

	if (ev->lost)
		import_skip(im, "a gap where the recorder lost events");
	if (!ev->format) {
		import_skip(im, "an event whose format is not in the file");
		return true;
	}
	snprintf(where, sizeof(where), "event %" PRIu64, im->lines);
	if (!render(&body, ev))
		return import_bad_at(im, where, "is shorter than its format says");
	line.name = ev->format->name;
	line.name_len = strlen(line.name);
	return events_take(e, &line);
}

static bool run(struct import *im)
{
	const char *file = text_pos(im->in, 0).file;
	struct tracecmd *t = tracecmd_open(im->in, file, im->out, im->err);
	struct events *e;
	struct tracecmd_event ev;
	bool ok = true, any;

	if (!t)
		return false;
	im->what = "events";
	e = events_create(im);
	while (ok && tracecmd_next(t, &ev)) {
		im->lines++;
		ok = take(im, e, &ev);
	}
	any = events_any(e);
	events_destroy(e);
	if (ok && tracecmd_failed(t, im->err))
		ok = false;
	else if (ok && !any)
		ok = err_at(im->err, (struct src_pos){ .file = file }, NULL, "holds no event");
	tracecmd_close(t);
	return ok;
}

static bool recognises(const char *start, size_t n)
{
	return tracecmd_recognise(start, n);
}

const struct importer importer_tracecmd = {
	.name = "trace-cmd",
	.summary = "trace-cmd's binary files (.dat), versions 6 and 7: dma:*, iommu:map/unmap",
	.recognises = recognises,
	.run = run,
};
