#include "conf/units.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bug.h"
#include "conf/conf_suggest.h"

__extension__ typedef unsigned __int128 wide;

struct unit {
	const char *name;
	uint64_t factor; /* base units */
	bool read_only; /* accepted, never printed */
};

/* Ascending by factor; the first is the base unit. */
static const struct unit time_units[] = {
	{ "ps", PS, false },
	{ "ns", NS, false },
	{ "us", US, false },
	{ "ms", MS, false },
	{ "s", SEC, false },
};
static const struct unit size_units[] = {
	{ "B", 1, false },
	{ "kB", 1000, true },
	{ "KiB", (uint64_t)1 << 10, false },
	{ "MB", 1000000, true },
	{ "MiB", (uint64_t)1 << 20, false },
	{ "GB", 1000000000, true },
	{ "GiB", (uint64_t)1 << 30, false },
	{ "TiB", (uint64_t)1 << 40, false },
};
static const struct unit rate_units[] = {
	{ "bps", 1, false },
	{ "kbps", 1000, false },
	{ "Mbps", 1000000, false },
	{ "Gbps", 1000000000, false },
};
static const struct unit freq_units[] = {
	{ "Hz", 1, false },
	{ "kHz", 1000, false },
	{ "MHz", 1000000, false },
	{ "GHz", 1000000000, false },
};

static const struct kind {
	const char *name, *example;
	const struct unit *units;
	size_t nunits;
	bool decimal; /* fractions of a unit are exact decimals, so "2.4GHz" may be printed */
} kinds[] = {
	[CONF_bool] = { "true or false", "true", NULL, 0, false },
	[CONF_u32] = { "whole number", "250", NULL, 0, false },
	[CONF_u64] = { "whole number", "250", NULL, 0, false },
	[CONF_f64] = { "number", "0.75", NULL, 0, false },
	[CONF_time] = { "time", "10ms", time_units, ARRAY_SIZE(time_units), true },
	[CONF_size] = { "size", "64KiB", size_units, ARRAY_SIZE(size_units), false },
	[CONF_rate] = { "rate", "40Gbps", rate_units, ARRAY_SIZE(rate_units), true },
	[CONF_freq] = { "frequency", "2.4GHz", freq_units, ARRAY_SIZE(freq_units), true },
	[CONF_str] = { "text", "name", NULL, 0, false },
	[CONF_path] = { "file", "capture.pcap", NULL, 0, false },
	[CONF_choice] = { "word", "word", NULL, 0, false },
	[CONF_u32list] = { "list", "[64, 594, 1518]", NULL, 0, false },
};

const char *units_type_name(enum conf_type type)
{
	return kinds[type].name;
}

const char *units_example(enum conf_type type)
{
	return kinds[type].example;
}

static char *unit_words(const struct kind *k, char *buf, size_t size)
{
	const char *names[ARRAY_SIZE(size_units)];

	for (size_t i = 0; i < k->nunits; i++)
		names[i] = k->units[i].name;
	return conf_join(names, k->nunits, " or ", buf, size);
}

char *units_words(enum conf_type type, char *buf, size_t size)
{
	return unit_words(&kinds[type], buf, size);
}

/* ---- reading ---- */

