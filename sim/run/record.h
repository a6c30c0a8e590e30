/*
 * record - a run as a DMA trace: what the DMA layer is asked for and what devices send, in order of time,
 * with the caller's times. CPUs run ahead of the engine, each by its own, so steps wait until the engine
 * has come by: then nobody can come earlier any more.
 */
#ifndef SIM_RUN_RECORD_H
#define SIM_RUN_RECORD_H
#include "dma/dma.h"
#include "trace/file.h"

struct recorder;

/* Into `out`, which stays the caller's and outlives it. */
struct recorder *recorder_create(struct trace_writer *out);
const struct dma_observer *recorder_observer(const struct recorder *r);
/* Before anything happens. */
void recorder_begin(struct recorder *r, const struct engine *e);
/* After the run: everything is written. */
void recorder_end(struct recorder *r);
/* DMAs that went to no mapping, or beyond one: a trace cannot hold them. */
uint64_t recorder_outside(const struct recorder *r);
void recorder_destroy(struct recorder *r);

/* `iommusim trace gen`: run the one point of `conf` and write its trace; the exit status. */
int record_run(
	const struct conf *conf, const char *from, const char *out, FILE *report, struct err *err);

#endif
