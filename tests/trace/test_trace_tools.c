/*
 * trace tools: does the text twin lose nothing and refuse what breaks the rules, at its place; do cut and
 * merge give traces by the same rules with what lives across their edges?
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "tests/trace/scratch.h"
#include "tests/unit/unit.h"
#include "trace/tools.h"

#define HEAD   "# iommusim trace 1\n# seed 3\n# from a test\n"
#define DEVICE "0.000000000000 device dev=0 name=nic\n"

static const char everything[] = DEVICE
	"0.000000000001 device dev=1 name=0000:03:00.0\n"
	"0.000001000000 map dev=0 cpu=1 handle=0 dir=from len=1522 pa=0x1044a7840\n"
	"0.000002000000 map dev=1 cpu=0 handle=1 dir=to len=4096 pa=0x5000 rest=2\n"
	"0.000002000000 segment dev=1 handle=1 len=8192 pa=0x9000 rest=1\n"
	"0.000002000000 segment dev=1 handle=1 len=10 pa=0x20000 rest=0\n"
	"0.000003000000 dma dev=1 handle=1 read offset=4096 len=8202\n"
	"0.000003000000 dma dev=0 handle=0 write offset=0 len=64 synthetic\n"
	"0.000004000000 sync dev=0 handle=0 cpu=1 offset=0 len=64\n"
	"0.000004500000 sync dev=0 handle=0 cpu=1 offset=60 len=4 for-device\n"
	"0.000005000000 unmap dev=1 cpu=3 handle=1\n"
	"0.000006000000 map dev=0 cpu=1 handle=1 dir=bidirectional len=8192 pa=0x0 coherent\n"
	"10.000000000001 unmap dev=0 cpu=1 handle=1\n";

static void given(const char *name, const char *records)
{
	char *text = xasprintf("%s%s", HEAD, records);

	ck_assert_msg(scratch_import(name, text, NULL), "line %u: %s", scratch_err.pos.line,
		scratch_err.text);
	free(text);
}

static void holds(const char *name, const char *records)
{
	char *dump = scratch_dump(name);

	ck_assert_msg(dump != NULL, "%s", scratch_err.text);
	ck_assert_str_eq(dump, records);
	free(dump);
}

START_TEST(the_text_twin_loses_nothing)
{
	given("a", everything);
	holds("a", everything);
}
END_TEST

static void refuse(const char *records, unsigned line, const char *part)
{
	char *text = xasprintf("%s%s", HEAD, records);

	scratch_refused(text, line, part);
	free(text);
}

#define MAP0 DEVICE "1 map dev=0 cpu=0 handle=0 dir=to len=10 pa=0x1000\n"

START_TEST(what_breaks_a_rule_is_refused_at_its_line)
{
	refuse("0 map dev=0 cpu=0 handle=0 dir=to len=1 pa=0\n", 4, "not been declared");
	refuse(DEVICE "0 device dev=2 name=x\n", 5, "out of turn");
	refuse(DEVICE "0 map dev=0 cpu=0 handle=1 dir=to len=1 pa=0\n", 5, "one above");
	refuse(DEVICE "0 map dev=0 cpu=0 handle=0 dir=to len=0 pa=0\n", 5, "maps nothing");
	refuse(DEVICE "0 map dev=0 cpu=1024 handle=0 dir=to len=1 pa=0\n", 5, "CPU above");
	refuse(DEVICE "0 map dev=0 cpu=0 handle=0 dir=to len=2 pa=0xffffffffffffffff\n", 5,
		"beyond the end");
	refuse(MAP0 "1 map dev=0 cpu=0 handle=0 dir=to len=1 pa=0\n", 6, "that is live");
	refuse(MAP0 "0.5 unmap dev=0 cpu=0 handle=0\n", 6, "before the record");
	refuse(MAP0 "1 unmap dev=0 cpu=0 handle=1\n", 6, "not mapped");
	refuse(MAP0 "1 dma dev=0 handle=0 read offset=9 len=2\n", 6, "beyond its mapping");
	refuse(MAP0 "1 dma dev=0 handle=0 read offset=0 len=0\n", 6, "nothing");
	refuse(MAP0 "1 segment dev=0 handle=0 len=1 pa=0 rest=0\n", 6, "without its map");
	refuse(DEVICE "1 map dev=0 cpu=0 handle=0 dir=to len=10 pa=0x1000 rest=1\n", 5,
		"page's end");
	refuse(DEVICE "1 map dev=0 cpu=0 handle=0 dir=to len=4096 pa=0x1000 rest=1\n"
		      "1 segment dev=0 handle=0 len=1 pa=0x1 rest=0\n",
		6, "begin at a page");
	refuse(MAP0 "9000001 unmap dev=0 cpu=0 handle=0\n9999999999 unmap dev=0 cpu=0 handle=0\n",
		7, "too late");
	refuse(DEVICE "1 map dev=0 cpu=0 handle=0 dir=to len=4096 pa=0x1000 rest=1\n"
		      "1 unmap dev=0 cpu=0 handle=0\n",
		6, "where a segment");
	refuse(DEVICE "1 map dev=0 cpu=0 handle=0 dir=to len=4096 pa=0x1000 rest=1\n", 5,
		"segments of the last map");
}
END_TEST

START_TEST(what_is_no_record_is_refused_at_its_column)
{
	static const struct {
		const char *line;
		unsigned column;
	} bad[] = {
		{ "x", 1 },
		{ "1.", 3 },
		{ "1.0000000000001 unmap dev=0 cpu=0 handle=0", 3 },
		{ "1 fly dev=0", 3 },
		{ "1 unmap dev=0 cpu=0 handle=-1", 28 },
		{ "1 unmap dev=0 cpu=0 handle=4294967296", 28 },
		{ "1 unmap dev=0 cpu=0 handle=0x", 28 },
		{ "1 unmap dev=0 wings=2", 15 },
		{ "1 map dev=0 dir=up", 17 },
		{ "1 device dev=0 name=12345678901234567", 21 },
		{ "1 unmap dev=0 softly", 15 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		char *text = xasprintf("%s%s%s\n", HEAD, DEVICE, bad[i].line);

		ck_assert(!scratch_import("out", text, NULL));
		ck_assert_msg(scratch_err.pos.line == 5 && scratch_err.pos.column == bad[i].column,
			"%s: %u:%u: %s", bad[i].line, scratch_err.pos.line, scratch_err.pos.column,
			scratch_err.text);
		free(text);
	}
}
END_TEST

START_TEST(a_cut_begins_with_what_lives_there)
{
	given("a", everything);
	ck_assert(trace_cut(scratch_file("a"), 3 * US, 6 * US, scratch_file("b"), &scratch_err));
	holds("b", DEVICE
		"0.000000000000 device dev=1 name=0000:03:00.0\n"
		"0.000000000000 map dev=0 cpu=1 handle=0 dir=from len=1522 pa=0x1044a7840 synthetic\n"
		"0.000000000000 map dev=1 cpu=0 handle=1 dir=to len=4096 pa=0x5000 rest=2 synthetic\n"
		"0.000000000000 segment dev=1 handle=1 len=8192 pa=0x9000 rest=1 synthetic\n"
		"0.000000000000 segment dev=1 handle=1 len=10 pa=0x20000 rest=0 synthetic\n"
		"0.000000000000 dma dev=1 handle=1 read offset=4096 len=8202\n"
		"0.000000000000 dma dev=0 handle=0 write offset=0 len=64 synthetic\n"
		"0.000001000000 sync dev=0 handle=0 cpu=1 offset=0 len=64\n"
		"0.000001500000 sync dev=0 handle=0 cpu=1 offset=60 len=4 for-device\n"
		"0.000002000000 unmap dev=1 cpu=3 handle=1\n");
}
END_TEST

START_TEST(a_cut_of_everything_is_everything)
{
	given("a", everything);
	ck_assert(trace_cut(scratch_file("a"), 0, SIM_TIME_NEVER, scratch_file("b"), &scratch_err));
	holds("b", everything);
}
END_TEST

START_TEST(a_merge_is_in_order_with_devices_by_name)
{
	const char *files[2];

	given("a", DEVICE "0.000001000000 map dev=0 cpu=0 handle=0 dir=to len=1 pa=0x1000\n"
			  "0.000003000000 unmap dev=0 cpu=0 handle=0\n");
	given("b", "0.000000000000 device dev=0 name=disk\n"
		   "0.000000000000 device dev=1 name=nic\n"
		   "0.000002000000 map dev=1 cpu=0 handle=0 dir=to len=4096 pa=0x2000 rest=1\n"
		   "0.000002000000 segment dev=1 handle=0 len=3 pa=0x3000 rest=0\n"
		   "0.000004000000 map dev=0 cpu=0 handle=1 dir=to len=4 pa=0x4000\n");
	files[0] = scratch_file("a");
	files[1] = scratch_file("b");
	ck_assert(trace_merge(files, 2, scratch_file("c"), &scratch_err));
	holds("c",
		DEVICE "0.000000000000 device dev=1 name=disk\n"
		       "0.000001000000 map dev=0 cpu=0 handle=0 dir=to len=1 pa=0x1000\n"
		       "0.000002000000 map dev=0 cpu=0 handle=1 dir=to len=4096 pa=0x2000 rest=1\n"
		       "0.000002000000 segment dev=0 handle=1 len=3 pa=0x3000 rest=0\n"
		       "0.000003000000 unmap dev=0 cpu=0 handle=0\n"
		       "0.000004000000 map dev=1 cpu=0 handle=0 dir=to len=4 pa=0x4000\n");
}
END_TEST

START_TEST(the_survey_counts_right)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	given("a", everything);
	ck_assert(trace_info_print(scratch_file("a"), out, &scratch_err));
	fclose(out);
	ck_assert_ptr_nonnull(strstr(text, "records   13 "));
	ck_assert_ptr_nonnull(strstr(text, "maps      3 (0/s), 2 further segments, 1 coherent"));
	ck_assert_ptr_nonnull(strstr(text, "unmaps    2 (0/s), 50.0 % on another CPU"));
	ck_assert_ptr_nonnull(strstr(text, "1 reads of 0.0 MiB, 1 writes of 0.0 MiB; 2 syncs"));
	ck_assert_ptr_nonnull(strstr(text, "at most 2 mappings and 5 pages at once"));
	free(text);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("tools");

	tcase_add_checked_fixture(t, scratch_open, scratch_close);
	tcase_add_test(t, the_text_twin_loses_nothing);
	tcase_add_test(t, what_breaks_a_rule_is_refused_at_its_line);
	tcase_add_test(t, what_is_no_record_is_refused_at_its_column);
	tcase_add_test(t, a_cut_begins_with_what_lives_there);
	tcase_add_test(t, a_cut_of_everything_is_everything);
	tcase_add_test(t, a_merge_is_in_order_with_devices_by_name);
	tcase_add_test(t, the_survey_counts_right);
	return unit_run("trace_tools", t);
}
