/*
 * plan - the points of an experiment: the cartesian product of its axes, the first axis slowest,
 * each point bound and checked before the first one runs.
 */
#ifndef SIM_RUN_PLAN_H
#define SIM_RUN_PLAN_H
#include "conf/conf.h"
#include "run/points.h"

struct plan {
	struct points *points;
	size_t n;
	struct conf **conf; /* one per point */
	struct conf_doc **doc; /* what each was bound from */
};

#define PLAN_POINTS_MAX 100000

/* Resolves the axes of doc, which has every --set already. The points have no root yet. plan_fini()
 * in any case, after *err has been reported: it may name positions in the points' documents. */
bool plan_make(const struct conf_schema *schema, struct conf_doc *doc, const char *name,
	struct plan *out, struct err *err);
void plan_fini(struct plan *p);

#endif
