/*
 * points - the index of a results folder: its axes, its points and where each is. Written by `run`,
 * read by everything that works on results.
 */
#ifndef SIM_RUN_POINTS_H
#define SIM_RUN_POINTS_H
#include "base/err.h"
#include "run/summary.h"

#define POINTS_FILE     "points.json"
#define POINTS_CPU_AXIS "cpu.count" /* the axis that most questions are about */

struct point_ref {
	char *dir; /* relative to the results: "points/003-cpu.count=8,policy.type=strict" */
	char **values; /* one per axis, as the user wrote them */
	struct run_summary summary; /* filled in by points_load() */
};

struct points {
	char *root; /* the results folder */
	char *name; /* of the experiment */
	char *description; /* what it asks, in the user's words; may be empty */
	size_t naxes, n;
	char **axes; /* key paths */
	struct point_ref *point;
};

struct points *points_create(const char *root, const char *name);
void points_destroy(struct points *p);
void points_set_root(struct points *p, const char *root);
void points_describe(struct points *p, const char *text); /* NULL: nothing */
void points_add_axis(struct points *p, const char *path); /* before the first point */
/* Copies the values and makes the folder's name from them. */
struct point_ref *points_add(struct points *p, const char *const *values);

char *point_path(const struct points *p, size_t i); /* of the point's folder; free() it */
/* What a table calls an axis: "policy" for "policy.type", "CPUs" for "cpu.count". Returns buf. */
char *point_axis_label(const struct points *p, size_t axis, char *buf, size_t size);
/* "policy=strict, CPUs=8", or "the only point". Returns buf. */
char *point_label(const struct points *p, size_t i, char *buf, size_t size);

bool points_write(const struct points *p, struct err *err);
bool points_read_summaries(struct points *p, struct err *err);
/* Index and summaries of an existing results folder. NULL with *err. */
struct points *points_load(const char *root, struct err *err);

#endif
