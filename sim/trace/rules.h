/*
 * rules - hold a stream of records to the rules of record.h, one by one, and count what is in it.
 * Memory: 16 bytes for every handle, and handles are slot numbers: as many as mappings lived at once.
 */
#ifndef SIM_TRACE_RULES_H
#define SIM_TRACE_RULES_H
#include "trace/record.h"

/* What a stream came to. */
struct trace_totals {
	uint64_t records, maps, segments, unmaps, dmas, syncs;
	sim_time first, last;
	uint32_t handles; /* highest + 1 */
	uint32_t live, live_max; /* mappings at the end, and at once */
	uint32_t cpus, devices; /* highest + 1 */
};

struct trace_handle {
	uint64_t len; /* of the mapping; 0: not live */
	uint16_t device;
	uint8_t flags; /* of its MAP */
};

struct trace_rules {
	struct trace_totals totals;
	struct trace_handle *handle;
	uint32_t room;
	uint32_t open_handle; /* of the MAP whose segments follow */
	uint16_t open_rest; /* how many still must */
};

void trace_rules_init(struct trace_rules *t);
void trace_rules_fini(struct trace_rules *t);
/* NULL: r is right and has been counted. Else what is wrong with it, as part of a sentence; nothing
 * has changed. */
const char *trace_rules_take(struct trace_rules *t, const struct trace_record *r);
/* At the end of the stream: NULL, or what is missing. */
const char *trace_rules_end(const struct trace_rules *t);
bool trace_rules_live(const struct trace_rules *t, uint32_t handle);

#endif