/* mantissa x 10^exp10, as written */
struct decimal {
	uint64_t mantissa;
	int exp10;
	bool huge; /* more digits than a mantissa holds */
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static void add_digit(struct decimal *d, char c)
{
	unsigned digit = (unsigned)(c - '0');

	if (d->mantissa > (UINT64_MAX - digit) / 10)
		d->huge = true;
	else
		d->mantissa = d->mantissa * 10 + digit;
}

/* Digits of a fraction; zeros at its end say nothing and would only overflow. */
static const char *read_fraction(const char *s, struct decimal *d)
{
	const char *end = s, *last = s;

	for (; is_digit(*end); end++)
		if (*end != '0')
			last = end + 1;
	for (; s < last; s++) {
		add_digit(d, *s);
		d->exp10--;
	}
	return end;
}

/* Returns the first character behind the number, or s when there is none. */
static const char *read_decimal(const char *s, struct decimal *d)
{
	const char *start = s, *digits;
	int exp = 0, sign = 1;

	*d = (struct decimal){ 0 };
	for (digits = s; is_digit(*s); s++)
		add_digit(d, *s);
	if (s == digits)
		return start;
	if (s[0] == '.' && is_digit(s[1]))
		s = read_fraction(s + 1, d);
	if ((s[0] == 'e' || s[0] == 'E') &&
		(is_digit(s[1]) || (s[1] && strchr("+-", s[1]) && is_digit(s[2])))) {
		s++;
		if (*s == '+' || *s == '-')
			sign = *s++ == '-' ? -1 : 1;
		for (; is_digit(*s); s++)
			exp = exp < 1000 ? exp * 10 + (*s - '0') : exp;
		d->exp10 += sign * exp;
	}
	return s;
}

static bool read_hex(const char *text, uint64_t *out, bool *huge)
{
	const char *s = text + 2;

	*out = 0;
	*huge = false;
	for (; isxdigit((unsigned char)*s); s++) {
		if (*out >> 60)
			*huge = true;
		*out = *out << 4 |
		       (uint64_t)(is_digit(*s) ? *s - '0' : tolower((unsigned char)*s) - 'a' + 10);
	}
	return s > text + 2 && *s == '\0';
}

enum scaled { SCALED, NOT_WHOLE, TOO_LARGE };

/* *out = d x factor, if that is a whole number of 64 bits. */
static enum scaled scale(const struct decimal *d, uint64_t factor, uint64_t *out)
{
	wide v = (wide)d->mantissa * factor;
	int exp = d->exp10;

	if (d->huge)
		return TOO_LARGE;
	*out = 0;
	if (v == 0)
		return SCALED;
	for (; exp < 0; exp++) {
		if (v % 10 != 0)
			return NOT_WHOLE;
		v /= 10;
	}
	for (; exp > 0 && v <= UINT64_MAX; exp--)
		v *= 10;
	if (v > UINT64_MAX)
		return TOO_LARGE;
	*out = (uint64_t)v;
	return SCALED;
}

static const struct unit *find_unit(const struct kind *k, const char *name)
{
	for (size_t i = 0; i < k->nunits; i++)
		if (strcmp(k->units[i].name, name) == 0)
			return &k->units[i];
	return NULL;
}

/* "64kb": the unit that differs in its capitals, or is spelled nearly so. */
static bool refuse_unit(const struct kind *k, const char *name, struct err *err)
{
	const char *names[ARRAY_SIZE(size_units)];
	const char *near;
	char words[96];

	for (size_t i = 0; i < k->nunits; i++)
		names[i] = k->units[i].name;
	near = conf_nearest(name, names, k->nunits);
	err_set(err, "'%.32s' is not a %s unit; these are: %s", name, k->name,
		unit_words(k, words, sizeof(words)));
	if (near)
		err_hint(err, "did you mean '%s'?", near);
	return false;
}

static bool refuse_scaled(
	enum scaled why, const struct kind *k, const char *text, const char *base, struct err *err)
{
	if (why == NOT_WHOLE && k->units)
		return err_set(err, "'%.40s' is not a whole number of %s", text, base);
	if (why == NOT_WHOLE)
		return err_set(err, "'%.40s' is not a whole number", text);
	return err_set(err, "'%.40s' is too large: a %s goes up to %" PRIu64 "%s", text, k->name,
		UINT64_MAX, base);
}

static bool read_with_unit(const struct kind *k, const char *text, uint64_t *out, struct err *err)
{
	struct decimal d;
	const char *rest = read_decimal(text, &d);
	const struct unit *u;
	enum scaled result;
	char words[96];

	if (rest == text)
		return err_set(err, "'%.40s' is not a %s: needs a number and a unit, as in '%s'",
			text, k->name, k->example);
	while (*rest == ' ')
		rest++;
	if (*rest == '\0' && d.mantissa == 0 && !d.huge) {
		*out = 0;
		return true;
	}
	if (*rest == '\0')
		return err_set(err, "needs a %s unit: %s, as in '%s'", k->name,
			unit_words(k, words, sizeof(words)), k->example);
	u = find_unit(k, rest);
	if (!u)
		return refuse_unit(k, rest, err);
	result = scale(&d, u->factor, out);
	return result == SCALED || refuse_scaled(result, k, text, k->units[0].name, err);
}

static bool read_plain(const struct kind *k, const char *text, uint64_t *out, struct err *err)
{
	struct decimal d;
	const char *rest;
	enum scaled result;
	bool huge;

	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
		if (!read_hex(text, out, &huge))
			return err_set(
				err, "'%.40s' is not a hexadecimal number, as in '0x1f'", text);
		return !huge || refuse_scaled(TOO_LARGE, k, text, "", err);
	}
	rest = read_decimal(text, &d);
	if (rest == text)
		return err_set(
			err, "'%.40s' is not a whole number, as in '250', '1e6' or '0x1f'", text);
	if (*rest != '\0')
		return err_set(
			err, "'%.40s' must be a whole number without a unit, as in '250'", text);
	result = scale(&d, 1, out);
	return result == SCALED || refuse_scaled(result, k, text, "", err);
}

