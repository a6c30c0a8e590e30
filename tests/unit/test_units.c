/*
 * units: is every value that people write read exactly, or refused with the words that would do; and
 * does what is printed read back?
 */
#include "conf/units.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "unit.h"

START_TEST(values_are_read_exactly)
{
	static const struct {
		enum conf_type type;
		const char *text;
		uint64_t value;
	} t[] = {
		{ CONF_time, "10ms", 10 * MS },
		{ CONF_time, "10 ms", 10 * MS },
		{ CONF_time, "1.5ms", 1500 * US },
		{ CONF_time, "0.001ns", 1 },
		{ CONF_time, "1.2340000000000000000000000ns", 1234 },
		{ CONF_time, "18446744073709551615ps", UINT64_MAX },
		{ CONF_time, "18446744.073709551615s", UINT64_MAX },
		{ CONF_time, "0", 0 },
		{ CONF_time, "0.0", 0 },
		{ CONF_time, "0s", 0 },
		{ CONF_time, "1e3us", MS },
		{ CONF_time, "2500e-3us", 2500 * NS },
		{ CONF_size, "64KiB", 65536 },
		{ CONF_size, "1.5KiB", 1536 },
		{ CONF_size, "9kB", 9000 },
		{ CONF_size, "16TiB", (uint64_t)16 << 40 },
		{ CONF_rate, "40Gbps", 40000000000u },
		{ CONF_rate, "2.5Gbps", 2500000000u },
		{ CONF_freq, "2.4GHz", 2400000000u },
		{ CONF_freq, "33.333333MHz", 33333333 },
		{ CONF_u32, "250", 250 },
		{ CONF_u32, "+250", 250 },
		{ CONF_u32, "1e6", 1000000 },
		{ CONF_u32, "1.5e3", 1500 },
		{ CONF_u32, "4294967295", UINT32_MAX },
		{ CONF_u64, "0xfFe0", 0xffe0 },
		{ CONF_u64, "18446744073709551615", UINT64_MAX },
		{ CONF_u64, "0e999", 0 },
	};
	struct err err;
	uint64_t v;

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		ck_assert_msg(
			units_parse(t[i].type, t[i].text, &v, &err), "%s: %s", t[i].text, err.text);
		ck_assert_msg(v == t[i].value, "%s is %" PRIu64, t[i].text, v);
	}
}
END_TEST

START_TEST(refusals_name_what_would_do)
{
	static const struct {
		enum conf_type type;
		const char *text, *sentence;
	} t[] = {
		{ CONF_time, "10", "needs a time unit: ps, ns, us, ms or s, as in '10ms'" },
		{ CONF_time, "", "has no value: needs a time, as in '10ms'" },
		{ CONF_time, "soon",
			"'soon' is not a time: needs a number and a unit, as in '10ms'" },
		{ CONF_time, "10MS",
			"'MS' is not a time unit; these are: ps, ns, us, ms or s (did you mean 'ms'?)" },
		{ CONF_time, "1.5ps", "'1.5ps' is not a whole number of ps" },
		{ CONF_time, "-5ms", "'-5ms' is negative: a time is 0 or more" },
		{ CONF_time, "18446744.073709551616s",
			"'18446744.073709551616s' is too large: a time goes up to "
			"18446744073709551615ps" },
		{ CONF_time, "1e30s",
			"'1e30s' is too large: a time goes up to 18446744073709551615ps" },
		{ CONF_time, "10ms ms",
			"'ms ms' is not a time unit; these are: ps, ns, us, ms or s" },
		{ CONF_size, "64KB",
			"'KB' is not a size unit; these are: B, kB, KiB, MB, MiB, GB, GiB or TiB "
			"(did you mean 'kB'?)" },
		{ CONF_size, "64",
			"needs a size unit: B, kB, KiB, MB, MiB, GB, GiB or TiB, as in "
			"'64KiB'" },
		{ CONF_size, "0.3KiB", "'0.3KiB' is not a whole number of B" },
		{ CONF_rate, "40Gb",
			"'Gb' is not a rate unit; these are: bps, kbps, Mbps or Gbps "
			"(did you mean 'Gbps'?)" },
		{ CONF_freq, "2.4Ghz",
			"'Ghz' is not a frequency unit; these are: Hz, kHz, MHz or "
			"GHz (did you mean 'GHz'?)" },
		{ CONF_u32, "250entries",
			"'250entries' must be a whole number without a unit, as in '250'" },
		{ CONF_u32, "many", "'many' is not a whole number, as in '250', '1e6' or '0x1f'" },
		{ CONF_u32, "2.5", "'2.5' is not a whole number" },
		{ CONF_u32, "4294967296", "'4294967296' is too large: at most 4294967295" },
		{ CONF_u64, "18446744073709551616",
			"'18446744073709551616' is too large: a whole number goes up to "
			"18446744073709551615" },
		{ CONF_u64, "0x", "'0x' is not a hexadecimal number, as in '0x1f'" },
		{ CONF_u64, "0x1g", "'0x1g' is not a hexadecimal number, as in '0x1f'" },
		{ CONF_u64, "0x10000000000000000",
			"'0x10000000000000000' is too large: a whole number goes up to "
			"18446744073709551615" },
	};
	struct err err;
	char got[512];
	uint64_t v;

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		ck_assert_msg(!units_parse(t[i].type, t[i].text, &v, &err), "%s", t[i].text);
		ck_assert_str_eq(err_format(&err, got, sizeof(got)), t[i].sentence);
	}
}
END_TEST

