/*
 * cpu - a simulated CPU: a proc that runs posted work in order and charges every cycle to a
 * category. Work is what softirqs are to a kernel: it runs to its end, timers before the rest.
 */
#ifndef SIM_HW_CPU_H
#define SIM_HW_CPU_H
#include "base/list.h"
#include "engine/clock.h"
#include "engine/proc.h"
#include "hw/machine.h"

/* CPU_TIME(id, help): where busy time goes. */
#define CPU_TIMES(T)                                                                               \
	T(irq, "Interrupt entry and exit.")                                                        \
	T(driver, "Device driver: rings, descriptors, registers.")                                 \
	T(stack, "Protocol stack and application work per packet or request.")                     \
	T(dma, "Fixed part of DMA API calls.")                                                     \
	T(copy, "Copying to and from buffers that stay mapped.")                                   \
	T(iova, "IOVA allocator: searches, tree updates, bitmap scans.")                           \
	T(pagetable, "Page-table updates by the IOMMU driver.")                                    \
	T(flush_queue, "Keeping ranges that wait for a batched flush.")                            \
	T(flush_submit, "Writing invalidation descriptors and doorbells.")                         \
	T(flush_wait, "Polling for the completion of an invalidation.")                            \
	T(lock_spin, "Taking locks: spinning, and fetching their lines.")                          \
	T(page_alloc, "Page allocator.")

enum cpu_time {
#define CPU_TIME_ID_(id, help) CPU_##id,
	CPU_TIMES(CPU_TIME_ID_)
#undef CPU_TIME_ID_
		CPU_TIME_COUNT
};

struct cpu {
	unsigned id, socket;
	uint64_t neighbours; /* CPUs of the socket, by bits of struct line's sharers */
	struct clock clock;
	uint32_t lines_touched; /* cache lines, modulo 2^32: how old a line is (cacheline.h) */
	struct machine *machine;
	struct proc *proc;
	struct list timers_due, work; /* of struct cpu_work */
	struct waitq idle;
	bool sleeping;
	struct {
		sim_time spent[CPU_TIME_COUNT];
		sim_time busy;
		double busy_share;
	} m;
	sim_time measured_from; /* the reset */
	sim_time charged_until; /* local time of the last charge */
	sim_time counted_from; /* local time from which charges count */
};

struct cpu_work {
	struct list link;
	void (*fn)(struct proc *p, void *arg);
	void *arg;
	bool queued;
};

void cpu_work_init(struct cpu_work *w, void (*fn)(struct proc *p, void *arg), void *arg);
/* Run w->fn on the CPU when it gets to it; nothing happens if it is queued already. Timer work goes
 * before other work. Called from events (at engine_now()) or from a synchronised proc. */
void cpu_post(struct cpu *c, struct cpu_work *w);
void cpu_post_timer(struct cpu *c, struct cpu_work *w);

/* Tell who looks on what p's CPU has done since `from`, up to now. */
void cpu_tell(const struct proc *p, const char *what, sim_time from);

/* The CPU that p runs on; NULL for PROC_UNTIMED and device procs. */
struct cpu *cpu_of(const struct proc *p);
static inline unsigned cpu_id(const struct proc *p); /* 0 where cpu_of() is NULL */

/* Charge n cycles (a time) to p's local clock and to the category. No event. */
static inline void cpu_run(struct proc *p, uint64_t cycles, enum cpu_time what);
void cpu_run_ps(struct proc *p, sim_time ps, enum cpu_time what);
/* Account for time that has already passed on p's clock since `from` (spinning). */
void cpu_account(struct proc *p, sim_time from, enum cpu_time what);

/* Untimed code pays nothing, not even a call. */
unsigned cpu_id_timed(const struct proc *p);
static inline unsigned cpu_id(const struct proc *p)
{
	return p ? cpu_id_timed(p) : 0;
}

void cpu_run_timed(struct proc *p, uint64_t cycles, enum cpu_time what);
static inline void cpu_run(struct proc *p, uint64_t cycles, enum cpu_time what)
{
	if (p)
		cpu_run_timed(p, cycles, what);
}

extern const struct metric_table cpu_metric_table;

/* ---- for machine.c ---- */
void cpu_init(struct cpu *c, struct machine *m, unsigned id);
void cpu_start(struct cpu *c); /* spawn its proc */

#endif
