/*
 * line - what the text formats of kernel events have in common: the part before the event's name, which
 * ftrace, `trace-cmd report` and `perf script` write each in their own way, and fields of the form
 * key=value in its body.
 */
#ifndef SIM_TRACE_LINE_H
#define SIM_TRACE_LINE_H
#include "base/types.h"

struct line_event {
	unsigned cpu;
	sim_time time;
	const char *name; /* without a "system:" before it */
	size_t name_len;
	const char *body;
};

/* False: the line is no event. comm (which may hold blanks, brackets, any byte) is skipped by looking
 * for what follows it: "-PID" or " PID", blanks, "[CPU]", flags, "SECONDS.FRACTION:", "NAME:". */
bool line_event(const char *line, struct line_event *ev);
bool line_name_is(const struct line_event *ev, const char *name);

/* Seconds with up to 12 decimals; *end is behind them. False: none there, or too large. */
bool line_time(const char *s, sim_time *t, const char **end);

/* The value of " key=" (the blank is not needed at the beginning); NULL: no such field. `key` includes
 * the equals sign. */
const char *line_field(const char *body, const char *key);
/* A number, hexadecimal with 0x or always when `hex`. False: no such field, no number, or more than
 * 64 bits. */
bool line_number(const char *body, const char *key, bool hex, uint64_t *v);
/* A word into `buf`, without quotes. */
bool line_word(const char *body, const char *key, char *buf, size_t size);
/* A number at s; *end behind it. */
bool line_number_at(const char *s, bool hex, uint64_t *v, const char **end);

#endif
