/*
 * cmd_trace - the commands behind `iommusim trace`.
 */
#ifndef SIM_CLI_CMD_TRACE_H
#define SIM_CLI_CMD_TRACE_H
#include "cli/args.h"

int cmd_trace_import(int argc, char **argv);

/* Parse; the exit status of --help or of a refusal, or -1: go on. */
int cmd_trace_parse(
	struct cli_args *args, const char *usage, const char *summary, int argc, char **argv);

#endif
