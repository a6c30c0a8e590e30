#include "base/hist.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bits.h"

#define SUB (1u << HIST_SUB_LG2)

/* Values below SUB are their own bucket; above, bucket = (power, next HIST_SUB_LG2 bits). */
unsigned hist_bucket_of(uint64_t value)
{
	unsigned power;

	if (value < SUB)
		return (unsigned)value;
	power = ilog2_floor(value) - HIST_SUB_LG2;
	return ((power + 1) << HIST_SUB_LG2) + ((unsigned)(value >> power) & (SUB - 1));
}

uint64_t hist_bucket_low(unsigned bucket)
{
	unsigned power;

	if (bucket < SUB)
		return bucket;
	power = (bucket >> HIST_SUB_LG2) - 1;
	return (uint64_t)(SUB + (bucket & (SUB - 1))) << power;
}

uint64_t hist_bucket_high(unsigned bucket)
{
	return bucket + 1 < HIST_BUCKETS ? hist_bucket_low(bucket + 1) - 1 : UINT64_MAX;
}

void hist_init(struct hist *h)
{
	*h = (struct hist){ .min = UINT64_MAX };
}

void hist_fini(struct hist *h)
{
	free(h->bucket);
	hist_init(h);
}

void hist_reset(struct hist *h)
{
	uint64_t *bucket = h->bucket;

	if (bucket)
		memset(bucket, 0, HIST_BUCKETS * sizeof(*bucket));
	*h = (struct hist){ .min = UINT64_MAX, .bucket = bucket };
}

void hist_add_n(struct hist *h, uint64_t value, uint64_t n)
{
	if (n == 0)
		return;
	if (!h->bucket)
		h->bucket = xcalloc(HIST_BUCKETS, sizeof(*h->bucket));
	h->bucket[hist_bucket_of(value)] += n;
	h->count += n;
	h->sum += value * n;
	if (value < h->min)
		h->min = value;
	if (value > h->max)
		h->max = value;
}

void hist_add(struct hist *h, uint64_t value)
{
	hist_add_n(h, value, 1);
}

void hist_merge(struct hist *into, const struct hist *from)
{
	if (from->count == 0)
		return;
	if (!into->bucket)
		into->bucket = xcalloc(HIST_BUCKETS, sizeof(*into->bucket));
	for (unsigned i = 0; i < HIST_BUCKETS; i++)
		into->bucket[i] += from->bucket[i];
	into->count += from->count;
	into->sum += from->sum;
	if (from->min < into->min)
		into->min = from->min;
	if (from->max > into->max)
		into->max = from->max;
}

uint64_t hist_percentile(const struct hist *h, double percent)
{
	uint64_t need, seen = 0, high;

	if (h->count == 0)
		return 0;
	need = (uint64_t)(percent / 100.0 * (double)h->count + 0.9999999);
	if (need < 1)
		need = 1;
	if (need > h->count)
		need = h->count;
	for (unsigned i = 0; i < HIST_BUCKETS; i++) {
		seen += h->bucket[i];
		if (seen >= need) {
			high = hist_bucket_high(i);
			high = high > h->max ? h->max : high;
			return high < h->min ? h->min : high;
		}
	}
	return h->max;
}

double hist_mean(const struct hist *h)
{
	return h->count ? (double)h->sum / (double)h->count : 0.0;
}