bool units_parse(enum conf_type type, const char *text, uint64_t *out, struct err *err)
{
	const struct kind *k = &kinds[type];

	if (*text == '\0')
		return err_set(err, "has no value: needs a %s, as in '%s'", k->name, k->example);
	if (*text == '-' && is_digit(text[1]))
		return err_set(err, "'%.40s' is negative: a %s is 0 or more", text, k->name);
	if (*text == '+' && is_digit(text[1]))
		text++;
	if (k->units)
		return read_with_unit(k, text, out, err);
	if (!read_plain(k, text, out, err))
		return false;
	if (type == CONF_u32 && *out > UINT32_MAX)
		return err_set(err, "'%.40s' is too large: at most %" PRIu32, text, UINT32_MAX);
	return true;
}

/* ---- writing ---- */

/* value in units of u with up to three decimals, if that is exact. */
static bool exact_in(const struct unit *u, uint64_t value, bool decimal, char *buf, size_t size)
{
	uint64_t whole = value / u->factor, rest = value % u->factor;
	unsigned thousandths;
	int len;

	if (u->read_only || whole == 0)
		return false;
	if (rest == 0) {
		snprintf(buf, size, "%" PRIu64 "%s", whole, u->name);
		return true;
	}
	if (!decimal || u->factor % 1000 != 0 || rest % (u->factor / 1000) != 0)
		return false;
	thousandths = (unsigned)(rest / (u->factor / 1000));
	for (len = 3; thousandths % 10 == 0; len--)
		thousandths /= 10;
	snprintf(buf, size, "%" PRIu64 ".%0*u%s", whole, len, thousandths, u->name);
	return true;
}

char *units_format(enum conf_type type, uint64_t value, char *buf, size_t size)
{
	const struct kind *k = &kinds[type];

	for (size_t i = k->nunits; value != 0 && i-- > 0;)
		if (exact_in(&k->units[i], value, k->decimal, buf, size))
			return buf;
	snprintf(buf, size, "%" PRIu64, value);
	return buf;
}

/* Scale into [1, 1000) by the prefixes and print three significant digits. The limit is where
 * rounding would print "1000". */
static char *human(double v, const char *const *prefix, size_t nprefix, const char *unit, char *buf,
	size_t size)
{
	size_t i = 0;

	for (; v >= 999.5 && i + 1 < nprefix; i++)
		v /= 1000;
	snprintf(buf, size, "%.*f %s%s", v < 9.995 ? 2 : v < 99.95 ? 1 : 0, v, prefix[i], unit);
	return buf;
}

char *units_human_time(sim_time ps, char *buf, size_t size)
{
	static const char *const names[] = { "ps", "ns", "us", "ms", "s" };

	if (ps == SIM_TIME_NEVER)
		snprintf(buf, size, "never");
	else if (ps < NS)
		snprintf(buf, size, ps ? "%" PRIu64 " ps" : "%" PRIu64, ps);
	else
		human((double)ps, names, ARRAY_SIZE(names), "", buf, size);
	return buf;
}

char *units_human(double value, const char *unit, char *buf, size_t size)
{
	static const char *const prefix[] = { "", "k", "M", "G", "T", "P" };

	return human(value, prefix, ARRAY_SIZE(prefix), unit, buf, size);
}
