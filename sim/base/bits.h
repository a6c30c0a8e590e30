/*
 * bits - masks and fields the way specifications write them: GENMASK64(high, low), FIELD_GET.
 * No C bitfields anywhere: their layout is the compiler's, not the specification's.
 */
#ifndef SIM_BASE_BITS_H
#define SIM_BASE_BITS_H
#include <stdbool.h>
#include <stdint.h>

#define BIT64(n)            ((uint64_t)1 << (n))
#define GENMASK64(h, l)     ((~(uint64_t)0 >> (63 - (h))) & (~(uint64_t)0 << (l)))
#define FIELD_GET(mask, v)  (((uint64_t)(v) & (mask)) / ((mask) & (~(mask) + 1)))
#define FIELD_PREP(mask, v) (((uint64_t)(v) * ((mask) & (~(mask) + 1))) & (mask))

static inline bool is_pow2(uint64_t v)
{
	return v != 0 && (v & (v - 1)) == 0;
}

/* floor(log2(v)), v > 0 */
static inline unsigned ilog2_floor(uint64_t v)
{
	return 63u - (unsigned)__builtin_clzll(v);
}

/* ceil(log2(v)), v > 0 */
static inline unsigned ilog2_ceil(uint64_t v)
{
	return v <= 1 ? 0 : ilog2_floor(v - 1) + 1;
}

static inline uint64_t round_down_lg2(uint64_t v, unsigned lg2)
{
	return v & ~(BIT64(lg2) - 1);
}

static inline uint64_t round_up_lg2(uint64_t v, unsigned lg2)
{
	return round_down_lg2(v + BIT64(lg2) - 1, lg2);
}

#endif
