/*
 * cacheline - who holds a line that several CPUs use, and what it costs to get it. Shared objects
 * (a lock word, a tree node, a ring index) embed one; contention follows from its movements.
 *
 * A read gets a shared copy from the last writer; a write takes the line from everybody, and waits for
 * the farthest copy. Transfers of one line happen one after another, same socket or cross socket by
 * the platform's figures. What a CPU has not touched while it touched cpu.cache_lines others has left
 * its private cache: it comes from the shared cache, for others and for the CPU itself.
 */
#ifndef SIM_HW_CACHELINE_H
#define SIM_HW_CACHELINE_H
#include "base/types.h"

struct proc;
struct machine;

#define LINE_NO_OWNER UINT16_MAX

struct line {
	uint64_t sharers; /* bit cpu % 64: has a copy; above 64 CPUs a bit stands for several */
	sim_time busy_until; /* the line is on its way until then */
	uint32_t stamp; /* the owner's count of lines when it last touched this one */
	uint16_t owner; /* CPU that wrote it last */
};

static inline void line_init(struct line *l)
{
	*l = (struct line){ .owner = LINE_NO_OWNER };
}

/* Charge p for the access, at its local clock; true when the line had to move. The time goes to the
 * CPU's category `cat` (cpu.h). No-ops for PROC_UNTIMED and for procs that are not CPUs. */
static inline bool line_read(struct line *l, struct proc *p, unsigned cat);
static inline bool line_write(struct line *l, struct proc *p, unsigned cat);

/* p's CPU has touched n lines that nobody else cares for: older ones leave its private cache. */
void line_touch_others(struct proc *p, uint32_t n);

/* The line of a memory address that belongs to no object (table entries, descriptors). From a direct-
 * mapped table of the recently used: a line that was displaced comes back as owned by nobody. */
struct line *line_of_memory(struct machine *m, hpa_t at);

/* Time of one transfer between two CPUs. */
sim_time line_transfer(const struct machine *m, unsigned from_cpu, unsigned to_cpu);

/* ---- untimed code pays nothing, not even a call ---- */

bool line_read_timed(struct line *l, struct proc *p, unsigned cat);
bool line_write_timed(struct line *l, struct proc *p, unsigned cat);

static inline bool line_read(struct line *l, struct proc *p, unsigned cat)
{
	return p && line_read_timed(l, p, cat);
}

static inline bool line_write(struct line *l, struct proc *p, unsigned cat)
{
	return p && line_write_timed(l, p, cat);
}

#endif
