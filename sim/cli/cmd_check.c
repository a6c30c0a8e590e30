#include <stdlib.h>

#include "base/alloc.h"
#include "base/types.h"
#include "cli/args.h"
#include "cli/cli.h"
#include "run/check.h"
#include "run/complain.h"
#include "run/run.h"

/* NULL with *err. */
static struct assertion *parse_all(const struct cli_list *texts, struct err *err)
{
	struct assertion *a = xcalloc(texts->n + 1, sizeof(*a));

	for (size_t i = 0; i < texts->n; i++) {
		if (!assertion_parse(&a[i], texts->v[i], err)) {
			free(a);
			return NULL;
		}
	}
	return a;
}

int cmd_check(int argc, char **argv)
{
	struct cli_list texts = { 0 };
	struct check check = { 0 };
	const char *dir;
	const struct cli_option options[] = {
		{ 'a', "assert", "EXPR",
			"Demand it of every point: 'max(hw_window) <= 10ms'; repeatable.",
			.list = &texts },
		{ 0, "junit", "FILE", "Write the verdicts as JUnit XML.", .text = &check.junit },
		{ 0, "json", "FILE", "Write the verdicts as JSON.", .text = &check.json },
	};
	struct cli_args args = { "check", options, ARRAY_SIZE(options), 1, 1, &dir, 0 };
	enum cli_parsed parsed = cli_parse(&args, argc, argv);
	struct assertion *assertions = NULL;
	struct points *points = NULL;
	int status = RUN_REFUSED;
	struct err err;

	if (parsed == CLI_GO) {
		assertions = parse_all(&texts, &err);
		points = assertions ? points_load(dir, &err) : NULL;
		check.assertion = assertions;
		check.n = texts.n;
		if (points)
			status = check_results(points, &check, stdout, &err);
		if (status == RUN_REFUSED)
			complain(&err);
	} else if (parsed == CLI_SHOWN) {
		status = RUN_OK;
	}
	points_destroy(points);
	free(assertions);
	free(texts.v);
	return status;
}
