/*
 * child - code that ends the program, run where that can be watched: in a child process whose exit
 * status and stderr are kept.
 */
#ifndef TESTS_SUPPORT_CHILD_H
#define TESTS_SUPPORT_CHILD_H
#include <stdbool.h>

struct child_end {
	bool exited; /* false: killed by a signal */
	int code; /* exit status; 0 when fn returned */
	char text[4096]; /* what it wrote to stderr */
};

struct child_end child_run(void (*fn)(void *arg), void *arg);

#endif
