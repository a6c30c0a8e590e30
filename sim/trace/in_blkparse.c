/*
 * blkparse's default output: "MAJ,MIN CPU SEQ TIME PID ACTION RWBS SECTOR + BLOCKS [comm]". A buffer is
 * mapped when its request goes to the driver (D) and unmapped when it completes (C); where the buffer
 * lies is not in the output. The summary after the last event is ignored.
 */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "trace/import.h"
#include "trace/line.h"
#include "trace/requests.h"

#define SECTOR_BYTES 512u

struct event {
	char device[TRACE_NAME_BYTES + 1];
	uint64_t key[2]; /* device number, sector */
	uint64_t blocks;
	unsigned cpu;
	sim_time time;
	char action[4], kind[8];
	bool has_range;
};

struct blk {
	struct import *im;
	struct requests requests;
	sim_time last;
	bool any;
};

static const char *blanks(const char *s)
{
	return s + strspn(s, " \t");
}

static const char *take_word(const char *s, char *buf, size_t size)
{
	size_t n = strcspn(s, " \t");

	if (n == 0 || n >= size)
		return NULL;
	memcpy(buf, s, n);
	buf[n] = '\0';
	return blanks(s + n);
}

static const char *take_number(const char *s, uint64_t *v)
{
	return line_number_at(s, false, v, &s) && (*s == ' ' || *s == '\t' || *s == '\0')
		       ? blanks(s)
		       : NULL;
}

/* The sector range of "SECTOR + BLOCKS ..."; lines of other actions have none. */
static void take_range(const char *s, struct event *ev)
{
	const char *at = take_number(s, &ev->key[1]);

	if (at && at[0] == '+' && at[1] == ' ' && take_number(blanks(at + 1), &ev->blocks))
		ev->has_range = true;
}

static bool parse(const char *line, struct event *ev)
{
	uint64_t major, minor, cpu, seq, pid;
	const char *s = blanks(line), *end;

	memset(ev, 0, sizeof(*ev));
	if (!line_number_at(s, false, &major, &end) || *end != ',' ||
		!(s = take_number(end + 1, &minor)) || major > 4095 || minor > 1048575)
		return false;
	ev->key[0] = major << 20 | minor;
	snprintf(ev->device, sizeof(ev->device), "%u,%u", (unsigned)major, (unsigned)minor);
	if (!(s = take_number(s, &cpu)) || cpu >= TRACE_CPUS_MAX || !(s = take_number(s, &seq)) ||
		!line_time(s, &ev->time, &end) || !(s = take_number(blanks(end), &pid)) ||
		!(s = take_word(s, ev->action, sizeof(ev->action))))
		return false;
	ev->cpu = (unsigned)cpu;
	s = take_word(s, ev->kind, sizeof(ev->kind));
	if (s)
		take_range(s, ev);
	return true;
}

static bool on_issue(struct blk *b, const struct event *ev)
{
	uint64_t bytes = ev->blocks > UINT32_MAX ? UINT64_MAX : ev->blocks * SECTOR_BYTES;
	struct request *r;

	if (!ev->has_range || bytes == 0 || strchr(ev->kind, 'D') ||
		(!strchr(ev->kind, 'R') && !strchr(ev->kind, 'W'))) {
		import_skip(b->im, "a request without data (flush, discard)");
		return true;
	}
	if (bytes > UINT32_MAX)
		return import_bad(b->im, 0, "a request of 4 GiB or more");
	if (requests_find(&b->requests, ev->key))
		return import_bad(b->im, 0, "issues a request that is under way");
	r = requests_begin(&b->requests, b->im->spool, ev->time, (uint16_t)ev->cpu,
		spool_device(b->im->spool, ev->device), strchr(ev->kind, 'W') != NULL,
		(uint32_t)bytes);
	if (!r)
		return import_bad(b->im, 0, "more than 65536 requests are under way");
	r->key[0] = ev->key[0];
	r->key[1] = ev->key[1];
	return true;
}

static bool on_completion(struct blk *b, const struct event *ev)
{
	struct request *r = requests_find(&b->requests, ev->key);

	if (r)
		requests_end(&b->requests, b->im->spool, ev->time, (uint16_t)ev->cpu, r);
	else
		import_skip(b->im, "a completion without data, or older than the recording");
	return true;
}

static bool on_line(struct blk *b, const char *line)
{
	struct event ev;

	if (!parse(line, &ev))
		return import_bad(b->im, 1, "is no line of blkparse");
	if (ev.time > TRACE_TIME_MAX)
		return import_bad(b->im, 1, "is months after the beginning");
	if (ev.time < b->last) {
		if (!import_bad(b->im, 1, "is earlier than the line before it"))
			return false;
		ev.time = b->last;
	}
	b->last = ev.time;
	b->any = true;
	if (strcmp(ev.action, "D") == 0)
		return on_issue(b, &ev);
	if (strcmp(ev.action, "C") == 0 || strcmp(ev.action, "R") == 0)
		return on_completion(b, &ev);
	import_skip(b->im, "an event above the driver (Q, G, I, M, P, U, ...)");
	return true;
}

/* "CPU0 (sda):" or "Total (sda):" begins the summary. */
static bool begins_summary(const char *line)
{
	return strncmp(line, "CPU", 3) == 0 || strncmp(line, "Total", 5) == 0;
}

static bool run(struct import *im)
{
	struct blk b = { .im = im };
	const char *line;
	bool ok = true;

	requests_init(&b.requests);
	while (ok && (line = text_line(im->in)) != NULL && !begins_summary(line)) {
		im->lines++;
		ok = line[0] == '\0' || on_line(&b, line);
	}
	while (ok && text_line(im->in))
		;
	requests_fini(&b.requests);
	return ok;
}

static bool recognises(const char *start, size_t n)
{
	const char *end = memchr(start, '\n', n);
	char line[256];
	size_t len = end ? (size_t)(end - start) : n;
	struct event ev;

	len = len < sizeof(line) - 1 ? len : sizeof(line) - 1;
	memcpy(line, start, len);
	line[len] = '\0';
	return parse(line, &ev);
}

const struct importer importer_blkparse = {
	.name = "blkparse",
	.summary = "blkparse's output: requests between issue (D) and completion (C)",
	.recognises = recognises,
	.run = run,
};
