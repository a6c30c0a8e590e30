/*
 * args - options of a subcommand, from a table that also writes its --help.
 */
#ifndef SIM_CLI_ARGS_H
#define SIM_CLI_ARGS_H
#include "base/err.h"

/* Exactly one of flag, text, list is set: where the option goes. */
struct cli_option {
	char letter; /* 'o'; 0: none */
	const char *name; /* "out" */
	const char *metavar; /* "DIR"; NULL for a flag */
	const char *help;
	bool *flag;
	const char **text;
	struct cli_list *list; /* may be given several times */
};

/* NULL-terminated; free() the values' array only. */
struct cli_list {
	const char **v;
	size_t n;
};

struct cli_args {
	const char *command; /* "run" */
	const struct cli_option *options;
	size_t noptions;
	size_t min, max; /* operands */
	const char **operand; /* room for max */
	size_t n; /* operands given */
};

enum cli_parsed {
	CLI_GO, /* do it */
	CLI_SHOWN, /* --help has been shown: exit status 0 */
	CLI_REFUSED, /* reported: exit status 2 */
};

enum cli_parsed cli_parse(struct cli_args *a, int argc, char **argv);

#endif
