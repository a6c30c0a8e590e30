/*
 * arrivals, pcap: are captures replayed as they are, or scaled, and files that cannot be replayed
 * refused with a sentence?
 */
#include "workloads/arrivals.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "tests/unit/unit.h"
#include "tests/workloads/traffic.h"

#define CONF(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define NIC_MIX   SOURCE_DIR "/configs/traces/nic-mix.pcap.zst"

static struct traffic traffic;
static char file[64];

static void setup(void)
{
	int fd;

	strcpy(file, "/tmp/iommusim-arrivals-XXXXXX");
	fd = mkstemp(file);
	ck_assert_int_ge(fd, 0);
	close(fd);
}

static void teardown(void)
{
	traffic_close(&traffic);
	unlink(file);
}

static void open_ok(const char *const *conf, uint32_t flows, uint64_t seed)
{
	ck_assert_msg(traffic_open(&traffic, conf, flows, seed), "%s", traffic.err.text);
}

static struct arrival next(void)
{
	struct arrival a;

	ck_assert(arrivals_next(traffic.arrivals, &a));
	return a;
}

static const struct traffic_packet four[] = {
	{ 100, 0, 60, NULL, 0 },
	{ 100, 10, 1514, NULL, 0 },
	{ 100, 10, 100, NULL, 0 },
	{ 100, 40, 9000, NULL, 0 },
};

static bool open_capture(const char *more1, const char *more2, const char *more3)
{
	char *name = xasprintf("workload.arrivals.file=%s", file);
	bool ok = traffic_open(&traffic,
		CONF("workload.arrivals=pcap", "workload.sizes=capture", name, more1, more2, more3),
		1, 1);

	free(name);
	return ok;
}

START_TEST(test_capture_keeps_times_and_lengths_and_ends)
{
	static const sim_time at[] = { 0, 10 * US, 10 * US, 40 * US };
	struct arrival a;

	if (_i == 0)
		traffic_write_pcap(file, four, 4, 1, 0);
	else
		traffic_write_pcapng(file, four, 4);
	if (_i == 2)
		traffic_compress(file);
	ck_assert_msg(
		open_capture("workload.arrivals.loop=false", NULL, NULL), "%s", traffic.err.text);
	for (unsigned i = 0; i < 4; i++) {
		a = next();
		ck_assert_uint_eq(a.at, at[i]);
		ck_assert_uint_eq(a.bytes, four[i].len);
	}
	ck_assert(!arrivals_next(traffic.arrivals, &a));
	ck_assert_double_eq_tol(arrivals_mean_bytes(traffic.arrivals), 10674 / 4.0, 1e-9);
}
END_TEST

START_TEST(test_capture_loop_leaves_a_mean_gap_between_rounds)
{
	traffic_write_pcap(file, four, 4, 1, 0);
	ck_assert(open_capture("workload.arrivals.loop=true", NULL, NULL));
	for (unsigned round = 0; round < 3; round++) {
		sim_time begin = round * (40 * US + 40 * US / 3);

		ck_assert_uint_eq(next().at, begin);
		ck_assert_uint_eq(next().at, begin + 10 * US);
		next();
		ck_assert_uint_eq(next().at, begin + 40 * US);
	}
}
END_TEST

START_TEST(test_capture_scaled_to_a_rate_has_that_rate_exactly)
{
	const uint64_t bits = 8 * 10674;

	traffic_write_pcap(file, four, 4, 1, 0);
	ck_assert(
		open_capture("workload.arrivals.pace=rate", "workload.arrivals.rate=7Gbps", NULL));
	for (uint64_t round = 0; round < 1000; round++) {
		sim_time begin = (sim_time)(round * bits * 1000 / 7);
		sim_time second;

		ck_assert_uint_eq(next().at, begin);
		second = next().at;
		ck_assert_uint_eq(next().at, second); /* equal timestamps stay equal */
		/* the shape stays: the last gap is three times the first */
		ck_assert_double_eq_tol(
			(double)(next().at - second) / (double)(second - begin), 3.0, 1e-3);
	}
	ck_assert_double_eq_tol(arrivals_offered_bps(traffic.arrivals), 7e9, 1e3);
}
END_TEST

START_TEST(test_capture_without_time_is_spread_evenly_at_a_rate_and_not_looped_without)
{
	const struct traffic_packet same[] = { { 5, 5, 1000, NULL, 0 }, { 5, 5, 1000, NULL, 0 } };

	traffic_write_pcap(file, same, 2, 1, 0);
	ck_assert(
		open_capture("workload.arrivals.pace=rate", "workload.arrivals.rate=8Gbps", NULL));
	for (unsigned i = 0; i < 10; i++)
		ck_assert_uint_eq(next().at, i * US);
	traffic_close(&traffic);
	ck_assert(!open_capture("workload.arrivals.pace=timestamps", NULL, NULL));
	ck_assert_ptr_nonnull(strstr(traffic.err.text, "all timestamps are the same"));
}
END_TEST

START_TEST(test_capture_out_of_order_comes_without_gap_and_is_counted)
{
	const struct traffic_packet packets[] = { { 5, 100, 60, NULL, 0 }, { 5, 90, 61, NULL, 0 },
		{ 5, 120, 62, NULL, 0 }, { 5, 119, 63, NULL, 0 }, { 5, 130, 64, NULL, 0 } };
	static const sim_time at[] = { 0, 0, 20 * US, 20 * US, 30 * US };

	traffic_write_pcap(file, packets, 5, 1, 0);
	ck_assert(open_capture(NULL, NULL, NULL));
	for (unsigned i = 0; i < 5; i++)
		ck_assert_uint_eq(next().at, at[i]);
	ck_assert_uint_eq(arrivals_disordered(traffic.arrivals), 2);
}
END_TEST

