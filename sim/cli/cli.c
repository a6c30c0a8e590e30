#include "cli/cli.h"

#include <string.h>

#include "base/types.h"
#include "conf/conf_suggest.h"
#include "run/complain.h"

static const struct cli_command commands[] = {
	{ "run", "FILE [options]", "Run an experiment; leaves a folder of results.", cmd_run },
	{ "plot", "RESULTS", "Draw the figures of results with gnuplot.", cmd_plot },
	{ "check", "RESULTS [options]",
		"Hold results to their policy's promise and to your assertions.", cmd_check },
	{ "list", "[KIND]", "List allocators, policies, workloads, models, platforms, ...",
		cmd_list },
	{ "help", "[COMMAND | KEY | metrics]",
		"Explain a command, a configuration key, the metrics.", cmd_help },
	{ "conform", "KIND FILE", "Replay vectors recorded from kernels and hardware.",
		cmd_conform },
	{ "trace", "WHAT ...", "Import, generate, look at, cut and merge DMA traces.", cmd_trace },
	{ "machine", "[options]", "Drive one IOMMU by hand: commands on standard input.",
		cmd_machine },
};

const struct cli_command *cli_commands(size_t *n)
{
	*n = ARRAY_SIZE(commands);
	return commands;
}

void cli_usage(FILE *out)
{
	fputs("usage: iommusim COMMAND ...\n\n", out);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(out, "  %-8s %-26s %s\n", commands[i].name, commands[i].usage,
			commands[i].summary);
	fputs("\n'iommusim COMMAND --help' lists a command's options; 'iommusim help KEY' explains a\n"
	      "key of the experiment file. Exit status: 0 done, 1 a promise is broken, 2 user error,\n"
	      "3 a bug of the program.\n",
		out);
}

static int unknown_command(const char *word)
{
	const char *names[ARRAY_SIZE(commands)], *near;
	struct err err;

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		names[i] = commands[i].name;
	near = conf_nearest(word, names, ARRAY_SIZE(commands));
	err_set(&err, "unknown command '%s'", word);
	if (near)
		err_hint(&err, "did you mean '%s'?", near);
	else
		err_hint(&err, "'iommusim help' lists the commands");
	return complain(&err);
}

int cli_main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : NULL;

	if (!word) {
		cli_usage(stderr);
		return 2;
	}
	if (strcmp(word, "--version") == 0) {
		puts("iommusim " IOMMUSIM_VERSION);
		return 0;
	}
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
		cli_usage(stdout);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (strcmp(word, commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	}
	return unknown_command(word);
}
