/*
 * requests - storage requests under way, for formats that know them and not their buffers: each has a
 * place, and a place a buffer in memory that is used again and again, as a benchmark's are.
 */
#ifndef SIM_TRACE_REQUESTS_H
#define SIM_TRACE_REQUESTS_H
#include "trace/spool.h"

#define REQUESTS_MAX 65536u

struct request {
	sim_time done; /* when it completes; SIM_TIME_NEVER: not known */
	uint64_t key[2]; /* what its completion names */
	uint32_t slot;
	uint16_t cpu;
	uint16_t device;
	bool busy;
};

struct requests {
	struct request *place;
	uint32_t n; /* places */
	uint32_t busy;
};

void requests_init(struct requests *q);
void requests_fini(struct requests *q);
/* Map a buffer of len bytes: the device reads it (write request) or fills it. NULL: REQUESTS_MAX are
 * under way. */
struct request *requests_begin(struct requests *q, struct spool *spool, sim_time at, uint16_t cpu,
	uint16_t device, bool write, uint32_t len);
void requests_end(
	struct requests *q, struct spool *spool, sim_time at, uint16_t cpu, struct request *r);
/* The busy one that completes first; NULL: none. */
struct request *requests_first(const struct requests *q);
/* NULL: none with that key. */
struct request *requests_find(const struct requests *q, const uint64_t key[2]);

#endif
