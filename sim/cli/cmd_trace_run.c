/* The commands that run an experiment of one point to look at it. */
#include <stdlib.h>
#include <string.h>

#include "cli/cmd_trace.h"
#include "run/complain.h"
#include "run/experiment.h"
#include "run/record.h"
#include "run/run.h"
#include "run/schema.h"
#include "run/timeline.h"

/* What both take. */
struct request {
	struct experiment experiment;
	struct cli_list sets;
	const char *out, *format, *from, *to;
	struct timeline_options timeline;
};

static int go(struct request *q, experiment_point_fn *fn)
{
	static const char *const no_sets[] = { NULL };
	struct err err;
	int status;

	q->experiment.schema = schema_get();
	q->experiment.sets = q->sets.v ? q->sets.v : no_sets;
	status = cmd_trace_need_out(q->out, &err) ? experiment_point(&q->experiment, fn, q)
						  : complain(&err);
	free(q->sets.v);
	return status;
}

static int record(void *arg, const struct conf *conf, struct err *err)
{
	struct request *q = arg;

	return record_run(conf, q->experiment.file, q->out, stdout, err);
}

int cmd_trace_gen(int argc, char **argv)
{
	struct request q = { .out = NULL };
	const struct cli_option options[] = {
		{ 'o', "out", "FILE", "The trace.", .text = &q.out },
		{ 's', "set", "KEY=VALUE", "Set any key, over the file and its sweep; repeatable.",
			.list = &q.sets },
	};
	struct cli_args args = { "trace gen", options, ARRAY_SIZE(options), 1, 1,
		&q.experiment.file, 0 };
	int status = cmd_trace_parse(&args, "CONFIG -o FILE [options]",
		"What an experiment of one point maps, accesses and unmaps.", argc, argv);

	return status >= 0 ? status : go(&q, record);
}

static int draw(void *arg, const struct conf *conf, struct err *err)
{
	struct request *q = arg;
	struct timeline_options *o = &q->timeline;

	o->to = SIM_TIME_NEVER;
	if (!cmd_trace_get_time(q->from, "from", &o->from, err) ||
		!cmd_trace_get_time(q->to, "to", &o->to, err))
		return RUN_REFUSED;
	if (q->format && strcmp(q->format, "csv") == 0) {
		o->format = TIMELINE_CSV;
	} else if (q->format && strcmp(q->format, "chrome") != 0) {
		err_set(err, "'%s' is no format: chrome or csv", q->format);
		return RUN_REFUSED;
	}
	return timeline_run(conf, o, q->out, err);
}

int cmd_trace_export(int argc, char **argv)
{
	struct request q = { .out = NULL };
	const struct cli_option options[] = {
		{ 'o', "out", "FILE", "The picture's data.", .text = &q.out },
		{ 0, "format", "FORMAT", "chrome (default: trace-event JSON for Perfetto) or csv.",
			.text = &q.format },
		{ 'f', "from", "TIME", "Leave out what ends before (5ms).", .text = &q.from },
		{ 't', "to", "TIME", "Leave out what begins after.", .text = &q.to },
		{ 's', "set", "KEY=VALUE", "Set any key, over the file and its sweep; repeatable.",
			.list = &q.sets },
	};
	struct cli_args args = { "trace export", options, ARRAY_SIZE(options), 1, 1,
		&q.experiment.file, 0 };
	int status = cmd_trace_parse(&args, "CONFIG -o FILE [options]",
		"What CPUs, locks, walkers, queues and devices were busy with, when.", argc, argv);

	return status >= 0 ? status : go(&q, draw);
}
