#include "tests/trace/scratch.h"

#include <check.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "trace/tools.h"

#define FILES 16u

struct err scratch_err;
char *scratch_report;

static char folder[64];
static char *files[FILES];

void scratch_open(void)
{
	strcpy(folder, "/tmp/iommusim-trace-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
}

void scratch_close(void)
{
	for (unsigned i = 0; i < FILES && files[i]; i++) {
		remove(files[i]);
		free(files[i]);
		files[i] = NULL;
	}
	free(scratch_report);
	scratch_report = NULL;
	ck_assert_msg(rmdir(folder) == 0, "something is left in %s", folder);
}

const char *scratch_file(const char *name)
{
	unsigned i = 0;

	for (; i < FILES && files[i]; i++)
		if (strcmp(strrchr(files[i], '/') + 1, name) == 0)
			return files[i];
	ck_assert_uint_lt(i, FILES);
	files[i] = xasprintf("%s/%s", folder, name);
	return files[i];
}

void scratch_store(const char *name, const void *bytes, size_t n)
{
	FILE *f = fopen(scratch_file(name), "wb");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(bytes, 1, n, f), n);
	ck_assert_int_eq(fclose(f), 0);
}

char *scratch_load(const char *name, size_t *n)
{
	FILE *f = fopen(scratch_file(name), "rb");
	char *bytes;

	ck_assert_ptr_nonnull(f);
	fseek(f, 0, SEEK_END);
	*n = (size_t)ftell(f);
	rewind(f);
	bytes = xcalloc(1, *n + 1);
	ck_assert_uint_eq(fread(bytes, 1, *n, f), *n);
	fclose(f);
	return bytes;
}

bool scratch_import(const char *name, const char *text, const struct import_options *options)
{
	const char *in;
	size_t size;
	FILE *report;
	bool ok;

	scratch_store("in.txt", text, strlen(text));
	in = scratch_file("in.txt");
	free(scratch_report);
	report = open_memstream(&scratch_report, &size);
	ok = import_files(&in, 1, options ? options : &import_defaults, scratch_file(name), report,
		&scratch_err);
	fclose(report);
	return ok;
}

char *scratch_dump(const char *name)
{
	char *text = NULL, *body;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	bool ok = trace_dump(scratch_file(name), 0, UINT64_MAX, out, &scratch_err);

	fclose(out);
	body = text;
	while (body[0] == '#')
		body = strchr(body, '\n') + 1;
	memmove(text, body, strlen(body) + 1);
	if (ok)
		return text;
	free(text);
	return NULL;
}

void scratch_refused(const char *text, unsigned line, const char *part)
{
	remove(scratch_file("out"));
	ck_assert_msg(!scratch_import("out", text, NULL), "this was taken:\n%s", text);
	ck_assert_msg(strstr(scratch_err.text, part) != NULL, "said: %s", scratch_err.text);
	ck_assert_uint_eq(scratch_err.pos.line, line);
	ck_assert_int_ne(access(scratch_file("out"), F_OK), 0);
}

void scratch_gives(const char *text, const char *records)
{
	static const struct import_options plain = {
		.access = ACCESS_NONE, .depth = 2, .service = 10 * US, .ring = 8, .cpus = 1
	};
	char *dump;

	ck_assert_msg(scratch_import("out", text, &plain), "line %u: %s", scratch_err.pos.line,
		scratch_err.text);
	dump = scratch_dump("out");
	ck_assert_ptr_nonnull(dump);
	ck_assert_str_eq(dump, records);
	free(dump);
}
