/*
 * file - the native trace file, written and read as a stream in constant memory: a header, blocks of
 * records that are zstd frames, an index. docs/trace-format.md is its description; the layout in bytes
 * stands in format.h. A file appears under its name when it is complete.
 */
#ifndef SIM_TRACE_FILE_H
#define SIM_TRACE_FILE_H
#include "base/err.h"
#include "trace/rules.h"

#define TRACE_PROVENANCE_BYTES 512u

/* What the header says apart from the totals. */
struct trace_info {
	uint64_t seed; /* of whoever generated or completed the records */
	char provenance[TRACE_PROVENANCE_BYTES]; /* one line of text; cut when longer */
};

struct trace_writer;

/* NULL and *err when `file` cannot be created. `file` outlives the writer. */
struct trace_writer *trace_create(const char *file, const struct trace_info *info, struct err *err);
/* NULL, or which rule of record.h it breaks (part of a sentence): then it has not been taken. Failures
 * of the disk show at the commit. */
const char *trace_put(struct trace_writer *w, const struct trace_record *r);
const struct trace_totals *trace_written(const struct trace_writer *w);
bool trace_open_map(const struct trace_writer *w); /* segments of the last map are still to come */
/* Both end the writer. Commit: false and *err, and no file, when something went wrong. */
bool trace_commit(struct trace_writer *w, struct err *err);
void trace_abandon(struct trace_writer *w);

struct trace_reader;

/* Reads and checks the header; file "-" is standard input. NULL and *err. `file` outlives the reader and
 * every err from it. */
struct trace_reader *trace_open(const char *file, struct err *err);
void trace_close(struct trace_reader *r);
const struct trace_info *trace_info_of(const struct trace_reader *r);
const struct trace_totals *trace_totals_of(const struct trace_reader *r); /* of the whole file */
/* The next record, valid until the next call; NULL at the end or on failure: trace_failed() tells
 * which. Every record is held to the rules; the index and the totals are at the end. */
const struct trace_record *trace_next(struct trace_reader *r);
/* The err names the byte offset of the block and the number of the record, from 1. */
bool trace_failed(const struct trace_reader *r, struct err *err);

#endif
