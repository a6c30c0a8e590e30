/*
 * conform_bed - what a replay stands on: a machine with the default configuration, and components with
 * theirs.
 */
#ifndef SIM_RUN_CONFORM_BED_H
#define SIM_RUN_CONFORM_BED_H
#include "conf/conf.h"
#include "hw/cpu.h"

#define CONFORM_LAST_PFN (UINT64_MAX >> PAGE_LG2)

struct conform_bed {
	struct cpu_conf cpu;
	struct cost_conf cost;
	struct lock_conf lock;
	struct mem_conf mem;
	struct machine_conf conf;
	struct metrics *metrics;
	struct machine machine;
	struct conform_block *blocks;
	struct cpu_work job; /* of conform_bed_on() */
};

/* engine NULL: an untimed machine, for replays that need no CPUs. */
void conform_bed_init(struct conform_bed *bed, unsigned ncpus, struct engine *engine);
void conform_bed_fini(struct conform_bed *bed);
/* Run fn on the CPU to its end, and nothing after it. On an untimed machine, as PROC_UNTIMED: that is
 * CPU 0. */
void conform_bed_on(
	struct conform_bed *bed, unsigned cpu, void (*fn)(struct proc *p, void *arg), void *arg);
/* Zeroed memory for a component's state: lives as long as the metrics that point into it. */
void *conform_bed_alloc(struct conform_bed *bed, size_t size);
/* A component's conf struct filled with its defaults, or NULL for no table; free() it. */
void *conform_defaults(const struct conf_table *table);
/* Set a number in it, or a choice by its index. A field that the table does not have is a bug. */
void conform_set_u32(const struct conf_table *table, void *conf, const char *field, uint32_t value);

#endif
