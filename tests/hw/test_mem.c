/*
 * mem: are the bytes where a PC has them, and does the bandwidth hold accesses up as it should?
 */
#include "hw/mem.h"

#include "base/bug.h"
#include "tests/support/child.h"
#include "tests/unit/unit.h"

static struct mem_conf conf;
static struct metrics *metrics;
static struct mem *mem;

static void setup(void)
{
	conf_defaults(&mem_conf_table, &conf);
	conf.bandwidth = 8000000000; /* a byte is a nanosecond */
	conf.read_latency = 90 * NS;
	conf.write_latency = 60 * NS;
	metrics = metrics_create();
	mem = mem_create(&conf, metric_scope_child(metrics_root(metrics), "memory"));
}

static void teardown(void)
{
	metrics_destroy(metrics);
	mem_destroy(mem);
}

START_TEST(words_are_little_endian)
{
	const uint64_t v = 0x8877665544332211;
	unsigned char bytes[8];

	mem_write64(mem, (hpa_t){ 0x1000 }, v);
	mem_read(mem, (hpa_t){ 0x1000 }, bytes, sizeof(bytes));
	for (unsigned i = 0; i < 8; i++)
		ck_assert_uint_eq(bytes[i], (unsigned char)(v >> 8 * i));
	ck_assert_uint_eq(mem_read64(mem, (hpa_t){ 0x1000 }), v);
	ck_assert_uint_eq(mem_read32(mem, (hpa_t){ 0x1000 }), 0x44332211);
	ck_assert_uint_eq(mem_read32(mem, (hpa_t){ 0x1004 }), 0x88776655);
	mem_write32(mem, (hpa_t){ 0x1004 }, 0xdeadbeef);
	ck_assert_uint_eq(mem_read64(mem, (hpa_t){ 0x1000 }), 0xdeadbeef44332211);
}
END_TEST

START_TEST(what_was_never_written_is_zero_however_far_apart)
{
	hpa_t last = { mem_size(mem) - 8 };

	ck_assert_uint_eq(mem_read64(mem, last), 0);
	mem_write64(mem, last, 1);
	for (uint64_t at = 0; at < mem_size(mem) - PAGE_SIZE; at += mem_size(mem) / 64)
		if (mem_exists(mem, (hpa_t){ at }, 8))
			ck_assert_uint_eq(mem_read64(mem, (hpa_t){ at }), 0);
	ck_assert_uint_eq(mem_read64(mem, last), 1);
}
END_TEST

START_TEST(there_is_a_hole_below_4_gib_where_devices_are)
{
	const uint64_t end = (uint64_t)1 << 32, hole = (uint64_t)1 << 30;

	ck_assert(mem_exists(mem, (hpa_t){ 0 }, end - hole));
	ck_assert(!mem_exists(mem, (hpa_t){ end - hole }, 1));
	ck_assert(!mem_exists(mem, (hpa_t){ end - hole - 4 }, 8));
	ck_assert(!mem_exists(mem, (hpa_t){ end - 8 }, 8));
	ck_assert(!mem_exists(mem, (hpa_t){ end - 4 }, 8));
	ck_assert(mem_exists(mem, (hpa_t){ end }, 8));
	ck_assert(!mem_exists(mem, (hpa_t){ 0xfee00000 }, 4));
}
END_TEST

START_TEST(memory_ends_where_it_is_said_to)
{
	uint64_t size = mem_size(mem);

	ck_assert_uint_eq(size, (uint64_t)16 << 30);
	ck_assert(!mem_exists(mem, (hpa_t){ 0 }, size + 1));
	ck_assert(mem_exists(mem, (hpa_t){ size - 1 }, 1));
	ck_assert(!mem_exists(mem, (hpa_t){ size - 1 }, 2));
	ck_assert(!mem_exists(mem, (hpa_t){ size }, 1));
	ck_assert(!mem_exists(mem, (hpa_t){ UINT64_MAX }, 2)); /* no wrap */
	ck_assert(!mem_exists(mem, (hpa_t){ 8 }, UINT64_MAX));
}
END_TEST

static void read_beyond(void *arg)
{
	(void)arg;
	mem_read64(mem, (hpa_t){ mem_size(mem) });
}

START_TEST(an_access_beyond_the_end_is_a_bug)
{
	struct child_end end = child_run(read_beyond, NULL);

	ck_assert_int_eq(end.code, EXIT_BUG);
}
END_TEST

START_TEST(an_access_waits_for_the_bandwidth_of_those_before_it)
{
	ck_assert_uint_eq(mem_read_done(mem, 1000 * NS, 64), 1090 * NS);
	ck_assert_uint_eq(mem_write_done(mem, 1000 * NS, 256), 1124 * NS); /* behind 64 bytes */
	ck_assert_uint_eq(mem_read_done(mem, 1100 * NS, 64), 1410 * NS); /* until 1320 */
	ck_assert_uint_eq(mem_read_done(mem, 2000 * NS, 64), 2090 * NS); /* idle again */
}
END_TEST

struct sums {
	uint64_t reads, writes, bytes, queued;
};

static void sum(void *arg, const char *path, const struct metric_desc *d, const void *base)
{
	struct sums *s = arg;
	uint64_t *into[] = { &s->reads, &s->writes, &s->bytes, &s->queued };

	(void)path;
	for (size_t i = 0; i < ARRAY_SIZE(into); i++)
		if (d == &mem_metric_table.desc[i])
			*into[i] = metric_u64(d, base);
}

START_TEST(accesses_bytes_and_waits_are_counted)
{
	struct sums s = { 0 };

	mem_read_done(mem, 0, 64);
	mem_write_done(mem, 0, 256);
	mem_write_done(mem, 10 * NS, 4);
	metrics_visit(metrics, sum, &s);
	ck_assert_uint_eq(s.reads, 1);
	ck_assert_uint_eq(s.writes, 2);
	ck_assert_uint_eq(s.bytes, 324);
	ck_assert_uint_eq(s.queued, (64 + 310) * NS);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("mem");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, words_are_little_endian);
	tcase_add_test(tc, what_was_never_written_is_zero_however_far_apart);
	tcase_add_test(tc, memory_ends_where_it_is_said_to);
	tcase_add_test(tc, there_is_a_hole_below_4_gib_where_devices_are);
	tcase_add_test(tc, an_access_beyond_the_end_is_a_bug);
	tcase_add_test(tc, an_access_waits_for_the_bandwidth_of_those_before_it);
	tcase_add_test(tc, accesses_bytes_and_waits_are_counted);
	return unit_run("mem", tc);
}
