/*
 * fake_point - the files of a point as a run would leave them, from a queueing formula instead of a
 * simulation: for tests of everything that reads results.
 */
#ifndef TESTS_RUN_FAKE_POINT_H
#define TESTS_RUN_FAKE_POINT_H
#include "run/points.h"

/* policy "strict": windows of 0; any other: windows up to 10 ms. Deterministic. */
bool fake_point_write(const char *dir, unsigned cpus, const char *policy, struct err *err);

/* The index and every point of cpus x policies, under root, which is made. */
struct points *fake_results(const char *root, const char *const *cpus, size_t ncpus,
	const char *const *policies, size_t npolicies);

#endif