START_TEST(test_capture_times_can_carry_other_lengths)
{
	char *name = xasprintf("workload.arrivals.file=%s", file);

	traffic_write_pcap(file, four, 4, 1, 0);
	open_ok(CONF("workload.arrivals=pcap", name, "workload.sizes.size=1000",
			"workload.arrivals.pace=rate", "workload.arrivals.rate=8Gbps"),
		1, 1);
	free(name);
	for (unsigned i = 0; i < 4; i++)
		ck_assert_uint_eq(next().bytes, 1000);
	ck_assert_uint_eq(next().at, 4 * US);
}
END_TEST

START_TEST(test_real_capture_is_read_whole)
{
	uint64_t bytes = 0, n = 0;
	struct arrival a;
	unsigned flows = 0;
	uint32_t seen[64];

	open_ok(CONF("workload.arrivals=pcap", "workload.arrivals.file=" NIC_MIX,
			"workload.arrivals.loop=false", "workload.sizes=capture"),
		1, 1);
	while (arrivals_next(traffic.arrivals, &a)) {
		unsigned i = 0;

		n++;
		bytes += a.bytes;
		while (i < flows && seen[i] != a.flow)
			i++;
		if (i == flows && flows < ARRAY_SIZE(seen))
			seen[flows++] = a.flow;
	}
	ck_assert_uint_eq(n, 24000);
	ck_assert_uint_eq(bytes, 31007691);
	ck_assert_uint_eq(flows, 18); /* 9 connections, both ways */
	ck_assert_uint_eq(arrivals_disordered(traffic.arrivals), 8);
}
END_TEST

static void refused(const char *says)
{
	ck_assert(!open_capture(NULL, NULL, NULL));
	ck_assert_msg(
		strstr(traffic.err.text, says) != NULL, "no \"%s\" in: %s", says, traffic.err.text);
	ck_assert_str_eq(traffic.err.path, "workload.arrivals.file");
	ck_assert_msg(
		strstr(traffic.err.text, file) != NULL, "file not named: %s", traffic.err.text);
}

START_TEST(test_cut_capture_is_refused_at_its_packet)
{
	traffic_write_pcap(file, four, 4, 1, 8); /* the last record's header is cut */
	refused("packet 4: ");
	traffic_write_pcap(file, four, 4, 1, 16 * 4 + 4);
	refused("is no packet capture: ");
}
END_TEST

START_TEST(test_cut_compressed_capture_is_refused)
{
	char bytes[200];
	FILE *f;
	size_t n;

	traffic_write_pcap(file, four, 4, 1, 0);
	traffic_compress(file);
	f = fopen(file, "rb");
	n = fread(bytes, 1, sizeof(bytes), f);
	fclose(f);
	ck_assert_int_eq(truncate(file, (off_t)n - 10), 0);
	refused(": ");
}
END_TEST

START_TEST(test_other_link_types_are_refused_by_name)
{
	traffic_write_pcap(file, four, 4, 113, 0);
	refused("LINUX_SLL");
}
END_TEST

START_TEST(test_files_that_are_no_capture_are_refused)
{
	FILE *f = fopen(file, "w");

	fputs("once upon a time there was a packet, and it had no header at all\n", f);
	fclose(f);
	refused("is no packet capture");
	traffic_write_pcap(file, four, 0, 1, 0);
	refused("holds no packet");
	unlink(file);
	refused("cannot be opened");
}
END_TEST

START_TEST(test_impossible_lengths_are_refused)
{
	const struct traffic_packet tiny = { 5, 5, 10, NULL, 0 };

	traffic_write_pcap(file, &tiny, 1, 1, 0);
	refused("packet 1: ");
}
END_TEST

START_TEST(test_pcap_without_a_file_is_refused)
{
	ck_assert(!traffic_open(
		&traffic, CONF("workload.arrivals=pcap", "workload.sizes=capture"), 1, 1));
	ck_assert_ptr_nonnull(strstr(traffic.err.text, "must name a packet capture"));
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("arrivals pcap");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, test_capture_keeps_times_and_lengths_and_ends, 0, 3);
	tcase_add_test(tc, test_capture_loop_leaves_a_mean_gap_between_rounds);
	tcase_add_test(tc, test_capture_scaled_to_a_rate_has_that_rate_exactly);
	tcase_add_test(
		tc, test_capture_without_time_is_spread_evenly_at_a_rate_and_not_looped_without);
	tcase_add_test(tc, test_capture_out_of_order_comes_without_gap_and_is_counted);
	tcase_add_test(tc, test_capture_times_can_carry_other_lengths);
	tcase_add_test(tc, test_real_capture_is_read_whole);
	tcase_add_test(tc, test_cut_capture_is_refused_at_its_packet);
	tcase_add_test(tc, test_cut_compressed_capture_is_refused);
	tcase_add_test(tc, test_other_link_types_are_refused_by_name);
	tcase_add_test(tc, test_files_that_are_no_capture_are_refused);
	tcase_add_test(tc, test_impossible_lengths_are_refused);
	tcase_add_test(tc, test_pcap_without_a_file_is_refused);
	return unit_run("arrivals pcap", tc);
}
