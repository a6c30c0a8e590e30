#include "trace/import.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/bug.h"
#include "conf/units.h"
#include "trace/access.h"
#include "trace/format.h"
#include "trace/spool.h"
#include "trace/tools.h"

static const struct importer *const registry[] = {
#define IMPORTER(id) &importer_##id,
#include "trace/importers.def"
#undef IMPORTER
};

const struct import_options import_defaults = {
	.seed = 1,
	.access = ACCESS_EDGES,
	.access_delay = 5 * US,
	.depth = 32,
	.service = 80 * US,
	.ring = 256,
	.cpus = 1,
};

const struct importer *const *importers(size_t *n)
{
	*n = ARRAY_SIZE(registry);
	return registry;
}

/* ---- what importers say ---- */

static void count(struct import *im, const char *why, bool bad)
{
	unsigned i = 0;
	struct import_skipped *k;

	while (i < im->nskipped && (im->skipped[i].bad != bad || strcmp(im->skipped[i].why, why)))
		i++;
	if (i + 1 == IMPORT_REASONS && i == im->nskipped)
		why = "other reasons";
	i = i < IMPORT_REASONS ? i : IMPORT_REASONS - 1;
	k = &im->skipped[i];
	if (i == im->nskipped) {
		snprintf(k->why, sizeof(k->why), "%s", why);
		k->bad = bad;
		im->nskipped++;
	}
	k->n++;
}

void import_skip(struct import *im, const char *why)
{
	count(im, why, false);
}

bool import_bad(struct import *im, unsigned column, const char *what)
{
	if (im->options->skip_bad) {
		count(im, what, true);
		return true;
	}
	err_at(im->err, text_pos(im->in, column), NULL, "%s", what);
	return err_hint(im->err, "--skip-bad counts such things and goes on");
}

bool import_bad_at(struct import *im, const char *where, const char *what)
{
	if (im->options->skip_bad) {
		count(im, what, true);
		return true;
	}
	err_at(im->err, (struct src_pos){ .file = text_pos(im->in, 0).file }, NULL, "%s: %s", where,
		what);
	return err_hint(im->err, "--skip-bad counts such things and goes on");
}

/* ---- the second pass ---- */

struct finish {
	struct trace_writer *out;
	uint16_t *number; /* in the trace, by the spool's number of the device */
	struct copy_slots slots; /* the trace's handles */
	struct target {
		uint32_t handle;
		uint16_t device;
	} * carried, *target; /* by the spool's slot */
	uint32_t room;
};

static void put(void *arg, const struct trace_record *r)
{
	const char *wrong = trace_put(arg, r);

	if (wrong)
		BUG("an imported record %s", wrong);
}

/* Devices that made no mapping are left out; the others are numbered anew. */
static void put_devices(struct finish *f, const struct spool *s, struct access *access)
{
	uint16_t n = 0;

	f->number = xcalloc(spool_devices(s) + 1u, sizeof(*f->number));
	for (uint16_t i = 0; i < spool_devices(s); i++) {
		struct trace_record r = trace_device_record(n, 0, spool_device_name(s, i));

		if (!spool_device_used(s, i))
			continue;
		f->number[i] = n++;
		access_take(access, &r);
	}
}

static struct target *target_at(struct finish *f, uint32_t slot)
{
	if (slot & SPOOL_CARRIED)
		return &f->carried[slot & ~SPOOL_CARRIED];
	if (slot >= f->room) {
		f->room = slot < 512 ? 1024 : 2 * slot;
		f->target = xrealloc(f->target, f->room, sizeof(*f->target));
	}
	return &f->target[slot];
}

static void put_carried(struct finish *f, const struct spool *s, struct access *access)
{
	f->carried = xcalloc(spool_ncarried(s) + 1u, sizeof(*f->carried));
	for (uint32_t i = 0; i < spool_ncarried(s); i++) {
		const struct spool_mapping *m = spool_carried_of(s, i);
		const struct trace_record r = { .type = TRACE_MAP,
			.flags = m->flags | TRACE_SYNTHETIC,
			.cpu = m->cpu,
			.device = f->number[m->device],
			.value = m->pa,
			.handle = copy_slot_get(&f->slots),
			.len = m->len };

		f->carried[i] = (struct target){ r.handle, r.device };
		access_take(access, &r);
	}
}

/* What the spool holds, with handles instead of slots. */
static void put_rest(struct finish *f, struct spool *s, struct access *access)
{
	struct trace_record r;

	while (spool_next(s, &r)) {
		struct target *t = target_at(f, r.handle);

		if (r.type == TRACE_MAP)
			*t = (struct target){ copy_slot_get(&f->slots), f->number[r.device] };
		r.handle = t->handle;
		r.device = t->device;
		if (r.type == TRACE_UNMAP)
			copy_slot_put(&f->slots, r.handle);
		access_take(access, &r);
	}
}

