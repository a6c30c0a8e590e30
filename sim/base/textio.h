/*
 * textio - read text files line by line, plain or zstd-compressed (told apart by content, never by
 * name), in constant memory.
 */
#ifndef SIM_BASE_TEXTIO_H
#define SIM_BASE_TEXTIO_H
#include <stdio.h>
#include "base/err.h"

struct text_in;

/* NULL and *err on failure. file "-" is standard input. */
struct text_in *text_open(const char *file, struct err *err);
void text_close(struct text_in *in);

/* Next line without its newline, valid until the next call; NULL at the end or on failure: then
 * text_failed() tells which. A last line without newline counts. */
char *text_line(struct text_in *in);
bool text_failed(const struct text_in *in, struct err *err);
struct src_pos text_pos(const struct text_in *in, unsigned column); /* of the line last returned */

/* Raw bytes, decompressed; 0 at the end or on failure. For libraries that read a FILE (libpcap),
 * text_stdio() gives a FILE of the decompressed bytes; close it before text_close(). */
size_t text_read(struct text_in *in, void *buf, size_t size);
FILE *text_stdio(struct text_in *in);

#endif
