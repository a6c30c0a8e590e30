/*
 * tracecmd_priv - what the parts of tracecmd share.
 */
#ifndef SIM_TRACE_TRACECMD_PRIV_H
#define SIM_TRACE_TRACECMD_PRIV_H
#include <stdio.h>
#include "base/zframe.h"
#include "trace/tracecmd.h"

#define TRACECMD_SECTION_MAX ((uint64_t)64 << 20) /* formats of events: a few MB in practice */
#define TRACECMD_CHUNK_MAX   ((uint32_t)16 << 20)

struct tracecmd_cpu {
	unsigned number;
	uint64_t at, end; /* of its data in the file, what has not been read yet */
	uint32_t chunks; /* still to come; version 6: not used */
	unsigned char *data; /* pages */
	uint32_t len, page, pos; /* bytes of data; of the page being read, and in it */
	uint32_t commit; /* end of the page's events */
	sim_time time_ns;
	bool lost, done;
	struct tracecmd_event next;
};

struct tracecmd {
	const char *file;
	FILE *spill;
	uint64_t size;
	bool failed, compressed;
	struct err err;
	unsigned long_bytes;
	uint32_t page_bytes;
	struct zunpack *zunpack;
	struct tracecmd_format *format;
	uint32_t nformats;
	uint32_t by_id[65536]; /* index + 1 */
	struct tracecmd_cpu *cpu;
	unsigned ncpus;
	int current; /* CPU whose event was given out last; -1: none */
};

bool tracecmd_fail(struct tracecmd *t, uint64_t at, const char *what);
/* n bytes of the file. */
bool tracecmd_read(struct tracecmd *t, uint64_t at, void *to, size_t n);
/* A number of so many bytes, and a text that ends with NUL, cut to what fits; *at moves behind it. */
bool tracecmd_get(struct tracecmd *t, uint64_t *at, unsigned bytes, uint64_t *v);
bool tracecmd_text(struct tracecmd *t, uint64_t *at, char *buf, size_t size);
uint64_t tracecmd_le(const unsigned char *bytes, unsigned n);

#define TRACECMD_OPTION_DONE 0u
/* A CPU's data, [at, at + size). */
bool tracecmd_add_cpu(struct tracecmd *t, uint64_t number, uint64_t at, uint64_t size);
bool tracecmd_read_v6(struct tracecmd *t, uint64_t at);

/* All formats of a section's bytes, `at` in the file. */
bool tracecmd_formats(struct tracecmd *t, uint64_t at, const unsigned char *bytes, size_t n);
/* One format's text; system NULL: ftrace's own events, which are left out. */
bool tracecmd_format_add(struct tracecmd *t, const char *system, const char *text, size_t n);

/* The next piece of the CPU's pages; false at the end and on failure. */
bool tracecmd_more(struct tracecmd *t, struct tracecmd_cpu *c);
/* Fill c->next; c->done at the end. False on failure. */
bool tracecmd_ring_next(struct tracecmd *t, struct tracecmd_cpu *c);

#endif
