/* An experiment from file to folder, with a run that only pretends: order of points, independence of
 * the number of jobs, and that no failure leaves anything behind. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/bug.h"
#include "run/experiment.h"
#include "run/folder.h"
#include "run/plan.h"
#include "tests/run/fake_point.h"
#include "tests/run/fixture.h"
#include "tests/unit/unit.h"

#define STUDY                                                                                      \
	"sweep:\n"                                                                                 \
	"  policy.type: [strict, deferred-global]\n"                                               \
	"  cpu.count: [1, 2, 4]\n"

static char *dir, *out;
static const char *no_sets[] = { NULL };

static void set_up(void)
{
	dir = fixture_dir();
	out = xasprintf("%s/out", dir);
}

static void tear_down(void)
{
	free(out);
	fixture_clean(dir);
}

static int fake_run(const struct conf *conf, const char *point_dir, struct err *err)
{
	const struct fixture_conf *top = conf_common(conf, "");
	const struct fixture_cpu_conf *cpu = conf_common(conf, "cpu");

	/* Points that end out of order must not change the results. */
	nanosleep(&(struct timespec){ 0, 40000000 / cpu->count }, NULL);
	if (cpu->count == 4 && top->fate == FATE_REFUSED)
		return err_set(err, "the capture ends early"), RUN_REFUSED;
	if (cpu->count == 4 && top->fate == FATE_KILLED)
		raise(SIGKILL);
	if (top->fate == FATE_HANGS)
		pause();
	if (!fake_point_write(point_dir, cpu->count, conf_variant(conf, "policy")->name, err))
		return RUN_REFUSED;
	return cpu->count == 2 && top->fate == FATE_BROKEN ? RUN_BROKEN : RUN_OK;
}

/* Runs dir/NAME.yaml with its messages in dir/messages and dir/shown. */
static int run_study(const char *yaml, const char *const *sets, unsigned jobs, bool force)
{
	char *file = xasprintf("%s/study.yaml", dir), *messages = xasprintf("%s/messages", dir);
	char *shown = xasprintf("%s/shown", dir);
	const struct experiment e = { .file = file,
		.out = out,
		.sets = sets,
		.force = force,
		.jobs = jobs,
		.schema = fixture_schema(),
		.run_point = fake_run };
	int wstatus;
	pid_t pid;

	fixture_put(dir, "study.yaml", yaml);
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		BUG_ON(!freopen(messages, "w", stderr) || !freopen(shown, "w", stdout));
		wstatus = experiment_run(&e);
		fflush(NULL);
		_exit(wstatus);
	}
	waitpid(pid, &wstatus, 0);
	free(shown);
	free(messages);
	free(file);
	return WIFEXITED(wstatus) ? WEXITSTATUS(wstatus) : 128 + WTERMSIG(wstatus);
}

static void expect_message(const char *part)
{
	char *text = fixture_text(dir, "messages");

	ck_assert_msg(strstr(text, part) != NULL, "'%s' is not in: %s", part, text);
	free(text);
}

START_TEST(points_are_the_product_with_the_first_axis_slowest)
{
	char *file = xasprintf("%s/a.yaml", dir);
	struct conf_doc *doc = conf_doc_create();
	struct plan plan;
	struct err err;

	fixture_put(dir, "a.yaml", STUDY);
	ck_assert(conf_doc_load(doc, file, no_sets, &err));
	ck_assert(plan_make(fixture_schema(), doc, "a", &plan, &err));
	ck_assert_uint_eq(plan.n, 6);
	ck_assert_str_eq(plan.points->point[1].dir, "points/001-policy.type=strict,cpu.count=2");
	ck_assert_str_eq(
		plan.points->point[3].dir, "points/003-policy.type=deferred-global,cpu.count=1");
	ck_assert_uint_eq(
		((const struct fixture_cpu_conf *)conf_common(plan.conf[5], "cpu"))->count, 4);
	ck_assert_str_eq(conf_variant(plan.conf[2], "policy")->name, "strict");
	plan_fini(&plan);
	conf_doc_destroy(doc);
	free(file);
}
END_TEST

START_TEST(an_experiment_without_sweep_is_one_point)
{
	char *results = xasprintf("%s/named", out), *point = xasprintf("%s/points/000", results);

	ck_assert_int_eq(run_study("name: named\ncpu: {count: 2}\n", no_sets, 1, false), RUN_OK);
	ck_assert(folder_exists(point));
	free(point);
	free(results);
}
END_TEST

START_TEST(results_do_not_depend_on_the_number_of_jobs)
{
	char *results = xasprintf("%s/study", out);
	unsigned long long one, three;

	ck_assert_int_eq(run_study(STUDY, no_sets, 1, false), RUN_OK);
	one = fixture_digest(results, "host.txt");
	ck_assert_int_eq(run_study(STUDY, no_sets, 3, true), RUN_OK);
	three = fixture_digest(results, "host.txt");
	ck_assert(one == three);
	ck_assert_int_eq(
		run_study(STUDY, (const char *[]){ "cpu.count=2", NULL }, 3, true), RUN_OK);
	ck_assert(fixture_digest(results, "host.txt") != one); /* the digest sees a difference */
	free(results);
}
END_TEST

