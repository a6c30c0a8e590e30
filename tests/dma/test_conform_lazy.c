/*
 * conform lazy: do the batched unmap of 3.1 and the flush queue of 6.12 flush and free what the recorded
 * kernels did, and would the replay notice if they did not?
 */
#include <check.h>

#include "tests/dma/replay.h"
#include "tests/unit/unit.h"

START_TEST(test_deferred_flush_does_what_linux_3_1_did)
{
	ck_assert_int_eq(replay("lazy", TEST_DATA "/lazy-v3.1.csv.zst"), 0);
	has(report, "total: 2 runs, 20000 operations, 0 mismatches\n");
}
END_TEST

START_TEST(test_flush_queue_does_what_linux_6_12_did)
{
	ck_assert_int_eq(replay("lazy", TEST_DATA "/lazy-v6.12.csv.zst"), 0);
	has(report, "total: 3 runs, 38000 operations, 0 mismatches\n");
}
END_TEST

START_TEST(test_an_altered_flush_count_is_reported)
{
	const char *vectors = "#run,1,v3.1-intel,lazy,1,1,one\n"
			      "a,0,1,fffff,1,fffff\n"
			      "q,0,fffff,0,0,1\n"
			      "T,1,1\n";
	const char *altered = "#run,1,v3.1-intel,lazy,1,1,one\n"
			      "a,0,1,fffff,1,fffff\n"
			      "q,0,fffff,1,0,1\n"
			      "T,1,2\n";

	ck_assert_int_eq(replay_text("lazy", vectors), 0);
	ck_assert_int_eq(replay_text("lazy", altered), 1);
	has(report, ":3: expected 1 flushes, 0 freed, timer armed 1; got 0, 0, 1\n");
	has(report, ":4: expected 1 flushes, 2 freed");
	has(report, "3 operations, 2 mismatches\n");
}
END_TEST

START_TEST(test_a_domain_that_the_run_does_not_have_is_refused)
{
	ck_assert_int_eq(
		replay_text("lazy", "#run,1,v3.1-intel,lazy,2,1,x\na,2,1,fffff,1,fffff\n"), 2);
	has(err.text, "the domain is 2, outside 0 to 1");
}
END_TEST

#define FQ_RUN "#run,1,v6.12,fq,2,percpu,4,four\n"
#define FQ_ALLOC                                                                                   \
	"A,0,1,fffff,1,fffff\nA,0,1,fffff,1,ffffe\nA,1,1,fffff,1,ffffd\nA,1,1,fffff,1,ffffc\n"
#define FQ_FULL "Q,0,fffff,1,0,0,1\nQ,0,ffffe,1,0,0,0\nQ,0,ffffd,1,0,0,0\nQ,0,ffffc,1,1,3,0\n"

START_TEST(test_a_small_flush_queue_is_replayed)
{
	ck_assert_int_eq(replay_text("lazy", FQ_RUN FQ_ALLOC FQ_FULL "T,1,1,1\n"), 0);
	has(report, "9 operations, 0 mismatches\n");
}
END_TEST

static const struct {
	const char *text, *says;
} altered_queue[] = {
	{ FQ_RUN FQ_ALLOC FQ_FULL "T,1,0,1\n",
		"expected 0 flushes, 1 freed, timer armed 0; got 1" },
	{ FQ_RUN FQ_ALLOC FQ_FULL "T,1,1,4\n", "expected 1 flushes, 4 freed" },
	{ FQ_RUN FQ_ALLOC "Q,0,fffff,1,0,0,0\n", "timer armed 0; got 0, 0, 1" },
	{ FQ_RUN FQ_ALLOC "Q,0,fffff,2,0,0,1\n", "expected a range of 2 pages, got 1" },
	{ FQ_RUN "A,0,1,fffff,1,ffffe\n", "expected pfn ffffe, got fffff" },
};

START_TEST(test_every_column_of_a_flush_queue_is_compared)
{
	ck_assert_int_eq(replay_text("lazy", altered_queue[_i].text), 1);
	has(report, altered_queue[_i].says);
	has(report, "1 mismatches\n");
}
END_TEST

static const struct {
	const char *text, *says;
} refused_queue[] = {
	{ "#run,1,v6.12,fq,2,percpu,100,x\n", "the size of the queue is 100, not a power of two" },
	{ "#run,1,v6.12,fq,2,double,4,x\n", "the mode is 'double', not percpu|single" },
	{ "#run,1,v6.12,fq,2,per,4,x\n", "the mode is 'per'" },
	{ "#run,1,v6.12,fq,2,,4,x\n", "the mode is ''" },
	{ FQ_RUN "A,2,1,fffff,1,fffff\n", "the CPU is 2, outside 0 to 1" },
	{ FQ_RUN "q,0,fffff,0,0,1\n", "no operation 'q' in runs of v6.12 fq" },
};

START_TEST(test_a_malformed_flush_queue_is_refused)
{
	ck_assert_int_eq(replay_text("lazy", refused_queue[_i].text), 2);
	has(err.text, refused_queue[_i].says);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("conform lazy");

	tcase_add_checked_fixture(tc, replay_setup, replay_teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, test_deferred_flush_does_what_linux_3_1_did);
	tcase_add_test(tc, test_flush_queue_does_what_linux_6_12_did);
	tcase_add_test(tc, test_an_altered_flush_count_is_reported);
	tcase_add_test(tc, test_a_domain_that_the_run_does_not_have_is_refused);
	tcase_add_test(tc, test_a_small_flush_queue_is_replayed);
	tcase_add_loop_test(tc, test_every_column_of_a_flush_queue_is_compared, 0,
		(int)(sizeof(altered_queue) / sizeof(altered_queue[0])));
	tcase_add_loop_test(tc, test_a_malformed_flush_queue_is_refused, 0,
		(int)(sizeof(refused_queue) / sizeof(refused_queue[0])));
	return unit_run("conform lazy", tc);
}
