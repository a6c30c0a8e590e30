/*
 * hw_case - one case of the hardware vectors: a rig configured by the case's capabilities, its memory
 * and its first register writes.
 */
#ifndef SIM_RUN_HW_CASE_H
#define SIM_RUN_HW_CASE_H
#include <jansson.h>
#include "run/hw_rig.h"

struct hw_vendor;

struct hw_case {
	const char *id, *note;
	json_t *json; /* borrowed */
	const struct hw_vendor *vendor; /* NULL: no model stands for it */
	struct hw_rig rig;
	bool built;
};

/* Reset, memory as the case lists it, then its register writes. False with *err: the case is
 * malformed. Without a vendor nothing is built. */
bool hw_case_begin(struct hw_case *c, json_t *json, struct err *err);
void hw_case_end(struct hw_case *c);

/* "0x..." or an integer. */
uint64_t hw_number(const json_t *v);
bool hw_memory_writes(struct hw_case *c, const json_t *list);
/* Each settles before the next. */
bool hw_register_writes(struct hw_case *c, const json_t *list);

#endif
