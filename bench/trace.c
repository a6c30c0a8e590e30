/*
 * Traces: text in, records out, as `iommusim trace import` and a replay without a model do it. The files
 * are made here, in TMPDIR; what is timed is reading (and for the import, writing the trace).
 */
#include "bench/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/bug.h"
#include "base/types.h"
#include "trace/import.h"

#define LINES   2000000u
#define RECORDS 20000000u
#define LIVE    512u

static char *temporary(const char *what)
{
	const char *dir = getenv("TMPDIR");

	return xasprintf("%s/iommusim-bench-%ld-%s", dir ? dir : "/tmp", (long)getpid(), what);
}

/* Maps and unmaps of 512 buffers in turn, as ftrace prints them: an iommu and a dma event a call. */
static void write_events(const char *file)
{
	FILE *f = fopen(file, "w");

	BUG_ON(!f);
	fputs("# tracer: nop\n", f);
	for (unsigned i = 0; i < LINES / 4; i++) {
		unsigned long long iova = 0xfff00000u + (i % LIVE) * 0x1000ull;
		unsigned us = 8 * i;

#define EVENT "     ksoftirqd/0-14      [00%u] ..s..  %4u.%06u: "
#define AT(k) i & 1, 100 + (us + (k)) / 1000000, (us + (k)) % 1000000
		if (i >= LIVE) {
			fprintf(f,
				EVENT "unmap: IOMMU: iova=0x%016llx - 0x%016llx size=4096 "
				      "unmapped_size=4096\n",
				AT(0), iova, iova + 0x1000);
			fprintf(f,
				EVENT "dma_unmap_phys: 0000:00:03.0 dir=FROM_DEVICE "
				      "dma_addr=%llx size=1522 attrs=\n",
				AT(1), iova + 0x40);
		}
		fprintf(f, EVENT "map: IOMMU: iova=0x%016llx - 0x%016llx paddr=0x%016x size=4096\n",
			AT(2), iova, iova + 0x1000, i << 12);
		fprintf(f,
			EVENT "dma_map_phys: 0000:00:03.0 dir=FROM_DEVICE dma_addr=%llx "
			      "size=1522 phys_addr=%x attrs=\n",
			AT(3), iova + 0x40, (i << 12) + 0x40);
	}
	BUG_ON(fclose(f) != 0);
}

void bench_trace_import(struct bench_result *r)
{
	char *in = temporary("in"), *out = temporary("out"), text[512];
	const char *files[] = { in };
	struct err err;
	double from;

	write_events(in);
	from = bench_cpu_s();
	if (!import_files(files, 1, &import_defaults, out, NULL, &err)) {
		fprintf(stderr, "%s\n", err_format(&err, text, sizeof(text)));
		exit(2);
	}
	r->cpu_s = bench_cpu_s() - from;
	r->work = LINES - 2 * LIVE;
	unlink(in);
	unlink(out);
	free(in);
	free(out);
}

static void put(struct trace_writer *w, const struct trace_record *r)
{
	BUG_ON(trace_put(w, r) != NULL);
}

/* A map, a DMA and an unmap in turn, LIVE mappings at a time, times and addresses that do not repeat. */
static void write_records(const char *file)
{
	const struct trace_info info = { .seed = 1 };
	struct trace_record r = trace_device_record(0, 0, "nic");
	struct err err;
	struct trace_writer *w = trace_create(file, &info, &err);
	uint64_t noise = 1;

	BUG_ON(!w);
	put(w, &r);
	for (unsigned i = 0; i < RECORDS / 3; i++) {
		sim_time t;

		noise = noise * 6364136223846793005u + 1442695040888963407u;
		t = (sim_time)i * 100 * NS + (noise >> 60);
		if (i >= LIVE) {
			r = (struct trace_record){
				.type = TRACE_UNMAP, .time = t, .handle = i % LIVE
			};
			put(w, &r);
		}
		r = (struct trace_record){ .type = TRACE_MAP,
			.flags = TRACE_FROM_DEVICE,
			.time = t,
			.value = (noise >> 30) & 0xffffff000,
			.handle = i % LIVE,
			.len = 1522 };
		put(w, &r);
		r = (struct trace_record){ .type = TRACE_DMA,
			.flags = TRACE_WRITE,
			.time = t + 20 * NS,
			.handle = i % LIVE,
			.len = 64 + (uint32_t)(noise >> 40) % 1400 };
		put(w, &r);
	}
	BUG_ON(!trace_commit(w, &err));
}

void bench_trace_read(struct bench_result *r)
{
	char *file = temporary("trace");
	struct trace_reader *in;
	struct err err;
	double from;

	write_records(file);
	from = bench_cpu_s();
	in = trace_open(file, &err);
	BUG_ON(!in);
	while (trace_next(in))
		r->work++;
	BUG_ON(trace_failed(in, &err));
	r->cpu_s = bench_cpu_s() - from;
	trace_close(in);
	unlink(file);
	free(file);
}
