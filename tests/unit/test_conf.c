/*
 * conf: does what a user writes arrive in the structs, from files, platforms, sweeps and the command
 * line, each over the one before?
 */
#include "conf/conf.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "conf_fixture.h"
#include "unit.h"

static const struct cpu_conf *cpu(const struct conf *c)
{
	return conf_common(c, "cpu");
}

static const char *policy(const struct conf *c)
{
	return conf_variant(c, "policy")->name;
}

static void set(struct conf_doc *doc, const char *assignment, const char *origin)
{
	struct err err;

	ck_assert_msg(conf_doc_set(doc, assignment, origin, &err), "%s", err.text);
}

static void resolve(struct conf_doc *doc)
{
	struct err err;

	ck_assert_msg(conf_resolve_sweep(&fixture_schema, doc, &err), "%s", err.text);
}

START_TEST(every_type_arrives)
{
	struct conf_doc *doc = fixture_load(
		"seed: 0x10\ntitle: \"two words\"\nwarmup: 0.25\n"
		"cpu: {count: 1e2, clock: 2.4GHz, lock: tas}\n"
		"policy:\n  type: deferred-percpu\n  steal: true\n"
		"workload:\n  sizes:\n  - 64\n  - 9000\n  link: 40Gbps\n  buffer: 4KiB\n");
	struct conf *c = fixture_bind(doc);
	const struct top_conf *top = conf_common(c, "");
	const struct nic_conf *nic = conf_of_variant(c, "workload");
	const struct percpu_conf *p = conf_of_variant(c, "policy");

	ck_assert_uint_eq(top->seed, 16);
	ck_assert_str_eq(top->title, "two words");
	ck_assert_double_eq(top->warmup, 0.25);
	ck_assert_uint_eq(cpu(c)->count, 100);
	ck_assert_uint_eq(cpu(c)->clock, 2400000000u);
	ck_assert_uint_eq(cpu(c)->lock, 2);
	ck_assert_str_eq(policy(c), "deferred-percpu");
	ck_assert(p->steal);
	ck_assert_uint_eq(p->entries, 64);
	ck_assert_uint_eq(nic->sizes.n, 2);
	ck_assert_uint_eq(nic->sizes.v[1], 9000);
	ck_assert_uint_eq(nic->link, 40000000000u);
	ck_assert_uint_eq(nic->buffer, 4096);
	conf_destroy(c);
	conf_doc_destroy(doc);
}
END_TEST

START_TEST(defaults_fill_what_nobody_says)
{
	struct conf_doc *doc = conf_doc_create();
	struct conf *c = fixture_bind(doc);
	const struct nic_conf *nic = conf_of_variant(c, "workload");

	ck_assert_uint_eq(cpu(c)->count, 8);
	ck_assert_str_eq(policy(c), "strict");
	ck_assert_ptr_null(conf_of_variant(c, "policy"));
	ck_assert_ptr_null(conf_common(c, "policy"));
	ck_assert_uint_eq(nic->sizes.n, 3);
	ck_assert_str_eq(((const struct top_conf *)conf_common(c, ""))->title, "");
	conf_destroy(c);
	conf_doc_destroy(doc);
}
END_TEST

START_TEST(nested_dotted_and_short_forms_say_the_same)
{
	static const char *const forms[] = {
		"workload:\n  arrivals:\n    type: pcap\n    file: /x\n",
		"workload: {arrivals: {type: pcap, file: /x}}\n",
		"workload.arrivals: {type: pcap, file: /x}\n",
		"workload.arrivals.type: pcap\nworkload.arrivals.file: /x\n",
		"workload:\n  arrivals: pcap\nworkload.arrivals.file: /x\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		struct conf_doc *doc = fixture_load(forms[i]);
		struct conf *c = fixture_bind(doc);
		const struct pcap_conf *p = conf_of_variant(c, "workload.arrivals");

		ck_assert_str_eq(conf_variant(c, "workload.arrivals")->name, "pcap");
		ck_assert_str_eq(p->file, "/x");
		conf_destroy(c);
		conf_doc_destroy(doc);
	}
}
END_TEST

START_TEST(empty_sections_are_harmless)
{
	ck_assert_str_eq(fixture_message("cpu:\npolicy: {}\nsweep:\n"), "ok");
}
END_TEST

START_TEST(later_sources_win_whatever_the_order_of_writing)
{
	struct conf_doc *doc;
	struct conf *c;
	struct src_pos pos;

	fixture_file("platforms/box.yaml", "cpu:\n  count: 2\n  clock: 1GHz\n  lock: tas\n");
	doc = fixture_load("cpu.count: 3\nplatform: box\n");
	set(doc, "cpu.count=5", "--set");
	set(doc, "cpu.count=4", "sweep");
	c = fixture_bind(doc);
	ck_assert_uint_eq(cpu(c)->count, 5);
	ck_assert_uint_eq(cpu(c)->clock, 1000000000);
	ck_assert_uint_eq(cpu(c)->lock, 2);
	ck_assert_str_eq(conf_doc_get(doc, "cpu.count", &pos), "5");
	ck_assert_str_eq(pos.file, "--set");
	ck_assert_str_eq(conf_doc_get(doc, "platform", NULL), "box");
	conf_destroy(c);
	conf_doc_destroy(doc);
}
END_TEST

