/*
 * conf_doc_gen: do the generated texts say what the tables say, and do the files among them load back
 * to themselves?
 */
#include "conf/conf_doc_gen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf_fixture.h"
#include "unit.h"

static char *printed; /* by the last of the functions below */
static size_t printed_len;

static FILE *open_print(void)
{
	FILE *f;

	free(printed);
	printed = NULL;
	f = open_memstream(&printed, &printed_len);
	ck_assert_ptr_nonnull(f);
	return f;
}

static char *write_conf(const struct conf *c, void (*write)(const struct conf *, FILE *))
{
	FILE *f = open_print();

	write(c, f);
	fclose(f);
	return printed;
}

static const char *help(const char *what)
{
	FILE *f = open_print();
	struct err err;

	ck_assert_msg(conf_help(&fixture_schema, what, f, &err), "%s", err.text);
	fclose(f);
	return printed;
}

static void expect_same_help(const char *a, const char *b)
{
	char *first = strdup(help(a));

	ck_assert_str_eq(help(b), first);
	free(first);
}

static void resolve(struct conf_doc *doc)
{
	struct err err;

	ck_assert_msg(conf_resolve_sweep(&fixture_schema, doc, &err), "%s", err.text);
}

/* Text -> conf -> text' -> conf -> text'': text' and text'' are the same bytes; returns text'. */
static char *round_trip(const char *text, void (*write)(const struct conf *, FILE *))
{
	struct conf_doc *doc = fixture_load(text);
	struct conf *c;
	char *first;

	resolve(doc);
	c = fixture_bind(doc);
	first = strdup(write_conf(c, write));
	conf_destroy(c);
	conf_doc_destroy(doc);
	doc = fixture_load(first);
	resolve(doc);
	c = fixture_bind(doc);
	ck_assert_str_eq(write_conf(c, write), first);
	conf_destroy(c);
	conf_doc_destroy(doc);
	return first;
}

static const char rich[] = "seed: 0xffffffffffffffff\n"
			   "title: \"it's: \\\"quoted\\\" \\\\ # and\\ttabbed, \xc3\xa9\"\n"
			   "warmup: 0.1234567890123\n"
			   "cpu: {count: 1e1, clock: 2.4GHz, lock: queued}\n"
			   "policy: {type: deferred-global, timeout: 1500us, log: some/file}\n"
			   "workload: {sizes: 64, link: 2500Mbps, buffer: 9kB, arrivals: pcap}\n";

START_TEST(the_effective_configuration_is_complete_and_loads_back_to_the_same_bytes)
{
	char *text = round_trip(rich, conf_write_effective);
	char want[1024];

	snprintf(want, sizeof(want),
		"seed: 18446744073709551615\n"
		"title: \"it's: \\\"quoted\\\" \\\\ # and\\x09tabbed, \xc3\xa9\"\n"
		"warmup: 0.1234567890123\n"
		"cpu:\n"
		"  count: 10\n"
		"  clock: 2.4GHz\n"
		"  lock: queued\n"
		"policy:\n"
		"  type: deferred-global\n"
		"  entries: 250\n"
		"  timeout: 1.5ms\n"
		"  log: %s/some/file\n"
		"workload:\n"
		"  type: nic_rx\n"
		"  sizes: [64]\n"
		"  link: 2.5Gbps\n"
		"  buffer: 9000B\n"
		"  arrivals:\n"
		"    type: pcap\n"
		"    file: \"\"\n",
		fixture_folder());
	ck_assert_str_eq(text, want);
	free(text);
}
END_TEST

START_TEST(texts_that_look_like_something_else_are_quoted)
{
	static const char *const titles[] = { "", "~", "null", "a: b", "- x", "#x", "[1]", "{a}",
		"&a", "*a", "!t", "'q'", "\"q\"", " lead", "trail ", "%x", "@x", "`x", "a\nb",
		"true", "1e6", "back\\slash" };

	for (size_t i = 0; i < ARRAY_SIZE(titles); i++) {
		struct conf_doc *doc = conf_doc_create();
		struct conf *c, *again;
		char assignment[64];

		snprintf(assignment, sizeof(assignment), "title=%s", titles[i]);
		ck_assert(conf_doc_set(doc, assignment, "--set", NULL));
		c = fixture_bind(doc);
		write_conf(c, conf_write_effective);
		conf_destroy(c);
		conf_doc_destroy(doc);
		doc = fixture_load(printed);
		again = fixture_bind(doc);
		ck_assert_str_eq(
			((const struct top_conf *)conf_common(again, ""))->title, titles[i]);
		conf_destroy(again);
		conf_doc_destroy(doc);
	}
}
END_TEST

