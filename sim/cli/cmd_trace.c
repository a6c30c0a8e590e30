#include "cli/cmd_trace.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/types.h"
#include "cli/cli.h"
#include "conf/conf_suggest.h"
#include "conf/units.h"
#include "run/complain.h"
#include "run/run.h"
#include "trace/tools.h"

int cmd_trace_parse(
	struct cli_args *args, const char *usage, const char *summary, int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			printf("usage: iommusim %s %s\n\n%s\n", args->command, usage, summary);
			break;
		}
	}
	switch (cli_parse(args, argc, argv)) {
	case CLI_SHOWN:
		return RUN_OK;
	case CLI_REFUSED:
		return RUN_REFUSED;
	default:
		return -1;
	}
}

static int done(bool ok, const struct err *err)
{
	return ok ? RUN_OK : complain(err);
}

static int info(int argc, char **argv)
{
	const char *file;
	struct cli_args args = { "trace info", NULL, 0, 1, 1, &file, 0 };
	int status = cmd_trace_parse(&args, "FILE",
		"Counts, sizes, lifetimes, CPUs, working set and rates of a trace.", argc, argv);
	struct err err;

	return status >= 0 ? status : done(trace_info_print(file, stdout, &err), &err);
}

/* "1000" as a number; NULL text leaves *v. */
static bool get_number(const char *text, const char *option, uint64_t *v, struct err *err)
{
	if (!text || units_parse(CONF_u64, text, v, err))
		return true;
	snprintf(err->path, sizeof(err->path), "--%s", option);
	return false;
}

bool cmd_trace_get_time(const char *text, const char *option, sim_time *t, struct err *err)
{
	if (!text || units_parse(CONF_time, text, t, err))
		return true;
	snprintf(err->path, sizeof(err->path), "--%s", option);
	return false;
}

static int dump(int argc, char **argv)
{
	const char *file, *from_text = NULL, *most_text = NULL;
	const struct cli_option options[] = {
		{ 'f', "from", "N", "Begin with record N, from 0.", .text = &from_text },
		{ 'n', "records", "N", "At most N records.", .text = &most_text },
	};
	struct cli_args args = { "trace dump", options, ARRAY_SIZE(options), 1, 1, &file, 0 };
	int status = cmd_trace_parse(&args, "FILE [options]",
		"A trace as text, which `trace import' reads back.", argc, argv);
	uint64_t from = 0, most = UINT64_MAX;
	struct err err;

	if (status >= 0)
		return status;
	return done(get_number(from_text, "from", &from, &err) &&
			    get_number(most_text, "records", &most, &err) &&
			    trace_dump(file, from, most, stdout, &err),
		&err);
}

bool cmd_trace_need_out(const char *out, struct err *err)
{
	if (out)
		return true;
	err_set(err, "where to?");
	return err_hint(err, "-o FILE names the trace to be written");
}

static int cut(int argc, char **argv)
{
	const char *file, *out = NULL, *from_text = NULL, *to_text = NULL;
	const struct cli_option options[] = {
		{ 'f', "from", "TIME", "Begin there (250ms); default 0.", .text = &from_text },
		{ 't', "to", "TIME", "End before it; default the end.", .text = &to_text },
		{ 'o', "out", "FILE", "The new trace.", .text = &out },
	};
	struct cli_args args = { "trace cut", options, ARRAY_SIZE(options), 1, 1, &file, 0 };
	int status = cmd_trace_parse(&args, "FILE -o FILE [options]",
		"A piece of a trace, with what lives at its beginning.", argc, argv);
	sim_time from = 0, to = SIM_TIME_NEVER;
	struct err err;

	if (status >= 0)
		return status;
	return done(cmd_trace_need_out(out, &err) &&
			    cmd_trace_get_time(from_text, "from", &from, &err) &&
			    cmd_trace_get_time(to_text, "to", &to, &err) &&
			    trace_cut(file, from, to, out, &err),
		&err);
}

static int merge(int argc, char **argv)
{
	const char *file[TRACE_MERGE_MAX], *out = NULL;
	const struct cli_option options[] = {
		{ 'o', "out", "FILE", "The new trace.", .text = &out },
	};
	struct cli_args args = { "trace merge", options, ARRAY_SIZE(options), 1, TRACE_MERGE_MAX,
		file, 0 };
	int status = cmd_trace_parse(
		&args, "FILE... -o FILE", "Several traces as one, in order of time.", argc, argv);
	struct err err;

	if (status >= 0)
		return status;
	return done(cmd_trace_need_out(out, &err) && trace_merge(file, args.n, out, &err), &err);
}

static const struct cli_command commands[] = {
	{ "import", "FILE... -o FILE", "Make a trace of what other tools recorded.",
		cmd_trace_import },
	{ "gen", "CONFIG -o FILE", "Run an experiment and write its trace.", cmd_trace_gen },
	{ "export", "CONFIG -o FILE", "Run an experiment and draw a stretch of it for Perfetto.",
		cmd_trace_export },
	{ "info", "FILE", "One screen about a trace.", info },
	{ "dump", "FILE", "A trace as text.", dump },
	{ "cut", "FILE -o FILE", "A piece of a trace.", cut },
	{ "merge", "FILE... -o FILE", "Several traces as one.", merge },
};

static int usage(FILE *out)
{
	fputs("usage: iommusim trace WHAT ...\n\n", out);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(out, "  %-7s %-18s %s\n", commands[i].name, commands[i].usage,
			commands[i].summary);
	fputs("\n'iommusim trace WHAT --help' lists the options.\n", out);
	return out == stderr ? RUN_REFUSED : RUN_OK;
}

static int unknown(const char *word)
{
	const char *names[ARRAY_SIZE(commands)], *near;
	struct err err;

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		names[i] = commands[i].name;
	near = conf_nearest(word, names, ARRAY_SIZE(commands));
	err_set(&err, "unknown command 'trace %s'", word);
	if (near)
		err_hint(&err, "did you mean 'trace %s'?", near);
	else
		err_hint(&err, "'iommusim trace --help' lists them");
	return complain(&err);
}

int cmd_trace(int argc, char **argv)
{
	if (argc < 2)
		return usage(stderr);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return usage(stdout);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	return unknown(argv[1]);
}
