/*
 * console - a line protocol that drives an IOMMU model by hand: registers, memory, DMA, time. One
 * command a line, one or more lines of answer; the first word of the last is `ok`, a value, or
 * `error:`. For people who debug a driver or a table, and for scripts.
 */
#ifndef SIM_RUN_CONSOLE_H
#define SIM_RUN_CONSOLE_H
#include <stdio.h>
#include "run/hw_rig.h"

/* Until the end of `in` or `quit`. False when a command was refused on the way. */
bool console_run(struct hw_rig *rig, FILE *in, FILE *out);

#endif
