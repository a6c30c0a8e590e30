/*
 * bug - our own broken invariants. They end the program at once, with the simulated time, the
 * running proc and the seed, so that the run can be repeated up to the very event.
 */
#ifndef SIM_BASE_BUG_H
#define SIM_BASE_BUG_H
#include <stdio.h>

#define EXIT_BUG 3

/* Who can tell where a run stands: called with stderr before the program ends. NULL: nobody. */
typedef void bug_context_fn(FILE *out, void *arg);
void bug_context(bug_context_fn *fn, void *arg);

_Noreturn void bug_report(const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#define BUG(...) bug_report(__FILE__, __LINE__, __VA_ARGS__)
#define BUG_ON(cond)                                                                               \
	do {                                                                                       \
		if (__builtin_expect(!!(cond), 0))                                                 \
			bug_report(__FILE__, __LINE__, "%s", #cond);                               \
	} while (0)

#endif
