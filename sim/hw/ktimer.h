/*
 * ktimer - kernel timers, as coarse as the tick. A delay is rounded up to whole ticks and counted
 * from the tick that has last passed; with `cpu.timer: wheel` it fires one tick later still. So a
 * 10 ms timer at HZ=250 fires 8 to 12 ms after arming on 3.1, 12 to 16 ms since 4.8.
 */
#ifndef SIM_HW_KTIMER_H
#define SIM_HW_KTIMER_H
#include "engine/engine.h"
#include "hw/cpu.h"

struct ktimer {
	struct event event;
	struct cpu_work work;
	struct machine *machine;
	struct cpu *cpu;
	sim_time expires; /* last expiry, for latency from expiry to service */
};

/* fn runs on the CPU that armed the timer, as timer work. */
void ktimer_init(
	struct ktimer *t, struct machine *m, void (*fn)(struct proc *p, void *arg), void *arg);
void ktimer_fini(struct ktimer *t);
/* Arm or move the timer, on p's CPU, `delay` after p's local clock. */
void ktimer_mod(struct ktimer *t, struct proc *p, sim_time delay);
/* Longest time from arming to expiry for this delay on this machine. */
sim_time ktimer_bound(const struct machine *m, sim_time delay);

#endif