static bool finish(const struct import *im, const struct importer *format,
	const struct trace_info *info, const char *out, struct err *err)
{
	const struct import_options *o = im->options;
	sim_time delay = format->knows_accesses || o->access == ACCESS_NONE ? 0 : o->access_delay;
	struct finish f = { .room = 0 };
	struct access *access;

	if (!spool_rewind(im->spool, err))
		return false;
	f.out = trace_create(out, info, err);
	if (!f.out)
		return false;
	access = access_create(delay, o->seed, put, f.out);
	put_devices(&f, im->spool, access);
	put_carried(&f, im->spool, access);
	put_rest(&f, im->spool, access);
	access_end(access);
	access_destroy(access);
	copy_slots_fini(&f.slots);
	free(f.carried);
	free(f.target);
	free(f.number);
	return trace_commit(f.out, err);
}

/* ---- one file ---- */

static const struct importer *recognise(struct text_in *in, const char *file, struct err *err)
{
	const char *start;
	size_t n = text_peek(in, &start);

	if (text_failed(in, err))
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(registry); i++)
		if (registry[i]->recognises(start, n))
			return registry[i];
	err_at(err, (struct src_pos){ .file = file }, NULL,
		n == 0 ? "is empty" : "is of no format that can be imported");
	err_hint(err, "'iommusim trace import' without files lists them");
	return NULL;
}

static void describe(struct trace_info *info, const struct import *im,
	const struct importer *format, const char *file)
{
	const char *base = strrchr(file, '/');
	const struct import_options *o = im->options;
	char delay[32];

	info->seed = o->seed;
	if (format->knows_accesses)
		snprintf(info->provenance, sizeof(info->provenance), "%s (%s)",
			base ? base + 1 : file, format->name);
	else if (o->access == ACCESS_NONE)
		snprintf(info->provenance, sizeof(info->provenance), "%s (%s), no DMA",
			base ? base + 1 : file, format->name);
	else
		snprintf(info->provenance, sizeof(info->provenance),
			"%s (%s), DMA by the access model `edges', mean delay %s",
			base ? base + 1 : file, format->name,
			units_format(CONF_time, o->access_delay, delay, sizeof(delay)));
}

static void report(
	const struct import *im, const struct importer *format, const char *file, FILE *out)
{
	fprintf(out, "%s: %s, %" PRIu64 " %s\n", file, format->name, im->lines, im->what);
	if (spool_ncarried(im->spool))
		fprintf(out,
			"  %10" PRIu32 " mappings are older than the recording: mapped at its "
			"beginning\n",
			spool_ncarried(im->spool));
	for (unsigned i = 0; i < im->nskipped; i++)
		fprintf(out, "  %10" PRIu64 " %s: %s\n", im->skipped[i].n,
			im->skipped[i].bad ? "bad" : "skipped", im->skipped[i].why);
}

static bool import_by(const struct importer *format, struct import *im, const char *file,
	const char *out, FILE *to)
{
	struct trace_info info = { .seed = 0 };
	bool ok;

	if (format->convert)
		return format->convert(im, out);
	im->out = out;
	im->spool = spool_create(out, im->err);
	if (!im->spool)
		return false;
	describe(&info, im, format, file);
	ok = format->run(im) && !text_failed(im->in, im->err) &&
	     finish(im, format, &info, out, im->err);
	if (ok && to)
		report(im, format, file, to);
	spool_destroy(im->spool);
	return ok;
}

static bool import_file(const char *file, const struct import_options *options, const char *out,
	FILE *to, struct err *err)
{
	struct import im = { .options = options, .what = "lines", .err = err };
	const struct importer *format;
	bool ok;

	im.in = text_open(file, err);
	if (!im.in)
		return false;
	format = recognise(im.in, file, err);
	ok = format && import_by(format, &im, file, out, to);
	text_close(im.in);
	return ok;
}

/* ---- several ---- */

static bool import_and_merge(const char *const *files, size_t n,
	const struct import_options *options, const char *out, FILE *to, struct err *err)
{
	char *part[TRACE_MERGE_MAX] = { NULL };
	size_t done = 0;
	bool ok = true;

	for (; ok && done < n; done++) {
		part[done] = xasprintf("%s.%ld.%zu.part", out, (long)getpid(), done);
		ok = import_file(files[done], options, part[done], to, err);
	}
	ok = ok && trace_merge((const char *const *)part, n, out, err);
	while (done > 0) {
		remove(part[--done]);
		free(part[done]);
	}
	return ok;
}

bool import_files(const char *const *files, size_t n, const struct import_options *options,
	const char *out, FILE *to, struct err *err)
{
	BUG_ON(n == 0);
	if (n > TRACE_MERGE_MAX)
		return err_set(err, "at most %u files can be imported at once", TRACE_MERGE_MAX);
	if (n == 1)
		return import_file(files[0], options, out, to, err);
	return import_and_merge(files, n, options, out, to, err);
}
