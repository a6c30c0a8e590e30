/*
 * datadir - where the files that belong to the program are: gnuplot scripts, platform presets.
 * Looked for in this order: $IOMMUSIM_DATA, beside the executable (../share/iommusim), where it was
 * installed, where it was built from.
 */
#ifndef SIM_RUN_DATADIR_H
#define SIM_RUN_DATADIR_H
#include "base/err.h"

#define DATADIR_MAX 4 /* candidates */

/* The first existing "CANDIDATE/relative", to be freed; NULL with the places that were tried. */
char *datadir_find(const char *relative, struct err *err);
/* Every existing "CANDIDATE/relative", NULL-terminated: a search path for conf_doc_load(). */
char **datadir_search(const char *relative);
void datadir_search_free(char **search);

#endif
