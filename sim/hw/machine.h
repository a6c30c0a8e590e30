/*
 * machine - the simulated computer that policies, drivers and devices share: engine, CPUs, memory,
 * registry of locks, metrics. One per run; no globals.
 */
#ifndef SIM_HW_MACHINE_H
#define SIM_HW_MACHINE_H
#include "conf/conf.h"
#include "base/list.h"
#include "engine/engine.h"
#include "hw/cacheline.h"
#include "obs/metrics.h"
#include "obs/probe.h"

struct cpu;
struct mem;
struct pages;
struct lock;

/* ---- configuration sections "cpu", "cost", "lock", "memory" (tables in the .c files of each) ---- */

#define CPU_CONF(F)                                                                                    \
	F(u32, count, "8", "1", "1024", "CPUs", "CPUs that take part.")                                \
	F(u32, per_socket, "8", "1", "1024", "CPUs",                                                   \
		"CPUs of a socket; they fill socket by socket.")                                       \
	F(freq, clock, "2.6GHz", "100MHz", "10GHz", "", "Core clock.")                                 \
	F(u32, hz, "250", "100", "1000", "ticks/s", "Kernel timer ticks per second (CONFIG_HZ).")      \
	F(choice, timer, "first-tick", NULL, NULL, "first-tick|wheel",                                 \
		"When a kernel timer fires: at the first tick at or after its deadline (3.1), or one " \
		"tick later (the timer wheel since 4.8).")                                             \
	F(u32, irq_entry, "1000", "0", "1000000", "cycles", "Interrupt entry and exit.")               \
	F(u32, atomic, "20", "0", "10000", "cycles", "Locked read-modify-write on an owned line.")     \
	F(u32, mmio_read, "900", "0", "1000000", "cycles", "Uncached read of a device register.")      \
	F(u32, mmio_write, "100", "0", "1000000", "cycles", "Posted write of a device register.")      \
	F(time, line_same_socket, "50ns", "0", "10us", "", "Cache-line transfer within a socket.")     \
	F(time, line_cross_socket, "120ns", "0", "10us", "",                                           \
		"Cache-line transfer across sockets.")                                                 \
	F(u32, cache_lines, "4096", "64", "1000000", "lines",                                          \
		"Private cache of a CPU: what it has not touched for so many others has left it.")     \
	F(time, shared_same_socket, "15ns", "0", "10us", "",                                           \
		"Line that its last writer's private cache has displaced: from the shared cache.")     \
	F(time, shared_cross_socket, "80ns", "0", "10us", "", "The same, from the other socket's.")

CONF_DECLARE(cpu_conf, CPU_CONF);
extern const struct conf_table cpu_conf_table;

#define LOCK_CONF(F)                                                                               \
	F(choice, type, "ticket", NULL, NULL, "ticket|queued|tas",                                 \
		"Spinlock algorithm: ticket (Linux 2.6.25-4.1), queued (MCS, since 4.2), "         \
		"test-and-set.")

CONF_DECLARE(lock_conf, LOCK_CONF);
extern const struct conf_table lock_conf_table;

#define MEM_CONF(F)                                                                                \
	F(size, size, "16GiB", "64MiB", "16TiB", "", "Physical memory.")                           \
	F(size, hole, "1GiB", "0", "4GiB", "",                                                     \
		"Addresses below 4 GiB, up to there, that are no memory (devices).")               \
	F(time, read_latency, "90ns", "0", "10us", "", "Read by hardware, unloaded.")              \
	F(time, write_latency, "60ns", "0", "10us", "",                                            \
		"Posted write by a device until it is visible, unloaded.")                         \
	F(rate, bandwidth, "320Gbps", "1Gbps", "100000Gbps", "", "Bandwidth for device traffic.")

CONF_DECLARE(mem_conf, MEM_CONF);
extern const struct conf_table mem_conf_table;

/* What the work inside critical sections costs: charged per node, word, entry that the code really
 * touches. Lines that another CPU wrote last cost a transfer on top (cacheline.h). */
#define COST_CONF(F)                                                                               \
	F(u32, tree_node, "8", "0", "10000", "cycles", "Visit of a tree node in the own cache.")   \
	F(u32, tree_write, "12", "0", "10000", "cycles", "Tree node written by link or rotate.")   \
	F(u32, object_alloc, "40", "0", "10000", "cycles", "Slab allocation or free of a node.")   \
	F(u32, list_entry, "10", "0", "10000", "cycles", "Entry put on or taken off a list.")      \
	F(u32, word_scan, "2", "0", "10000", "cycles", "Bitmap word looked at by a search.")       \
	F(u32, pt_level, "15", "0", "10000", "cycles", "Page-table level descended by software.")  \
	F(u32, pte_write, "20", "0", "10000", "cycles", "Page-table entry written or cleared.")    \
	F(u32, pte_flush, "0", "0", "10000", "cycles",                                             \
		"Cache-line flush after table writes, for page walks that do not snoop.")          \
	F(u32, page_alloc, "150", "0", "100000", "cycles", "Page from or to the CPU's own list.")  \
	F(u32, page_refill, "1200", "0", "100000", "cycles", "Batch between own and global list.") \
	F(u32, page_zero, "250", "0", "100000", "cycles", "Clearing a 4 KiB page.")                \
	F(u32, copy_line, "12", "0", "10000", "cycles",                                            \
		"Copying 64 bytes to or from a buffer that stays mapped: an assumption.")          \
	F(u32, dma_call, "80", "0", "10000", "cycles", "Fixed part of one DMA API call.")          \
	F(u32, desc_write, "15", "0", "10000", "cycles", "Invalidation descriptor written.")

CONF_DECLARE(cost_conf, COST_CONF);
extern const struct conf_table cost_conf_table;

struct machine_conf {
	const struct cpu_conf *cpu;
	const struct cost_conf *cost;
	const struct lock_conf *lock;
	const struct mem_conf *mem;
};

#define MACHINE_LINES_LG2 13u

struct proc;

struct memory_line {
	uint64_t tag; /* address / 64 + 1; 0: empty */
	struct line line;
};

struct machine {
	struct engine *engine;
	struct metrics *metrics;
	struct mem *mem;
	struct pages *pages;
	struct cpu *cpus;
	unsigned ncpus, nsockets;
	struct list locks; /* of struct lock, in order of creation */
	struct list ports; /* of struct pcie_port: the devices, in order of creation */
	struct memory_line *lines; /* 2^MACHINE_LINES_LG2, for line_of_memory() */
	const struct machine_conf *conf;
	struct metric_scope *cpu_scope, *lock_scope;
	const struct probe *probe; /* NULL: nobody looks on */
	/* Tests that try every order of steps: before each atomic step on a word (word.h); may wait. */
	void (*on_step)(void *arg, struct proc *p, const uint64_t *word);
	void *on_step_arg;
};

/* conf and what it points to outlive the machine. engine NULL: an untimed machine, on which only
 * PROC_UNTIMED may run (conformance, unit tests). */
void machine_init(struct machine *m, const struct machine_conf *conf, struct engine *engine,
	struct metrics *metrics);
void machine_fini(struct machine *m);

#endif
