/* The command line: what it refuses, with which words and which exit status. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/bug.h"
#include "cli/args.h"
#include "cli/cli.h"
#include "tests/run/fake_point.h"
#include "tests/run/fixture.h"
#include "tests/unit/unit.h"

#define MAX_WORDS 8

static char *dir;

static void set_up(void)
{
	dir = fixture_dir();
}

static void tear_down(void)
{
	fixture_clean(dir);
}

/* In a process of its own; its output goes to dir/out and dir/err. */
static int call(const char *first, ...)
{
	char *argv[MAX_WORDS + 2] = { xstrdup("iommusim") };
	char *out = xasprintf("%s/out", dir), *errors = xasprintf("%s/err", dir);
	int argc = 1, wstatus;
	va_list ap;
	pid_t pid;

	va_start(ap, first);
	for (const char *word = first; word; word = va_arg(ap, const char *))
		argv[argc++] = xstrdup(word);
	va_end(ap);
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		BUG_ON(!freopen(out, "w", stdout) || !freopen(errors, "w", stderr));
		int status = cli_main(argc, argv);

		fflush(NULL);
		_exit(status);
	}
	waitpid(pid, &wstatus, 0);
	for (int i = 0; i < argc; i++)
		free(argv[i]);
	free(out);
	free(errors);
	return WIFEXITED(wstatus) ? WEXITSTATUS(wstatus) : -1;
}

static void expect_in(const char *file, const char *part)
{
	char *text = fixture_text(dir, file);

	ck_assert_ptr_nonnull(text);
	ck_assert_msg(strstr(text, part) != NULL, "'%s' is not in: %s", part, text);
	free(text);
}

START_TEST(unknown_words_are_answered_with_the_nearest)
{
	ck_assert_int_eq(call("rnu", NULL), 2);
	expect_in("err", "iommusim: error: unknown command 'rnu' (did you mean 'run'?)\n");
	ck_assert_int_eq(call("run", "--forse", "x.yaml", NULL), 2);
	expect_in("err", "did you mean '--force'?");
	ck_assert_int_eq(call("list", "polices", NULL), 2);
	expect_in("err", "did you mean 'policies'?");
	ck_assert_int_eq(call("help", "polcy", NULL), 2);
	expect_in("err", "policy");
}
END_TEST

START_TEST(no_command_shows_the_usage_as_an_error)
{
	ck_assert_int_eq(call(NULL), 2);
	expect_in("err", "usage: iommusim COMMAND");
	ck_assert_int_eq(call("--help", NULL), 0);
	expect_in("out", "usage: iommusim COMMAND");
	ck_assert_int_eq(call("--version", NULL), 0);
	expect_in("out", "iommusim ");
}
END_TEST

START_TEST(too_few_and_too_many_words_are_refused)
{
	ck_assert_int_eq(call("run", NULL), 2);
	ck_assert_int_eq(call("run", "a.yaml", "b.yaml", NULL), 2);
	expect_in("err", "'b.yaml' is one word too many");
	ck_assert_int_eq(call("check", NULL), 2);
	ck_assert_int_eq(call("run", "a.yaml", "-o", NULL), 2);
	expect_in("err", "--out needs a value: DIR");
	ck_assert_int_eq(call("run", "a.yaml", "--force=yes", NULL), 2);
	ck_assert_int_eq(call("run", "a.yaml", "-j", "0", NULL), 2);
	expect_in("err", "-j needs a number");
}
END_TEST

START_TEST(every_command_helps)
{
	size_t n;
	const struct cli_command *commands = cli_commands(&n);

	for (size_t i = 0; i < n; i++) {
		ck_assert_int_eq(call(commands[i].name, "--help", NULL), 0);
		expect_in("out", commands[i].usage);
		ck_assert_int_eq(call("help", commands[i].name, NULL), 0);
		expect_in("out", commands[i].usage);
	}
}
END_TEST

