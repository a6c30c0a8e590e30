/*
 * sizes - how long frames are: fixed, the IMIX, a weighted list, or as in the capture that also
 * gives the arrival times. Bytes are defined in arrivals.h.
 */
#ifndef WORKLOADS_SIZES_H
#define WORKLOADS_SIZES_H
#include "base/rng.h"
#include "conf/conf.h"

#define FRAME_MIN 14u /* an Ethernet header */
#define FRAME_MAX 65535u

/* What a rate counts of a frame: its bytes, or what it takes on the wire: padding to the minimum
 * frame, check sequence (4), preamble (8) and inter-frame gap (12). */
#define FRAME_COUNTS "frame|wire"
enum frame_counts { FRAME_COUNTS_FRAME, FRAME_COUNTS_WIRE };

static inline uint32_t frame_counted(uint32_t bytes, enum frame_counts counts)
{
	if (counts == FRAME_COUNTS_FRAME)
		return bytes;
	return (bytes < 60 ? 60 : bytes) + 24;
}

/* A choice among sizes, by weight. n == 0: the capture says. */
struct sizes {
	struct rng rng;
	uint32_t n;
	uint32_t size[CONF_LIST_MAX];
	uint64_t upto[CONF_LIST_MAX]; /* sum of the weights up to and including this one */
};

/* variant is one of sizes_variants[], conf its bound struct. */
void sizes_init(
	struct sizes *s, const struct conf_variant *variant, const void *conf, uint64_t seed);
static inline bool sizes_from_capture(const struct sizes *s)
{
	return s->n == 0;
}
uint32_t sizes_next(struct sizes *s); /* not for sizes of the capture */
double sizes_mean(const struct sizes *s, enum frame_counts counts);

/* Variants of the section "workload.sizes", and its default. */
#define SIZES_DEFAULT  "fixed"
#define SIZES_VARIANTS 4
extern const struct conf_variant sizes_variants[SIZES_VARIANTS];

#endif
