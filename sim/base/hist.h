/*
 * hist - log-linear histogram of unsigned values (ps, pages, waiters).
 *
 * In short: every value is counted in a bucket at most 1/64 (1.6 %) wide; min, max, sum and count
 * are exact. Values below 64 have a bucket each; from there every power of two is cut in 64 parts.
 */
#ifndef SIM_BASE_HIST_H
#define SIM_BASE_HIST_H
#include <stddef.h>
#include <stdint.h>

#define HIST_SUB_LG2 6u
#define HIST_BUCKETS ((64u - HIST_SUB_LG2 + 1u) << HIST_SUB_LG2)

struct hist {
	uint64_t count, sum, min, max; /* min is UINT64_MAX while empty */
	uint64_t *bucket; /* HIST_BUCKETS, allocated at the first value */
};

void hist_init(struct hist *h);
void hist_fini(struct hist *h);
void hist_reset(struct hist *h); /* empty, keeps the memory */
void hist_add(struct hist *h, uint64_t value);
void hist_add_n(struct hist *h, uint64_t value, uint64_t n);
void hist_merge(struct hist *into, const struct hist *from);

/* Smallest bucket bound that at least `percent` of the values do not exceed, never beyond the
 * exact max (nor below the exact min); 0 when empty. percent in [0, 100]. */
uint64_t hist_percentile(const struct hist *h, double percent);
double hist_mean(const struct hist *h);

unsigned hist_bucket_of(uint64_t value);
uint64_t hist_bucket_low(unsigned bucket); /* smallest value it counts */
uint64_t hist_bucket_high(unsigned bucket); /* largest value it counts */

#endif
