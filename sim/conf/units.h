/*
 * units - values as people write them: "10ms", "40Gbps", "64KiB", "2.4GHz"; and back, in the
 * largest unit that loses nothing. Integer arithmetic only: what is read is exact or refused.
 */
#ifndef SIM_CONF_UNITS_H
#define SIM_CONF_UNITS_H
#include "conf/conf.h"

/* Parse text as a number of the given type (time, size, rate, freq, u32, u64) into *out, in the
 * type's base unit. False with a sentence that names the units that would do. */
bool units_parse(enum conf_type type, const char *text, uint64_t *out, struct err *err);
/* Exact text that units_parse() reads back to the same value. Returns buf (32 bytes are enough). */
char *units_format(enum conf_type type, uint64_t value, char *buf, size_t size);

/* Three significant digits for people: "15.3 us", "never" for SIM_TIME_NEVER. Returns buf. */
char *units_human_time(sim_time ps, char *buf, size_t size);
/* The same with decimal prefixes: units_human(1.02e6, "pps", ...) is "1.02 Mpps". */
char *units_human(double value, const char *unit, char *buf, size_t size);

/* What a type is called ("time"), and how one is written ("10ms"). */
const char *units_type_name(enum conf_type type);
const char *units_example(enum conf_type type);
/* The units of a type, "ps, ns, us, ms or s"; "" when it has none. Returns buf. */
char *units_words(enum conf_type type, char *buf, size_t size);

#endif
