#include "tests/hw/rounds.h"

#include <stdlib.h>

#include "base/bug.h"

void rounds_init(struct rounds *r, unsigned cpus, unsigned per_socket, enum lock_type type)
{
	*r = (struct rounds){ .visits_each = 1000 };
	bed_init(&r->bed, cpus, per_socket);
	r->bed.lock.type = type;
	r->bed.cpu.atomic = 0;
	r->bed.cpu.line_same_socket = 50 * NS;
	r->bed.cpu.line_cross_socket = 120 * NS;
	bed_build(&r->bed);
	lock_init(&r->lock, &r->bed.machine, "test_lock", "test_lock");
}

static sim_time some(const struct rounds *r, struct rng *rng, sim_time mean)
{
	return r->random ? rng_below(rng, 2 * mean + 1) : mean;
}

static void go_round(struct proc *p, void *arg)
{
	struct rounds *r = arg;
	struct rng rng;

	rng_init(&rng, cpu_id(p), "test.rounds");
	cpu_run_ps(p, cpu_id(p) * 20 * NS, CPU_driver); /* one after another */
	for (unsigned i = 0; i < r->visits_each; i++) {
		struct visit *v;

		proc_sync(p);
		v = &r->visit[r->n++];
		BUG_ON(r->n > ROUNDS_VISITS);
		*v = (struct visit){ .cpu = cpu_id(p), .arrived = proc_now(p) };
		lock_acquire(&r->lock, p);
		v->acquired = proc_now(p);
		cpu_run_ps(p, some(r, &rng, r->hold), CPU_driver);
		if (r->sync)
			proc_sync(p);
		v->released = proc_now(p);
		lock_release(&r->lock, p);
		cpu_run_ps(p, some(r, &rng, r->think), CPU_driver);
	}
}

static int by_acquisition(const void *a, const void *b)
{
	const struct visit *x = a, *y = b;

	return (x->acquired > y->acquired) - (x->acquired < y->acquired);
}

void rounds_run(struct rounds *r)
{
	for (unsigned i = 0; i < r->bed.machine.ncpus; i++)
		bed_on(&r->bed, i, go_round, r);
	bed_run(&r->bed);
	metrics_collect(r->bed.metrics, engine_now(r->bed.engine));
	qsort(r->visit, r->n, sizeof(r->visit[0]), by_acquisition);
}

void rounds_fini(struct rounds *r)
{
	lock_fini(&r->lock);
	bed_fini(&r->bed);
}
