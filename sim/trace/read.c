#include "trace/file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/zframe.h"
#include "trace/format.h"

struct trace_reader {
	const char *file;
	FILE *in;
	uint64_t offset; /* bytes read */
	uint64_t part; /* offset of the block or index being read: what errors name */
	struct format_header header;
	struct trace_rules rules;
	uint64_t blocks, index_hash; /* of the index that the blocks ask for */

	struct zunpack *zunpack;
	unsigned char *packed;
	size_t packed_room;
	struct trace_record *block;
	uint32_t n, at; /* records in it; next one */
	bool ended, failed;
	struct err err;
};

static bool fail(struct trace_reader *r, const char *what, const char *why)
{
	r->failed = true;
	err_at(&r->err, (struct src_pos){ .file = r->file }, NULL, "%s%s%s", what, why ? ": " : "",
		why ? why : "");
	return false;
}

static bool fail_here(struct trace_reader *r, const char *what, const char *why)
{
	char text[96];

	snprintf(text, sizeof(text), "at byte %" PRIu64 ", after record %" PRIu64 ": %s", r->part,
		r->rules.totals.records, what);
	return fail(r, text, why);
}

static bool get(struct trace_reader *r, void *to, size_t n)
{
	size_t got = fread(to, 1, n, r->in);

	r->offset += got;
	if (got == n)
		return true;
	if (ferror(r->in))
		return fail_here(r, "cannot be read", strerror(errno));
	return fail_here(r, "the file is cut short", NULL);
}

static bool read_header(struct trace_reader *r)
{
	unsigned char bytes[FORMAT_HEADER_BYTES];
	size_t got = fread(bytes, 1, sizeof(bytes), r->in);
	const char *wrong;

	r->offset = got;
	if (ferror(r->in))
		return fail(r, "cannot be read", strerror(errno));
	if (!format_is_trace(bytes, got)) {
		fail(r, "is no trace of this program", NULL);
		return err_hint(&r->err, "'iommusim trace import' makes one of other formats");
	}
	if (got < sizeof(bytes))
		return fail(r, "the file is cut short within its header", NULL);
	wrong = format_header_get(bytes, &r->header);
	return !wrong || fail(r, wrong, NULL);
}

struct trace_reader *trace_open(const char *file, struct err *err)
{
	struct trace_reader *r = xcalloc(1, sizeof(*r));

	r->file = strcmp(file, "-") == 0 ? "standard input" : file;
	r->in = strcmp(file, "-") == 0 ? stdin : fopen(file, "rb");
	r->index_hash = FORMAT_HASH_START;
	r->zunpack = zunpack_create();
	r->packed_room = zframe_bound(FORMAT_BLOCK_RECORDS * sizeof(*r->block));
	r->packed = xcalloc(1, r->packed_room);
	r->block = xcalloc(FORMAT_BLOCK_RECORDS, sizeof(*r->block));
	trace_rules_init(&r->rules);
	if (r->in ? read_header(r) : fail(r, "cannot be read", strerror(errno)))
		return r;
	*err = r->err;
	trace_close(r);
	return NULL;
}

void trace_close(struct trace_reader *r)
{
	if (r->in && r->in != stdin)
		fclose(r->in);
	zunpack_destroy(r->zunpack);
	trace_rules_fini(&r->rules);
	free(r->packed);
	free(r->block);
	free(r);
}

const struct trace_info *trace_info_of(const struct trace_reader *r)
{
	return &r->header.info;
}

const struct trace_totals *trace_totals_of(const struct trace_reader *r)
{
	return &r->header.totals;
}

/* ---- blocks ---- */

