/*
 * err - a reported failure: what went wrong, and where in the user's file.
 *
 * Three kinds of failure exist in this program and only the first uses err:
 *   user error     bad YAML, bad trace, impossible system    -> struct err, exit 2
 *   modelled fault a DMA the IOMMU refuses                   -> data (xlate_rsp), never an error
 *   our bug        broken invariant                          -> BUG_ON(), exit 3 with time and seed
 */
#ifndef SIM_BASE_ERR_H
#define SIM_BASE_ERR_H
#include <stdbool.h>
#include <stddef.h>

struct src_pos {
	const char *file; /* not owned; outlives the err. NULL: not from a file */
	unsigned line, column; /* from 1; line 0: no position */
};

struct err {
	struct src_pos pos;
	char path[128]; /* "workload.ring.size" or empty */
	char text[256]; /* "must be a power of two" */
	char hint[160]; /* "did you mean 'rbtree-3.1'?" or empty */
};

/* Fill *e (NULL allowed) and return false, so callers write `return err_at(...)`. path NULL: none. */
bool err_at(struct err *e, struct src_pos pos, const char *path, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* err_at() without a position: failures of the environment (a file that cannot be written). */
bool err_set(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Add what the user should do; returns false like err_at(). */
bool err_hint(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* "file:line:column: path: text (hint)" into buf; what the command line prints. Returns buf. */
char *err_format(const struct err *e, char *buf, size_t size);

#endif