START_TEST(the_command_line_sets_lists_twice_and_platforms)
{
	struct conf_doc *doc = fixture_load("seed: 1\n");
	struct conf *c;
	const struct nic_conf *nic;

	fixture_file("platforms/box.yaml", "cpu.count: 2\n");
	set(doc, "workload.sizes=[64, 128]", "--set");
	set(doc, "seed=7", "--set");
	set(doc, "seed=8", "--set");
	set(doc, "platform=box", "--set");
	c = fixture_bind(doc);
	nic = conf_of_variant(c, "workload");
	ck_assert_uint_eq(nic->sizes.n, 2);
	ck_assert_uint_eq(((const struct top_conf *)conf_common(c, ""))->seed, 8);
	ck_assert_uint_eq(cpu(c)->count, 2);
	conf_destroy(c);
	conf_doc_destroy(doc);
}
END_TEST

START_TEST(another_platform_replaces_the_first)
{
	struct conf_doc *doc;
	struct conf *c;

	fixture_file("platforms/a.yaml", "cpu: {count: 2, lock: tas}\n");
	fixture_file("platforms/b.yaml", "cpu.count: 3\n");
	doc = fixture_load("platform: a\n");
	set(doc, "platform=b", "--set");
	c = fixture_bind(doc);
	ck_assert_uint_eq(cpu(c)->count, 3);
	ck_assert_uint_eq(cpu(c)->lock, 0);
	conf_destroy(c);
	conf_doc_destroy(doc);
}
END_TEST

START_TEST(replacing_a_variant_keeps_its_keys_out_of_the_way)
{
	const char *text = "policy: {type: deferred-global, entries: 100}\n";

	ck_assert_str_eq(fixture_message_with(text, "policy=strict"), "ok");
	ck_assert_str_eq(fixture_message_with(text, "policy.type=deferred-percpu"), "ok");
	fixture_file("platforms/box.yaml", text);
	ck_assert_str_eq(fixture_message("platform: box\npolicy: strict\n"), "ok");
}
END_TEST

START_TEST(files_are_meant_beside_the_file_that_names_them)
{
	struct conf_doc *doc;
	struct conf *c;
	const struct pcap_conf *p;
	char want[256];

	mkdir("sub", 0700);
	fixture_file("sub/y.yaml", "workload.arrivals: {type: pcap, file: a/../cap.pcap}\n");
	doc = conf_doc_create();
	ck_assert(conf_doc_load(doc, "sub/y.yaml", NULL, NULL));
	c = fixture_bind(doc);
	p = conf_of_variant(c, "workload.arrivals");
	snprintf(want, sizeof(want), "%s/sub/a/../cap.pcap", fixture_folder());
	ck_assert_str_eq(p->file, want);
	conf_destroy(c);
	set(doc, "workload.arrivals.file=cap.pcap", "--set");
	c = fixture_bind(doc);
	p = conf_of_variant(c, "workload.arrivals");
	snprintf(want, sizeof(want), "%s/cap.pcap", fixture_folder());
	ck_assert_str_eq(p->file, want);
	conf_destroy(c);
	conf_doc_destroy(doc);
}
END_TEST

START_TEST(positions_point_at_the_value_or_the_nearest_thing)
{
	struct conf_doc *doc = fixture_load("seed: 1\ncpu:\n  count: 3\npolicy: strict\n");
	struct conf *c = fixture_bind(doc);

	ck_assert_uint_eq(conf_pos(c, "cpu.count").line, 3);
	ck_assert_uint_eq(conf_pos(c, "cpu.count").column, 10);
	ck_assert_uint_eq(conf_pos(c, "cpu.clock").line, 2);
	ck_assert_uint_eq(conf_pos(c, "policy.type").line, 4);
	ck_assert_uint_eq(conf_pos(c, "workload.arrivals.file").line, 0);
	ck_assert_str_eq(conf_pos(c, "workload.arrivals.file").file, "x.yaml");
	conf_destroy(c);
	conf_doc_destroy(doc);
}
END_TEST

/* ---- sweeps ---- */

static const char sweep_text[] = "policy: {entries: 100}\n"
				 "sweep:\n"
				 "  policy: [strict, deferred-global]\n"
				 "  cpu:\n"
				 "    count:\n"
				 "    - 1\n"
				 "    - 2\n"
				 "    - 4\n"
				 "  workload.sizes: [[64, 128], [1500]]\n";

