/*
 * conform hw: the model gives what an independent implementation gave, or what the specification says
 * where that one departs; and the replay would notice if it did not, and show the walk.
 */
#include <string.h>
#include <unistd.h>

#include "base/textio.h"
#include "run/conform.h"
#include "tests/unit/unit.h"

#define VECTORS     TEST_DATA "/vtd-hw.jsonl.zst"
#define AMD_VECTORS TEST_DATA "/amd-hw.jsonl.zst"

static char *report, *first_case;
static size_t report_size;
static struct err err;

/* The n-th recorded case of a file, from 0. */
static char *read_case(const char *file, unsigned n)
{
	struct text_in *in = text_open(file, &err);
	char *line;

	ck_assert_ptr_nonnull(in);
	do
		line = text_line(in);
	while (n-- > 0);
	line = strdup(line);
	text_close(in);
	return line;
}

/* The first recorded case: three requests in legacy mode, of which a write and a read are refused. */
static void set_up(void)
{
	first_case = read_case(VECTORS, 0);
	report = NULL;
}

static void tear_down(void)
{
	free(first_case);
	free(report);
}

static int replay(const char *file)
{
	FILE *out;
	int status;

	free(report);
	out = open_memstream(&report, &report_size);
	status = conform_replay_by_name("hw", file, out, &err);

	fclose(out);
	return status;
}

/* The first case with `from` replaced by `to`. */
static int replay_altered(const char *from, const char *to)
{
	char name[] = "/tmp/iommusim-conform-XXXXXX";
	int fd = mkstemp(name), status;
	char *at = strstr(first_case, from);
	FILE *f = fdopen(fd, "w");

	ck_assert_msg(at != NULL, "no %s in the case", from);
	fprintf(f, "%.*s%s%s\n", (int)(at - first_case), first_case, to, at + strlen(from));
	fclose(f);
	status = replay(name);
	unlink(name);
	return status;
}

static void reports(const char *part)
{
	ck_assert_msg(strstr(report, part) != NULL, "no \"%s\" in: %s", part, report);
}

START_TEST(every_recorded_case_of_the_vendor_conforms)
{
	ck_assert_int_eq(replay(VECTORS), 0);
	reports("total: 2000 cases, 0 mismatches");
	reports("by the specification where the recording departs");
}
END_TEST

START_TEST(the_first_case_conforms_as_it_is)
{
	ck_assert_int_eq(replay_altered("\"id\"", "\"id\""), 0);
	reports("total: 1 cases, 0 mismatches");
}
END_TEST

START_TEST(another_address_is_reported_with_the_walk)
{
	ck_assert_int_eq(replay_altered("\"pa\":\"0xd317c187c\"", "\"pa\":\"0xd317c087c\""), 1);
	reports("case vtd-legacy48-0000 (shape:L3/leaf1), step 4: result differs");
	reports("got:  ok, pa 0xd317c187c, page of 2^12, ");
	reports("read 0x3c1706448: 0xd317c1001"); /* the leaf */
	reports("1 mismatches");
}
END_TEST

START_TEST(another_page_size_is_reported)
{
	ck_assert_int_eq(replay_altered("\"ps\":4096", "\"ps\":2097152"), 1);
	reports("result differs");
}
END_TEST

START_TEST(another_fault_reason_is_reported)
{
	ck_assert_int_eq(replay_altered("\"fr\":5", "\"fr\":6"), 1);
	reports("step 0: result differs");
	reports("got:  fault 0x5 after ");
}
END_TEST

START_TEST(another_fault_status_is_reported)
{
	ck_assert_int_eq(replay_altered("\"fsts\":\"0x2\"", "\"fsts\":\"0x3\""), 1);
	reports("status differs");
	reports("register 0x34 is 0x2");
}
END_TEST

START_TEST(another_fault_record_is_reported)
{
	ck_assert_int_eq(replay_altered("\"0x8000000500000018\"", "\"0x8000000500000019\""), 1);
	reports("register 0x228 is 0x8000000500000018");
}
END_TEST

START_TEST(another_entry_in_memory_changes_the_result)
{
	ck_assert_int_eq(replay_altered("\"0xd317c1001\"", "\"0xd317c2001\""), 1);
	reports("got:  ok, pa 0xd317c287c");
}
END_TEST

/* ---- AMD ---- */

/* Take another case for first_case. */
static void use_amd_case(unsigned n)
{
	free(first_case);
	first_case = read_case(AMD_VECTORS, n);
}

START_TEST(every_recorded_amd_case_conforms)
{
	ck_assert_int_eq(replay(AMD_VECTORS), 0);
	reports("total: 2000 cases, 0 mismatches");
	reports("amd: 2000 cases; translated");
	reports(" illegal_command 15"); /* the specification's way, each */
	reports(" overflow_stop 42");
	reports(" leaf_perm 258");
}
END_TEST

/* amd-0004: a level-2 entry is not present. */
START_TEST(another_amd_address_event_or_status_is_reported)
{
	use_amd_case(4);
	ck_assert_int_eq(replay_altered("\"id\"", "\"id\""), 0);
	ck_assert_int_eq(replay_altered("\"code\":2", "\"code\":1"), 1);
	reports("step 0: result differs");
	ck_assert_int_eq(replay_altered("\"ev\":[[", "\"no\":[["), 1);
	reports("number of events differs");
	ck_assert_int_eq(replay_altered("\"status\":\"0x18\"", "\"status\":\"0x58\""), 1);
	reports("status is 0x1a, not 0x5a");
	ck_assert_int_eq(replay_altered("\"code\":2,", "\"code\":2,\"cmdhead\":\"0x20\","), 1);
	reports("register 0x2000 is 0x10");
}
END_TEST

/* amd-0042: an unknown command, then a completion wait. */
START_TEST(an_illegal_command_must_stop_the_buffer)
{
	use_amd_case(42);
	ck_assert_int_eq(replay_altered("\"id\"", "\"id\""), 0);
	reports("illegal_command 1");
	ck_assert_int_eq(replay_altered("0xf000000000000000", "0x8000000000000000"), 1);
	reports("illegal command differs");
}
END_TEST

START_TEST(what_is_not_a_case_is_refused)
{
	ck_assert_int_eq(replay_altered("\"op\":\"dma\"", "\"op\":\"dna\""), 2);
	ck_assert_ptr_nonnull(strstr(err.text, "unknown op 'dna'"));
	ck_assert_int_eq(replay_altered("{", "["), 2);
	ck_assert_ptr_nonnull(strstr(err.text, "not a JSON object"));
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("conform hw");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, 0); /* ctest has one */
	tcase_add_test(tc, every_recorded_case_of_the_vendor_conforms);
	tcase_add_test(tc, the_first_case_conforms_as_it_is);
	tcase_add_test(tc, another_address_is_reported_with_the_walk);
	tcase_add_test(tc, another_page_size_is_reported);
	tcase_add_test(tc, another_fault_reason_is_reported);
	tcase_add_test(tc, another_fault_status_is_reported);
	tcase_add_test(tc, another_fault_record_is_reported);
	tcase_add_test(tc, another_entry_in_memory_changes_the_result);
	tcase_add_test(tc, every_recorded_amd_case_conforms);
	tcase_add_test(tc, another_amd_address_event_or_status_is_reported);
	tcase_add_test(tc, an_illegal_command_must_stop_the_buffer);
	tcase_add_test(tc, what_is_not_a_case_is_refused);
	return unit_run("conform_hw", tc);
}
