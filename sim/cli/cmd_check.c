#include "base/types.h"
#include "cli/args.h"
#include "cli/cli.h"
#include "run/check.h"
#include "run/complain.h"
#include "run/run.h"

int cmd_check(int argc, char **argv)
{
	const char *dir;
	struct cli_args args = { "check", NULL, 0, 1, 1, &dir, 0 };
	enum cli_parsed parsed = cli_parse(&args, argc, argv);
	struct points *points;
	struct err err;
	int status;

	if (parsed != CLI_GO)
		return parsed == CLI_SHOWN ? RUN_OK : RUN_REFUSED;
	points = points_load(dir, &err);
	status = points ? check_points(points, stdout) : complain(&err);
	points_destroy(points);
	return status;
}
