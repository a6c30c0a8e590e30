/*
 * cli - the command line: a table of subcommands, each in a file of its own.
 */
#ifndef SIM_CLI_CLI_H
#define SIM_CLI_CLI_H
#include <stdio.h>

struct cli_command {
	const char *name;
	const char *usage; /* after the name: "FILE [options]" */
	const char *summary; /* one sentence */
	int (*run)(int argc, char **argv); /* argv[0] is the name; returns the exit status */
};

const struct cli_command *cli_commands(size_t *n);
void cli_usage(FILE *out);

/* The program. */
int cli_main(int argc, char **argv);

int cmd_run(int argc, char **argv);
int cmd_plot(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_list(int argc, char **argv);
int cmd_help(int argc, char **argv);
int cmd_conform(int argc, char **argv);
int cmd_machine(int argc, char **argv);
int cmd_trace(int argc, char **argv);

#endif
