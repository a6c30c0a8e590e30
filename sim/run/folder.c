#include "run/folder.h"

#include <errno.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"

#define OPEN_FOLDERS 16 /* file descriptors that a removal may use */

bool folder_exists(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool file_exists(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static bool make_one(const char *path, struct err *err)
{
	if (mkdir(path, 0777) == 0 || (errno == EEXIST && folder_exists(path)))
		return true;
	return err_set(err, "cannot create the folder %s: %s", path,
		errno == EEXIST ? "a file of that name exists" : strerror(errno));
}

bool folder_make(const char *path, struct err *err)
{
	char *part = xstrdup(path);
	bool ok = true;

	for (char *p = part + 1; ok && *part && *p; p++) {
		if (*p != '/' || p[-1] == '/')
			continue;
		*p = '\0';
		ok = make_one(part, err);
		*p = '/';
	}
	ok = ok && make_one(part, err);
	free(part);
	return ok;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	remove(path);
	return 0;
}

void folder_remove(const char *path)
{
	nftw(path, remove_entry, OPEN_FOLDERS, FTW_DEPTH | FTW_PHYS);
}

FILE *file_create(const char *dir, const char *name, struct err *err)
{
	char *path = xasprintf("%s/%s", dir, name);
	FILE *f = fopen(path, "w");

	if (!f)
		err_set(err, "cannot write %s: %s", path, strerror(errno));
	free(path);
	return f;
}

bool file_close(FILE *f, const char *dir, const char *name, struct err *err)
{
	bool failed = ferror(f) != 0;

	if (fclose(f) == 0 && !failed)
		return true;
	return err_set(err, "cannot write %s/%s: %s", dir, name, strerror(errno));
}
