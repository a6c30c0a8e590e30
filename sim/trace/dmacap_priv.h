/*
 * dmacap_priv - what the parts of dmacap share: dmacap.c (mappings, iommu events), dmacap_api.c (the DMA
 * API's events and accesses), dmacap_steps.c (mappings to the spool, in order).
 */
#ifndef SIM_TRACE_DMACAP_PRIV_H
#define SIM_TRACE_DMACAP_PRIV_H
#include "base/list.h"
#include "trace/dmacap.h"
#include "trace/ranges.h"
#include "trace/seen.h"

#define NO_SLOT UINT32_MAX

struct piece {
	uint64_t pa;
	uint32_t len;
};

struct mapping {
	struct range range;
	struct spool_mapping about; /* pa and len are those of the first piece */
	struct piece *more; /* further pieces, whole pages */
	uint16_t nmore;
	bool exact; /* an event of the DMA API has said what it is */
	bool ready; /* nothing more will be learnt of it: may leave the queue */
	bool absorbed; /* is a piece of another's list: leaves the queue unseen */
	uint64_t id,
		follows; /* numbers from 1; follows: the map just before on the CPU, adjacent; or 0 */
	struct mapping *before; /* that one, while neither is ready */
	struct list by_pa; /* of dmacap.lists: scatter lists, for unmaps that name no bus address */
	uint32_t slot; /* once it has left the queue */
	uint64_t ordinal; /* of its map in the spool, then too */
};

/* A step that waits for those before it. */
struct step {
	uint8_t type; /* enum trace_type */
	uint8_t flags;
	uint16_t cpu;
	sim_time at;
	struct mapping *m; /* NULL: */
	uint32_t carried; /* the slot of one older than the recording */
	struct mapping *
		*piece; /* UNMAP: m, and mappings that turn out to be further pieces of it */
	uint32_t npieces;
	uint64_t offset;
	uint32_t len;
};

#define STEPS_MAX 65536u /* a power of two */

struct steps {
	struct step *ring; /* STEPS_MAX */
	uint32_t head, n;
};

void steps_init(struct steps *q);
void steps_fini(struct steps *q);
/* Append, and hand over whatever need not wait; a full queue declares its first map ready. */
void steps_add(struct steps *q, struct spool *spool, const struct step *s);
void steps_drain(struct steps *q, struct spool *spool); /* up to the first that must wait */
void steps_end(struct steps *q, struct spool *spool); /* everything */

void mapping_free(struct mapping *m);

#define ENTERS  8u /* calls that can be under way on a CPU: task, softirq, interrupt */
#define LEN_MAX (UINT64_C(1) << 32)

struct enter {
	uint16_t device;
	uint8_t dir;
	uint64_t iova, size; /* of a map: the offset in its page */
	bool valid;
};

struct cpu_state {
	struct mapping
		*open; /* the last iommu:map's, not ready yet; `before' leads to those before it */
	bool fresh; /* nothing else has happened on the CPU since */
	struct enter map[ENTERS];
	unsigned nmaps;
	struct enter unmap;
	uint32_t carried; /* of the last unmap, when no event of the API has told of it yet */
	uint64_t carried_at;
};

struct dmacap {
	struct import *im;
	struct ranges live;
	struct ranges
		old; /* pages older than the recording that accesses have shown; slot is the spool's */
	struct steps steps;
	struct seen seen;
	struct cpu_state *cpu; /* TRACE_CPUS_MAX */
	struct list lists; /* of mapping.by_pa */
	uint64_t ids;
	bool iommu; /* iommu events decide */
};

static inline uint64_t page_of(uint64_t at)
{
	return at & ~(PAGE_SIZE - 1);
}

static inline uint64_t span_of(uint64_t at, uint64_t size)
{
	return page_of((at & (PAGE_SIZE - 1)) + size + PAGE_SIZE - 1);
}

/* False: the error is set. *skip: it is bad and has been counted. */
bool dmacap_check_size(struct dmacap *c, uint64_t iova, uint64_t size, bool *skip);
/* Nothing more will be learnt of the maps that the CPU has open. */
void dmacap_close(struct dmacap *c, struct cpu_state *s);
/* Its unmap. */
void dmacap_end_mapping(struct dmacap *c, unsigned cpu, sim_time t, struct mapping *m);
/* Room for [start, end): what still lives there has lost its unmap. */
bool dmacap_make_room(
	struct dmacap *c, unsigned cpu, sim_time t, uint16_t device, uint64_t start, uint64_t end);
/* Of whole pages; lives and counts from begin_mapping on. */
struct mapping *dmacap_new_mapping(
	uint16_t device, unsigned cpu, uint64_t start, uint64_t end, uint64_t pa);
void dmacap_begin_mapping(struct dmacap *c, unsigned cpu, sim_time t, struct mapping *m);
/* What an event of the API says about a mapping of whole pages. */
void dmacap_be_exact(struct mapping *m, uint16_t device, unsigned dir, bool coherent,
	uint64_t offset, uint64_t size);
/* Of any device. */
struct range *dmacap_find_anywhere(const struct dmacap *c, uint64_t at);
/* Of whole pages; the CPU's `unmap' tells more when it fits. */
bool dmacap_unmap_range(struct dmacap *c, unsigned cpu, sim_time t, uint64_t iova, uint64_t size);

#endif
