/*
 * spool - the first pass of an import: the steps of mappings, in order of time, kept in an unnamed file.
 * Two things are only known when a recording is over and make a second pass necessary: mappings that
 * began before the recording did (their unmap is the first one hears of them), and, for buffers that a
 * device writes, when it did: shortly before an unmap that has not been read yet.
 *
 * A slot stands for a live mapping and is used again after its unmap.
 */
#ifndef SIM_TRACE_SPOOL_H
#define SIM_TRACE_SPOOL_H
#include "base/err.h"
#include "trace/copy.h"

#define SPOOL_CARRIED UINT32_C(0x80000000) /* slots of mappings that began before the recording */

/* Where buffers lie whose physical address a recording does not tell: beyond any machine's memory, so
 * that they are not taken for others. */
#define SPOOL_UNKNOWN_PA (UINT64_C(1) << 46)

struct spool_mapping {
	uint16_t cpu, device;
	uint8_t flags; /* enum trace_dir, TRACE_COHERENT */
	uint64_t pa;
	uint32_t len;
};

struct spool;

/* `beside`: a file in whose folder the temporary one goes. */
struct spool *spool_create(const char *beside, struct err *err);
void spool_destroy(struct spool *s);

/* The device of that name, declared at its first use. */
uint16_t spool_device(struct spool *s, const char *name);
const char *spool_device_name(const struct spool *s, uint16_t device);
uint16_t spool_devices(const struct spool *s);
bool spool_device_used(const struct spool *s, uint16_t device); /* complete after the last map */

/* A time before the last one counts as the last one. The first is the trace's 0. `rest`: so many
 * segments follow at once. */
uint32_t spool_map(struct spool *s, sim_time at, const struct spool_mapping *m, uint16_t rest);
/* A mapping of that kind that began before the recording. Valid at once. */
uint32_t spool_carried(struct spool *s, const struct spool_mapping *m);
/* Until its unmap more may come to light of a carried mapping. */
struct spool_mapping *spool_carried_at(struct spool *s, uint32_t slot);
void spool_segment(struct spool *s, uint32_t slot, uint64_t pa, uint32_t len, uint16_t rest);
void spool_dma(
	struct spool *s, sim_time at, uint32_t slot, uint64_t offset, uint32_t len, unsigned flags);
void spool_sync(struct spool *s, sim_time at, uint16_t cpu, uint32_t slot, uint64_t offset,
	uint32_t len, unsigned flags);
void spool_unmap(struct spool *s, sim_time at, uint16_t cpu, uint32_t slot);

/* Maps so far: the ordinal of the last, from 1. */
uint64_t spool_maps(const struct spool *s);
/* The map `piece` has turned out to be a further piece of the map `first`, whose unmap is that of both.
 * At most SPOOL_JOINS are kept; what comes after them stays a mapping that is never unmapped. */
#define SPOOL_JOINS (1u << 24)
void spool_join(struct spool *s, uint64_t first, uint64_t piece, uint64_t pa, uint32_t len);
void spool_drop(struct spool *s, uint32_t slot); /* a piece's slot is free; no unmap */

/* ---- the second pass ---- */

/* Begin to read; false and *err when the disk failed. */
bool spool_rewind(struct spool *s, struct err *err);
uint32_t spool_ncarried(const struct spool *s);
const struct spool_mapping *spool_carried_of(const struct spool *s, uint32_t i);
/* Slots as they were given, pieces with their map; carried ones as such. Only maps know their device.
 * False at the end. */
bool spool_next(struct spool *s, struct trace_record *r);

#endif
