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
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/bug.h"
#include "hw/cacheline.h"
#include "hw/cpu.h"
#include "hw/pages.h"
#include "workloads/workload.h"

enum { UNMAP_SELF, UNMAP_PARTNER }; /* words of `unmap` */

#define MAP_BENCH_CONF(F)                                                                          \
	F(u32, threads, "0", "0", "1024", "threads", "Threads, a CPU each; 0: one per CPU.")       \
	F(u32, granule, "1", "1", "1024", "pages", "Pages of a buffer (-g).")                      \
	F(choice, dir, "bidirectional", NULL, NULL, "bidirectional|to-device|from-device",         \
		"Direction of the mappings (-d).")                                                 \
	F(time, transmit, "0", "0", "10ms", "", "Pause between a map and its unmap (-x).")         \
	F(u32, window, "1", "1", "65536", "ranges", "Ranges that a thread keeps mapped.")          \
	F(choice, unmap, "self", NULL, NULL, "self|partner",                                       \
		"Who unmaps: the thread that has mapped, or the thread on the next CPU.")          \
	F(u32, statics, "0", "0", "10000000", "ranges",                                            \
		"Ranges of one page that are mapped before and stay.")                             \
	F(u32, cycles_line, "2", "0", "1000", "cycles",                                            \
		"Filling 64 bytes of a buffer that the device reads (the tool's memset).")

CONF_DECLARE(map_bench_conf, MAP_BENCH_CONF);

#define CONF_STRUCT_ struct map_bench_conf
static const struct conf_field fields[] = { MAP_BENCH_CONF(CONF_FIELD_) };
#undef CONF_STRUCT_
static const struct conf_table conf_table = CONF_TABLE("map_bench", map_bench_conf, fields, NULL);

#define MAP_BENCH_METRICS(M)                                                                       \
	M(COUNTER, maps, "ranges", NULL, "Ranges mapped.")                                         \
	M(COUNTER, unmaps, "ranges", NULL, "Ranges unmapped: the units of work.")                  \
	M(COUNTER, refused, "maps", "maps", "Maps refused because no address was free.")           \
	M(HIST, map_time, "ps", NULL, "Duration of a map call.")                                   \
	M(HIST, unmap_time, "ps", NULL, "Duration of an unmap call.")

METRIC_DECLARE(map_bench_metrics, MAP_BENCH_METRICS);

#define METRIC_STRUCT_ struct map_bench_metrics
static const struct metric_desc desc[] = { MAP_BENCH_METRICS(METRIC_DESC_) };
#undef METRIC_STRUCT_
static const struct metric_table metric_table = { "map_bench", "Map and unmap in a loop.", desc,
	ARRAY_SIZE(desc) };

#define RETRY (1 * US) /* after a refused map */

static const rid_t bench_rid = { 0x0300 };

struct slot {
	hpa_t pa;
	iova_t iova;
};

struct thread {
	struct map_bench *bench;
	unsigned cpu;
	struct cpu_work work;
	struct thread *partner; /* unmaps what this one maps, or maps what it unmaps; NULL */
	bool maps; /* false: the consumer of its partner's ring */
	struct slot *ring; /* the mapper's */
	uint32_t head, tail; /* live: [head, tail), modulo nothing */
	struct line line; /* of the two */
};

/* As the kernel's tool counts: in units of 100 ns. */
struct sums {
	uint64_t sum, squares, n;
};

struct map_bench {
	struct workload_env env;
	const struct map_bench_conf *conf;
	struct pcie_port *port;
	struct dma_dev *dma;
	struct thread *thread;
	unsigned nthreads;
	iova_t *statics;
	uint32_t nstatics;
	hpa_t static_page;
	bool stopping;
	sim_time started;
	struct sums map_sums, unmap_sums;
	struct map_bench_metrics m;
};

static void reset(void *arg, sim_time now)
{
	struct map_bench *b = arg;

	b->map_sums = b->unmap_sums = (struct sums){ 0 };
	b->started = now;
}

static void add(struct sums *s, struct hist *h, sim_time t)
{
	uint64_t units = t / (100 * NS);

	s->sum += units;
	s->squares += units * units;
	s->n++;
	hist_add(h, t);
}

/* ---- one step of a thread ---- */

static enum dma_dir dir_of(const struct map_bench *b)
{
	static const enum dma_dir dirs[] = { DMA_BIDIRECTIONAL, DMA_TO_DEVICE, DMA_FROM_DEVICE };

