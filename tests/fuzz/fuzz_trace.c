/*
 * Arbitrary files against the reader of native traces and the tools on them: refused with a sentence or
 * read to the end, never a crash. The reader's checksums refuse nearly everything, so the bytes behind the
 * first are also taken as bare records, for the rules and for writer and reader in turn.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bug.h"
#include "trace/tools.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_file(const uint8_t *data, size_t size)
{
	int fd = memfd_create("fuzz", 0);
	struct trace_reader *in;
	char file[32];
	struct err err;

	BUG_ON(fd < 0 || write(fd, data, size) != (ssize_t)size);
	snprintf(file, sizeof(file), "/proc/self/fd/%d", fd);
	in = trace_open(file, &err);
	if (in) {
		while (trace_next(in))
			;
		trace_close(in);
	}
	close(fd);
}

/* What the writer takes, the reader and the tools must. */
static void write_records(const uint8_t *data, size_t size, const char *out, const char *cut)
{
	const struct trace_info info = { .seed = 1 };
	struct trace_record r;
	struct err err;
	struct trace_writer *w = trace_create(out, &info, &err);
	FILE *null = fopen("/dev/null", "w");

	BUG_ON(!w || !null);
	r = trace_device_record(0, 0, "d");
	BUG_ON(trace_put(w, &r) != NULL);
	for (; size >= sizeof(r); data += sizeof(r), size -= sizeof(r)) {
		memcpy(&r, data, sizeof(r));
		trace_put(w, &r);
	}
	if (trace_open_map(w)) {
		trace_abandon(w);
	} else {
		BUG_ON(!trace_commit(w, &err));
		BUG_ON(!trace_info_print(out, null, &err));
		BUG_ON(!trace_cut(out, 1, 1000, cut, &err));
		BUG_ON(!trace_info_print(cut, null, &err));
		BUG_ON(!trace_merge((const char *const[]){ out, cut }, 2, cut, &err));
		unlink(cut);
	}
	unlink(out);
	fclose(null);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char out[64], cut[64];

	snprintf(out, sizeof(out), "/tmp/iommusim-fuzz-%ld", (long)getpid());
	snprintf(cut, sizeof(cut), "/tmp/iommusim-fuzz-%ld-cut", (long)getpid());
	read_file(data, size);
	if (size > 0)
		write_records(data + 1, size - 1, out, cut);
	return 0;
}
