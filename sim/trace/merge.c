#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bug.h"
#include "trace/copy.h"
#include "trace/tools.h"

struct input {
	struct trace_reader *reader;
	const struct trace_record *next; /* NULL: over */
	struct copy_source source;
};

struct merge {
	struct input *in;
	size_t n;
	struct trace_writer *out;
	struct copy_slots slots;
	uint64_t *names; /* of the devices so far, 16 bytes each, as their records hold them */
	uint32_t ndevices;
	size_t within; /* input whose map's segments are under way; n: none */
};

static bool advance(struct input *in, struct err *err)
{
	in->next = trace_next(in->reader);
	return in->next || !trace_failed(in->reader, err);
}

/* The input whose record comes next; n: all are over. */
static size_t choose(const struct merge *m)
{
	size_t best = m->n;

	if (m->within < m->n)
		return m->within;
	for (size_t i = 0; i < m->n; i++) {
		const struct trace_record *r = m->in[i].next;

		if (r && (best == m->n || r->time < m->in[best].next->time))
			best = i;
	}
	return best;
}

static void put(struct merge *m, const struct trace_record *r)
{
	const char *wrong = trace_put(m->out, r);

	if (wrong)
		BUG("a merged record %s", wrong);
}

static bool put_device(struct merge *m, struct input *in, struct err *err)
{
	struct trace_record r = *in->next;
	uint64_t name[2] = { r.value, r.handle | (uint64_t)r.len << 32 };
	uint32_t d = 0;

	while (d < m->ndevices && memcmp(m->names + 2 * d, name, sizeof(name)) != 0)
		d++;
	if (d == UINT16_MAX)
		return err_set(err, "the traces have more than 65535 devices between them");
	copy_device(&in->source, (uint16_t)d);
	if (d < m->ndevices)
		return true;
	m->names = xrealloc(m->names, ++m->ndevices, sizeof(name));
	memcpy(m->names + 2 * d, name, sizeof(name));
	r.device = (uint16_t)d;
	put(m, &r);
	return true;
}

static bool merge_all(struct merge *m, struct err *err)
{
	size_t i;

	for (i = 0; i < m->n; i++)
		if (!advance(&m->in[i], err))
			return false;
	while ((i = choose(m)) < m->n) {
		struct input *in = &m->in[i];

		if (in->next->type == TRACE_DEVICE) {
			if (!put_device(m, in, err))
				return false;
		} else {
			struct trace_record r = copy_record(&in->source, &m->slots, in->next);

			m->within = r.rest ? i : m->n;
			put(m, &r);
		}
		if (!advance(in, err))
			return false;
	}
	return true;
}

static bool open_all(struct merge *m, const char *const *files, struct err *err)
{
	for (size_t i = 0; i < m->n; i++) {
		m->in[i].reader = trace_open(files[i], err);
		if (!m->in[i].reader)
			return false;
	}
	return true;
}

static struct trace_info info_of(const struct merge *m)
{
	struct trace_info info = *trace_info_of(m->in[0].reader);

	for (size_t i = 1; i < m->n; i++) {
		size_t at = strlen(info.provenance);

		snprintf(info.provenance + at, sizeof(info.provenance) - at, " + %.200s",
			trace_info_of(m->in[i].reader)->provenance);
	}
	return info;
}

bool trace_merge(const char *const *files, size_t n, const char *out, struct err *err)
{
	struct merge m = { .in = xcalloc(n, sizeof(*m.in)), .n = n, .within = n };
	struct trace_info info;
	bool ok = false;

	BUG_ON(n == 0 || n > TRACE_MERGE_MAX);
	if (open_all(&m, files, err)) {
		info = info_of(&m);
		m.out = trace_create(out, &info, err);
	}
	if (m.out) {
		ok = merge_all(&m, err);
		if (ok)
			ok = trace_commit(m.out, err);
		else
			trace_abandon(m.out);
	}
	for (size_t i = 0; i < n; i++) {
		if (m.in[i].reader)
			trace_close(m.in[i].reader);
		copy_source_fini(&m.in[i].source);
	}
	copy_slots_fini(&m.slots);
	free(m.names);
	free(m.in);
	return ok;
}