static bool read_block(struct trace_reader *r)
{
	unsigned char head[FORMAT_BLOCK_BYTES], entry[FORMAT_ENTRY_BYTES];
	struct format_block b;
	const char *wrong;

	if (!get(r, head, sizeof(head)))
		return false;
	wrong = format_block_get(head, &b);
	if (wrong || b.first != r->rules.totals.records || b.zbytes > r->packed_room)
		return fail_here(r, wrong ? wrong : "a block that does not fit", NULL);
	if (!get(r, r->packed, b.zbytes))
		return false;
	if (format_hash(FORMAT_HASH_START, r->packed, b.zbytes) != b.zhash)
		return fail_here(r, "a damaged block", "its checksum is wrong");
	if (!zunpack_frame(r->zunpack, r->packed, b.zbytes, r->block, b.records * sizeof(*r->block),
		    &wrong))
		return fail_here(r, "a damaged block", wrong);
	trace_records_swap(r->block, b.records);
	format_entry(entry, r->part, &b);
	r->index_hash = format_hash(r->index_hash, entry, sizeof(entry));
	r->blocks++;
	r->n = b.records;
	r->at = 0;
	return true;
}

/* ---- the end ---- */

static bool same_totals(const struct trace_totals *a, const struct trace_totals *b)
{
	return a->records == b->records && a->maps == b->maps && a->segments == b->segments &&
	       a->unmaps == b->unmaps && a->dmas == b->dmas && a->syncs == b->syncs &&
	       a->first == b->first && a->last == b->last && a->handles == b->handles &&
	       a->live == b->live && a->live_max == b->live_max && a->cpus == b->cpus &&
	       a->devices == b->devices;
}

/* The index repeats what the blocks said; it must say the same. */
static bool read_index(struct trace_reader *r, uint32_t bytes)
{
	unsigned char entry[FORMAT_ENTRY_BYTES], tail[FORMAT_TAIL_BYTES], want[FORMAT_TAIL_BYTES];
	uint64_t n = (bytes - FORMAT_TAIL_BYTES) / FORMAT_ENTRY_BYTES;
	uint64_t hash = FORMAT_HASH_START;

	for (uint64_t i = 0; i < n; i++) {
		if (!get(r, entry, sizeof(entry)))
			return false;
		hash = format_hash(hash, entry, sizeof(entry));
	}
	if (!get(r, tail, sizeof(tail)))
		return false;
	format_tail(want, r->blocks, r->index_hash);
	if (n != r->blocks || hash != r->index_hash || memcmp(tail, want, sizeof(tail)) != 0)
		return fail_here(r, "the index does not belong to the blocks", NULL);
	if (r->part != r->header.index_offset)
		return fail_here(r, "the index is not where the header says", NULL);
	return true;
}

static bool finish(struct trace_reader *r, uint32_t index_bytes)
{
	const char *wrong;

	r->ended = true;
	if (!read_index(r, index_bytes))
		return false;
	wrong = trace_rules_end(&r->rules);
	if (wrong)
		return fail_here(r, wrong, NULL);
	if (!same_totals(&r->rules.totals, &r->header.totals))
		return fail(r, "the records do not add up to the header's totals", NULL);
	if (fgetc(r->in) != EOF) {
		r->part = r->offset;
		return fail_here(r, "something follows the end of the trace", NULL);
	}
	return true;
}

/* False at the end and on failure. */
static bool next_part(struct trace_reader *r)
{
	unsigned char head[FORMAT_HEAD_BYTES];
	uint32_t bytes;

	r->part = r->offset;
	if (!get(r, head, sizeof(head)))
		return false;
	switch (format_head_get(head, &bytes)) {
	case FORMAT_BLOCK:
		return read_block(r);
	case FORMAT_INDEX:
		finish(r, bytes);
		return false;
	default:
		return fail_here(r, "neither a block nor the index", NULL);
	}
}

const struct trace_record *trace_next(struct trace_reader *r)
{
	const struct trace_record *rec;
	const char *wrong;

	if (r->failed || r->ended)
		return NULL;
	if (r->at == r->n && !next_part(r))
		return NULL;
	rec = &r->block[r->at++];
	wrong = trace_rules_take(&r->rules, rec);
	if (!wrong)
		return rec;
	fail_here(r, "the next one", wrong);
	return NULL;
}

bool trace_failed(const struct trace_reader *r, struct err *err)
{
	if (r->failed && err)
		*err = r->err;
	return r->failed;
}
