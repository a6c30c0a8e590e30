#include "base/types.h"
#include "cli/args.h"
#include "cli/cli.h"
#include "run/complain.h"
#include "run/conform.h"
#include "run/run.h"

static void show_kinds(void)
{
	size_t n;
	const struct conform_kind *const *kinds = conform_kinds(&n);

	puts("kinds of vectors:");
	for (size_t i = 0; i < n; i++)
		printf("  %-12s %s\n", conform_kind_name(kinds[i]), conform_kind_summary(kinds[i]));
}

int cmd_conform(int argc, char **argv)
{
	const char *operand[2];
	struct cli_args args = { "conform", NULL, 0, 0, 2, operand, 0 };
	enum cli_parsed parsed = cli_parse(&args, argc, argv);
	struct err err;
	int status;

	if (parsed != CLI_GO)
		return parsed == CLI_SHOWN ? RUN_OK : RUN_REFUSED;
	if (args.n == 0) {
		show_kinds();
		return RUN_OK;
	}
	if (args.n == 1) {
		err_set(&err, "'iommusim conform %s' needs a file of vectors", operand[0]);
		return complain(&err);
	}
	status = conform_replay_by_name(operand[0], operand[1], stdout, &err);
	return status == RUN_REFUSED ? complain(&err) : status;
}
