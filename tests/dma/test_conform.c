/*
 * conform: do the allocators do what the recorded kernels did, and would the replay notice if they did
 * not?
 */
#include "run/conform.h"

#include <check.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/textio.h"
#include "tests/dma/replay.h"
#include "tests/unit/unit.h"

START_TEST(test_rbtree_gives_the_addresses_of_linux_3_1)
{
	ck_assert_int_eq(replay("iova", TEST_DATA "/iova-v3.1.csv.zst"), 0);
	has(report, "total: 4 runs, 45000 operations, 0 mismatches\n");
}
END_TEST

START_TEST(test_tree_and_caches_give_the_addresses_of_linux_6_1_and_6_12)
{
	ck_assert_int_eq(replay("iova", TEST_DATA "/iova-v6.csv.zst"), 0);
	has(report, "total: 10 runs, 159002 operations, 0 mismatches\n");
}
END_TEST

START_TEST(test_bitmaps_do_what_the_amd_drivers_of_3_1_and_4_5_did)
{
	ck_assert_int_eq(replay("iova", TEST_DATA "/bitmap-amd.csv.zst"), 0);
	has(report, "total: 9 runs, 128000 operations, 0 mismatches\n");
}
END_TEST

START_TEST(test_a_running_kernels_history_is_repeated_address_for_address)
{
	ck_assert_int_eq(replay("history", TEST_DATA "/history-vtd-strict.txt.zst"), 0);
	has(report, "total: 110810 operations, 0 mismatches\n");
}
END_TEST

/* The vector file with line `altered` replaced. */
static int replay_altered(const char *kind, const char *file, unsigned altered, const char *by)
{
	struct text_in *in = text_open(file, &err);
	char *text = NULL, *line;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	int status;

	ck_assert_ptr_nonnull(in);
	for (unsigned n = 1; (line = text_line(in)) != NULL; n++)
		fprintf(f, "%s\n", n == altered ? by : line);
	fclose(f);
	text_close(in);
	status = replay_text(kind, text);
	free(text);
	return status;
}

START_TEST(test_an_altered_address_is_reported_with_its_line)
{
	/* line 3 is a,7,fffff,1,ffff8 */
	ck_assert_int_eq(
		replay_altered("iova", TEST_DATA "/iova-v3.1.csv.zst", 3, "a,7,fffff,1,ffff0"), 1);
	has(report, ":3: expected pfn ffff0, got ffff8\n");
	has(report, "45000 operations, 1 mismatches\n");
}
END_TEST

START_TEST(test_an_altered_success_or_failure_is_reported)
{
	ck_assert_int_eq(
		replay_altered("iova", TEST_DATA "/iova-v3.1.csv.zst", 3, "a,7,fffff,1,0"), 1);
	has(report, ":3: expected pfn 0, got ffff8\n");
}
END_TEST

/* Each result column of the bitmaps' rows, altered by one. */
static const struct {
	const char *text, *says;
} altered_columns[] = {
	{ "#run,1,v3.1-amd,bitmap,1,32,0,1,x\nM,4,0,2,0,0,5,1\n", "expected pfn 2, got 1" },
	{ "#run,1,v3.1-amd,bitmap,1,32,0,1,x\nM,4,0,1,1,0,5,1\n", "expected flushes 1, got 0" },
	{ "#run,1,v3.1-amd,bitmap,1,32,0,1,x\nM,4,0,1,0,1,5,1\n", "expected need_flush 1, got 0" },
	{ "#run,1,v3.1-amd,bitmap,1,32,0,1,x\nM,4,0,1,0,0,6,1\n", "expected next page 6, got 5" },
	{ "#run,1,v3.1-amd,bitmap,1,32,0,1,x\nM,4,0,1,0,0,5,2\n", "expected apertures 2, got 1" },
	{ "#run,1,v3.1-amd,bitmap,1,32,0,1,x\nM,4,0,1,0,0,5,1\nU,1,4,1,0\n",
		"expected flushes 1, got 0" },
	{ "#run,1,v3.1-amd,bitmap,1,32,1,1,x\nM,4,0,1,0,0,5,1\nU,1,4,0,0\n",
		"expected flushes 0, got 1" },
	{ "#run,1,v3.1-amd,bitmap,1,32,0,1,x\nM,4,0,1,0,0,5,1\nU,1,4,0,1\n",
		"expected need_flush 1, got 0" },
	{ "#run,1,v3.1-amd,bitmap,1,32,0,1,x\nM,4,0,1,0,0,5,1\nU,1,3,0,0\n",
		"expected a range of 3 pages, got 4" },
	{ "#run,1,v4.5-amd,bitmap,2,32,0,1,x\nM,1,4,0,2,0,0,5,1\n", "expected pfn 2, got 1" },
	{ "#run,1,v4.5-amd,bitmap,2,32,0,1,x\nM,1,4,0,1,2,0,5,1\n", "expected flushes 2, got 0" },
	{ "#run,1,v4.5-amd,bitmap,2,32,0,1,x\nM,1,4,0,1,0,1,5,1\n",
		"expected next index 1, got 0" },
	{ "#run,1,v4.5-amd,bitmap,2,32,0,1,x\nM,1,4,0,1,0,0,6,1\n", "expected next bit 6, got 5" },
	{ "#run,1,v4.5-amd,bitmap,2,32,0,2,x\nM,1,4,0,1,0,0,5,1\n", "expected apertures 1, got 2" },
	{ "#run,1,v4.5-amd,bitmap,2,32,1,1,x\nM,1,4,0,1,0,0,5,1\nU,0,1,4,0,5\n",
		"expected flushes 0, got 1" },
	{ "#run,1,v4.5-amd,bitmap,2,32,0,1,x\nM,1,4,0,1,0,0,5,1\nU,0,1,4,0,4\n",
		"expected next bit 4, got 5" },
	{ "#run,1,v6.1,rcache,2,1,x\nA,1,5,fffff,1,ffff0\n", "expected pfn ffff0, got ffff8" },
	{ "#run,1,v6.1,rcache,2,1,x\nA,1,5,fffff,1,ffff8\nF,0,ffff8,4\n",
		"expected a range of 4 pages, got 5" },
};