	return dirs[b->conf->dir];
}

static uint32_t bytes_of(const struct map_bench *b)
{
	return b->conf->granule * (uint32_t)PAGE_SIZE;
}

static bool map_next(struct thread *t, struct proc *p)
{
	struct map_bench *b = t->bench;
	struct slot *s = &t->ring[t->tail % b->conf->window];
	uint32_t lines = bytes_of(b) / 64;
	sim_time from;

	if (dir_of(b) != DMA_FROM_DEVICE) {
		cpu_run(p, (uint64_t)lines * b->conf->cycles_line, CPU_driver);
		line_touch_others(p, lines);
	}
	from = proc_now(p);
	if (!dma_map_single(b->dma, p, s->pa, bytes_of(b), dir_of(b), &s->iova)) {
		b->m.refused++;
		return false;
	}
	add(&b->map_sums, &b->m.map_time, proc_now(p) - from);
	b->m.maps++;
	line_write(&t->line, p, CPU_driver);
	proc_sync(p);
	t->tail++;
	return true;
}

/* The oldest of the mapper's ring. */
static void unmap_oldest(struct thread *mapper, struct proc *p)
{
	struct map_bench *b = mapper->bench;
	struct slot *s = &mapper->ring[mapper->head % b->conf->window];
	sim_time from;

	BUG_ON(mapper->head == mapper->tail);
	from = proc_now(p);
	dma_unmap_single(b->dma, p, s->iova, bytes_of(b), dir_of(b));
	add(&b->unmap_sums, &b->m.unmap_time, proc_now(p) - from);
	b->m.unmaps++;
	line_write(&mapper->line, p, CPU_driver);
	proc_sync(p);
	mapper->head++;
}

static uint32_t live(const struct thread *mapper)
{
	return mapper->tail - mapper->head;
}

static void again(struct thread *t)
{
	cpu_post(&t->bench->env.machine->cpus[t->cpu], &t->work);
}

static void step_self(struct thread *t, struct proc *p)
{
	struct map_bench *b = t->bench;
	bool ok = !b->stopping && map_next(t, p);

	if (!ok && !b->stopping)
		cpu_run_ps(p, RETRY, CPU_driver);
	if (live(t) > 0 && (!ok || live(t) == b->conf->window)) {
		cpu_run_ps(p, b->conf->transmit, CPU_driver);
		unmap_oldest(t, p);
	}
	if (!b->stopping || live(t) > 0)
		again(t);
}

static void step_mapper(struct thread *t, struct proc *p)
{
	struct map_bench *b = t->bench;

	if (b->stopping || live(t) == b->conf->window)
		return; /* the partner wakes it */
	if (map_next(t, p)) {
		cpu_run_ps(p, b->conf->transmit, CPU_driver);
		proc_sync(p);
		again(t->partner);
	} else {
		cpu_run_ps(p, RETRY, CPU_driver);
		proc_sync(p);
	}
	again(t);
}

static void step_unmapper(struct thread *t, struct proc *p)
{
	struct thread *mapper = t->partner;

	line_read(&mapper->line, p, CPU_driver);
	if (live(mapper) == 0)
		return;
	unmap_oldest(mapper, p);
	again(mapper);
	again(t);
}

static void step(struct proc *p, void *arg)
{
	struct thread *t = arg;

	if (!t->partner)
		step_self(t, p);
	else if (t->maps)
		step_mapper(t, p);
	else
		step_unmapper(t, p);
}

/* ---- the run ---- */

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
		cpu_work_init(&t->work, step, t);
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
		if (!dma_map_single(b->dma, p, b->static_page, PAGE_SIZE, dir_of(b),
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
		again(&b->thread[i]);
}

static void stop(void *state)
{
	((struct map_bench *)state)->stopping = true;
}

static bool idle(const void *state)
{
	const struct map_bench *b = state;

	for (unsigned i = 0; i < b->nthreads; i++)
		if (live(&b->thread[i]) > 0 || !b->env.machine->cpus[b->thread[i].cpu].sleeping)
			return false;
	return true;
}

static void teardown(void *state, struct proc *p)
{
	struct map_bench *b = state;
	struct pages *pages = b->env.machine->pages;

	while (b->nstatics > 0)
		dma_unmap_single(b->dma, p, b->statics[--b->nstatics], PAGE_SIZE, dir_of(b));
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
		.bytes = b->m.unmaps * bytes_of(b),
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
