/*
 * series - how a run went over time: samples at equal distances of the measured time, for series.csv.
 */
#ifndef SIM_RUN_SERIES_H
#define SIM_RUN_SERIES_H
#include "base/err.h"
#include "base/types.h"

#define SERIES_SAMPLES 200u

struct series_sample {
	sim_time at; /* since measuring began */
	uint64_t units; /* delivered so far */
	uint64_t unmaps,
		stale_pages; /* unmapped so far; unmapped pages that a cache can translate now */
};

struct series {
	unsigned n;
	struct series_sample sample[SERIES_SAMPLES];
};

bool series_write(const struct series *s, const char *dir, struct err *err);

#endif
