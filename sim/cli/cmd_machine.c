#include <stdio.h>
#include <stdlib.h>

#include "base/types.h"
#include "cli/args.h"
#include "cli/cli.h"
#include "run/complain.h"
#include "run/console.h"
#include "run/hw_rig.h"
#include "run/run.h"
#include "run/schema.h"

static bool configure(const struct cli_list *sets, struct conf **conf, struct err *err)
{
	struct conf_doc *doc = conf_doc_create();
	bool ok = true;

	for (size_t i = 0; ok && i < sets->n; i++)
		ok = conf_doc_set(doc, sets->v[i], "--set", err);
	ok = ok && conf_bind(schema_get(), doc, conf, err);
	conf_doc_destroy(doc);
	return ok;
}

int cmd_machine(int argc, char **argv)
{
	struct cli_list sets = { 0 };
	const struct cli_option options[] = {
		{ 's', "set", "KEY=VALUE", "Set a key of iommu, memory, ...; repeatable.",
			.list = &sets },
	};
	struct cli_args args = { "machine", options, ARRAY_SIZE(options), 0, 0, NULL, 0 };
	enum cli_parsed parsed = cli_parse(&args, argc, argv);
	struct hw_rig rig;
	struct conf *conf;
	struct err err;
	int status;

	if (parsed != CLI_GO)
		return parsed == CLI_SHOWN ? RUN_OK : RUN_REFUSED;
	if (configure(&sets, &conf, &err) && hw_rig_create(&rig, conf, &err)) {
		status = console_run(&rig, stdin, stdout) ? RUN_OK : RUN_REFUSED;
		hw_rig_destroy(&rig);
	} else {
		status = complain(&err);
	}
	free(sets.v);
	return status;
}
