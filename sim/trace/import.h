/*
 * import - make a native trace of what other tools recorded. The format of a file is told by its content;
 * plain or zstd-compressed. One file per format (in_*.c) turns lines or packets into the calls of
 * spool.h; what a recording cannot show, the DMA itself, comes from the access model (access.h).
 */
#ifndef SIM_TRACE_IMPORT_H
#define SIM_TRACE_IMPORT_H
#include <stdio.h>
#include "base/textio.h"
#include "trace/file.h"

enum import_access { ACCESS_EDGES, ACCESS_NONE };

struct import_options {
	bool skip_bad; /* count what is wrong and go on, instead of refusing the file */
	uint64_t seed;
	enum import_access access;
	sim_time access_delay; /* mean; see access.h */
	uint32_t depth; /* fio: requests outstanding at most */
	sim_time service; /* fio: mean service time of a request */
	uint32_t ring; /* captures of packets: receive descriptors a queue */
	uint32_t cpus; /* fio, packets: CPUs to spread the load over */
};
extern const struct import_options import_defaults;

#define IMPORT_REASONS 48u

struct import;
struct spool;

/* Something that was not turned into records, by reason: a part of a sentence. Only so many reasons are
 * told apart; the rest is counted together. */
void import_skip(struct import *im, const char *why);
/* A thing of the file that is wrong. With skip_bad: counted, true. Else false and the error at the
 * column (0: none) of the line last read. */
bool import_bad(struct import *im, unsigned column, const char *what);
/* The same for files without lines: at a byte offset or a packet's number, said by `where`. */
bool import_bad_at(struct import *im, const char *where, const char *what);

struct import {
	const struct import_options *options;
	struct text_in *in;
	struct spool *spool;
	const char *out; /* the trace to be written: temporary files go beside it */
	const char *what; /* in `lines`: "lines", "packets", "events" */
	uint64_t lines; /* looked at */
	struct err *err;
	struct import_skipped {
		char why[88];
		bool bad;
		uint64_t n;
	} skipped[IMPORT_REASONS];
	unsigned nskipped;
};

struct importer {
	const char *name, *summary;
	/* Of the file's first bytes (decompressed), at least one line of them where there is one. */
	bool (*recognises)(const char *start, size_t n);
	/* Everything in im->in into im->spool. False: *im->err is set. NULL: `convert` instead. */
	bool (*run)(struct import *im);
	/* Formats that say all that a trace says write it themselves. */
	bool (*convert)(struct import *im, const char *out);
	bool knows_accesses; /* the access model stays out */
};

#define IMPORTER(id) extern const struct importer importer_##id;
#include "trace/importers.def"
#undef IMPORTER
const struct importer *const *importers(size_t *n);

/* Several files become one trace, in order of time. The report of what was read and skipped goes to
 * `report` (NULL: nowhere). */
bool import_files(const char *const *files, size_t n, const struct import_options *options,
	const char *out, FILE *report, struct err *err);

#endif
