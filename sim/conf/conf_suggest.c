#include "conf/conf_suggest.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define WORD_MAX 64

/* Names differ neither by capitals nor by the kind of dash. */
static char fold(char c)
{
	return c == '_' ? '-' : (char)tolower((unsigned char)c);
}

static bool has_prefix(const char *name, const char *prefix)
{
	for (; *prefix; prefix++, name++)
		if (fold(*prefix) != fold(*name))
			return false;
	return true;
}

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

/* Optimal string alignment: insertions, deletions, replacements and swaps of neighbours. */
static unsigned distance(const char *a, const char *b)
{
	unsigned row[3][WORD_MAX + 1];
	unsigned *before = row[0], *above = row[1], *here = row[2], *spare;
	size_t na = strlen(a), nb = strlen(b);

	if (na > WORD_MAX || nb > WORD_MAX)
		return WORD_MAX;
	for (size_t j = 0; j <= nb; j++)
		above[j] = (unsigned)j;
	for (size_t i = 1; i <= na; i++) {
		here[0] = (unsigned)i;
		for (size_t j = 1; j <= nb; j++) {
			unsigned differ = fold(a[i - 1]) != fold(b[j - 1]);

			here[j] = min3(above[j] + 1, here[j - 1] + 1, above[j - 1] + differ);
			if (i > 1 && j > 1 && fold(a[i - 1]) == fold(b[j - 2]) &&
				fold(a[i - 2]) == fold(b[j - 1]) && before[j - 2] + 1 < here[j])
				here[j] = before[j - 2] + 1;
		}
		spare = before;
		before = above;
		above = here;
		here = spare;
	}
	return above[nb];
}

const char *conf_nearest(const char *word, const char *const *names, size_t n)
{
	size_t len = strlen(word);
	unsigned limit = len < 3 ? 0 : len < 6 ? 1 : len < 9 ? 2 : 3;
	unsigned best = limit + 1, d;
	const char *near = NULL;

	for (size_t i = 0; i < n; i++) {
		d = distance(word, names[i]);
		if (d < best) {
			best = d;
			near = names[i];
		}
	}
	for (size_t i = 0; i < n && !near && len >= 2; i++)
		if (has_prefix(names[i], word))
			near = names[i];
	return near;
}

char *conf_join(const char *const *names, size_t n, const char *last, char *buf, size_t size)
{
	size_t at = 0, need;

	buf[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		const char *sep = i == 0 ? "" : i + 1 < n ? ", " : last;

		need = strlen(sep) + strlen(names[i]);
		/* Room for ", ..." behind every name but the last. */
		if (at + need + (i + 1 < n ? 6 : 1) > size) {
			snprintf(buf + at, size - at, "%s...", i ? ", " : "");
			break;
		}
		at += (size_t)snprintf(buf + at, size - at, "%s%s", sep, names[i]);
	}
	return buf;
}
