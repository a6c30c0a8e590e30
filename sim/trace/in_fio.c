/*
 * fio's I/O logs, versions 2 (no times but `wait') and 3 (microseconds since the start, fio 3.31). A log
 * tells when a request was issued and not when it was complete, nor how many were under way: completions
 * come after an exponential service time, and the oldest at once when `depth' requests are under way and
 * the next is issued. A file's requests come from one CPU.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "trace/import.h"
#include "trace/line.h"
#include "trace/requests.h"

#define FILE_BYTES 256u

struct log {
	struct import *im;
	struct requests requests;
	struct rng rng;
	uint16_t device;
	unsigned version;
	sim_time now;
};

static void complete_until(struct log *l, sim_time until)
{
	struct request *r;

	while ((r = requests_first(&l->requests)) != NULL && r->done <= until)
		requests_end(&l->requests, l->im->spool, r->done, r->cpu, r);
}

/* Room for one more; without times of its own (version 2) the log waits for it. */
static void make_room(struct log *l)
{
	while (l->requests.busy >= l->im->options->depth) {
		struct request *r = requests_first(&l->requests);

		if (l->version == 2 && r->done > l->now)
			l->now = r->done;
		requests_end(&l->requests, l->im->spool, l->now, r->cpu, r);
	}
}

static uint16_t cpu_of(const struct log *l, const char *file)
{
	uint32_t hash = 5381;

	for (; *file; file++)
		hash = hash * 33 + (unsigned char)*file;
	return (uint16_t)(hash % l->im->options->cpus);
}

static bool on_request(struct log *l, const char *file, bool write, uint64_t len)
{
	struct request *r;

	if (len == 0 || len > UINT32_MAX)
		return import_bad(
			l->im, 0, len ? "a request of 4 GiB or more" : "a request of 0 bytes");
	complete_until(l, l->now);
	make_room(l);
	r = requests_begin(&l->requests, l->im->spool, l->now, cpu_of(l, file), l->device, write,
		(uint32_t)len);
	r->done = l->now + 1 + (sim_time)rng_exp(&l->rng, (double)l->im->options->service);
	return true;
}

struct words {
	char word[5][FILE_BYTES];
	unsigned n;
};

/* False: more words than a line has, or one too long. */
static bool split(const char *line, struct words *w)
{
	w->n = 0;
	for (line += strspn(line, " \t"); *line; line += strspn(line, " \t")) {
		size_t len = strcspn(line, " \t");

		if (w->n == ARRAY_SIZE(w->word) || len >= FILE_BYTES)
			return false;
		memcpy(w->word[w->n], line, len);
		w->word[w->n++][len] = '\0';
		line += len;
	}
	return true;
}

static bool number(const char *word, uint64_t *v)
{
	const char *end;

	return line_number_at(word, false, v, &end) && *end == '\0';
}

static bool take_time(struct log *l, const char *word, bool *skip)
{
	uint64_t us;

	*skip = true;
	if (!number(word, &us) || us > TRACE_TIME_MAX / US)
		return import_bad(l->im, 1, "begins with no time in microseconds");
	*skip = false;
	if (us * US < l->now)
		return import_bad(l->im, 1, "is earlier than the line before it");
	l->now = us * US;
	return true;
}

static bool on_wait(struct log *l, const char *us_text)
{
	uint64_t us;

	if (!number(us_text, &us) || us > TRACE_TIME_MAX / US - l->now / US)
		return import_bad(l->im, 0, "a wait without a number of microseconds");
	l->now += us * US;
	return true;
}

static bool is_file_action(const char *word)
{
	return strcmp(word, "add") == 0 || strcmp(word, "open") == 0 || strcmp(word, "close") == 0;
}

/* FILE ACTION [OFFSET LENGTH]; version 3 has the time before it. */
static bool on_line(struct log *l, const char *line)
{
	struct words w;
	const char *action;
	unsigned at = l->version == 3;
	uint64_t offset, len;
	bool skip;

	if (!split(line, &w) || w.n < at + 2)
		return import_bad(l->im, 1, "is no line of an I/O log");
	if (at && (!take_time(l, w.word[0], &skip) || skip))
		return skip && l->im->options->skip_bad;
	action = w.word[at + 1];
	if (is_file_action(action) && w.n == at + 2)
		return true;
	if (w.n != at + 4 || !number(w.word[at + 2], &offset) || !number(w.word[at + 3], &len)) {
		if (l->version == 2 && strcmp(action, "wait") == 0 && w.n == at + 3)
			return on_wait(l, w.word[at + 2]);
		return import_bad(l->im, 1, "has no offset and length");
	}
	if (strcmp(action, "read") == 0 || strcmp(action, "write") == 0)
		return on_request(l, w.word[at], action[0] == 'w', len);
	if (strcmp(action, "wait") == 0 && l->version == 2)
		return on_wait(l, w.word[at + 2]);
	if (strcmp(action, "sync") == 0 || strcmp(action, "datasync") == 0 ||
		strcmp(action, "trim") == 0)
		import_skip(l->im, "a request without data (sync, datasync, trim)");
	else
		return import_bad(l->im, 1, "has an action that fio does not know");
	return true;
}

static bool run(struct import *im)
{
	struct log l = { .im = im };
	const char *line = text_line(im->in);
	bool ok = line != NULL;

	rng_init(&l.rng, im->options->seed, "trace.fio");
	requests_init(&l.requests);
	l.device = spool_device(im->spool, "fio");
	l.version = line && strcmp(line, "fio version 2 iolog") == 0 ? 2 : 3;
	while (ok && (line = text_line(im->in)) != NULL) {
		im->lines++;
		ok = line[0] == '\0' || on_line(&l, line);
	}
	if (ok)
		complete_until(&l, SIM_TIME_NEVER - 1);
	requests_fini(&l.requests);
	return ok;
}

static bool recognises(const char *start, size_t n)
{
	static const char *const first[] = { "fio version 2 iolog\n", "fio version 3 iolog\n" };

	for (size_t i = 0; i < ARRAY_SIZE(first); i++)
		if (n >= strlen(first[i]) && memcmp(start, first[i], strlen(first[i])) == 0)
			return true;
	return false;
}

const struct importer importer_fio = {
	.name = "fio log",
	.summary = "fio I/O logs, version 2 and 3 (--depth, --service, --cpus)",
	.recognises = recognises,
	.run = run,
};