START_TEST(an_experiment_keeps_its_sweep_and_the_keys_that_points_wait_for)
{
	char *text = round_trip("policy: {timeout: 2000us}\n"
				"sweep:\n"
				"  policy: [strict, deferred-global]\n"
				"  cpu: {count: [1, 2]}\n"
				"  workload.sizes: [[64, 128], [1500]]\n",
		conf_write_experiment);

	ck_assert_ptr_nonnull(strstr(text, "policy:\n  type: strict\n  timeout: 2ms\nworkload:"));
	ck_assert_ptr_nonnull(strstr(text, "\nsweep:\n"
					   "  policy.type: [strict, deferred-global]\n"
					   "  cpu.count: [1, 2]\n"
					   "  workload.sizes: [[64, 128], [1500]]\n"));
	free(text);
}
END_TEST

START_TEST(a_default_is_not_forced_upon_variants_with_another_one)
{
	char *text = round_trip("policy: deferred-global\n"
				"sweep: {policy: [deferred-global, deferred-percpu]}\n",
		conf_write_experiment);

	/* entries is 250 for the one and 64 for the other: written down it would be both's. */
	ck_assert_ptr_null(strstr(text, "entries"));
	ck_assert_ptr_nonnull(strstr(text, "timeout: 10ms"));
	free(text);
}
END_TEST

START_TEST(swept_platforms_keep_their_say)
{
	char *text;

	fixture_file("platforms/a.yaml", "cpu.count: 2\n");
	fixture_file("platforms/b.yaml", "cpu.count: 3\n");
	text = round_trip("seed: 5\nsweep: {platform: [a, b]}\n", conf_write_experiment);
	ck_assert_ptr_null(strstr(text, "count"));
	ck_assert_ptr_nonnull(strstr(text, "seed: 5\n"));
	ck_assert_ptr_nonnull(strstr(text, "  platform: [a, b]\n"));
	free(text);
}
END_TEST

START_TEST(the_reference_is_a_valid_file_of_defaults)
{
	FILE *f = open_print();
	struct conf_doc *doc;
	struct conf *c;
	char *defaults;

	conf_write_reference(&fixture_schema, f);
	fclose(f);
	ck_assert_ptr_nonnull(
		strstr(printed, "  # CPUs that take part. [1 to 1024 CPUs]\n  count: 8\n"));
	ck_assert_ptr_nonnull(strstr(printed, "  # Spinlock algorithm. [ticket, queued, tas]\n"));
	ck_assert_ptr_nonnull(strstr(printed, "  # type: deferred-percpu\n"
					      "  #     Flush in batches of a CPU.\n"));
	ck_assert_ptr_nonnull(strstr(printed, "  # entries: 64\n"));
	doc = fixture_load(printed);
	c = fixture_bind(doc);
	defaults = strdup(write_conf(c, conf_write_effective));
	conf_destroy(c);
	conf_doc_destroy(doc);
	doc = conf_doc_create();
	c = fixture_bind(doc);
	ck_assert_str_eq(write_conf(c, conf_write_effective), defaults);
	conf_destroy(c);
	conf_doc_destroy(doc);
	free(defaults);
}
END_TEST

START_TEST(a_reference_without_default_variant_still_loads)
{
	FILE *f = open_print();
	struct conf_doc *doc;
	struct conf *c;

	conf_write_reference(&fixture_schema_no_default, f);
	fclose(f);
	doc = fixture_load(printed);
	ck_assert(conf_bind(&fixture_schema_no_default, doc, &c, NULL));
	conf_destroy(c);
	conf_doc_destroy(doc);
}
END_TEST

START_TEST(help_for_a_key_tells_everything_about_it)
{
	ck_assert_str_eq(help("cpu.clock"),
		"cpu.clock\n"
		"  key    type       default  range            meaning\n"
		"  clock  frequency  2.6GHz   100MHz to 10GHz  Core clock.\n");
	expect_same_help("clock", "cpu.clock");
	ck_assert_ptr_nonnull(strstr(help("policy.entries"), "of deferred-global\n"));
	ck_assert_ptr_nonnull(strstr(help("policy.entries"), "of deferred-percpu\n"));
	ck_assert_ptr_nonnull(strstr(help("title"), "\"\""));
	ck_assert_ptr_nonnull(strstr(help("sweep"), "Axes"));
	ck_assert_ptr_nonnull(strstr(help("platform"), "platforms/NAME.yaml"));
}
END_TEST

START_TEST(help_for_a_variant_has_its_source_and_keys)
{
	ck_assert_str_eq(help("policy.deferred-global"),
		"policy.type: deferred-global\n"
		"  Flush in batches.\n"
		"  Source:\n"
		"    Linux 3.1, intel-iommu.c\n"
		"\n"
		"  key      type          default  range               meaning\n"
		"  entries  whole number  250      1 to 65536 entries  Unmaps gathered before a flush.\n"
		"  timeout  time          10ms     0 to 10s            Longest time between an unmap and "
		"its flush.\n"
		"  log      file          \"\"                           File of flushes.\n");
	expect_same_help("deferred-global", "policy.deferred-global");
}
END_TEST

