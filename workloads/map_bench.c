/*
 * map_bench: kernel/dma/map_benchmark.c of Linux: threads that map and unmap a buffer in a tight loop, with a
 * pause between that stands for the transfer. Reports the kernel tool's two lines of latency.
 *
 * Beyond it: `window` ranges live per thread, unmapped in the order of their maps; `unmap: partner`, where a
 * thread maps and the thread of the next CPU unmaps, as producers and consumers do; `statics`, ranges that are
 * mapped once and stay, which every search has to get by. A map that is refused for lack of addresses is
 * counted and tried again after the oldest range of the thread, if there is one, has gone.
 *
 * There is a device, whose domain it all happens in, and it does nothing: allocator, tables and flush policy
 * are what is measured. A thread yields to timer work after each step, as a preemptible one does.
 */
#include "workloads/map_bench.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "hw/pages.h"

#define CONF_STRUCT_ struct map_bench_conf
static const struct conf_field fields[] = { MAP_BENCH_CONF(CONF_FIELD_) };
#undef CONF_STRUCT_
static const struct conf_table conf_table = CONF_TABLE("map_bench", map_bench_conf, fields, NULL);

#define METRIC_STRUCT_ struct map_bench_metrics
static const struct metric_desc desc[] = { MAP_BENCH_METRICS(METRIC_DESC_) };
#undef METRIC_STRUCT_
static const struct metric_table metric_table = { "map_bench", "Map and unmap in a loop.", desc,
	ARRAY_SIZE(desc) };

static const rid_t bench_rid = { 0x0300 };

static void reset(void *arg, sim_time now)
{
	struct map_bench *b = arg;

	b->map_sums = b->unmap_sums = (struct sums){ 0 };
	b->started = now;
}

static bool init(void *state, const void *conf, const struct workload_env *env, struct err *err)
{
	struct map_bench *b = state;

	b->env = *env;
	b->conf = conf;
	b->nthreads = b->conf->threads ? b->conf->threads : env->machine->ncpus;
	if (b->nthreads > env->machine->ncpus)
		return err_at(err, conf_pos(env->conf, "workload.threads"), "workload.threads",
			"there are only %u CPUs (cpu.count)", env->machine->ncpus);
	if (b->conf->unmap == UNMAP_PARTNER && b->nthreads % 2)
		return err_at(err, conf_pos(env->conf, "workload.unmap"), "workload.unmap",
			"partner needs an even number of threads, and there are %u", b->nthreads);
	metric_scope_add(env->scope, &metric_table, &b->m);
	metric_scope_hooks(env->scope, reset, NULL, b);
	b->port = pcie_port_create(
		env->machine, env->pcie, bench_rid, metric_scope_child(env->scope, "pcie"));
	b->thread = xcalloc(b->nthreads, sizeof(*b->thread));
	for (unsigned i = 0; i < b->nthreads; i++) {
		struct thread *t = &b->thread[i];

		*t = (struct thread){ .bench = b, .cpu = i, .maps = true };
		if (b->conf->unmap == UNMAP_PARTNER) {
			t->partner = &b->thread[i ^ 1];
			t->maps = i % 2 == 0;
		}
		line_init(&t->line);
		cpu_work_init(&t->work, map_bench_step, t);
	}
	return true;
}

static void fini(void *state)
{
	struct map_bench *b = state;

	if (b->port)
		pcie_port_destroy(b->port);
	for (unsigned i = 0; b->thread && i < b->nthreads; i++)
		free(b->thread[i].ring);
	free(b->thread);
	free(b->statics);
}

static bool map_statics(struct map_bench *b, struct proc *p, struct err *err)
{
	b->statics = xcalloc(b->conf->statics + 1u, sizeof(*b->statics));
	b->static_page = pages_alloc(b->env.machine->pages, p);
	for (; b->nstatics < b->conf->statics; b->nstatics++)
		if (!dma_map_single(b->dma, p, b->static_page, PAGE_SIZE, map_bench_dir(b),
			    &b->statics[b->nstatics]))
			return err_at(err, conf_pos(b->env.conf, "workload.statics"),
				"workload.statics", "only %u ranges have an address", b->nstatics);
	return true;
}

