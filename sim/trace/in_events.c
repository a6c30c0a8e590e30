/*
 * Kernel events as text: ftrace's `trace` file, `trace-cmd report`, `perf script`.
 */
#include <string.h>

#include "trace/events.h"

static bool on_line(struct import *im, struct events *e, const char *line)
{
	struct line_event ev;

	if (line[0] == '\0' || line[0] == '#' || strncmp(line, "cpus=", 5) == 0)
		return true;
	if (strstr(line, "[LOST ") && strstr(line, " EVENTS]")) {
		import_skip(im, "a gap where the recorder lost events");
		return true;
	}
	if (!line_event(line, &ev))
		return import_bad(im, 1, "is no line of ftrace, trace-cmd report or perf script");
	return events_take(e, &ev);
}

static bool run(struct import *im)
{
	struct events *e = events_create(im);
	const char *line;
	bool ok = true, any;

	while (ok && (line = text_line(im->in)) != NULL) {
		im->lines++;
		ok = on_line(im, e, line);
	}
	any = events_any(e);
	events_destroy(e);
	if (ok && !any && !text_failed(im->in, NULL))
		return err_at(im->err, text_pos(im->in, 0), NULL, "there is no event in the file");
	return ok;
}

/* ftrace says so; the others' first lines are events or trace-cmd's count of CPUs. */
static bool recognises(const char *start, size_t n)
{
	char line[512];
	size_t at = 0;

	if (n >= 10 && memcmp(start, "# tracer: ", 10) == 0)
		return true;
	for (unsigned lines = 0; at < n && lines < 20; lines++) {
		const char *end = memchr(start + at, '\n', n - at);
		size_t len = end ? (size_t)(end - start) - at : n - at;
		struct line_event ev;

		len = len < sizeof(line) - 1 ? len : sizeof(line) - 1;
		memcpy(line, start + at, len);
		line[len] = '\0';
		if (line_event(line, &ev))
			return true;
		if (!end)
			break;
		at = (size_t)(end - start) + 1;
	}
	return false;
}

const struct importer importer_events = {
	.name = "kernel events",
	.summary = "ftrace text, trace-cmd report, perf script: dma:*, iommu:map/unmap, probes",
	.recognises = recognises,
	.run = run,
};
