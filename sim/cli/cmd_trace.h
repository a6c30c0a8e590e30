/*
 * cmd_trace - the commands behind `iommusim trace`.
 */
#ifndef SIM_CLI_CMD_TRACE_H
#define SIM_CLI_CMD_TRACE_H
#include "base/types.h"
#include "cli/args.h"

int cmd_trace_import(int argc, char **argv);
int cmd_trace_gen(int argc, char **argv);
int cmd_trace_export(int argc, char **argv);

/* Parse; the exit status of --help or of a refusal, or -1: go on. */
int cmd_trace_parse(
	struct cli_args *args, const char *usage, const char *summary, int argc, char **argv);

/* -o must be given; a time of an option, NULL leaves *t. False: *err is set. */
bool cmd_trace_need_out(const char *out, struct err *err);
bool cmd_trace_get_time(const char *text, const char *option, sim_time *t, struct err *err);

#endif
