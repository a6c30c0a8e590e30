/*
 * conf_utf8 - is it text at all? Says where it is not, which libyaml does in bytes only.
 */
#ifndef SIM_CONF_CONF_UTF8_H
#define SIM_CONF_CONF_UTF8_H
#include "base/err.h"

/* UTF-8 without control characters but tab, newline and carriage return; else an error in `file`. */
bool conf_check_utf8(const char *text, size_t len, const char *file, struct err *err);

#endif
