/*
 * complain - how the program reports a user error: one line on standard error, exit status 2.
 */
#ifndef SIM_RUN_COMPLAIN_H
#define SIM_RUN_COMPLAIN_H
#include "base/err.h"

int complain(const struct err *e); /* "iommusim: error: ..."; returns 2 */

#endif
