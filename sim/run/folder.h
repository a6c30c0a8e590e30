/*
 * folder - the few operations on folders that results need, with errors that name the path.
 */
#ifndef SIM_RUN_FOLDER_H
#define SIM_RUN_FOLDER_H
#include <stdio.h>
#include "base/err.h"

bool folder_make(const char *path, struct err *err); /* with its parents; fine when it exists */
bool folder_exists(const char *path);
bool file_exists(const char *path);
/* The folder and everything below; links are removed, not followed. Silent when there is none. */
void folder_remove(const char *path);

/* Create dir/name for writing; NULL with *err. file_close() reports what buffering held back. */
FILE *file_create(const char *dir, const char *name, struct err *err);
bool file_close(FILE *f, const char *dir, const char *name, struct err *err);

#endif