START_TEST(help_for_a_section_has_all_its_variants)
{
	const char *text = help("policy");

	ck_assert_ptr_nonnull(strstr(text, "Default: type: strict\n"));
	ck_assert_ptr_nonnull(strstr(text, "policy.type: deferred-percpu\n"));
	ck_assert_ptr_nonnull(strstr(text, "steal"));
	expect_same_help("policy.type", "policy");
}
END_TEST

START_TEST(help_for_nothing_known_names_the_nearest)
{
	static const char *const t[][2] = {
		{ "policy.entris", "'policy.entris' is no key, section or component (did you mean "
				   "'policy.entries'?)" },
		{ "entris",
			"'entris' is no key, section or component (did you mean 'policy.entries'?)" },
		{ "deferred-globl",
			"'deferred-globl' is no key, section or component (did you mean "
			"'policy.deferred-global'?)" },
		{ "xyzzy", "'xyzzy' is no key, section or component" },
		{ "", "'' is no key, section or component" },
	};
	struct err err;
	char buf[512];
	FILE *f = open_print();

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		ck_assert(!conf_help(&fixture_schema, t[i][0], f, &err));
		ck_assert_str_eq(err_format(&err, buf, sizeof(buf)), t[i][1]);
	}
	fclose(f);
	ck_assert_uint_eq(printed_len, 0);
}
END_TEST

static void check_width(void)
{
	char *save = NULL;

	for (char *s = strtok_r(printed, "\n", &save); s; s = strtok_r(NULL, "\n", &save)) {
		ck_assert_msg(strlen(s) <= 100, "%zu columns: %s", strlen(s), s);
		ck_assert_msg(s[strlen(s) - 1] != ' ', "blank at the end: %s", s);
	}
}

START_TEST(lines_fit_the_terminal)
{
	FILE *f = open_print();

	conf_help_index(&fixture_schema, f);
	conf_help(&fixture_schema, "policy", f, NULL);
	conf_help(&fixture_schema, "workload", f, NULL);
	conf_write_reference(&fixture_schema, f);
	fclose(f);
	check_width();
}
END_TEST

START_TEST(the_index_has_every_section)
{
	FILE *f = open_print();

	conf_help_index(&fixture_schema, f);
	fclose(f);
	for (size_t i = 0; i < fixture_schema.nsections; i++)
		ck_assert_ptr_nonnull(strstr(printed, fixture_schema.sections[i].path));
}
END_TEST

START_TEST(the_manual_has_every_key_and_escapes_bars)
{
	FILE *f = open_print();

	conf_write_markdown(&fixture_schema, f);
	fclose(f);
	ck_assert_ptr_nonnull(
		strstr(printed, "| `cpu.count` | whole number | `8` | 1 to 1024 | CPUs | "
				"CPUs that take part. |\n"));
	ck_assert_ptr_nonnull(
		strstr(printed, "| `cpu.lock` | word | `ticket` | ticket, queued, tas | "
				" | Spinlock algorithm. |\n"));
	ck_assert_ptr_nonnull(strstr(printed, "### `policy.type: deferred-percpu`\n"));
	ck_assert_ptr_nonnull(strstr(printed, "Source: Linux 3.1, intel-iommu.c\n"));
	ck_assert_ptr_nonnull(strstr(printed, "| time | ps, ns, us, ms or s | `10ms` |\n"));
}
END_TEST

static void teardown(void)
{
	free(printed);
	printed = NULL;
	fixture_teardown();
}

int main(void)
{
	TCase *tc = tcase_create("conf_doc_gen");

	tcase_add_checked_fixture(tc, fixture_setup, teardown);
	tcase_add_test(
		tc, the_effective_configuration_is_complete_and_loads_back_to_the_same_bytes);
	tcase_add_test(tc, texts_that_look_like_something_else_are_quoted);
	tcase_add_test(tc, an_experiment_keeps_its_sweep_and_the_keys_that_points_wait_for);
	tcase_add_test(tc, a_default_is_not_forced_upon_variants_with_another_one);
	tcase_add_test(tc, swept_platforms_keep_their_say);
	tcase_add_test(tc, the_reference_is_a_valid_file_of_defaults);
	tcase_add_test(tc, a_reference_without_default_variant_still_loads);
	tcase_add_test(tc, help_for_a_key_tells_everything_about_it);
	tcase_add_test(tc, help_for_a_variant_has_its_source_and_keys);
	tcase_add_test(tc, help_for_a_section_has_all_its_variants);
	tcase_add_test(tc, help_for_nothing_known_names_the_nearest);
	tcase_add_test(tc, lines_fit_the_terminal);
	tcase_add_test(tc, the_index_has_every_section);
	tcase_add_test(tc, the_manual_has_every_key_and_escapes_bars);
	return unit_run("conf_doc_gen", tc);
}
