#include <stdio.h>
#include <string.h>

#include "base/types.h"
#include "cli/cmd_trace.h"
#include "conf/units.h"
#include "run/complain.h"
#include "run/run.h"
#include "trace/import.h"
#include "trace/tools.h"

static void show_formats(void)
{
	size_t n;
	const struct importer *const *all = importers(&n);

	puts("formats, told apart by content; plain or zstd-compressed:");
	for (size_t i = 0; i < n; i++)
		printf("  %-18s %s\n", all[i]->name, all[i]->summary);
}

struct words {
	const char *out, *seed, *access, *delay, *depth, *service, *ring, *cpus;
};

static bool refuse_option(struct err *err, const char *option)
{
	snprintf(err->path, sizeof(err->path), "--%s", option);
	return false;
}

static bool get(const char *text, const char *option, enum conf_type type, uint64_t min,
	uint64_t max, uint64_t *v, struct err *err)
{
	if (!text)
		return true;
	if (!units_parse(type, text, v, err))
		return refuse_option(err, option);
	if (*v >= min && *v <= max)
		return true;
	err_set(err, "'%s' is out of range", text);
	return refuse_option(err, option);
}

static bool get_u32(const char *text, const char *option, uint32_t min, uint32_t max, uint32_t *v,
	struct err *err)
{
	uint64_t wide = *v;

	if (!get(text, option, CONF_u64, min, max, &wide, err))
		return false;
	*v = (uint32_t)wide;
	return true;
}

static bool get_access(const char *text, enum import_access *access, struct err *err)
{
	if (!text || strcmp(text, "edges") == 0)
		return true;
	*access = ACCESS_NONE;
	if (strcmp(text, "none") == 0)
		return true;
	err_set(err, "'%s' is no access model: edges or none", text);
	return refuse_option(err, "access");
}

static bool get_options(const struct words *w, struct import_options *o, struct err *err)
{
	if (!w->out) {
		err_set(err, "where to?");
		return err_hint(err, "-o FILE names the trace to be written");
	}
	return get(w->seed, "seed", CONF_u64, 0, UINT64_MAX, &o->seed, err) &&
	       get_access(w->access, &o->access, err) &&
	       get(w->delay, "access-delay", CONF_time, NS, SEC, &o->access_delay, err) &&
	       get(w->service, "service", CONF_time, NS, SEC, &o->service, err) &&
	       get_u32(w->depth, "depth", 1, 65536, &o->depth, err) &&
	       get_u32(w->ring, "ring", 8, 65536, &o->ring, err) &&
	       get_u32(w->cpus, "cpus", 1, 1024, &o->cpus, err);
}

int cmd_trace_import(int argc, char **argv)
{
	const char *file[TRACE_MERGE_MAX];
	struct import_options o = import_defaults;
	struct words w = { .out = NULL };
	const struct cli_option options[] = {
		{ 'o', "out", "FILE", "The trace to write.", .text = &w.out },
		{ 0, "skip-bad", NULL, "Count what is wrong and go on.", .flag = &o.skip_bad },
		{ 0, "access", "MODEL",
			"DMA that a recording does not show: edges (default) or none.",
			.text = &w.access },
		{ 0, "access-delay", "TIME", "Mean delay between a map or unmap and the DMA; 5us.",
			.text = &w.delay },
		{ 0, "seed", "N", "Of the models' random numbers; 1.", .text = &w.seed },
		{ 0, "depth", "N", "fio: requests under way at most; 32.", .text = &w.depth },
		{ 0, "service", "TIME", "fio: mean service time; 80us.", .text = &w.service },
		{ 0, "ring", "N", "Packets: descriptors of a ring; 256.", .text = &w.ring },
		{ 0, "cpus", "N", "fio, packets: CPUs to spread the load over; 1.",
			.text = &w.cpus },
	};
	struct cli_args args = { "trace import", options, ARRAY_SIZE(options), 0, TRACE_MERGE_MAX,
		file, 0 };
	int status = cmd_trace_parse(&args, "FILE... -o FILE [options]",
		"Make a trace of what other tools recorded.", argc, argv);
	struct err err;

	if (status >= 0)
		return status;
	if (args.n == 0) {
		show_formats();
		return RUN_OK;
	}
	if (!get_options(&w, &o, &err) || !import_files(file, args.n, &o, w.out, stdout, &err))
		return complain(&err);
	return RUN_OK;
}
