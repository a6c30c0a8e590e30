#include "run/timeline.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "obs/probe.h"
#include "obs/window.h"
#include "run/run.h"

static const char *const kinds[PROBE_KINDS] = {
	[PROBE_CPU] = "CPUs",
	[PROBE_LOCK] = "locks",
	[PROBE_WALKER] = "page walkers",
	[PROBE_QUEUE] = "invalidation queues",
	[PROBE_DEVICE] = "devices",
};
#define COUNTERS (PROBE_KINDS + 1)

struct track {
	struct probe_track key; /* name: a copy */
	unsigned number; /* within its kind: the thread */
};

struct timeline {
	const struct timeline_options *options;
	FILE *out;
	struct system *system;
	struct probe probe;
	struct track *track;
	unsigned ntracks, of_kind[PROBE_KINDS];
	uint64_t asyncs, stale;
	bool any, stale_known;
};

static double us(sim_time t)
{
	return (double)t / (double)US;
}

/* ---- Chrome ---- */

/* Names are ours, but for quotes and backslashes that a lock's may hold. */
static void put_string(FILE *out, const char *s)
{
	fputc('"', out);
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			fputc('\\', out);
		fputc(*s, out);
	}
	fputc('"', out);
}

static void put_event(struct timeline *t, const char *phase, unsigned kind, unsigned number)
{
	fprintf(t->out, "%s{\"ph\":\"%s\",\"pid\":%u,\"tid\":%u,", t->any ? ",\n" : "\n", phase,
		kind + 1, number);
	t->any = true;
}

static void put_name(
	struct timeline *t, const char *what, unsigned kind, unsigned number, const char *name)
{
	put_event(t, "M", kind, number);
	fprintf(t->out, "\"name\":\"%s\",\"args\":{\"name\":", what);
	put_string(t->out, name);
	fputs("}}", t->out);
}

static void chrome_track(struct timeline *t, const struct track *k)
{
	char name[96];

	if (k->key.kind == PROBE_LOCK)
		snprintf(name, sizeof(name), "%s", k->key.name);
	else if (k->key.kind == PROBE_DEVICE)
		snprintf(name, sizeof(name), "%02x:%02x.%x", k->key.number >> 8,
			k->key.number >> 3 & 31, k->key.number & 7);
	else
		snprintf(name, sizeof(name), "%s %u", k->key.name, k->key.number);
	put_name(t, "thread_name", k->key.kind, k->number, name);
}

/* DMAs of a device overlap: begin and end apart, joined by an id. */
static void chrome_async(
	struct timeline *t, const struct track *k, const char *what, sim_time from, sim_time to)
{
	static const char *const phases[] = { "b", "e" };

	t->asyncs++;
	for (unsigned i = 0; i < 2; i++) {
		put_event(t, phases[i], k->key.kind, k->number);
		fprintf(t->out,
			"\"cat\":\"dma\",\"id\":%" PRIu64 ",\"ts\":%.6f,\"name\":", t->asyncs,
			us(i ? to : from));
		put_string(t->out, what);
		fputc('}', t->out);
	}
}

static void chrome_span(
	struct timeline *t, const struct track *k, const char *what, sim_time from, sim_time to)
{
	if (k->key.kind == PROBE_DEVICE) {
		chrome_async(t, k, what, from, to);
		return;
	}
	put_event(t, "X", k->key.kind, k->number);
	fprintf(t->out, "\"ts\":%.6f,\"dur\":%.6f,\"name\":", us(from), us(to - from));
	put_string(t->out, what);
	fputc('}', t->out);
}

static void chrome_stale(struct timeline *t, sim_time at)
{
	put_event(t, "C", COUNTERS - 1, 0);
	fprintf(t->out, "\"ts\":%.6f,\"name\":\"stale pages\",\"args\":{\"pages\":%" PRIu64 "}}",
		us(at), t->stale);
}

/* ---- CSV ---- */

static void csv_row(struct timeline *t, const char *kind, const char *name, unsigned number,
	const char *what, sim_time from, sim_time to)
{
	fprintf(t->out, "%s,\"%s\",%u,\"%s\",%" PRIu64 ",%" PRIu64 "\n", kind, name, number, what,
		from, to);
}

