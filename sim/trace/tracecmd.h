/*
 * tracecmd - trace-cmd's binary files, versions 6 and 7 (trace-cmd.dat.v6(5), v7(5)): which events there
 * are, what their fields are called, and the events of all CPUs in order of time. The bytes of an event
 * are those of the kernel's ring buffer (Linux kernel/trace/ring_buffer.c). Little-endian machines only.
 *
 *   tracecmd_file.c    version 7: sections, options, compressed chunks of CPU data
 *   tracecmd_v6.c      version 6
 *   tracecmd_format.c  formats of events: text in the file
 *   tracecmd_ring.c    pages of the ring buffer
 */
#ifndef SIM_TRACE_TRACECMD_H
#define SIM_TRACE_TRACECMD_H
#include "base/textio.h"
#include "base/types.h"

#define TRACECMD_FIELDS_MAX 24u
#define TRACECMD_CPUS_MAX   1024u

struct tracecmd_field {
	char name[32];
	uint32_t offset, size;
	bool located; /* the field says where the data is: __data_loc */
	bool text; /* of characters */
	uint32_t element; /* bytes of one, of located arrays of numbers */
};

struct tracecmd_format {
	char system[32], name[64];
	uint32_t id;
	struct tracecmd_field field[TRACECMD_FIELDS_MAX];
	unsigned nfields;
};

struct tracecmd_event {
	unsigned cpu;
	sim_time time;
	const struct tracecmd_format *format; /* NULL: of no known id */
	const unsigned char *data;
	uint32_t len;
	bool lost; /* the recorder lost events before it */
};

struct tracecmd;

/* `in` is read to its end into an unnamed file beside `beside`. NULL and *err. */
struct tracecmd *tracecmd_open(
	struct text_in *in, const char *file, const char *beside, struct err *err);
void tracecmd_close(struct tracecmd *t);
/* The next event of any CPU, in order of time, valid until the next call; false at the end and on
 * failure. */
bool tracecmd_next(struct tracecmd *t, struct tracecmd_event *ev);
bool tracecmd_failed(const struct tracecmd *t, struct err *err);
bool tracecmd_recognise(const void *start, size_t n);

#endif
