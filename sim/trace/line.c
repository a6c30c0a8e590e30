#include "trace/line.h"

#include <string.h>

#define CPU_MAX 65535u

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static const char *skip_blanks(const char *s)
{
	while (*s == ' ' || *s == '\t')
		s++;
	return s;
}

static int digit_of(char c, bool hex)
{
	if (is_digit(c))
		return c - '0';
	if (hex && c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (hex && c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool line_number_at(const char *s, bool hex, uint64_t *v, const char **end)
{
	uint64_t most = UINT64_MAX / (hex ? 16 : 10), n = 0;
	const char *from;
	int d;

	if (s[0] == '0' && s[1] == 'x') {
		hex = true;
		most = UINT64_MAX / 16;
		s += 2;
	}
	for (from = s; (d = digit_of(*s, hex)) >= 0; s++) {
		if (n > most || (!hex && n == most && d > 5))
			return false;
		n = n * (hex ? 16 : 10) + (unsigned)d;
	}
	*v = n;
	if (end)
		*end = s;
	return s > from;
}

bool line_time(const char *s, sim_time *t, const char **end)
{
	sim_time unit = SEC / 10;
	uint64_t seconds;

	if (!is_digit(*s) || !line_number_at(s, false, &seconds, &s) ||
		seconds > SIM_TIME_NEVER / SEC / 2)
		return false;
	*t = seconds * SEC;
	if (*s == '.' && is_digit(s[1])) {
		for (s++; is_digit(*s); s++, unit /= 10)
			*t += (sim_time)(*s - '0') * unit;
	}
	*end = s;
	return true;
}

/* ---- before the event's name ---- */

/* Does a process number end just before s (blanks between)? After '-' or a blank; perf may write
 * pid/tid. */
static bool pid_before(const char *line, const char *s)
{
	while (s > line && s[-1] == ' ')
		s--;
	if (s == line || !is_digit(s[-1]))
		return false;
	while (s > line && (is_digit(s[-1]) || s[-1] == '/'))
		s--;
	return s > line && (s[-1] == '-' || s[-1] == ' ');
}

/* "SECONDS.FRACTION: NAME: BODY" at s, flags of any kind in one word before it. */
static bool time_and_name(const char *s, struct line_event *ev)
{
	const char *end;

	s = skip_blanks(s);
	if (!line_time(s, &ev->time, &end) || *end != ':') {
		s += strcspn(s, " "); /* the flags */
		s = skip_blanks(s);
		if (!line_time(s, &ev->time, &end) || *end != ':')
			return false;
	}
	ev->name = skip_blanks(end + 1);
	for (end = ev->name; *end && *end != ' '; end++) {
		if (*end != ':')
			continue;
		if (end[1] == ' ' || end[1] == '\0') {
			ev->name_len = (size_t)(end - ev->name);
			ev->body = skip_blanks(end + 1);
			return ev->name_len > 0;
		}
		ev->name = end + 1; /* "iommu:map:" */
	}
	return false;
}

/* trace-cmd report -l: "1.....  2710.035767: name:", CPU and flags in one word. */
static bool latency_form(const char *line, struct line_event *ev)
{
	const char *dash, *s, *from;
	uint64_t cpu;

	for (from = line; (dash = strchr(from, '-')) != NULL; from = dash + 1) {
		s = dash + 1;
		if (!is_digit(*s))
			continue;
		s += strspn(s, "0123456789");
		if (*s != ' ')
			continue;
		s = skip_blanks(s);
		if (is_digit(*s) && line_number_at(s, false, &cpu, &s) && cpu <= CPU_MAX &&
			*s != ' ' && time_and_name(s + strcspn(s, " "), ev)) {
			ev->cpu = (unsigned)cpu;
			return true;
		}
	}
	return false;
}

bool line_event(const char *line, struct line_event *ev)
{
	const char *s, *end;
	uint64_t cpu;

	for (s = line; (s = strchr(s, '[')) != NULL; s++) {
		if (!is_digit(s[1]) || !line_number_at(s + 1, false, &cpu, &end) || *end != ']' ||
			cpu > CPU_MAX || !pid_before(line, s))
			continue;
		if (time_and_name(end + 1, ev)) {
			ev->cpu = (unsigned)cpu;
			return true;
		}
	}
	return latency_form(line, ev);
}

bool line_name_is(const struct line_event *ev, const char *name)
{
	return strlen(name) == ev->name_len && memcmp(ev->name, name, ev->name_len) == 0;
}

/* ---- fields ---- */

const char *line_field(const char *body, const char *key)
{
	size_t n = strlen(key);
	const char *s = body;

	while ((s = strstr(s, key)) != NULL) {
		if (s == body || s[-1] == ' ' || s[-1] == '\t')
			return s + n;
		s += n;
	}
	return NULL;
}

bool line_number(const char *body, const char *key, bool hex, uint64_t *v)
{
	const char *s = line_field(body, key), *end;

	return s && line_number_at(s, hex, v, &end) &&
	       (*end == ' ' || *end == '\0' || *end == '\t');
}

bool line_word(const char *body, const char *key, char *buf, size_t size)
{
	const char *s = line_field(body, key);
	size_t n;

	if (!s)
		return false;
	if (*s == '"')
		s++;
	n = strcspn(s, " \"\t");
	if (n == 0 || n >= size)
		return false;
	memcpy(buf, s, n);
	buf[n] = '\0';
	return true;
}