static void csv_stale(struct timeline *t, sim_time at)
{
	char pages[24];

	snprintf(pages, sizeof(pages), "%" PRIu64, t->stale);
	csv_row(t, "counter", "stale pages", 0, pages, at, at);
}

/* ---- what the run tells ---- */

static const struct track *track_of(struct timeline *t, const struct probe_track *key)
{
	struct track *k;

	for (unsigned i = 0; i < t->ntracks; i++) {
		k = &t->track[i];
		if (k->key.kind == key->kind && k->key.owner == key->owner &&
			k->key.number == key->number)
			return k;
	}
	t->track = xrealloc(t->track, t->ntracks + 1, sizeof(*t->track));
	k = &t->track[t->ntracks++];
	*k = (struct track){ .key = *key, .number = t->of_kind[key->kind]++ };
	if (t->options->format == TIMELINE_CHROME)
		chrome_track(t, k);
	return k;
}

/* Looked at whenever somebody was busy, which is whenever it can change, give or take a walk. */
static void look_at_stale(struct timeline *t)
{
	sim_time now = engine_now(t->system->engine);
	uint64_t pages;

	if (!t->system->windows || now < t->options->from || now > t->options->to)
		return;
	pages = windows_metrics(t->system->windows)->stale_pages;
	if (t->stale_known && pages == t->stale)
		return;
	t->stale = pages;
	t->stale_known = true;
	if (t->options->format == TIMELINE_CHROME)
		chrome_stale(t, now);
	else
		csv_stale(t, now);
}

static void span(
	void *ctx, const struct probe_track *key, const char *what, sim_time from, sim_time to)
{
	struct timeline *t = ctx;
	const struct track *k;

	look_at_stale(t);
	if (to < t->options->from || from > t->options->to)
		return;
	k = track_of(t, key);
	if (t->options->format == TIMELINE_CHROME)
		chrome_span(t, k, what, from, to);
	else
		csv_row(t, kinds[key->kind], key->name, key->number, what, from, to);
}

/* ---- the file ---- */

static void begin(struct timeline *t)
{
	if (t->options->format == TIMELINE_CSV) {
		fputs("kind,name,number,what,from_ps,to_ps\n", t->out);
		return;
	}
	fputs("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[", t->out);
	for (unsigned k = 0; k < PROBE_KINDS; k++)
		put_name(t, "process_name", k, 0, kinds[k]);
	put_name(t, "process_name", COUNTERS - 1, 0, "counters");
}

static void built(void *arg, struct system *s)
{
	struct timeline *t = arg;

	t->system = s;
	t->probe = (struct probe){ span, t };
	s->machine.probe = &t->probe;
}

static bool finish(
	struct timeline *t, const char *temporary, const char *out, bool ok, struct err *err)
{
	if (t->options->format == TIMELINE_CHROME)
		fputs("\n]}\n", t->out);
	if (ferror(t->out))
		errno = EIO;
	if (fclose(t->out) != 0 || !ok || rename(temporary, out) != 0) {
		if (ok)
			err_at(err, (struct src_pos){ .file = out }, NULL, "cannot be written: %s",
				strerror(errno));
		remove(temporary);
		return false;
	}
	return true;
}

int timeline_run(const struct conf *conf, const struct timeline_options *options, const char *out,
	struct err *err)
{
	struct timeline t = { .options = options };
	const struct run_watcher watcher = { .built = built, .arg = &t };
	char *temporary = xasprintf("%s.tmp", out);
	int status = RUN_REFUSED;

	t.out = fopen(temporary, "w");
	if (!t.out) {
		err_at(err, (struct src_pos){ .file = out }, NULL, "cannot be written: %s",
			strerror(errno));
	} else {
		begin(&t);
		status = run_point_watched(conf, NULL, &watcher, err);
		if (!finish(&t, temporary, out, status != RUN_REFUSED, err))
			status = RUN_REFUSED;
	}
	free(t.track);
	free(temporary);
	return status;
}
