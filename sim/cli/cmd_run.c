#include <stdlib.h>

#include "base/types.h"
#include "cli/args.h"
#include "cli/cli.h"
#include "conf/units.h"
#include "run/complain.h"
#include "run/experiment.h"
#include "run/run.h"
#include "run/schema.h"

#define JOBS_MAX 4096

static bool parse_jobs(const char *text, unsigned *jobs, struct err *err)
{
	uint64_t n;

	*jobs = 0;
	if (!text)
		return true;
	if (!units_parse(CONF_u32, text, &n, NULL) || n == 0 || n > JOBS_MAX)
		return err_set(err, "-j needs a number from 1 to %d, not '%s'", JOBS_MAX, text);
	*jobs = (unsigned)n;
	return true;
}

int cmd_run(int argc, char **argv)
{
	struct experiment e = { .out = "results", .run_point = run_point };
	struct cli_list sets = { 0 };
	const char *jobs = NULL;
	const struct cli_option options[] = {
		{ 'o', "out", "DIR", "Folder for the results' folder (default: results).",
			.text = &e.out },
		{ 'f', "force", NULL, "Replace results of the same name.", .flag = &e.force },
		{ 'j', "jobs", "N", "Points that run at once (default: all CPUs).", .text = &jobs },
		{ 's', "set", "KEY=VALUE", "Set any key, over the file and its sweep; repeatable.",
			.list = &sets },
		{ 'n', "dry-run", NULL, "Check everything, show the points, run nothing.",
			.flag = &e.dry_run },
		{ 'q', "quiet", NULL, "Only say where the results are.", .flag = &e.quiet },
	};
	struct cli_args args = { "run", options, ARRAY_SIZE(options), 1, 1, &e.file, 0 };
	static const char *const no_sets[] = { NULL };
	enum cli_parsed parsed = cli_parse(&args, argc, argv);
	struct err err;
	int status;

	if (parsed != CLI_GO)
		return parsed == CLI_SHOWN ? RUN_OK : RUN_REFUSED;
	e.schema = schema_get();
	e.sets = sets.v ? sets.v : no_sets;
	status = parse_jobs(jobs, &e.jobs, &err) ? experiment_run(&e) : complain(&err);
	free(sets.v);
	return status;
}
