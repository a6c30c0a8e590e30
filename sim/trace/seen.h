/*
 * seen - which bus addresses a recording has mapped so far: tells an unmap of something older than the
 * recording from an unmap that is wrong. At most SEEN_MAX are kept, then everything counts as unseen.
 */
#ifndef SIM_TRACE_SEEN_H
#define SIM_TRACE_SEEN_H
#include "base/types.h"

#define SEEN_MAX (1u << 22)

struct seen {
	uint64_t *key; /* open addressing; 0: empty */
	uint32_t n, room; /* room is a power of two */
};

void seen_fini(struct seen *s);
void seen_add(struct seen *s, uint16_t device, uint64_t at);
bool seen_has(const struct seen *s, uint16_t device, uint64_t at);

#endif
