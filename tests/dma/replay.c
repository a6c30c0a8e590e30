#include "tests/dma/replay.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *report;
struct err err;
static size_t report_size;

void replay_setup(void)
{
	report = NULL;
	memset(&err, 0, sizeof(err));
}

void replay_teardown(void)
{
	free(report);
}

int replay(const char *kind, const char *file)
{
	FILE *out;
	int status;

	free(report);
	out = open_memstream(&report, &report_size);
	ck_assert_ptr_nonnull(out);
	status = conform_replay_by_name(kind, file, out, &err);
	fclose(out);
	return status;
}

int replay_text(const char *kind, const char *text)
{
	char name[] = "/tmp/iommusim-conform-XXXXXX";
	int fd = mkstemp(name), status;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (int)strlen(text));
	close(fd);
	status = replay(kind, name);
	unlink(name);
	err.pos.file = NULL; /* pointed to name */
	return status;
}

void has(const char *text, const char *part)
{
	ck_assert_msg(strstr(text, part) != NULL, "no \"%s\" in: %s", part, text);
}
