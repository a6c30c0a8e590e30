#include "workloads/map_bench.h"

#include "base/bug.h"

#define RETRY (1 * US) /* after a refused map */

static void add(struct sums *s, struct hist *h, sim_time t)
{
	uint64_t units = t / (100 * NS);

	s->sum += units;
	s->squares += units * units;
	s->n++;
	hist_add(h, t);
}

enum dma_dir map_bench_dir(const struct map_bench *b)
{
	static const enum dma_dir dirs[] = { DMA_BIDIRECTIONAL, DMA_TO_DEVICE, DMA_FROM_DEVICE };

	return dirs[b->conf->dir];
}

uint32_t map_bench_bytes(const struct map_bench *b)
{
	return b->conf->granule * (uint32_t)PAGE_SIZE;
}

static bool map_next(struct thread *t, struct proc *p)
{
	struct map_bench *b = t->bench;
	struct slot *s = &t->ring[t->tail % b->conf->window];
	uint32_t lines = map_bench_bytes(b) / 64;
	sim_time from;

	if (map_bench_dir(b) != DMA_FROM_DEVICE) {
		cpu_run(p, (uint64_t)lines * b->conf->cycles_line, CPU_driver);
		line_touch_others(p, lines);
	}
	from = proc_now(p);
	if (!dma_map_single(b->dma, p, s->pa, map_bench_bytes(b), map_bench_dir(b), &s->iova)) {
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
	dma_unmap_single(b->dma, p, s->iova, map_bench_bytes(b), map_bench_dir(b));
	add(&b->unmap_sums, &b->m.unmap_time, proc_now(p) - from);
	b->m.unmaps++;
	line_write(&mapper->line, p, CPU_driver);
	proc_sync(p);
	mapper->head++;
}

uint32_t map_bench_live(const struct thread *mapper)
{
	return mapper->tail - mapper->head;
}

void map_bench_again(struct thread *t)
{
	cpu_post(&t->bench->env.machine->cpus[t->cpu], &t->work);
}

static void step_self(struct thread *t, struct proc *p)
{
	struct map_bench *b = t->bench;
	bool ok = !b->stopping && map_next(t, p);

	if (!ok && !b->stopping)
		cpu_run_ps(p, RETRY, CPU_driver);
	if (map_bench_live(t) > 0 && (!ok || map_bench_live(t) == b->conf->window)) {
		cpu_run_ps(p, b->conf->transmit, CPU_driver);
		unmap_oldest(t, p);
	}
	if (!b->stopping || map_bench_live(t) > 0)
		map_bench_again(t);
}

static void step_mapper(struct thread *t, struct proc *p)
{
	struct map_bench *b = t->bench;

	if (b->stopping || map_bench_live(t) == b->conf->window)
		return; /* the partner wakes it */
	if (map_next(t, p)) {
		cpu_run_ps(p, b->conf->transmit, CPU_driver);
		proc_sync(p);
		map_bench_again(t->partner);
	} else {
		cpu_run_ps(p, RETRY, CPU_driver);
		proc_sync(p);
	}
	map_bench_again(t);
}

static void step_unmapper(struct thread *t, struct proc *p)
{
	struct thread *mapper = t->partner;

	line_read(&mapper->line, p, CPU_driver);
	if (map_bench_live(mapper) == 0)
		return;
	unmap_oldest(mapper, p);
	map_bench_again(mapper);
	map_bench_again(t);
}

void map_bench_step(struct proc *p, void *arg)
{
	struct thread *t = arg;

	if (!t->partner)
		step_self(t, p);
	else if (t->maps)
		step_mapper(t, p);
	else
		step_unmapper(t, p);
}
