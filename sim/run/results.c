#include "run/results.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "run/folder.h"
#include "run/points.h"

struct results {
	char *tmp, *final;
	bool force;
};

static bool check_name(const char *name, struct err *err)
{
	if (name[0] == '\0' || name[0] == '.' || strchr(name, '/'))
		return err_set(err, "'%s' cannot be the name of a results folder", name);
	return true;
}

/* What --force may replace: an empty folder, or one with the index that every results folder has. */
static bool check_target(const char *final, bool force, struct err *err)
{
	char *index;
	bool ours;

	if (access(final, F_OK) != 0)
		return true;
	if (!force) {
		err_set(err, "%s exists", final);
		return err_hint(err, "--force replaces it, -o DIR writes elsewhere");
	}
	index = xasprintf("%s/%s", final, POINTS_FILE);
	ours = file_exists(index);
	free(index);
	if (ours)
		return true;
	err_set(err, "%s exists and is not a results folder", final);
	return err_hint(err, "remove it, or write elsewhere with -o DIR");
}

struct results *results_begin(const char *out, const char *name, bool force, struct err *err)
{
	struct results *r;

	if (!check_name(name, err))
		return NULL;
	r = xcalloc(1, sizeof(*r));
	r->force = force;
	r->final = xasprintf("%s/%s", out, name);
	r->tmp = xasprintf("%s/.%s.tmp-%ld", out, name, (long)getpid());
	if (!check_target(r->final, force, err) || !folder_make(r->tmp, err)) {
		results_destroy(r);
		return NULL;
	}
	return r;
}

const char *results_dir(const struct results *r)
{
	return r->tmp;
}

const char *results_final(const struct results *r)
{
	return r->final;
}

/* File systems without RENAME_EXCHANGE get two renames instead. */
static int exchange(const char *tmp, const char *final)
{
	char *old;
	int rc;

	if (renameat2(AT_FDCWD, tmp, AT_FDCWD, final, RENAME_EXCHANGE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	old = xasprintf("%s.old", tmp);
	rc = rename(final, old);
	if (rc == 0 && (rc = rename(tmp, final)) != 0)
		rename(old, final);
	if (rc == 0)
		folder_remove(old);
	free(old);
	return rc;
}

bool results_commit(struct results *r, struct err *err)
{
	int rc;

	/* It may have appeared, or changed, since results_begin(). */
	if (!check_target(r->final, r->force, err))
		return false;
	rc = access(r->final, F_OK) == 0 ? exchange(r->tmp, r->final) : rename(r->tmp, r->final);
	if (rc != 0)
		return err_set(
			err, "cannot rename %s to %s: %s", r->tmp, r->final, strerror(errno));
	return true;
}

void results_destroy(struct results *r)
{
	if (!r)
		return;
	folder_remove(r->tmp); /* after an exchange: the old results */
	free(r->tmp);
	free(r->final);
	free(r);
}

bool results_write_host(
	const struct results *r, unsigned jobs, time_t started, double wall_s, struct err *err)
{
	char host[256] = "unknown", when[64];
	struct tm utc;
	FILE *out = file_create(r->tmp, "host.txt", err);

	if (!out)
		return false;
	gethostname(host, sizeof(host) - 1);
	gmtime_r(&started, &utc);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &utc);
	fprintf(out, "host: %s\ndate: %s\nversion: %s\nwall_seconds: %.2f\njobs: %u\n", host, when,
		IOMMUSIM_VERSION, wall_s, jobs);
	return file_close(out, r->tmp, "host.txt", err);
}
