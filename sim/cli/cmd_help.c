#include <string.h>

#include "base/types.h"
#include "cli/args.h"
#include "cli/cli.h"
#include "conf/conf_doc_gen.h"
#include "run/complain.h"
#include "run/metric_docs.h"
#include "run/run.h"
#include "run/schema.h"

static const struct cli_command *find_command(const char *name)
{
	size_t n;
	const struct cli_command *commands = cli_commands(&n);

	for (size_t i = 0; i < n; i++) {
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	}
	return NULL;
}

/* What its --help shows. */
static int help_command(const struct cli_command *c)
{
	char name[32], help[] = "--help";
	char *argv[] = { name, help, NULL };

	snprintf(name, sizeof(name), "%s", c->name);
	return c->run(2, argv);
}

static int write_metrics(void)
{
	struct err err;

	return metric_docs_write(schema_get(), stdout, &err) ? RUN_OK : complain(&err);
}

static int help_word(const char *word)
{
	const struct cli_command *c = find_command(word);
	struct err err;

	if (c)
		return help_command(c);
	if (strcmp(word, "metrics") == 0)
		return write_metrics();
	return conf_help(schema_get(), word, stdout, &err) ? RUN_OK : complain(&err);
}

static int help_index(void)
{
	cli_usage(stdout);
	puts("\nSections of an experiment file:");
	conf_help_index(schema_get(), stdout);
	return RUN_OK;
}

int cmd_help(int argc, char **argv)
{
	bool reference = false, markdown = false, metrics = false;
	const struct cli_option options[] = {
		{ 0, "reference", NULL, "Every key with its default: configs/reference.yaml.",
			.flag = &reference },
		{ 0, "markdown", NULL, "Every key explained: docs/config.md.", .flag = &markdown },
		{ 0, "metrics-markdown", NULL, "Every metric explained: docs/metrics.md.",
			.flag = &metrics },
	};
	const char *word = NULL;
	struct cli_args args = { "help", options, ARRAY_SIZE(options), 0, 1, &word, 0 };
	enum cli_parsed parsed = cli_parse(&args, argc, argv);

	if (parsed != CLI_GO)
		return parsed == CLI_SHOWN ? RUN_OK : RUN_REFUSED;
	if (metrics)
		return write_metrics();
	if (reference)
		conf_write_reference(schema_get(), stdout);
	else if (markdown)
		conf_write_markdown(schema_get(), stdout);
	else
		return word ? help_word(word) : help_index();
	return RUN_OK;
}
