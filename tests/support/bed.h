/*
 * bed - a machine for tests of hardware parts: default configuration, to be changed before
 * bed_build(), and jobs on its CPUs.
 */
#ifndef TESTS_SUPPORT_BED_H
#define TESTS_SUPPORT_BED_H
#include "hw/cpu.h"
#include "hw/machine.h"

#define BED_JOBS 256

struct bed {
	struct cpu_conf cpu;
	struct cost_conf cost;
	struct lock_conf lock;
	struct mem_conf mem;
	struct machine_conf conf;
	struct engine *engine;
	struct metrics *metrics;
	struct machine machine;
	struct cpu_work jobs[BED_JOBS];
	unsigned njobs;
};

/* Defaults, with so many CPUs and a socket of that size. */
void bed_init(struct bed *b, unsigned cpus, unsigned per_socket);
void bed_build(struct bed *b);
/* Everything that was made on the machine must be gone. */
void bed_fini(struct bed *b);

/* Post fn to a CPU, at once (between runs). */
void bed_on(struct bed *b, unsigned cpu, void (*fn)(struct proc *p, void *arg), void *arg);
/* Run until nothing is left to happen. */
void bed_run(struct bed *b);
/* The same for one job alone. */
void bed_do(struct bed *b, unsigned cpu, void (*fn)(struct proc *p, void *arg), void *arg);

#endif
