#include "run/datadir.h"

#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"

static char *beside_executable(void)
{
	char exe[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	if (n <= 0)
		return NULL;
	exe[n] = '\0';
	return xasprintf("%s/../share/iommusim", dirname(exe));
}

/* Fills candidate[] with folders to free; returns their number. */
static size_t candidates(char *candidate[DATADIR_MAX])
{
	const char *env = getenv("IOMMUSIM_DATA");
	size_t n = 0;

	if (env && env[0])
		candidate[n++] = xstrdup(env);
	candidate[n] = beside_executable();
	if (candidate[n])
		n++;
	candidate[n++] = xstrdup(IOMMUSIM_DATADIR);
	candidate[n++] = xstrdup(IOMMUSIM_SOURCE_DIR);
	return n;
}

char **datadir_search(const char *relative)
{
	char **found = xcalloc(DATADIR_MAX + 1, sizeof(*found)), *candidate[DATADIR_MAX];
	size_t n = candidates(candidate), nfound = 0;

	for (size_t i = 0; i < n; i++) {
		char *path = xasprintf("%s/%s", candidate[i], relative);

		if (access(path, R_OK) == 0)
			found[nfound++] = path;
		else
			free(path);
		free(candidate[i]);
	}
	return found;
}

void datadir_search_free(char **search)
{
	for (char **s = search; *s; s++)
		free(*s);
	free(search);
}

char *datadir_find(const char *relative, struct err *err)
{
	char **found = datadir_search(relative), *path = NULL;

	if (found[0]) {
		path = xstrdup(found[0]);
	} else {
		err_set(err, "the program's file %s is nowhere to be found", relative);
		err_hint(err, "set IOMMUSIM_DATA to the folder that has it; installed: %s",
			IOMMUSIM_DATADIR);
	}
	datadir_search_free(found);
	return path;
}
