/*
 * conform_priv - what a kind of vectors is to conform.c: for conform*.c only.
 */
#ifndef SIM_RUN_CONFORM_PRIV_H
#define SIM_RUN_CONFORM_PRIV_H
#include "run/conform.h"
#include "run/conform_row.h"

/* Which components stand for the kernel code that a run was recorded from. */
struct conform_model {
	const char *kernel, *code; /* as in the run's line: "v3.1", "rbtree" */
	const char *allocator;
	const char *policy; /* or NULL */
};

/* The replay in progress, as a kind sees it. */
struct conform {
	const struct conform_kind *kind;
	FILE *out;
	struct conform_row row;
	const struct conform_model *model;
	char id[16], label[32], name[64]; /* of the run; label is "v3.1 rbtree" */
	uint64_t operations, mismatches; /* of the run */
	uint64_t runs, skipped, all_operations, all_mismatches;
	void *run; /* the kind's, NULL between runs */
};

struct conform_kind {
	const char *name, *summary;
	/* Files that are not CSV are the kind's own business: as conform_replay(). NULL: rows, below. */
	int (*replay)(const char *file, FILE *out, struct err *err);
	const struct conform_model *models;
	size_t nmodels;
	/* c->row is the line that opens the run (c->model replays it). NULL and *err: refused. */
	void *(*begin)(struct conform *c, struct err *err);
	/* One operation; results that differ are reported by conform_differs(). False: malformed. */
	bool (*row)(void *run, struct conform *c, struct err *err);
	/* What must hold at the end; frees the run, whatever has become of it. */
	void (*end)(void *run, struct conform *c);
};

extern const struct conform_kind conform_iova, conform_history, conform_lazy, conform_hw,
	conform_accesses;

/* The current row's result is not what the component gave. */
void conform_differs(struct conform *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
