#include "base/alloc.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *check(void *p, size_t size)
{
	if (p || size == 0)
		return p;
	fprintf(stderr, "iommusim: out of memory: %zu bytes could not be had\n", size);
	exit(2);
}

void *xcalloc(size_t n, size_t size)
{
	return check(calloc(n ? n : 1, size ? size : 1), n * size);
}

void *xrealloc(void *old, size_t n, size_t size)
{
	if (size && n > SIZE_MAX / size)
		return check(NULL, SIZE_MAX);
	size *= n;
	return check(realloc(old, size > 0 ? size : 1), size);
}

char *xstrdup(const char *s)
{
	return check(strdup(s), strlen(s) + 1);
}

char *xasprintf(const char *fmt, ...)
{
	va_list ap;
	char *s = NULL;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	return check(n < 0 ? NULL : s, 1);
}
