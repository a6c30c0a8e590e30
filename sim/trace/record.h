/*
 * record - one step of a DMA trace: what a driver and a device did to a buffer, whatever the allocator
 * and the IOMMU. docs/trace-format.md describes the file; this is its record, byte for byte.
 *
 * Rules of a stream, which every writer keeps and every reader enforces (rules.h):
 *   - times never fall
 *   - a device is declared before its first use, and devices are numbered from 0 in that order
 *   - a handle stands for one mapping from its MAP to its UNMAP and may then be used again; no handle
 *     is more than one above the highest before it, so that they are slot numbers
 *   - the `rest` further segments of a MAP follow it at once, with its time
 *   - a segment begins at a page, and what a segment follows ends at one
 *   - DMA and SYNC lie within a live mapping
 */
#ifndef SIM_TRACE_RECORD_H
#define SIM_TRACE_RECORD_H
#include "base/types.h"

enum trace_type {
	TRACE_DEVICE = 1, /* handle, len, value: its name, 16 bytes, zero-padded */
	TRACE_MAP, /* value: physical address of the first byte; rest: segments that follow */
	TRACE_SEGMENT, /* the same for a further physically contiguous piece */
	TRACE_DMA, /* value: offset into the mapping; TRACE_WRITE or a read by the device */
	TRACE_UNMAP, /* the whole mapping */
	TRACE_SYNC, /* value: offset; the CPU (or with TRACE_FOR_DEVICE the device) takes the bytes over */
	TRACE_TYPES
};

enum trace_flag {
	TRACE_DIR = 3, /* MAP: enum trace_dir */
	TRACE_WRITE = 4, /* DMA: device to memory */
	TRACE_COHERENT =
		8, /* MAP: memory allocated with the mapping (rings); value is 0 if unknown */
	TRACE_SYNTHETIC = 16, /* not seen: an importer's model says so */
	TRACE_FOR_DEVICE = 32, /* SYNC */
	TRACE_FLAGS = 63
};

enum trace_dir { TRACE_TO_DEVICE, TRACE_FROM_DEVICE, TRACE_BIDIRECTIONAL };

/* 32 bytes, little endian in the file. */
struct trace_record {
	uint8_t type, flags;
	uint16_t cpu; /* that made the call; DMA: 0 */
	uint16_t device;
	uint16_t rest; /* MAP, SEGMENT */
	sim_time time; /* ps, since the trace began; of the call */
	uint64_t value;
	uint32_t handle;
	uint32_t len; /* bytes: MAP, SEGMENT, DMA, SYNC: > 0; UNMAP: 0 */
};
_Static_assert(sizeof(struct trace_record) == 32, "the file's record");

#define TRACE_SCHEMA                                                                               \
	"type:u8 flags:u8 cpu:u16 device:u16 rest:u16 time:u64 value:u64 handle:u32 len:u32"

#define TRACE_TIME_MAX   (UINT64_C(10000000) * SEC) /* 115 days: far from the end of sim_time */
#define TRACE_CPUS_MAX   1024u
#define TRACE_NAME_BYTES 16u

/* "map", "dma", ...; NULL for no type. */
const char *trace_type_name(unsigned type);
const char *trace_dir_name(unsigned dir); /* "to", "from", "bidirectional" */

/* A DEVICE record, and the name in one. A longer name is cut. */
struct trace_record trace_device_record(uint16_t device, sim_time at, const char *name);
void trace_device_name(const struct trace_record *r, char name[TRACE_NAME_BYTES + 1]);

/* From the file's byte order to the host's and back: nothing on little-endian hosts. */
void trace_records_swap(struct trace_record *r, size_t n);

#endif
