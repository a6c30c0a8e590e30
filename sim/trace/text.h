/*
 * text - the text twin of a trace, a record a line, for people and for small traces by hand:
 *
 *   # iommusim trace 1
 *   # seed 7
 *   # from iperf3, e1000e
 *   0.000000000000 device dev=0 name=0000:03:00.0
 *   0.000001200000 map dev=0 cpu=1 handle=4 dir=from len=1522 pa=0x1044a7840
 *   0.000004000000 dma dev=0 handle=4 write offset=0 len=64
 *
 * Times are seconds with all twelve digits, so nothing is lost on the way there and back.
 */
#ifndef SIM_TRACE_TEXT_H
#define SIM_TRACE_TEXT_H
#include <stdio.h>
#include "base/textio.h"
#include "trace/file.h"

#define TEXT_FIRST_LINE "# iommusim trace 1"

void text_put_head(FILE *out, const struct trace_info *info);
void text_put(FILE *out, const struct trace_record *r);

/* The comment lines that text_put_head() wrote; false: an ordinary comment. */
bool text_get_head(const char *line, struct trace_info *info);
/* One line that is not a comment. False and *err at the right column. */
bool text_get(const char *line, struct src_pos pos, struct trace_record *r, struct err *err);

#endif
