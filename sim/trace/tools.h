/*
 * tools - what can be done with traces: look at them, cut a piece out, merge several.
 */
#ifndef SIM_TRACE_TOOLS_H
#define SIM_TRACE_TOOLS_H
#include <stdio.h>
#include "trace/file.h"

/* One screen: counts, sizes, lifetimes, CPUs, working set, rates. */
bool trace_info_print(const char *file, FILE *out, struct err *err);
/* The text twin of the records [from, from + most). */
bool trace_dump(const char *file, uint64_t from, uint64_t most, FILE *out, struct err *err);
/* The piece [from, to) of `file`; times begin at 0. Mappings that live at `from` are mapped at 0, marked
 * synthetic; those that live at `to` stay so. */
bool trace_cut(const char *file, sim_time from, sim_time to, const char *out, struct err *err);
/* All records in order of time; equal times in the order of the files. A device of the same name is the
 * same device. At most TRACE_MERGE_MAX files. */
#define TRACE_MERGE_MAX 64u
bool trace_merge(const char *const *files, size_t n, const char *out, struct err *err);

#endif
