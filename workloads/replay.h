/*
 * replay - a DMA trace as a workload: its maps, unmaps and syncs run on the CPUs that made them, its DMA
 * on devices of its own, against whatever allocator, policy and IOMMU the experiment has.
 *
 * replay_feed.c reads records and turns them into steps; replay_run.c runs the steps of each CPU and each
 * device in order, when their time has come and what they depend on is done: a DMA on its map, an unmap on
 * its map and DMA. So order within a CPU, a device and a buffer is always that of the trace. At most
 * `window` steps are at hand at once: that bounds memory, and how far one CPU can run ahead of others.
 */
#ifndef WORKLOADS_REPLAY_H
#define WORKLOADS_REPLAY_H
#include "hw/cpu.h"
#include "hw/pages.h"
#include "trace/file.h"
#include "workloads/workload.h"

#define REPLAY_CONF(F)                                                                             \
	F(path, file, "", NULL, NULL, "", "Trace, as `iommusim trace' writes it.")                 \
	F(choice, pace, "recorded", NULL, NULL, "recorded|fast",                                   \
		"Every step at its recorded time, or as soon as those before it allow.")           \
	F(f64, speed, "1", "0.001", "1000", "",                                                    \
		"With pace: recorded, how many times faster than recorded.")                       \
	F(u32, window, "4096", "16", "1000000", "steps",                                           \
		"Steps at hand at once: how far one CPU can run ahead of another.")

CONF_DECLARE(replay_conf, REPLAY_CONF);

#define REPLAY_METRICS(M)                                                                          \
	M(COUNTER, maps, "maps", NULL, "Maps made.")                                               \
	M(COUNTER, map_failures, "maps", "maps", "Maps refused: no address was free.")             \
	M(COUNTER, unmaps, "unmaps", NULL, "Unmaps made.")                                         \
	M(COUNTER, syncs, "syncs", NULL, "Syncs made.")                                            \
	M(COUNTER, issued, "DMAs", NULL, "DMAs issued.")                                           \
	M(COUNTER, dmas, "DMAs", "issued", "DMAs completed.")                                      \
	M(COUNTER, dma_bytes, "bytes", NULL, "Their bytes.")                                       \
	M(COUNTER, faulted, "DMAs", "dmas", "Of these, refused by the IOMMU, at least in part.")   \
	M(COUNTER, skipped, "steps", NULL, "Steps on buffers whose map was refused.")              \
	M(HIST, late, "ps", NULL,                                                                  \
		"How much later than due a CPU's step began: it was busy, or waited.")             \
	M(HIST, latency, "ps", NULL, "DMA: from when it was due until it was complete.")

METRIC_DECLARE(replay_metrics, REPLAY_METRICS);

#define REPLAY_BLOCK_LG2 21u /* recorded memory is given simulated memory in such blocks */

struct replay_device;

struct replay_buffer { /* one mapping, from its MAP to its UNMAP */
	struct list link; /* of replay.buffers */
	struct replay_device *device;
	struct dma_sg *sg;
	unsigned n;
	uint64_t len;
	enum dma_dir dir;
	bool coherent, mapped, failed;
	bool dying; /* its UNMAP has been read */
	iova_t iova;
	hpa_t coherent_pa;
	sim_time mapped_at; /* when the map returned */
	uint32_t dmas; /* read and not complete */
	uint16_t unmap_cpu; /* where the UNMAP waits */
};

struct replay_step {
	struct list link; /* of its CPU or device; free list */
	uint8_t type; /* enum trace_type */
	sim_time due;
	uint64_t offset;
	struct replay_buffer *buffer;
	struct replay *replay;
	struct pcie_dma dma;
};

struct replay_cpu {
	struct replay *replay;
	struct cpu *cpu;
	struct list steps;
	struct event due;
	struct cpu_work work;
	bool running; /* a step is under way */
};

struct replay_device {
	struct replay *replay;
	struct pcie_port *port;
	struct dma_dev *dma;
	struct list steps;
	struct event due;
};

struct replay {
	struct workload_env env;
	const struct replay_conf *conf;
	struct trace_reader *reader;
	struct trace_totals totals; /* of the trace */
	sim_time origin; /* a record's time counts from here */
	bool translated, stopped, ended;
	struct replay_cpu *cpu;
	struct replay_device *device;
	struct replay_buffer **buffer; /* by handle */
	uint32_t handles;
	struct list buffers; /* that live, and those whose UNMAP has not run */
	struct list free_steps;
	uint32_t at_hand;
	struct {
		uint64_t from; /* recorded address >> REPLAY_BLOCK_LG2, + 1; 0: empty */
		hpa_t to;
	} * block; /* open addressing */
	uint32_t nblocks, block_room;
	struct replay_metrics m;
};

/* ---- replay_feed.c ---- */
bool replay_open(struct replay *r, const char *file, struct err *err);
void replay_close(struct replay *r);
/* Read until the window is full. A damaged trace ends the program: exit 2. */
void replay_feed(struct replay *r);
void replay_step_free(struct replay *r, struct replay_step *s);
void replay_buffer_free(struct replay *r, struct replay_buffer *b);
void replay_memory_free(struct replay *r, struct proc *p); /* the blocks */

/* ---- replay_run.c ---- */
void replay_cpu_init(struct replay *r, unsigned i);
void replay_device_init(struct replay *r, unsigned i);
void replay_fini_events(struct replay *r);
/* The CPU's (device's) first step may have become due or possible. */
void replay_kick_cpu(struct replay_cpu *c);
void replay_kick_device(struct replay_device *d);
/* No step begins any more; those at hand are dropped. */
void replay_drop(struct replay *r);
bool replay_is_idle(const struct replay *r);
/* Unmap now, on p's CPU. */
void replay_unmap(struct replay_buffer *b, struct proc *p);

#endif
