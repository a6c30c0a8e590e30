/*
 * textio - read files as lines or bytes, plain or zstd-compressed (told apart by content, never by
 * name), in constant memory. Traces, vectors and captures are big; nobody should have to unpack them.
 */
#ifndef SIM_BASE_TEXTIO_H
#define SIM_BASE_TEXTIO_H
#include <stdio.h>
#include "base/err.h"

#define TEXT_LINE_MAX ((size_t)1 << 20) /* longer lines are refused: not a text file */

struct text_in;

/* NULL and *err on failure. file "-" is standard input. `file` is named in positions, so it must
 * outlive text_close() and every err made from them. */
struct text_in *text_open(const char *file, struct err *err);
void text_close(struct text_in *in);

/* The next bytes without taking them: as many as are at hand, 0 at the end or on failure. */
size_t text_peek(struct text_in *in, const char **bytes);

/* Next line without its newline (nor the carriage return before it), valid until the next call;
 * NULL at the end or on failure: then text_failed() tells which. A last line without newline counts.
 * A line with a NUL byte is a failure. */
char *text_line(struct text_in *in);
bool text_failed(const struct text_in *in, struct err *err);
struct src_pos text_pos(const struct text_in *in, unsigned column); /* of the line last returned */

/* Raw bytes, decompressed; fewer than size only at the end or on failure. For libraries that read a
 * FILE (libpcap), text_stdio() gives a FILE of the decompressed bytes; close it before
 * text_close(). After its end text_failed() tells a cut or broken file from a complete one. */
size_t text_read(struct text_in *in, void *buf, size_t size);
FILE *text_stdio(struct text_in *in);

#endif
