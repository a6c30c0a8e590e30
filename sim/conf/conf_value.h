/*
 * conf_value - one value of one field: from text into the conf struct, its range, and back to text.
 * Internal to sim/conf.
 */
#ifndef SIM_CONF_CONF_VALUE_H
#define SIM_CONF_CONF_VALUE_H
#include <stdio.h>
#include "conf/conf.h"

/* Parse text, check the range, store at (char *)conf + f->off. Text and file values store the
 * pointer itself: the caller owns the memory. Errors have no position yet. */
bool conf_value_store(const struct conf_field *f, const char *text, void *conf, struct err *err);
/* The value stored in conf, as a user would write it in YAML; strings quoted where needed. */
void conf_value_print(const struct conf_field *f, const void *conf, FILE *out);
/* A text as YAML scalar, quoted where needed. */
void conf_print_scalar(const char *text, FILE *out);
/* "1 to 65536", "at least 1", the words of a choice, or "". Returns buf. */
char *conf_range_text(const struct conf_field *f, char *buf, size_t size);

/* Words of a choice, "a|b|c". */
#define CONF_WORDS_MAX 32
struct conf_words {
	char text[256];
	const char *word[CONF_WORDS_MAX];
	size_t n;
};
void conf_words(const struct conf_field *f, struct conf_words *w);

/* The elements of "[a, b]" or "a, b", trimmed, nested lists kept whole; NULL-terminated, one block
 * to free(). NULL when brackets do not match. */
char **conf_split_list(const char *text, size_t *n);

#endif
