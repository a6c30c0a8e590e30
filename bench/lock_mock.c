/*
 * The engine under lock traffic: 16 CPUs {delay; lock; delay; unlock; delay} on 4 spinlocks, and 16
 * devices that issue a DMA and get a completion. Events of the engine are the work.
 */
#include "bench/bench.h"

#include "base/bug.h"
#include "base/rng.h"
#include "hw/cpu.h"
#include "hw/lock.h"
#include "hw/machine.h"

#define NCPUS     16u
#define NLOCKS    4u
#define NDEVICES  16u
#define SIMULATED (40 * MS)

struct mock;

struct mock_cpu {
	struct mock *mock;
	struct cpu_work work;
	struct rng rng;
};

struct mock_device {
	struct mock *mock;
	struct event issue, completion;
	struct rng rng;
};

struct mock {
	struct machine machine;
	struct lock lock[NLOCKS];
	struct mock_cpu cpu[NCPUS];
	struct mock_device device[NDEVICES];
};

static sim_time some(struct rng *r, sim_time most)
{
	return 1 + rng_below(r, most);
}

static void cpu_main(struct proc *p, void *arg)
{
	struct mock_cpu *c = arg;

	for (;;) {
		struct lock *l = &c->mock->lock[rng_below(&c->rng, NLOCKS)];

		cpu_run_ps(p, some(&c->rng, 400 * NS), CPU_driver);
		lock_acquire(l, p);
		cpu_run_ps(p, some(&c->rng, 100 * NS), CPU_driver);
		lock_release(l, p);
		cpu_run_ps(p, some(&c->rng, 400 * NS), CPU_driver);
	}
}

static void device_issue(struct event *ev)
{
	struct mock_device *d = container_of(ev, struct mock_device, issue);

	event_schedule(&d->completion, engine_now(ev->engine) + some(&d->rng, 500 * NS));
}

static void device_completion(struct event *ev)
{
	struct mock_device *d = container_of(ev, struct mock_device, completion);

	event_schedule(&d->issue, engine_now(ev->engine) + some(&d->rng, 100 * NS));
}

static void build(struct mock *m, struct engine *e)
{
	for (unsigned i = 0; i < NLOCKS; i++)
		lock_init(&m->lock[i], &m->machine, "mock_lock", "mock%u", i);
	for (unsigned i = 0; i < NCPUS; i++) {
		m->cpu[i].mock = m;
		rng_init(&m->cpu[i].rng, i, "bench.cpu");
		cpu_work_init(&m->cpu[i].work, cpu_main, &m->cpu[i]);
		cpu_post(&m->machine.cpus[i], &m->cpu[i].work);
	}
	for (unsigned i = 0; i < NDEVICES; i++) {
		m->device[i].mock = m;
		rng_init(&m->device[i].rng, i, "bench.device");
		event_init(&m->device[i].issue, e, device_issue);
		event_init(&m->device[i].completion, e, device_completion);
		event_schedule(&m->device[i].issue, 0);
	}
}

void bench_lock_mock(struct bench_result *r)
{
	static struct mock m;
	struct cpu_conf cpu;
	struct cost_conf cost;
	struct lock_conf lock;
	struct mem_conf mem;
	const struct machine_conf conf = { &cpu, &cost, &lock, &mem };
	struct engine *e = engine_create(1);
	struct metrics *metrics = metrics_create();
	uint64_t before;
	double from;

	conf_defaults(&cpu_conf_table, &cpu);
	conf_defaults(&cost_conf_table, &cost);
	conf_defaults(&lock_conf_table, &lock);
	conf_defaults(&mem_conf_table, &mem);
	cpu.count = NCPUS;
	machine_init(&m.machine, &conf, e, metrics);
	build(&m, e);
	engine_run(e, 1 * MS);
	before = engine_events(e);
	from = bench_cpu_s();
	engine_run(e, SIMULATED);
	r->cpu_s = bench_cpu_s() - from;
	r->work = r->events = engine_events(e) - before;
	r->simulated_s = (double)(SIMULATED - 1 * MS) / (double)SEC;
	/* Its flows run for ever, some hold a lock: the process ends with them. */
}
