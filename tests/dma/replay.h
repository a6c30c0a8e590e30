/*
 * replay - one replay of vectors in a test: its report and its error.
 */
#ifndef TESTS_DMA_REPLAY_H
#define TESTS_DMA_REPLAY_H
#include "run/conform.h"

extern char *report;
extern struct err err;

/* A checked fixture. */
void replay_setup(void);
void replay_teardown(void);

/* Exit status; a replay's report replaces that of the one before. */
int replay(const char *kind, const char *file);
int replay_text(const char *kind, const char *text); /* as a file of its own */
void has(const char *text, const char *part);

#endif
