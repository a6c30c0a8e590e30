/*
 * units - values as people write them: "10ms", "40Gbps", "64KiB", "2.4GHz"; and back, in the
 * largest unit that loses nothing.
 */
#ifndef SIM_CONF_UNITS_H
#define SIM_CONF_UNITS_H
#include "conf/conf.h"

/* Parse text as a number of the given type (time, size, rate, freq, u32, u64) into *out, in the
 * type's base unit. False with a sentence that names the units that would do. */
bool units_parse(enum conf_type type, const char *text, uint64_t *out, struct err *err);
/* Exact text that units_parse() reads back to the same value. Returns buf. */
char *units_format(enum conf_type type, uint64_t value, char *buf, size_t size);
/* Three significant digits for people: "15.3 us", "1.02 Mpps" without the unit's name. */
char *units_human_time(sim_time ps, char *buf, size_t size);

#endif
