#include "base/types.h"
#include "cli/args.h"
#include "cli/cli.h"
#include "run/complain.h"
#include "run/plot.h"
#include "run/run.h"

int cmd_plot(int argc, char **argv)
{
	const char *dir;
	struct cli_args args = { "plot", NULL, 0, 1, 1, &dir, 0 };
	enum cli_parsed parsed = cli_parse(&args, argc, argv);
	struct points *points;
	struct err err;
	int status = RUN_OK;

	if (parsed != CLI_GO)
		return parsed == CLI_SHOWN ? RUN_OK : RUN_REFUSED;
	points = points_load(dir, &err);
	if (!points || !plot_points(points, stdout, &err))
		status = complain(&err);
	points_destroy(points);
	return status;
}