START_TEST(axes_keep_their_order_values_and_places)
{
	struct conf_doc *doc = fixture_load(sweep_text);
	const struct conf_axis *axes;

	resolve(doc);
	ck_assert_uint_eq(conf_doc_axes(doc, &axes), 3);
	ck_assert_str_eq(axes[0].path, "policy.type");
	ck_assert_str_eq(axes[0].values[1], "deferred-global");
	ck_assert_str_eq(axes[1].path, "cpu.count");
	ck_assert_uint_eq(axes[1].nvalues, 3);
	ck_assert_uint_eq(axes[1].value_pos[2].line, 8);
	ck_assert_uint_eq(axes[1].value_pos[2].column, 7);
	ck_assert_str_eq(axes[2].values[0], "[64, 128]");
	ck_assert_str_eq(axes[2].values[1], "[1500]");
	conf_doc_destroy(doc);
}
END_TEST

START_TEST(a_key_waits_for_the_points_that_have_its_variant)
{
	struct conf_doc *doc = fixture_load(sweep_text), *point;
	struct conf *c;
	const struct global_conf *g;

	resolve(doc);
	point = conf_doc_copy(doc);
	set(point, "policy.type=strict", "sweep");
	set(point, "workload.sizes=[64, 128]", "sweep");
	c = fixture_bind(point);
	ck_assert_str_eq(policy(c), "strict");
	conf_destroy(c);
	conf_doc_destroy(point);

	point = conf_doc_copy(doc);
	set(point, "policy.type=deferred-global", "sweep");
	set(point, "cpu.count=4", "sweep");
	c = fixture_bind(point);
	g = conf_of_variant(c, "policy");
	ck_assert_uint_eq(g->entries, 100);
	ck_assert_uint_eq(cpu(c)->count, 4);
	ck_assert_uint_eq(conf_pos(c, "cpu.count").line, 8);
	conf_destroy(c);
	conf_doc_destroy(point);
	conf_doc_destroy(doc);
}
END_TEST

START_TEST(the_command_line_pins_an_axis)
{
	struct conf_doc *doc = fixture_load(sweep_text);
	const struct conf_axis *axes;
	struct conf *c;

	set(doc, "policy=strict", "--set");
	set(doc, "cpu.count=3", "--set");
	resolve(doc);
	ck_assert_uint_eq(conf_doc_axes(doc, &axes), 1);
	ck_assert_str_eq(axes[0].path, "workload.sizes");
	/* entries: 100 still has its place: the file sweeps a policy that has it. */
	c = fixture_bind(doc);
	ck_assert_str_eq(policy(c), "strict");
	conf_destroy(c);
	conf_doc_destroy(doc);
}
END_TEST

START_TEST(the_command_line_brings_and_replaces_axes)
{
	struct conf_doc *doc = fixture_load(sweep_text);
	const struct conf_axis *axes;

	set(doc, "sweep.cpu.count=[8, 16]", "--set");
	set(doc, "sweep.cpu.lock=[ticket, queued]", "--set");
	resolve(doc);
	ck_assert_uint_eq(conf_doc_axes(doc, &axes), 4);
	ck_assert_str_eq(axes[1].path, "cpu.count");
	ck_assert_uint_eq(axes[1].nvalues, 2);
	ck_assert_str_eq(axes[3].values[1], "queued");
	conf_doc_destroy(doc);
}
END_TEST

START_TEST(platforms_are_an_axis_too)
{
	struct conf_doc *doc;
	struct conf *c;

	fixture_file("platforms/a.yaml", "cpu.count: 2\n");
	fixture_file("platforms/b.yaml", "cpu.count: 3\n");
	doc = fixture_load("sweep: {platform: [a, b]}\n");
	resolve(doc);
	set(doc, "platform=b", "sweep");
	c = fixture_bind(doc);
	ck_assert_uint_eq(cpu(c)->count, 3);
	conf_destroy(c);
	conf_doc_destroy(doc);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("conf");

	tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
	tcase_add_test(tc, every_type_arrives);
	tcase_add_test(tc, defaults_fill_what_nobody_says);
	tcase_add_test(tc, nested_dotted_and_short_forms_say_the_same);
	tcase_add_test(tc, empty_sections_are_harmless);
	tcase_add_test(tc, later_sources_win_whatever_the_order_of_writing);
	tcase_add_test(tc, the_command_line_sets_lists_twice_and_platforms);
	tcase_add_test(tc, another_platform_replaces_the_first);
	tcase_add_test(tc, replacing_a_variant_keeps_its_keys_out_of_the_way);
	tcase_add_test(tc, files_are_meant_beside_the_file_that_names_them);
	tcase_add_test(tc, positions_point_at_the_value_or_the_nearest_thing);
	tcase_add_test(tc, axes_keep_their_order_values_and_places);
	tcase_add_test(tc, a_key_waits_for_the_points_that_have_its_variant);
	tcase_add_test(tc, the_command_line_pins_an_axis);
	tcase_add_test(tc, the_command_line_brings_and_replaces_axes);
	tcase_add_test(tc, platforms_are_an_axis_too);
	return unit_run("conf", tc);
}
