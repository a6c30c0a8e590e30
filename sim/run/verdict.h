/*
 * verdict - what `check` found of one promise or one assertion at one point, and the files for other
 * programs: JUnit XML (a test suite per point) and JSON.
 */
#ifndef SIM_RUN_VERDICT_H
#define SIM_RUN_VERDICT_H
#include "run/points.h"

struct verdict {
	size_t point;
	bool promised; /* by the policy; otherwise asserted by the user */
	const char *what; /* not owned: "a hw window", or the assertion's text */
	bool has_value; /* false: nothing was measured */
	double value; /* in `unit` */
	char unit[32]; /* "ps", "ops" */
	char limit[32]; /* of a promise, for people; otherwise empty */
	bool holds;
};

struct verdicts {
	struct verdict *v; /* by point */
	size_t n;
};

/* Value and unit for people: "1.21 ms", "3 ops", "no values". Returns buf. */
char *verdict_text(const struct verdict *v, char *buf, size_t size);
size_t verdicts_broken(const struct verdicts *all); /* how many do not hold */

/* NULL: not that one. Each file is there whole or not at all, and replaces an older one; both are
 * written aside before the first is renamed. */
bool verdicts_write(const struct verdicts *all, const struct points *p, const char *junit,
	const char *json, struct err *err);

#endif