START_TEST(values_print_in_the_largest_unit_that_loses_nothing)
{
	static const struct {
		enum conf_type type;
		uint64_t value;
		const char *text;
	} t[] = {
		{ CONF_time, 10 * MS, "10ms" },
		{ CONF_time, 1500 * US, "1.5ms" },
		{ CONF_time, 1234567, "1234.567ns" },
		{ CONF_time, 1001, "1.001ns" },
		{ CONF_time, 999, "999ps" },
		{ CONF_time, 0, "0" },
		{ CONF_size, 65536, "64KiB" },
		{ CONF_size, 9000, "9000B" },
		{ CONF_size, (uint64_t)3 << 40, "3TiB" },
		{ CONF_rate, 40000000000u, "40Gbps" },
		{ CONF_rate, 12500000000u, "12.5Gbps" },
		{ CONF_freq, 2400000000u, "2.4GHz" },
		{ CONF_u32, 250, "250" },
		{ CONF_u64, UINT64_MAX, "18446744073709551615" },
	};
	char buf[32];

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		ck_assert_str_eq(units_format(t[i].type, t[i].value, buf, sizeof(buf)), t[i].text);
}
END_TEST

/* Values with every number of trailing zeros, decimal and binary: where a rounding would show. */
static uint64_t any_value(struct rng *r)
{
	static const uint64_t factor[] = { 1, 10, 1000, 1000000, 1000000000, 1024, 1 << 20,
		1 << 30 };
	uint64_t v = rng_u64(r) >> rng_below(r, 64);

	return v / factor[rng_below(r, ARRAY_SIZE(factor))] *
	       factor[rng_below(r, ARRAY_SIZE(factor))];
}

START_TEST(what_is_printed_reads_back)
{
	static const enum conf_type types[] = { CONF_time, CONF_size, CONF_rate, CONF_freq,
		CONF_u64 };
	struct rng r;
	char buf[32];
	struct err err;

	rng_init(&r, 1, "test.units");
	for (unsigned n = 0; n < 200000; n++) {
		enum conf_type type = types[rng_below(&r, ARRAY_SIZE(types))];
		uint64_t v = any_value(&r), back;

		units_format(type, v, buf, sizeof(buf));
		ck_assert_msg(units_parse(type, buf, &back, &err), "%s: %s", buf, err.text);
		ck_assert_msg(back == v, "%" PRIu64 " printed %s read %" PRIu64, v, buf, back);
	}
}
END_TEST

START_TEST(people_get_three_digits)
{
	static const struct {
		sim_time ps;
		const char *text;
	} t[] = {
		{ 0, "0" },
		{ 7, "7 ps" },
		{ 999, "999 ps" },
		{ 1000, "1.00 ns" },
		{ 15342000, "15.3 us" },
		{ 9995000, "10.0 us" },
		{ 999499, "999 ns" },
		{ 999500, "1.00 us" },
		{ 10 * MS, "10.0 ms" },
		{ 1234 * SEC, "1234 s" },
		{ SIM_TIME_NEVER, "never" },
	};
	char buf[32];

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		ck_assert_str_eq(units_human_time(t[i].ps, buf, sizeof(buf)), t[i].text);
	ck_assert_str_eq(units_human(1.02e6, "pps", buf, sizeof(buf)), "1.02 Mpps");
	ck_assert_str_eq(units_human(0, "pps", buf, sizeof(buf)), "0.00 pps");
	ck_assert_str_eq(units_human(9.41e9, "b/s", buf, sizeof(buf)), "9.41 Gb/s");
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("units");

	tcase_add_test(tc, values_are_read_exactly);
	tcase_add_test(tc, refusals_name_what_would_do);
	tcase_add_test(tc, values_print_in_the_largest_unit_that_loses_nothing);
	tcase_add_test(tc, what_is_printed_reads_back);
	tcase_add_test(tc, people_get_three_digits);
	return unit_run("units", tc);
}
