/*
 * conform - replay operations recorded from real kernels through the allocators and flush policies
 * that experiments run, and compare every result. Files: plain or zstd-compressed CSV, one run after
 * another, each with a fresh state; see docs of the vectors for the rows.
 *
 * A row that differs is a mismatch (data: exit 1); a row that cannot be understood is an error of the
 * file (exit 2). Runs of kernels that no component models are skipped and counted.
 */
#ifndef SIM_RUN_CONFORM_H
#define SIM_RUN_CONFORM_H
#include <stdio.h>
#include "base/err.h"

/* One kind of vectors: the word after `iommusim conform`. */
struct conform_kind;
const struct conform_kind *const *conform_kinds(size_t *n);
const char *conform_kind_name(const struct conform_kind *k);
const char *conform_kind_summary(const struct conform_kind *k);

/* Exit status: 0 no mismatch, 1 mismatches, 2 with *err. The report goes to `out`. */
int conform_replay(const struct conform_kind *k, const char *file, FILE *out, struct err *err);
/* The same by the kind's name; unknown names are refused with the nearest one. */
int conform_replay_by_name(const char *kind, const char *file, FILE *out, struct err *err);

#endif
