/*
 * rng - seeded random numbers: xoshiro256** (Blackman & Vigna 2018) seeded by splitmix64.
 * Every consumer has its own named stream, so that adding a consumer never changes another's numbers.
 */
#ifndef SIM_BASE_RNG_H
#define SIM_BASE_RNG_H
#include <stdint.h>

struct rng {
	uint64_t s[4];
};

/* A stream of its own for each (seed, name); name is a fixed string such as "workload.arrivals". */
void rng_init(struct rng *r, uint64_t seed, const char *name);
uint64_t rng_u64(struct rng *r);
/* Uniform in [0, n), without modulo bias; n > 0. */
uint64_t rng_below(struct rng *r, uint64_t n);
/* Uniform in [0, 1). */
double rng_unit(struct rng *r);
/* Exponential with the given mean, in the mean's unit. */
double rng_exp(struct rng *r, double mean);

#endif