START_TEST(check_exits_0_1_or_2)
{
	static const char *const cpus[] = { "2" }, *const policies[] = { "strict" };
	char *results = xasprintf("%s/results", dir);
	struct points *p = fake_results(results, cpus, 1, policies, 1);
	char *point = point_path(p, 0);

	ck_assert_int_eq(call("check", results, NULL), 0);
	p->point[0].summary.hw_window_max = 1;
	ck_assert(summary_write(&p->point[0].summary, point, NULL));
	ck_assert_int_eq(call("check", results, NULL), 1);
	expect_in("out", "BROKEN");
	fixture_put(point, SUMMARY_FILE, "{");
	ck_assert_int_eq(call("check", results, NULL), 2);
	expect_in("err", "iommusim: error: ");
	expect_in("err", SUMMARY_FILE);
	ck_assert_int_eq(call("check", dir, NULL), 2);
	free(point);
	points_destroy(p);
	free(results);
}
END_TEST

START_TEST(assertions_are_judged_at_every_point)
{
	static const char *const cpus[] = { "2", "4" }, *const policies[] = { "strict",
		"deferred-global" };
	char *results = xasprintf("%s/results", dir), *junit = xasprintf("%s/j.xml", dir);
	char *json = xasprintf("%s/j.json", dir);
	size_t entries;
	char *out;

	points_destroy(fake_results(results, cpus, 2, policies, 2));
	ck_assert_int_eq(call("check", results, "--assert", "max(hw_window) < 20ms", "-a",
				 "stale_accesses == 0", NULL),
		0);
	expect_in("out", "0 of 8 assertions broken");
	ck_assert_int_eq(call("check", results, "--assert", "max(hw_window) == 0", "--junit", junit,
				 "--json", json, NULL),
		1);
	expect_in("out", "2 of 4 assertions broken");
	expect_in("j.xml", "tests=\"24\" failures=\"2\"");
	expect_in("j.xml", "name=\"assertion: max(hw_window) == 0\">\n      <failure message=");
	expect_in("j.json", "\"broken\": 2,");
	expect_in("j.json", "\"what\": \"max(hw_window) == 0\"");
	entries = fixture_count(dir);
	ck_assert_int_eq(
		call("check", results, "-a", "max(hw_windw) == 0", "--json", json, NULL), 2);
	expect_in("err", "--assert:1:5: max(hw_windw) == 0: there is no metric 'hw_windw' "
			 "(did you mean 'windows.hw_window'?)");
	out = fixture_text(dir, "out");
	ck_assert_str_eq(out, "");
	free(out);
	expect_in("j.json", "\"broken\": 2,"); /* as it was */
	ck_assert_int_eq(call("check", results, "--json", json, "--junit", results, NULL), 2);
	expect_in("err", "cannot write");
	ck_assert_uint_eq(fixture_count(dir), entries);
	free(results);
	free(junit);
	free(json);
}
END_TEST

START_TEST(options_are_understood_in_every_spelling)
{
	static const char *const lines[][4] = {
		{ "--out", "here", "-f", "file" },
		{ "file", "--out=here", "--force", "--" },
		{ "-ohere", "-f", "--", "file" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		const char *out = NULL, *operand = NULL;
		bool force = false;
		const struct cli_option options[] = {
			{ 'o', "out", "DIR", "Out.", .text = &out },
			{ 'f', "force", NULL, "Force.", .flag = &force },
		};
		struct cli_args a = { "run", options, ARRAY_SIZE(options), 1, 1, &operand, 0 };
		char *argv[5] = { xstrdup("run") };

		for (int k = 0; k < 4; k++)
			argv[k + 1] = xstrdup(lines[i][k]);
		ck_assert_int_eq(cli_parse(&a, 5, argv), CLI_GO);
		ck_assert_str_eq(out, "here");
		ck_assert_str_eq(operand, "file");
		ck_assert(force);
		for (int k = 0; k < 5; k++)
			free(argv[k]);
	}
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("cli");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, unknown_words_are_answered_with_the_nearest);
	tcase_add_test(tc, no_command_shows_the_usage_as_an_error);
	tcase_add_test(tc, too_few_and_too_many_words_are_refused);
	tcase_add_test(tc, every_command_helps);
	tcase_add_test(tc, check_exits_0_1_or_2);
	tcase_add_test(tc, assertions_are_judged_at_every_point);
	tcase_add_test(tc, options_are_understood_in_every_spelling);
	return unit_run("cli", tc);
}
