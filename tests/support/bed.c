#include "tests/support/bed.h"

#include "base/bug.h"

void bed_init(struct bed *b, unsigned cpus, unsigned per_socket)
{
	*b = (struct bed){ 0 };
	conf_defaults(&cpu_conf_table, &b->cpu);
	conf_defaults(&cost_conf_table, &b->cost);
	conf_defaults(&lock_conf_table, &b->lock);
	conf_defaults(&mem_conf_table, &b->mem);
	b->cpu.count = cpus;
	b->cpu.per_socket = per_socket;
	b->conf = (struct machine_conf){ &b->cpu, &b->cost, &b->lock, &b->mem };
}

void bed_build(struct bed *b)
{
	b->engine = engine_create(1);
	b->metrics = metrics_create();
	machine_init(&b->machine, &b->conf, b->engine, b->metrics);
}

void bed_fini(struct bed *b)
{
	metrics_destroy(b->metrics);
	machine_fini(&b->machine);
	engine_destroy(b->engine);
}

void bed_on(struct bed *b, unsigned cpu, void (*fn)(struct proc *p, void *arg), void *arg)
{
	struct cpu_work *w = &b->jobs[b->njobs++];

	BUG_ON(b->njobs > BED_JOBS);
	cpu_work_init(w, fn, arg);
	cpu_post(&b->machine.cpus[cpu], w);
}

void bed_run(struct bed *b)
{
	engine_run(b->engine, SIM_TIME_NEVER);
	b->njobs = 0;
}

void bed_do(struct bed *b, unsigned cpu, void (*fn)(struct proc *p, void *arg), void *arg)
{
	bed_on(b, cpu, fn, arg);
	bed_run(b);
}