START_TEST(the_folder_has_what_it_promises_and_no_more)
{
	static const char *const names[] = { "config.yaml", "points.json", "metrics.csv",
		"summary.txt", "host.txt" };
	char *results = xasprintf("%s/study", out), *shown, *summary;

	ck_assert_int_eq(run_study(STUDY, no_sets, 2, false), RUN_OK);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char *text = fixture_text(results, names[i]);

		ck_assert_ptr_nonnull(text);
		ck_assert_uint_gt(strlen(text), 0);
		free(text);
	}
	ck_assert_uint_eq(fixture_count(results), ARRAY_SIZE(names) + 1); /* and points/ */
	ck_assert_uint_eq(fixture_count(out), 1);
	shown = fixture_text(dir, "shown");
	summary = fixture_text(results, "summary.txt");
	ck_assert_ptr_eq(strstr(shown, summary), shown);
	ck_assert_ptr_nonnull(strstr(shown, results));
	free(shown);
	free(summary);
	free(results);
}
END_TEST

START_TEST(the_written_configuration_repeats_the_experiment)
{
	char *results = xasprintf("%s/study", out), *config;
	unsigned long long first;

	ck_assert_int_eq(run_study(STUDY, no_sets, 2, false), RUN_OK);
	first = fixture_digest(results, "host.txt");
	config = fixture_text(results, "config.yaml");
	ck_assert_int_eq(run_study(config, no_sets, 2, true), RUN_OK);
	ck_assert(fixture_digest(results, "host.txt") == first);
	free(config);
	free(results);
}
END_TEST

START_TEST(a_set_key_pins_its_axis)
{
	char *results = xasprintf("%s/study/points", out);

	ck_assert_int_eq(
		run_study(STUDY, (const char *[]){ "cpu.count=2", NULL }, 2, false), RUN_OK);
	ck_assert_uint_eq(fixture_count(results), 2);
	free(results);
}
END_TEST

START_TEST(a_broken_point_keeps_its_results_and_exits_1)
{
	char *results = xasprintf("%s/study", out);

	ck_assert_int_eq(run_study("fate: broken\n" STUDY, no_sets, 2, false), RUN_BROKEN);
	ck_assert(folder_exists(results));
	free(results);
}
END_TEST

START_TEST(a_refused_point_says_why_and_leaves_nothing)
{
	ck_assert_int_eq(run_study("fate: refused\n" STUDY, no_sets, 2, false), RUN_REFUSED);
	expect_message("iommusim: error: the capture ends early");
	expect_message("policy=strict, CPUs=4");
	ck_assert_uint_eq(fixture_count(out), 0);
}
END_TEST

START_TEST(a_killed_point_is_a_bug_and_leaves_nothing)
{
	ck_assert_int_eq(run_study("fate: killed\n" STUDY, no_sets, 2, false), EXIT_BUG);
	expect_message("killed by signal 9");
	ck_assert_uint_eq(fixture_count(out), 0);
}
END_TEST

START_TEST(a_bad_configuration_writes_nothing_at_all)
{
	ck_assert_int_eq(run_study("cpu: {cuont: 3}\n", no_sets, 1, false), RUN_REFUSED);
	expect_message("study.yaml:1:7: ");
	expect_message("count");
	ck_assert(!folder_exists(out));
	/* also when only one point of the sweep is impossible */
	ck_assert_int_eq(
		run_study("sweep:\n  cpu.count: [1, 65]\n", no_sets, 1, false), RUN_REFUSED);
	expect_message("study.yaml:2:");
	ck_assert(!folder_exists(out));
}
END_TEST

START_TEST(an_interrupt_stops_the_points_and_leaves_nothing)
{
	pid_t pid;
	int wstatus;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		alarm(60);
		signal(SIGINT, SIG_IGN); /* Check's own handler would kill the group */
		_exit(run_study("fate: hangs\n" STUDY, no_sets, 2, false));
	}
	/* The one that runs the experiment is a child of the child: reach both by their group. */
	setpgid(pid, pid);
	while (fixture_count(out) == 0)
		nanosleep(&(struct timespec){ 0, 10000000 }, NULL);
	nanosleep(&(struct timespec){ 0, 200000000 }, NULL);
	kill(-pid, SIGINT);
	waitpid(pid, &wstatus, 0);
	ck_assert(WIFEXITED(wstatus));
	ck_assert_int_eq(WEXITSTATUS(wstatus), 128 + SIGINT);
	ck_assert_uint_eq(fixture_count(out), 0);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("sweep");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, points_are_the_product_with_the_first_axis_slowest);
	tcase_add_test(tc, an_experiment_without_sweep_is_one_point);
	tcase_add_test(tc, results_do_not_depend_on_the_number_of_jobs);
	tcase_add_test(tc, the_folder_has_what_it_promises_and_no_more);
	tcase_add_test(tc, the_written_configuration_repeats_the_experiment);
	tcase_add_test(tc, a_set_key_pins_its_axis);
	tcase_add_test(tc, a_broken_point_keeps_its_results_and_exits_1);
	tcase_add_test(tc, a_refused_point_says_why_and_leaves_nothing);
	tcase_add_test(tc, a_killed_point_is_a_bug_and_leaves_nothing);
	tcase_add_test(tc, a_bad_configuration_writes_nothing_at_all);
	tcase_add_test(tc, an_interrupt_stops_the_points_and_leaves_nothing);
	return unit_run("sweep", tc);
}
