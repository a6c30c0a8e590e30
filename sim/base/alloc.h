/*
 * alloc - heap memory that cannot fail: out of memory ends the program with exit 2 and a sentence.
 * Everything that can be big (traces, simulated memory) is streamed or mapped instead.
 */
#ifndef SIM_BASE_ALLOC_H
#define SIM_BASE_ALLOC_H
#include <stddef.h>

void *xcalloc(size_t n, size_t size); /* zeroed; free() releases it */
void *xrealloc(void *old, size_t n, size_t size); /* new part is not zeroed */
char *xstrdup(const char *s);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
