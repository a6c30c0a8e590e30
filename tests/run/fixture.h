/*
 * fixture - what the tests of results share: a folder of their own, a small schema, text of files.
 */
#ifndef TESTS_RUN_FIXTURE_H
#define TESTS_RUN_FIXTURE_H
#include <stdio.h>
#include "conf/conf.h"

/* A new empty folder below $TMPDIR, removed by fixture_clean(). */
char *fixture_dir(void);
void fixture_clean(char *dir);
void fixture_put(const char *dir, const char *name, const char *text);
char *fixture_text(const char *dir, const char *name); /* NULL: no such file; free() it */
size_t fixture_count(const char *dir); /* entries, hidden ones too */
/* Every byte below the folder but the named file's, as one number. */
unsigned long long fixture_digest(const char *dir, const char *but);

/* name, cpu.count (1 to 64), policy.type (strict, deferred-global). */
const struct conf_schema *fixture_schema(void);
#define FIXTURE_CONF(F)                                                                            \
	F(str, name, "", NULL, NULL, "", "Name of the results.")                                   \
	F(choice, fate, "ok", NULL, NULL, "ok|broken|refused|killed|hangs", "How a point ends.")
CONF_DECLARE(fixture_conf, FIXTURE_CONF);
#define FIXTURE_CPU_CONF(F) F(u32, count, "1", "1", "64", "CPUs", "CPUs.")
CONF_DECLARE(fixture_cpu_conf, FIXTURE_CPU_CONF);
enum fixture_fate { FATE_OK, FATE_BROKEN, FATE_REFUSED, FATE_KILLED, FATE_HANGS };

#endif