static bool setup(void *state, struct proc *p, struct err *err)
{
	struct map_bench *b = state;

	b->dma = dma_dev_create(b->env.dma, p, b->port, err);
	if (!b->dma || !map_statics(b, p, err))
		return false;
	for (unsigned i = 0; i < b->nthreads; i++) {
		struct thread *t = &b->thread[i];

		if (!t->maps)
			continue;
		t->ring = xcalloc(b->conf->window, sizeof(*t->ring));
		for (uint32_t k = 0; k < b->conf->window; k++)
			t->ring[k].pa =
				pages_alloc_contig(b->env.machine->pages, p, b->conf->granule);
	}
	return true;
}

static void start(void *state)
{
	struct map_bench *b = state;

	b->started = engine_now(b->env.machine->engine);
	for (unsigned i = 0; i < b->nthreads; i++)
		map_bench_again(&b->thread[i]);
}

static void stop(void *state)
{
	((struct map_bench *)state)->stopping = true;
}

static bool idle(const void *state)
{
	const struct map_bench *b = state;

	for (unsigned i = 0; i < b->nthreads; i++)
		if (map_bench_live(&b->thread[i]) > 0 ||
			!b->env.machine->cpus[b->thread[i].cpu].sleeping)
			return false;
	return true;
}

static void teardown(void *state, struct proc *p)
{
	struct map_bench *b = state;
	struct pages *pages = b->env.machine->pages;

	while (b->nstatics > 0)
		dma_unmap_single(b->dma, p, b->statics[--b->nstatics], PAGE_SIZE, map_bench_dir(b));
	pages_free(pages, p, b->static_page);
	for (unsigned i = 0; i < b->nthreads; i++)
		for (uint32_t k = 0; b->thread[i].ring && k < b->conf->window; k++)
			pages_free_contig(pages, p, b->thread[i].ring[k].pa, b->conf->granule);
}

static void detach(void *state, struct proc *p)
{
	struct map_bench *b = state;

	if (b->dma)
		dma_dev_destroy(b->dma, p);
}

static void totals(const void *state, struct workload_totals *t)
{
	const struct map_bench *b = state;

	*t = (struct workload_totals){
		.unit = "mappings",
		.units = b->m.unmaps,
		.bytes = b->m.unmaps * map_bench_bytes(b),
		.offered = b->m.maps + b->m.refused,
		.dropped = b->m.refused,
		.latency = &b->m.map_time,
		.dma_latency = &b->m.map_time,
		.dma_latency_path = "map_time",
		.verdict = dma_dev_verdict(b->dma),
	};
}

static void print_latency(FILE *out, const char *what, const struct sums *s)
{
	uint64_t mean = s->n ? s->sum / s->n : 0;
	uint64_t variance = s->n ? s->squares / s->n - mean * mean : 0;
	uint64_t dev = (uint64_t)sqrt((double)variance);

	fprintf(out, "average %s latency(us):%lu.%lu standard deviation:%lu.%lu\n", what,
		(unsigned long)(mean / 10), (unsigned long)(mean % 10), (unsigned long)(dev / 10),
		(unsigned long)(dev % 10));
}

static void report(const void *state, FILE *out)
{
	static const char *const dirs[] = { "BIDIRECTIONAL", "TO_DEVICE", "FROM_DEVICE" };
	const struct map_bench *b = state;
	sim_time ran = engine_now(b->env.machine->engine) - b->started;

	fprintf(out, "dma mapping benchmark: threads:%u seconds:%g node:-1 dir:%s granule: %u\n",
		b->nthreads, (double)ran / (double)SEC, dirs[b->conf->dir], b->conf->granule);
	print_latency(out, "map", &b->map_sums);
	print_latency(out, "unmap", &b->unmap_sums);
}

const struct workload_ops workload_map_bench_ops = {
	.name = "map_bench",
	.summary =
		"Threads that map and unmap in a loop, or map for others to unmap; the device rests",
	.source = "Linux kernel/dma/map_benchmark.c",
	.state_size = sizeof(struct map_bench),
	.conf = &conf_table,
	.init = init,
	.fini = fini,
	.setup = setup,
	.start = start,
	.stop = stop,
	.idle = idle,
	.teardown = teardown,
	.detach = detach,
	.totals = totals,
	.report = report,
};
