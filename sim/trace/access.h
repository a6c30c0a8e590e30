/*
 * access - the model of the DMA that a recording of maps and unmaps does not show. Measured captures
 * (every payload page is touched once between its map and its unmap, never afterwards) suggest it:
 *
 *   to device      one read of the whole buffer, a delay after its map, at the latest at its unmap
 *   from device    one write of the whole buffer, a delay before its unmap; none while it has no unmap
 *   bidirectional  both
 *   coherent       none: what a device does with its rings is not known
 *
 * Delays are exponential with a given mean, cut at ACCESS_DELAYS_MAX means. Which means that a record
 * must be held back for so long: a bounded number of them is.
 */
#ifndef SIM_TRACE_ACCESS_H
#define SIM_TRACE_ACCESS_H
#include "base/rng.h"
#include "trace/file.h"

#define ACCESS_DELAYS_MAX 8u

struct access;
typedef void access_put_fn(void *arg, const struct trace_record *r);

/* delay 0: no model, records go through as they come. */
struct access *access_create(sim_time delay, uint64_t seed, access_put_fn *put, void *arg);
/* Records by the rules; they come out in order of time, with DMA between them. */
void access_take(struct access *a, const struct trace_record *r);
/* What is still held back. */
void access_end(struct access *a);
void access_destroy(struct access *a);

#endif
