/*
 * timeline - a stretch of a run as a picture: what every CPU, lock, walker, invalidation queue and device
 * was busy with, and how many unmapped pages a cache could still translate. Chrome's trace-event JSON,
 * which Perfetto (ui.perfetto.dev) and chrome://tracing open, or CSV.
 */
#ifndef SIM_RUN_TIMELINE_H
#define SIM_RUN_TIMELINE_H
#include <stdio.h>
#include "conf/conf.h"

enum timeline_format { TIMELINE_CHROME, TIMELINE_CSV };

struct timeline_options {
	enum timeline_format format;
	sim_time from, to; /* spans that end before or begin after are left out */
};

/* Run the one point of `conf`; the exit status. */
int timeline_run(const struct conf *conf, const struct timeline_options *options, const char *out,
	struct err *err);

#endif
