#include "run/conform_bed.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bug.h"
#include "engine/engine.h"

void conform_bed_init(struct conform_bed *bed, unsigned ncpus, struct engine *engine)
{
	*bed = (struct conform_bed){ .conf = { &bed->cpu, &bed->cost, &bed->lock, &bed->mem } };
	conf_defaults(&cpu_conf_table, &bed->cpu);
	conf_defaults(&cost_conf_table, &bed->cost);
	conf_defaults(&lock_conf_table, &bed->lock);
	conf_defaults(&mem_conf_table, &bed->mem);
	bed->cpu.count = ncpus;
	bed->metrics = metrics_create();
	machine_init(&bed->machine, &bed->conf, engine, bed->metrics);
}

struct job {
	struct conform_bed *bed;
	void (*fn)(struct proc *p, void *arg);
	void *arg;
	bool done;
};

static void run_job(struct proc *p, void *arg)
{
	struct job *job = arg;

	job->fn(p, job->arg);
	proc_sync(p);
	job->done = true;
	engine_stop(job->bed->machine.engine);
}

void conform_bed_on(
	struct conform_bed *bed, unsigned cpu, void (*fn)(struct proc *p, void *arg), void *arg)
{
	struct job job = { bed, fn, arg, false };

	if (!bed->machine.engine) {
		BUG_ON(cpu != 0);
		fn(PROC_UNTIMED, arg);
		return;
	}
	cpu_work_init(&bed->job, run_job, &job);
	cpu_post(&bed->machine.cpus[cpu], &bed->job);
	engine_run(bed->machine.engine, SIM_TIME_NEVER);
	BUG_ON(!job.done);
}

struct conform_block {
	struct conform_block *next;
	max_align_t memory[];
};

void *conform_bed_alloc(struct conform_bed *bed, size_t size)
{
	struct conform_block *b = xcalloc(1, sizeof(*b) + size);

	b->next = bed->blocks;
	bed->blocks = b;
	return b->memory;
}

void conform_bed_fini(struct conform_bed *bed)
{
	struct conform_block *next;

	metrics_destroy(bed->metrics);
	machine_fini(&bed->machine);
	for (struct conform_block *b = bed->blocks; b; b = next) {
		next = b->next;
		free(b);
	}
}

void *conform_defaults(const struct conf_table *table)
{
	void *conf;

	if (!table)
		return NULL;
	conf = xcalloc(1, table->size);
	conf_defaults(table, conf);
	return conf;
}

void conform_set_u32(const struct conf_table *table, void *conf, const char *field, uint32_t value)
{
	for (size_t i = 0; i < table->nfields; i++) {
		const struct conf_field *f = &table->fields[i];

		if (strcmp(f->name, field) != 0)
			continue;
		BUG_ON(f->type != CONF_u32 && f->type != CONF_choice);
		*(uint32_t *)(void *)((char *)conf + f->off) = value;
		return;
	}
	BUG("'%s' has no field '%s'", table->name, field);
}
