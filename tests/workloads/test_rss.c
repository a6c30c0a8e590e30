/*
 * rss: is it the Toeplitz hash that the specification of Microsoft's RSS gives check values for, and
 * does it find the addresses in a frame?
 */
#include "trace/rss.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

/* From the specification's verification suite: 66.9.149.187:2794 to 161.142.100.80:1766. */
static const uint8_t tuple[] = { 66, 9, 149, 187, 161, 142, 100, 80, 0x0a, 0xea, 0x06, 0xe6 };
#define HASH_ADDRESSES  0x323e8fc2u
#define HASH_WITH_PORTS 0x51ccc178u

static uint8_t frame[64];

static void setup(void)
{
	memset(frame, 0, sizeof(frame));
	frame[12] = 0x08;
	frame[14] = 0x45;
	frame[23] = 6; /* TCP */
	memcpy(frame + 26, tuple, 8);
	memcpy(frame + 34, tuple + 8, 4);
}

START_TEST(test_hash_matches_the_published_values)
{
	ck_assert_uint_eq(rss_toeplitz(tuple, 8), HASH_ADDRESSES);
	ck_assert_uint_eq(rss_toeplitz(tuple, 12), HASH_WITH_PORTS);
}
END_TEST

START_TEST(test_tcp_and_udp_count_ports_other_protocols_do_not)
{
	ck_assert_uint_eq(rss_frame(frame, sizeof(frame)), HASH_WITH_PORTS);
	frame[23] = 17;
	ck_assert_uint_eq(rss_frame(frame, sizeof(frame)), HASH_WITH_PORTS);
	frame[23] = 1;
	ck_assert_uint_eq(rss_frame(frame, sizeof(frame)), HASH_ADDRESSES);
}
END_TEST

START_TEST(test_fragments_hash_like_each_other)
{
	frame[20] = 0x20; /* more fragments */
	ck_assert_uint_eq(rss_frame(frame, sizeof(frame)), HASH_ADDRESSES);
	frame[20] = 0x00;
	frame[21] = 0x10; /* an offset */
	ck_assert_uint_eq(rss_frame(frame, sizeof(frame)), HASH_ADDRESSES);
}
END_TEST

START_TEST(test_vlan_tags_are_skipped)
{
	memmove(frame + 16, frame + 12, 40);
	frame[12] = 0x81;
	frame[13] = 0x00;
	ck_assert_uint_eq(rss_frame(frame, sizeof(frame)), HASH_WITH_PORTS);
}
END_TEST

START_TEST(test_ip_options_move_the_ports)
{
	frame[14] = 0x46;
	memcpy(frame + 38, tuple + 8, 4);
	memset(frame + 34, 0xff, 4);
	ck_assert_uint_eq(rss_frame(frame, sizeof(frame)), HASH_WITH_PORTS);
}
END_TEST

START_TEST(test_ipv6_counts_addresses_and_ports)
{
	uint8_t v6[64] = { [12] = 0x86, [13] = 0xdd, [14] = 0x60, [20] = 6 };
	uint8_t input[36];

	for (unsigned i = 0; i < 36; i++)
		input[i] = v6[22 + i] = (uint8_t)(7 * i + 1);
	ck_assert_uint_eq(rss_frame(v6, sizeof(v6)), rss_toeplitz(input, 36));
	ck_assert_uint_eq(rss_frame(v6, 56), rss_toeplitz(input, 32)); /* ports not captured */
}
END_TEST

/* No prefix of a frame is read beyond its end (the sanitizers watch), and none is a reason to stop. */
START_TEST(test_short_captures_hash_what_they_have)
{
	for (size_t n = 0; n <= sizeof(frame); n++) {
		uint8_t *part = malloc(n + 1);
		uint32_t hash;

		memcpy(part, frame, n);
		hash = rss_frame(part, n);
		ck_assert_uint_eq(hash, n < 34 ? 0 : n < 38 ? HASH_ADDRESSES : HASH_WITH_PORTS);
		free(part);
	}
	frame[12] = 0x08;
	frame[13] = 0x06; /* ARP */
	ck_assert_uint_eq(rss_frame(frame, sizeof(frame)), 0);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("rss");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, test_hash_matches_the_published_values);
	tcase_add_test(tc, test_tcp_and_udp_count_ports_other_protocols_do_not);
	tcase_add_test(tc, test_fragments_hash_like_each_other);
	tcase_add_test(tc, test_vlan_tags_are_skipped);
	tcase_add_test(tc, test_ip_options_move_the_ports);
	tcase_add_test(tc, test_ipv6_counts_addresses_and_ports);
	tcase_add_test(tc, test_short_captures_hash_what_they_have);
	return unit_run("rss", tc);
}
