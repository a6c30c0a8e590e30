/*
 * scratch - traces in a folder of their own, as text: what goes in and what comes out.
 */
#ifndef TESTS_TRACE_SCRATCH_H
#define TESTS_TRACE_SCRATCH_H
#include "trace/import.h"

void scratch_open(void); /* a folder */
void scratch_close(void); /* it must hold no file but those that were named here */
const char *scratch_file(const char *name); /* its path; valid until scratch_close() */

void scratch_store(const char *name, const void *bytes, size_t n);
/* The whole file; free() it. */
char *scratch_load(const char *name, size_t *n);

extern struct err scratch_err; /* of the last that failed */
extern char *scratch_report; /* of the last import */

/* The text as a file, imported into the trace `name`. */
bool scratch_import(const char *name, const char *text, const struct import_options *options);
/* The trace as text without its head; free() it. NULL: scratch_err. */
char *scratch_dump(const char *name);
/* The import of `text` is refused at that line with a message that has `part`. */
void scratch_refused(const char *text, unsigned line, const char *part);
/* It is imported, and its records are these lines. */
void scratch_gives(const char *text, const char *records);

#endif
