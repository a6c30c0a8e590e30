/*
 * bench - how fast the program itself is. A case sets itself up, runs a fixed amount of work and says
 * how much that was; the harness times it in CPU time, repeats it and reports medians. Figures of two
 * machines, or of two days, do not compare: compare ratios from one run.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H
#include <stdint.h>

/* What one repetition came to. */
struct bench_result {
	uint64_t work; /* units of `unit` done in the timed part */
	uint64_t events; /* engine events of the timed part; 0: none */
	double simulated_s; /* simulated time of it; 0: none */
	double cpu_s; /* host CPU time of it */
};

struct bench_case {
	const char *name, *unit, *help;
	void (*run)(struct bench_result *r);
};

/* Host CPU time of this process in seconds. */
double bench_cpu_s(void);

void bench_lock_mock(struct bench_result *r);
void bench_nic_rx_recycled(struct bench_result *r);
void bench_nic_rx_recycled_dma(struct bench_result *r);
void bench_nic_rx_unmapped(struct bench_result *r);
void bench_iova_rcache(struct bench_result *r);
void bench_iova_bitmap_rr(struct bench_result *r);
void bench_iotlb_hit(struct bench_result *r);
void bench_walk(struct bench_result *r);
void bench_trace_import(struct bench_result *r);
void bench_trace_read(struct bench_result *r);

#endif
