#include "trace/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/bug.h"
#include "base/zframe.h"
#include "trace/format.h"

#define LEVEL 1 /* the records' regularity is what shrinks them, not the search for it */

struct trace_writer {
	const char *file;
	char *temporary; /* what is written until the commit */
	FILE *out;
	uint64_t offset; /* bytes written */
	int error; /* errno of the first failure */
	struct trace_info info;
	struct trace_rules rules;

	struct zpack *zpack;
	struct trace_record *block;
	uint32_t n; /* records in it */
	unsigned char *packed;
	size_t packed_room;

	unsigned char *index; /* entries so far */
	uint64_t blocks, index_room;
};

static void put(struct trace_writer *w, const void *bytes, size_t n)
{
	if (!w->error && fwrite(bytes, 1, n, w->out) != n)
		w->error = errno ? errno : EIO;
	w->offset += n;
}

static void put_header(struct trace_writer *w, uint64_t index_offset)
{
	unsigned char header[FORMAT_HEADER_BYTES];

	format_header_put(
		header, &(struct format_header){ w->info, w->rules.totals, index_offset });
	put(w, header, sizeof(header));
}

static void note_block(struct trace_writer *w, const struct format_block *b)
{
	if (w->blocks == w->index_room) {
		w->index_room = w->index_room ? 2 * w->index_room : 256;
		w->index = xrealloc(w->index, w->index_room, FORMAT_ENTRY_BYTES);
	}
	format_entry(w->index + w->blocks++ * FORMAT_ENTRY_BYTES, w->offset, b);
}

static void flush_block(struct trace_writer *w)
{
	unsigned char head[FORMAT_HEAD_BYTES + FORMAT_BLOCK_BYTES];
	struct format_block b = {
		.records = w->n, .first = w->rules.totals.records - w->n, .time = w->block[0].time
	};

	if (w->n == 0)
		return;
	trace_records_swap(w->block, w->n);
	b.zbytes = (uint32_t)zpack_frame(
		w->zpack, w->block, w->n * sizeof(*w->block), w->packed, w->packed_room);
	b.zhash = format_hash(FORMAT_HASH_START, w->packed, b.zbytes);
	note_block(w, &b);
	format_block_put(head, &b);
	put(w, head, sizeof(head));
	put(w, w->packed, b.zbytes);
	w->n = 0;
}

/* The commit renames: a device or a pipe must not be replaced by a file. */
static bool may_replace(const char *file, struct err *err)
{
	struct stat st;

	if (stat(file, &st) != 0 || S_ISREG(st.st_mode))
		return true;
	return err_at(err, (struct src_pos){ .file = file }, NULL,
		"is no regular file: a trace cannot be written there");
}

struct trace_writer *trace_create(const char *file, const struct trace_info *info, struct err *err)
{
	struct trace_writer *w;

	if (!may_replace(file, err))
		return NULL;
	w = xcalloc(1, sizeof(*w));
	w->file = file;
	w->temporary = xasprintf("%s.%ld.tmp", file, (long)getpid());
	w->out = fopen(w->temporary, "wb");
	if (!w->out) {
		err_at(err, (struct src_pos){ .file = file }, NULL, "cannot be written: %s",
			strerror(errno));
		free(w->temporary);
		free(w);
		return NULL;
	}
	w->info = *info;
	w->zpack = zpack_create(LEVEL);
	w->block = xcalloc(FORMAT_BLOCK_RECORDS, sizeof(*w->block));
	w->packed_room = zframe_bound(FORMAT_BLOCK_RECORDS * sizeof(*w->block));
	w->packed = xcalloc(1, w->packed_room);
	trace_rules_init(&w->rules);
	put_header(w, 0); /* its place; the commit fills it in */
	return w;
}

const char *trace_put(struct trace_writer *w, const struct trace_record *r)
{
	const char *wrong = trace_rules_take(&w->rules, r);

	if (wrong)
		return wrong;
	w->block[w->n++] = *r;
	if (w->n == FORMAT_BLOCK_RECORDS)
		flush_block(w);
	return NULL;
}

const struct trace_totals *trace_written(const struct trace_writer *w)
{
	return &w->rules.totals;
}

bool trace_open_map(const struct trace_writer *w)
{
	return trace_rules_end(&w->rules) != NULL;
}

static void put_index(struct trace_writer *w)
{
	unsigned char head[FORMAT_HEAD_BYTES], tail[FORMAT_TAIL_BYTES];
	size_t bytes = w->blocks * FORMAT_ENTRY_BYTES;

	format_index_head(head, w->blocks);
	format_tail(tail, w->blocks, format_hash(FORMAT_HASH_START, w->index, bytes));
	put(w, head, sizeof(head));
	put(w, w->index, bytes);
	put(w, tail, sizeof(tail));
}

static void release(struct trace_writer *w)
{
	zpack_destroy(w->zpack);
	trace_rules_fini(&w->rules);
	free(w->block);
	free(w->packed);
	free(w->index);
	free(w->temporary);
	free(w);
}

bool trace_commit(struct trace_writer *w, struct err *err)
{
	struct src_pos pos = { .file = w->file };
	uint64_t index_offset;
	int error;

	BUG_ON(trace_rules_end(&w->rules) != NULL);
	flush_block(w);
	index_offset = w->offset;
	put_index(w);
	if (!w->error && fseek(w->out, 0, SEEK_SET) != 0)
		w->error = errno;
	put_header(w, index_offset);
	if (fclose(w->out) != 0 && !w->error)
		w->error = errno;
	if (!w->error && rename(w->temporary, w->file) != 0)
		w->error = errno;
	error = w->error;
	if (error)
		remove(w->temporary);
	release(w);
	return !error || err_at(err, pos, NULL, "cannot be written: %s", strerror(error));
}

void trace_abandon(struct trace_writer *w)
{
	fclose(w->out);
	remove(w->temporary);
	release(w);
}