START_TEST(test_any_altered_column_is_reported)
{
	ck_assert_int_eq(replay_text("iova", altered_columns[_i].text), 1);
	has(report, altered_columns[_i].says);
	has(report, " 1 mismatches\n");
}
END_TEST

START_TEST(test_an_altered_history_is_reported)
{
	const char *head = "# reserved pfn ranges in every domain: a0-bf ffff0-fffff\n"
			   "# limit 0xfffff (inclusive) for every A; start_pfn 1; 2 CPUs\n";
	char *right = xasprintf("%sA 0 1 2 fffee\nA 1 0 1 fffef\nF 0 0 2 fffee\n", head);
	char *wrong = xasprintf("%sA 0 1 2 fffec\nF 0 1 1 fffee\n", head);
	char *cpu = xasprintf("%sA 0 2 1 fffef\n", head);

	ck_assert_int_eq(replay_text("history", right), 0);
	has(report, "total: 3 operations, 0 mismatches\n");
	ck_assert_int_eq(replay_text("history", wrong), 1);
	has(report, ":3: expected pfn fffec, got fffee\n");
	has(report, ":4: expected a range of 1 pages, got 2\n");
	ck_assert_int_eq(replay_text("history", cpu), 2);
	has(err.text, "the CPU is 2, outside 0 to 1");
	ck_assert_int_eq(replay_text("history", "A 0 0 1\n"), 2);
	has(err.text, "has 5 fields, this one has 4");
	ck_assert_int_eq(replay_text("history", "M 0 0 1 1\n"), 2);
	has(err.text, "no operation 'M' in a history");
	ck_assert_int_eq(replay_text("history", "# reserved pfn ranges in every domain: 5\n"), 2);
	has(err.text, "is not a list of ranges");
	ck_assert_int_eq(replay_text("history", ""), 2);
	has(err.text, "no operation in it");
	free(right);
	free(wrong);
	free(cpu);
}
END_TEST

START_TEST(test_a_free_of_what_is_not_live_is_a_mismatch)
{
	ck_assert_int_eq(replay_text("iova", "#run,1,v3.1,rbtree,1,1,x\nf,1234\n"), 1);
	has(report, ":2: expected a live range at pfn 1234, got none\n");
}
END_TEST

START_TEST(test_a_run_that_nothing_models_is_skipped_and_counted)
{
	ck_assert_int_eq(replay_text("iova", "#run,9,v0.1,dartboard,1,1,x\na,1,2,3,4,5,6\n"
					     "#run,1,v3.1,rbtree,1,1,y\na,1,fffff,1,fffff\n"),
		0);
	has(report, "skipped: no component models this code");
	has(report, "total: 1 runs, 1 operations, 0 mismatches; 1 runs skipped\n");
}
END_TEST

START_TEST(test_a_file_without_a_run_to_replay_is_refused)
{
	ck_assert_int_eq(replay_text("iova", ""), 2);
	ck_assert_int_eq(replay_text("iova", "#run,9,v0.1,dartboard,1,1,x\n"), 2);
	has(err.text, "no run in it can be replayed");
}
END_TEST

