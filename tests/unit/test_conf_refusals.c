/*
 * conf: what does a user read who got it wrong? Every refusal with its exact words and place.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf_fixture.h"
#include "unit.h"

struct refusal {
	const char *text, *message;
};

static void expect(const struct refusal *r, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ck_assert_str_eq(fixture_message(r[i].text), r[i].message);
}

START_TEST(unknown_names_come_with_the_nearest_one)
{
	static const struct refusal r[] = {
		{ "seed: 3\npolcy: strict\n",
			"x.yaml:2:1: polcy: unknown key (did you mean 'policy'?)" },
		{ "policy:\n  type: deferred-global\n  entris: 3\n",
			"x.yaml:3:3: policy.entris: unknown key (did you mean 'entries'?)" },
		{ "workload: {arivals: {type: constant}}\n",
			"x.yaml:1:12: workload.arivals: unknown key (did you mean 'arrivals'?)" },
		{ "workload:\n  Arrivals.type: constant\n",
			"x.yaml:2:3: workload.Arrivals.type: unknown key (did you mean 'arrivals'?)" },
		{ "timeout: 3ms\n",
			"x.yaml:1:1: timeout: unknown key (did you mean 'policy.timeout'?)" },
		{ "cpu: {xyzzy: 1}\n",
			"x.yaml:1:7: cpu.xyzzy: unknown key (keys here: count, clock, lock)" },
		{ "xyzzy: 1\n",
			"x.yaml:1:1: xyzzy: unknown key (keys here: seed, title, warmup, cpu, policy, "
			"workload, platform, sweep)" },
		{ "policy: strickt\n",
			"x.yaml:1:9: policy.type: 'strickt' is not known; these are: strict, "
			"deferred-global, deferred-percpu (did you mean 'strict'?)" },
		{ "policy:\n  type: lazy\n",
			"x.yaml:2:9: policy.type: 'lazy' is not known; these are: strict, "
			"deferred-global, deferred-percpu" },
		{ "cpu.lock: tiket\n",
			"x.yaml:1:11: cpu.lock: 'tiket' is not one of ticket, queued and tas (did you "
			"mean 'ticket'?)" },
	};

	expect(r, ARRAY_SIZE(r));
}
END_TEST

START_TEST(values_of_the_wrong_kind_are_refused_where_they_stand)
{
	static const struct refusal r[] = {
		{ "cpu:\n  clock: 26\n",
			"x.yaml:2:10: cpu.clock: needs a frequency unit: Hz, kHz, MHz or GHz, as in "
			"'2.4GHz'" },
		{ "cpu: {clock: 10ms}\n",
			"x.yaml:1:14: cpu.clock: 'ms' is not a frequency unit; these are: Hz, kHz, MHz or "
			"GHz" },
		{ "cpu: {count: 2048}\n",
			"x.yaml:1:14: cpu.count: 2048 is out of range: 1 to 1024 CPUs" },
		{ "cpu: {clock: 99MHz}\n",
			"x.yaml:1:14: cpu.clock: 99MHz is out of range: 100MHz to 10GHz" },
		{ "workload: {link: 1kbps}\n",
			"x.yaml:1:18: workload.link: 1kbps is out of range: at least 1Mbps" },
		{ "workload: {buffer: 1MiB}\n",
			"x.yaml:1:20: workload.buffer: 1MiB is out of range: at most 64KiB" },
		{ "warmup: 1.5\n", "x.yaml:1:9: warmup: 1.5 is out of range: 0 to 1 of the run" },
		{ "warmup: half\n", "x.yaml:1:9: warmup: 'half' is not a number, as in '0.75'" },
		{ "warmup: nan\n", "x.yaml:1:9: warmup: 'nan' is not a number, as in '0.75'" },
		{ "warmup: 1e999\n", "x.yaml:1:9: warmup: '1e999' is too large" },
		{ "policy: {type: deferred-percpu, steal: yes}\n",
			"x.yaml:1:40: policy.steal: 'yes' is neither true nor false (did you mean "
			"'true'?)" },
		{ "policy: {type: deferred-percpu, steal: maybe}\n",
			"x.yaml:1:40: policy.steal: 'maybe' is neither true nor false" },
		{ "workload: {sizes: [64, 20]}\n",
			"x.yaml:1:19: workload.sizes: 20 is out of range: 64 to 9000 bytes" },
		{ "workload: {sizes: []}\n",
			"x.yaml:1:19: workload.sizes: is empty: needs at least one value, as in '[64, "
			"594, 1518]'" },
		{ "workload: {sizes: [64, big]}\n",
			"x.yaml:1:19: workload.sizes: 'big' is not a whole number, as in '250', '1e6' or "
			"'0x1f'" },
		{ "workload: {sizes: '[64'}\n",
			"x.yaml:1:19: workload.sizes: '[64' is not a list, as in '[64, 594, 1518]'" },
	};

	expect(r, ARRAY_SIZE(r));
}
END_TEST

START_TEST(too_long_a_list_is_refused)
{
	char text[1024] = "workload.sizes: [64";

	for (unsigned i = 0; i < CONF_LIST_MAX; i++)
		strcat(text, ", 64");
	strcat(text, "]\n");
	ck_assert_str_eq(
		fixture_message(text), "x.yaml:1:17: workload.sizes: has 65 values: at most 64");
}
END_TEST

START_TEST(the_wrong_shape_is_refused)
{
	static const struct refusal r[] = {
		{ "cpu: 4\n", "x.yaml:1:6: cpu: is a section: needs keys of its own" },
		{ "cpu: [4]\n", "x.yaml:1:6: cpu: is a section: needs keys of its own" },
		{ "policy: [strict]\n",
			"x.yaml:1:9: policy: is a section: needs keys of its own or one type, not a list" },
		{ "policy: {type: [strict]}\n",
			"x.yaml:1:16: policy.type: needs one of: strict, deferred-global, "
			"deferred-percpu" },
		{ "cpu:\n  count: {a: 1}\n",
			"x.yaml:2:10: cpu.count: needs a whole number, as in '250', not keys of its own" },
		{ "cpu: {count: [1, 2]}\n",
			"x.yaml:1:14: cpu.count: needs a whole number, as in '250', not a list" },
		{ "cpu:\n  count:\n",
			"x.yaml:2:9: cpu.count: needs a whole number, as in '250', but has no value" },
		{ "cpu: {lock: {}}\n",
			"x.yaml:1:13: cpu.lock: needs one of ticket, queued, tas, not keys of its own" },
		{ "cpu.count.x: 1\n",
			"x.yaml:1:1: cpu.count.x: 'cpu.count' is a single value, it has no keys" },
		{ "workload: {sizes: [[64]]}\n",
			"x.yaml:1:20: workload.sizes: a list may hold plain values only" },
	};

	expect(r, ARRAY_SIZE(r));
}
END_TEST

START_TEST(keys_of_variants_that_are_not_selected_are_refused)
{
	static const struct refusal r[] = {
		{ "policy: {entries: 250}\n",
			"x.yaml:1:10: policy.entries: 'entries' belongs to policy deferred-global and "
			"deferred-percpu; the type here is strict" },
		{ "policy: {type: deferred-global, steal: true}\n",
			"x.yaml:1:33: policy.steal: 'steal' belongs to policy deferred-percpu; the type "
			"here is deferred-global" },
		{ "policy: {steal: true}\nsweep: {policy: [strict, deferred-global]}\n",
			"x.yaml:1:10: policy.steal: 'steal' belongs to policy deferred-percpu; the type "
			"here is strict" },
		{ "policy: {entries: 1MB}\nsweep: {policy: [strict, deferred-global]}\n",
			"x.yaml:1:19: policy.entries: '1MB' must be a whole number without a unit, as in "
			"'250'" },
	};

	expect(r, ARRAY_SIZE(r));
}
END_TEST

START_TEST(the_same_key_twice_is_refused_with_both_places)
{
	static const struct refusal r[] = {
		{ "seed: 1\ntitle: x\nseed: 2\n",
			"x.yaml:3:1: seed: is set twice; the first is at line 1, column 1" },
		{ "cpu: {count: 1}\ncpu: {clock: 1GHz}\n",
			"x.yaml:2:1: cpu: is set twice; the first is at line 1, column 1" },
		{ "cpu: {count: 1}\ncpu.count: 2\n",
			"x.yaml:2:1: cpu.count: is set twice; the first is at line 1, column 7" },
		{ "policy: strict\npolicy.type: strict\n",
			"x.yaml:2:1: policy.type: is set twice; the first is at line 1, column 1" },
		{ "sweep:\n  cpu.count: [1]\n  cpu: {count: [2]}\n",
			"x.yaml:3:9: cpu.count: is set twice; the first is at line 2, column 3" },
		{ "sweep:\n  policy: [strict]\n  policy.type: [strict]\n",
			"x.yaml:3:3: policy.type: is set twice; the first is at line 2, column 3" },
	};

	expect(r, ARRAY_SIZE(r));
}
END_TEST

START_TEST(rules_between_keys_name_the_key)
{
	ck_assert_str_eq(fixture_message("policy:\n  type: deferred-global\n  timeout: 0\n"),
		"x.yaml:3:12: policy.timeout: must not be 0 with 250 entries");
	ck_assert_str_eq(fixture_message_with("policy: deferred-global\n", "policy.timeout=0"),
		"--set: policy.timeout: must not be 0 with 250 entries");
}
END_TEST

START_TEST(sweeps_are_checked_before_they_run)
{
	static const struct refusal r[] = {
		{ "sweep: {cpu.count: []}\n",
			"x.yaml:1:9: cpu.count: the axis is empty: needs at least one value, as in '[1, "
			"2, 4]'" },
		{ "sweep: {cpu.count: 4}\n",
			"x.yaml:1:20: sweep.cpu.count: needs a list of values, as in '[1, 2, 4]'" },
		{ "sweep: 4\n", "x.yaml:1:8: sweep: must be axes, as in 'cpu.count: [1, 2, 4]'" },
		{ "sweep: {cpu.cuont: [4]}\n",
			"x.yaml:1:9: cpu.cuont: unknown key (did you mean 'count'?)" },
		{ "sweep: {cpu.count: [1, 4, 1]}\n",
			"x.yaml:1:27: cpu.count: '1' is on the axis twice" },
		{ "sweep:\n  cpu.count: [1,\n    5000]\n",
			"x.yaml:3:5: cpu.count: 5000 is out of range: 1 to 1024 CPUs" },
		{ "sweep:\n  policy:\n    type:\n    - strict\n    - strct\n",
			"x.yaml:5:7: policy.type: 'strct' is not known; these are: strict, "
			"deferred-global, deferred-percpu (did you mean 'strict'?)" },
		{ "sweep: {policy.entries: [1, 2]}\n",
			"x.yaml:1:9: policy.entries: 'entries' belongs to policy deferred-global and "
			"deferred-percpu; the type here is strict" },
		{ "sweep: {cpu.count: [1, {a: 2}]}\n",
			"x.yaml:1:24: cpu.count: an axis holds plain values only" },
	};

	expect(r, ARRAY_SIZE(r));
}
END_TEST

START_TEST(what_is_not_a_configuration_is_refused)
{
	static const struct refusal r[] = {
		{ "", "x.yaml: holds no configuration: it is empty or has only comments" },
		{ "# nothing\n",
			"x.yaml: holds no configuration: it is empty or has only comments" },
		{ "- a\n- b\n", "x.yaml:1:1: must hold keys and values, as in 'policy: strict'" },
		{ "seed: 1\n---\nseed: 2\n",
			"x.yaml:2:1: a second document begins here; a file may hold only one" },
		{ "seed: &a 1\n",
			"x.yaml:1:7: anchors, aliases and tags (&, *, !) are not read; write the value "
			"out" },
		{ "seed: *a\n",
			"x.yaml:1:7: anchors, aliases and tags (&, *, !) are not read; write the value "
			"out" },
		{ "seed: !!int 1\n",
			"x.yaml:1:7: anchors, aliases and tags (&, *, !) are not read; write the value "
			"out" },
		{ "? [a]\n: 1\n", "x.yaml:1:3: a key must be a plain name" },
		{ "seed: [1\n",
			"x.yaml:2:1: not YAML: while parsing a flow sequence: did not find expected ',' "
			"or ']'" },
		{ "cpu:\n\tcount: 1\n",
			"x.yaml:2:1: not YAML: while scanning for the next token: found character that "
			"cannot start any token (tabs cannot indent YAML, and values with special "
			"characters need quotes)" },
		{ "seed: 1\ntitle: \"a\xff\"\n", "x.yaml:2:10: byte 0xff is not UTF-8 text" },
		{ "seed: 1\ntitle: \"\xc3\xa9\x01\"\n",
			"x.yaml:2:10: control character 0x01: not a text file" },
	};

	expect(r, ARRAY_SIZE(r));
}
END_TEST

START_TEST(depth_and_length_are_bounded)
{
	char text[512] = "";

	for (unsigned i = 0; i < 20; i++)
		strcat(text, "{a: ");
	ck_assert_str_eq(fixture_message(text),
		"x.yaml:1:65: a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a: is nested too deeply");
	memset(text, 'k', 200);
	strcpy(text + 200, ": 1\n");
	ck_assert_str_eq(fixture_message(text),
		"x.yaml:1:1: the key 'kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk...' "
		"is too long");
}
END_TEST

START_TEST(files_that_cannot_be_read_are_named)
{
	struct conf_doc *doc = conf_doc_create();
	struct err err;
	char buf[512];

	ck_assert(!conf_doc_load(doc, "none.yaml", NULL, &err));
	ck_assert_str_eq(err_format(&err, buf, sizeof(buf)),
		"none.yaml: cannot be opened: No such file or directory");
	ck_assert(!conf_doc_load(doc, "platforms", NULL, &err));
	ck_assert_str_eq(err_format(&err, buf, sizeof(buf)), "platforms: is a folder, not a file");
	conf_doc_destroy(doc);
}
END_TEST

START_TEST(platforms_are_found_or_listed)
{
	static const struct refusal r[] = {
		{ "platform: sandybridge-2102\n",
			"x.yaml:1:11: platform: 'sandybridge-2102' is not a platform; these are: "
			"sandybridge-2012, skylake-2018 (did you mean 'sandybridge-2012'?)" },
		{ "platform: {a: 1}\n", "x.yaml:1:11: platform: needs the name of a platform" },
		{ "platform: ./here.yaml\n",
			"./here.yaml: cannot be opened: No such file or directory" },
		{ "platform: skylake-2018\n",
			"platforms/skylake-2018.yaml:2:1: platform: a platform may not include another "
			"one" },
		{ "platform: sandybridge-2012\n",
			"platforms/sandybridge-2012.yaml:1:7: cpu.cont: unknown key (did you mean "
			"'count'?)" },
		{ "platform: ./sweeping.yaml\n",
			"./sweeping.yaml:1:1: sweep: a platform may not sweep; experiments do" },
	};

	ck_assert_str_eq(fixture_message("platform: any\n"),
		"x.yaml:1:11: platform: 'any' is not known: no platforms found");
	fixture_file("platforms/sandybridge-2012.yaml", "cpu: {cont: 16}\n");
	fixture_file("platforms/skylake-2018.yaml", "cpu: {count: 16}\nplatform: other\n");
	fixture_file("platforms/README.md", "not a platform\n");
	fixture_file("sweeping.yaml", "sweep: {cpu.count: [1]}\n");
	expect(r, ARRAY_SIZE(r));
}
END_TEST

START_TEST(the_command_line_is_named_where_it_is_wrong)
{
	static const struct {
		const char *set, *message;
	} r[] = {
		{ "cpu.count", "--set: 'cpu.count' is not KEY=VALUE, as in 'cpu.count=4'" },
		{ "=4", "--set: '=4' is not KEY=VALUE, as in 'cpu.count=4'" },
		{ "cpu.cuont=4", "--set: cpu.cuont: unknown key (did you mean 'count'?)" },
		{ "cpu.count=",
			"--set: cpu.count: has no value: needs a whole number, as in '250'" },
		{ "cpu=4", "--set: cpu: is a section: needs keys of its own" },
		{ "policy.entries=4",
			"--set: policy.entries: 'entries' belongs to policy deferred-global and "
			"deferred-percpu; the type here is strict" },
		{ "sweep.cpu.count=[]",
			"--set: cpu.count: the axis is empty: needs at least one value, as in '[1, 2, "
			"4]'" },
		{ "sweep.cpu.count=[1, 9999]",
			"--set: cpu.count: 9999 is out of range: 1 to 1024 CPUs" },
		{ "platform=none", "--set: platform: 'none' is not known: no platforms found" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(r); i++)
		ck_assert_str_eq(fixture_message_with("seed: 1\n", r[i].set), r[i].message);
}
END_TEST

START_TEST(a_section_without_default_must_be_chosen)
{
	struct conf_doc *doc = fixture_load("seed: 1\n");
	struct conf *c;
	struct err err;
	char buf[512];

	ck_assert(!conf_bind(&fixture_schema_no_default, doc, &c, &err));
	ck_assert_ptr_null(c);
	ck_assert_str_eq(err_format(&err, buf, sizeof(buf)),
		"x.yaml: workload: needs a type, one of: nic_rx, idle");
	conf_doc_destroy(doc);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("conf_refusals");

	tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
	tcase_add_test(tc, unknown_names_come_with_the_nearest_one);
	tcase_add_test(tc, values_of_the_wrong_kind_are_refused_where_they_stand);
	tcase_add_test(tc, too_long_a_list_is_refused);
	tcase_add_test(tc, the_wrong_shape_is_refused);
	tcase_add_test(tc, keys_of_variants_that_are_not_selected_are_refused);
	tcase_add_test(tc, the_same_key_twice_is_refused_with_both_places);
	tcase_add_test(tc, rules_between_keys_name_the_key);
	tcase_add_test(tc, sweeps_are_checked_before_they_run);
	tcase_add_test(tc, what_is_not_a_configuration_is_refused);
	tcase_add_test(tc, depth_and_length_are_bounded);
	tcase_add_test(tc, files_that_cannot_be_read_are_named);
	tcase_add_test(tc, platforms_are_found_or_listed);
	tcase_add_test(tc, the_command_line_is_named_where_it_is_wrong);
	tcase_add_test(tc, a_section_without_default_must_be_chosen);
	return unit_run("conf_refusals", tc);
}
