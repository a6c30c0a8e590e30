/*
 * Arbitrary files against every importer, which the content chooses: refused with a sentence, or turned
 * into a trace by the rules; never a crash. Each input twice, refusing and counting what is wrong.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bug.h"
#include "trace/import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_trace(const char *file)
{
	struct err err;
	struct trace_reader *in = trace_open(file, &err);

	BUG_ON(!in);
	while (trace_next(in))
		;
	BUG_ON(trace_failed(in, &err));
	trace_close(in);
}

static void import(const char *file, bool skip_bad, const char *out)
{
	struct import_options o = import_defaults;
	struct err err = { .text = "" };

	o.skip_bad = skip_bad;
	o.cpus = 3;
	if (import_files(&file, 1, &o, out, NULL, &err))
		check_trace(out);
	else
		BUG_ON(err.text[0] == '\0');
	unlink(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("fuzz", 0);
	char file[32], out[64];

	BUG_ON(fd < 0 || write(fd, data, size) != (ssize_t)size);
	snprintf(file, sizeof(file), "/proc/self/fd/%d", fd);
	snprintf(out, sizeof(out), "/tmp/iommusim-fuzz-%ld", (long)getpid());
	import(file, false, out);
	import(file, true, out);
	close(fd);
	return 0;
}