static const struct {
	const char *rows, *says;
	unsigned line, column;
} malformed[] = {
	{ "a,1,fffff,1\n", "a row 'a' has 5 fields, this one has 4", 2, 12 },
	{ "a,1,fffff,1,fffff,0\n", "has 5 fields", 2, 19 },
	{ "a,zwei,fffff,1,fffff\n", "the size is 'zwei', not a decimal number", 2, 3 },
	{ "a,0,fffff,1,fffff\n", "the size is 0, outside", 2, 3 },
	{ "a,1,0xfffff,1,fffff\n", "the limit is '0xfffff', not a hexadecimal number", 2, 5 },
	{ "a,1,fffff,2,fffff\n", "the alignment flag is 2, outside", 2, 11 },
	{ "a,1,fffff,1,\n", "the PFN is ''", 2, 13 },
	{ "a,1,fffff,1,FFFFF\n", "the PFN is 'FFFFF'", 2, 13 },
	{ "x,1\n", "no operation 'x'", 2, 1 },
	{ "\n", "no operation ''", 2, 1 },
	{ "r,20,10\n", "the last PFN is 10, outside", 2, 6 },
	{ "a,1,fffff,1,fffff\nr,10,20\n", "a reservation after the first allocation", 3, 1 },
	{ "#rnu,2\n", "is not understood", 2, 1 },
	{ "#run,2\n", "a run begins with", 2, 1 },
	{ "#run,2,v3.1,rbtree,1,x\n", "a row '#run' has 7 fields", 2, 23 },
	{ "#run,2,v3.1,rbtree,0,1,x\n", "the number of CPUs is 0", 2, 20 },
};

START_TEST(test_a_malformed_row_is_refused_with_line_and_column)
{
	char *text = xasprintf("#run,1,v3.1,rbtree,1,1,x\n%s", malformed[_i].rows);

	ck_assert_int_eq(replay_text("iova", text), 2);
	has(err.text, malformed[_i].says);
	ck_assert_uint_eq(err.pos.line, malformed[_i].line);
	ck_assert_uint_eq(err.pos.column, malformed[_i].column);
	free(text);
}
END_TEST

START_TEST(test_an_operation_before_the_first_run_is_refused)
{
	ck_assert_int_eq(replay_text("iova", "a,1,fffff,1,fffff\n"), 2);
	has(err.text, "before the first '#run");
	ck_assert_uint_eq(err.pos.line, 1);
}
END_TEST

START_TEST(test_a_missing_and_a_cut_file_are_refused)
{
	char name[] = "/tmp/iommusim-conform-XXXXXX", half[20000];
	FILE *whole = fopen(TEST_DATA "/iova-v3.1.csv.zst", "rb");
	int fd = mkstemp(name);

	ck_assert_int_eq(replay("iova", "/nonexistent/vectors.csv"), 2);
	ck_assert_ptr_nonnull(whole);
	ck_assert_uint_eq(fread(half, 1, sizeof(half), whole), sizeof(half));
	fclose(whole);
	ck_assert_int_eq(write(fd, half, sizeof(half)), (int)sizeof(half));
	close(fd);
	ck_assert_int_eq(replay("iova", name), 2);
	unlink(name);
}
END_TEST

START_TEST(test_an_unknown_kind_is_refused_with_the_nearest)
{
	ck_assert_int_eq(replay("iovas", "x"), 2);
	ck_assert_ptr_nonnull(strstr(err.hint, "iova"));
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("conform");

	tcase_add_checked_fixture(tc, replay_setup, replay_teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, test_rbtree_gives_the_addresses_of_linux_3_1);
	tcase_add_test(tc, test_tree_and_caches_give_the_addresses_of_linux_6_1_and_6_12);
	tcase_add_test(tc, test_bitmaps_do_what_the_amd_drivers_of_3_1_and_4_5_did);
	tcase_add_test(tc, test_a_running_kernels_history_is_repeated_address_for_address);
	tcase_add_loop_test(tc, test_any_altered_column_is_reported, 0,
		(int)(sizeof(altered_columns) / sizeof(altered_columns[0])));
	tcase_add_test(tc, test_an_altered_history_is_reported);
	tcase_add_test(tc, test_an_altered_address_is_reported_with_its_line);
	tcase_add_test(tc, test_an_altered_success_or_failure_is_reported);
	tcase_add_test(tc, test_a_free_of_what_is_not_live_is_a_mismatch);
	tcase_add_test(tc, test_a_run_that_nothing_models_is_skipped_and_counted);
	tcase_add_test(tc, test_a_file_without_a_run_to_replay_is_refused);
	tcase_add_loop_test(tc, test_a_malformed_row_is_refused_with_line_and_column, 0,
		(int)(sizeof(malformed) / sizeof(malformed[0])));
	tcase_add_test(tc, test_an_operation_before_the_first_run_is_refused);
	tcase_add_test(tc, test_a_missing_and_a_cut_file_are_refused);
	tcase_add_test(tc, test_an_unknown_kind_is_refused_with_the_nearest);
	return unit_run("conform", tc);
}
