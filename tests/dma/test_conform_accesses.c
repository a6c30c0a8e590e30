/* conform accesses: the recorded accesses are hits and fills of the model too, a recording that is not true
 * is found out, and one that is malformed is refused where it is. */
#include <check.h>
#include <string.h>

#include "tests/dma/replay.h"
#include "tests/unit/unit.h"

#define STRICT TEST_DATA "/traces/accesses-vtd-strict-nettx.txt.zst"
#define LAZY   TEST_DATA "/traces/accesses-vtd-lazy-nvme4k.txt.zst"

START_TEST(test_every_access_is_the_hit_or_fill_that_it_was)
{
	ck_assert_int_eq(replay("accesses", STRICT), 0);
	has(report, "accesses: 1667 hits, 671 fills\n");
	has(report, "windows: 551 from unmap to invalidation");
	has(report, "total: 3999 operations, 0 mismatches\n");
}
END_TEST

/* One invalidation of this recording was carried out 125 us after its submission, as hits show. */
START_TEST(test_a_lazy_guest_too)
{
	ck_assert_int_eq(replay("accesses", LAZY), 0);
	has(report, "invalidations: 1 carried out later than submitted, by 125.0 us at most\n");
	has(report, "accesses: 2659 hits, 485 fills\n");
	has(report, "total: 3999 operations, 0 mismatches\n");
}
END_TEST

#define MAPPED "1.000000 0 map 0x10000 4096 0x5000 1\n"
#define UNMAPPED                                                                                   \
	"1.000030 0 unmap 0x10000 4096\n"                                                          \
	"1.000040 0 inv page 0x10000 1 5\n"

START_TEST(test_a_hit_that_cannot_be_is_a_mismatch)
{
	ck_assert_int_eq(
		replay_text("accesses", MAPPED "1.000010 - hit 0x10000 0x5001 0x18\n" UNMAPPED), 1);
	has(report, "access to 0x10000: expected a hit, got a fill");
}
END_TEST

START_TEST(test_a_second_fill_without_an_invalidation_is_a_mismatch)
{
	ck_assert_int_eq(
		replay_text("accesses", MAPPED "1.000010 - fill 0x10000 0x5001 0x18\n"
					       "1.000020 - fill 0x10008 0x5001 0x18\n" UNMAPPED),
		1);
	has(report, "access to 0x10008: expected a fill, got a hit");
	has(report, "windows: 1 from unmap to invalidation");
}
END_TEST

/* Mapped and cached before the recording began. */
START_TEST(test_what_is_hit_first_was_cached_before)
{
	ck_assert_int_eq(replay_text("accesses", "1.000000 - hit 0x10000 0x5001 0x18\n"
						 "1.000010 0 inv page 0x10000 1 5\n"
						 "1.000020 - fill 0x10000 0x5001 0x18\n"),
		0);
}
END_TEST

/* 1024 translations fill the emulated table; the next empties it. */
START_TEST(test_a_full_table_is_emptied)
{
	static char text[1u << 17];
	size_t n = 0;

	for (unsigned i = 0; i <= 1024; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "1.%06u - fill 0x%x 0x%x 0x18\n",
			i, 0x10000 + i * 0x1000, 0x5001);
	snprintf(text + n, sizeof(text) - n,
		"1.002000 - fill 0x10000 0x5001 0x18\n1.002001 - hit 0x410000 0x5001 0x18\n");
	ck_assert_int_eq(replay_text("accesses", text), 0);
}
END_TEST

START_TEST(test_malformed_lines_are_refused_where_they_are)
{
	static const struct {
		const char *text, *part;
		unsigned line, column;
	} bad[] = {
		{ "1.0 0 map 0x10000 4096 0x5000\n", "field", 1, 0 },
		{ MAPPED "1.1 - fill 0x10000 0x5001 0x1ffff\n", "the source-id", 2, 27 },
		{ MAPPED "0.9 - fill 0x10000 0x5001 0x18\n", "earlier than the line before", 2, 1 },
		{ MAPPED "1.1 0 inv pages 0x10000 1 5\n", "not page, domain or global", 2, 11 },
		{ "1.0 0 map 0x10010 4096 0x5000 1\n", "whole pages", 1, 19 },
		{ "x 0 map 0x10000 4096 0x5000 1\n", "not a time in seconds", 1, 1 },
		{ "1.0 0 mop 0x10000 4096 0x5000 1\n", "not a line of a recording", 1, 1 },
		{ "# nothing\n", "no event", 0, 0 },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_int_eq(replay_text("accesses", bad[i].text), 2);
		has(err.text, bad[i].part);
		if (bad[i].line)
			ck_assert_uint_eq(err.pos.line, bad[i].line);
		if (bad[i].column)
			ck_assert_uint_eq(err.pos.column, bad[i].column);
	}
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("conform accesses");

	tcase_add_checked_fixture(tc, replay_setup, replay_teardown);
	tcase_add_test(tc, test_every_access_is_the_hit_or_fill_that_it_was);
	tcase_add_test(tc, test_a_lazy_guest_too);
	tcase_add_test(tc, test_a_hit_that_cannot_be_is_a_mismatch);
	tcase_add_test(tc, test_a_second_fill_without_an_invalidation_is_a_mismatch);
	tcase_add_test(tc, test_what_is_hit_first_was_cached_before);
	tcase_add_test(tc, test_a_full_table_is_emptied);
	tcase_add_test(tc, test_malformed_lines_are_refused_where_they_are);
	return unit_run("conform_accesses", tc);
}
