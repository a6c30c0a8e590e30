/*
 * map_bench - the state of the workload, for its two files: map_bench.c sets up and reports,
 * map_bench_thread.c is what a thread does.
 */
#ifndef WORKLOADS_MAP_BENCH_H
#define WORKLOADS_MAP_BENCH_H
#include "hw/cacheline.h"
#include "hw/cpu.h"
#include "workloads/workload.h"

enum { UNMAP_SELF, UNMAP_PARTNER }; /* words of `unmap` */

#define MAP_BENCH_CONF(F)                                                                          \
	F(u32, threads, "0", "0", "1024", "threads", "Threads, a CPU each; 0: one per CPU.")       \
	F(u32, granule, "1", "1", "1024", "pages", "Pages of a buffer (-g).")                      \
	F(choice, dir, "bidirectional", NULL, NULL, "bidirectional|to-device|from-device",         \
		"Direction of the mappings (-d).")                                                 \
	F(time, transmit, "0", "0", "10ms", "", "Pause between a map and its unmap (-x).")         \
	F(u32, window, "1", "1", "65536", "ranges", "Ranges that a thread keeps mapped.")          \
	F(choice, unmap, "self", NULL, NULL, "self|partner",                                       \
		"Who unmaps: the thread that has mapped, or the thread on the next CPU.")          \
	F(u32, statics, "0", "0", "10000000", "ranges",                                            \
		"Ranges of one page that are mapped before and stay.")                             \
	F(u32, cycles_line, "2", "0", "1000", "cycles",                                            \
		"Filling 64 bytes of a buffer that the device reads (the tool's memset).")

CONF_DECLARE(map_bench_conf, MAP_BENCH_CONF);

#define MAP_BENCH_METRICS(M)                                                                       \
	M(COUNTER, maps, "ranges", NULL, "Ranges mapped.")                                         \
	M(COUNTER, unmaps, "ranges", NULL, "Ranges unmapped: the units of work.")                  \
	M(COUNTER, refused, "maps", "maps", "Maps refused because no address was free.")           \
	M(HIST, map_time, "ps", NULL, "Duration of a map call.")                                   \
	M(HIST, unmap_time, "ps", NULL, "Duration of an unmap call.")

METRIC_DECLARE(map_bench_metrics, MAP_BENCH_METRICS);

struct slot {
	hpa_t pa;
	iova_t iova;
};

struct thread {
	struct map_bench *bench;
	unsigned cpu;
	struct cpu_work work;
	struct thread *partner; /* unmaps what this one maps, or maps what it unmaps; NULL */
	bool maps; /* false: the consumer of its partner's ring */
	struct slot *ring; /* the mapper's */
	uint32_t head, tail; /* live: [head, tail), modulo nothing */
	struct line line; /* of the two */
};

/* As the kernel's tool counts: in units of 100 ns. */
struct sums {
	uint64_t sum, squares, n;
};

struct map_bench {
	struct workload_env env;
	const struct map_bench_conf *conf;
	struct pcie_port *port;
	struct dma_dev *dma;
	struct thread *thread;
	unsigned nthreads;
	iova_t *statics;
	uint32_t nstatics;
	hpa_t static_page;
	bool stopping;
	sim_time started;
	struct sums map_sums, unmap_sums;
	struct map_bench_metrics m;
};

/* One step of the thread, arg: map, or unmap, and come again. */
void map_bench_step(struct proc *p, void *arg);
void map_bench_again(struct thread *t);
/* Ranges of the mapper's ring that are mapped. */
uint32_t map_bench_live(const struct thread *mapper);
enum dma_dir map_bench_dir(const struct map_bench *b);
uint32_t map_bench_bytes(const struct map_bench *b);

#endif
