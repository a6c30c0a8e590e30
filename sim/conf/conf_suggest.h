/*
 * conf_suggest - "did you mean 'x'?": the valid name nearest to what somebody wrote, and lists of
 * names for sentences.
 */
#ifndef SIM_CONF_CONF_SUGGEST_H
#define SIM_CONF_CONF_SUGGEST_H
#include <stddef.h>

/* The name that a slip of the fingers, of capitals, or a forgotten ending may have meant; NULL when
 * none is near. Ties go to the first. */
const char *conf_nearest(const char *word, const char *const *names, size_t n);

/* "a, b or c" with last " or "; cut with "..." where buf is too small. Returns buf. */
char *conf_join(const char *const *names, size_t n, const char *last, char *buf, size_t size);

#endif
