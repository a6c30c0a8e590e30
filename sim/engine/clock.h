/*
 * clock - cycles of a clock domain to picoseconds and back, without drift: 2.4 GHz has cycles of
 * 416 2/3 ps, so a cycle count is converted as a whole, in 44.20 fixed point.
 */
#ifndef SIM_ENGINE_CLOCK_H
#define SIM_ENGINE_CLOCK_H
#include "base/types.h"

struct clock {
	uint64_t ps_per_cycle_fp; /* << 20 */
	uint64_t hz;
};

static inline struct clock clock_of_hz(uint64_t hz)
{
	return (struct clock){ .ps_per_cycle_fp = ((SEC << 20) + hz / 2) / hz, .hz = hz };
}

static inline sim_time clock_to_ps(const struct clock *c, uint64_t cycles)
{
	return (cycles * c->ps_per_cycle_fp + (1u << 19)) >> 20;
}

static inline uint64_t clock_to_cycles(const struct clock *c, sim_time ps)
{
	return (uint64_t)((double)ps * (double)c->hz / (double)SEC + 0.5);
}

#endif
