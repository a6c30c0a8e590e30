#include "hw/machine.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/bug.h"
#include "hw/cpu.h"
#include "hw/lock.h"
#include "hw/mem.h"
#include "hw/pages.h"

#define CONF_STRUCT_ struct cpu_conf
static const struct conf_field cpu_fields[] = { CPU_CONF(CONF_FIELD_) };
#undef CONF_STRUCT_
const struct conf_table cpu_conf_table = CONF_TABLE("cpu", cpu_conf, cpu_fields, NULL);

#define CONF_STRUCT_ struct cost_conf
static const struct conf_field cost_fields[] = { COST_CONF(CONF_FIELD_) };
#undef CONF_STRUCT_
const struct conf_table cost_conf_table = CONF_TABLE("cost", cost_conf, cost_fields, NULL);

#define CONF_STRUCT_ struct lock_conf
static const struct conf_field lock_fields[] = { LOCK_CONF(CONF_FIELD_) };
#undef CONF_STRUCT_
const struct conf_table lock_conf_table = CONF_TABLE("lock", lock_conf, lock_fields, NULL);

#define CONF_STRUCT_ struct mem_conf
static const struct conf_field mem_fields[] = { MEM_CONF(CONF_FIELD_) };
#undef CONF_STRUCT_
const struct conf_table mem_conf_table = CONF_TABLE("memory", mem_conf, mem_fields, NULL);

void machine_init(struct machine *m, const struct machine_conf *conf, struct engine *engine,
	struct metrics *metrics)
{
	struct metric_scope *root = metrics_root(metrics);

	*m = (struct machine){ .engine = engine, .metrics = metrics, .conf = conf };
	list_init(&m->locks);
	list_init(&m->ports);
	m->ncpus = conf->cpu->count;
	m->nsockets = (m->ncpus + conf->cpu->per_socket - 1) / conf->cpu->per_socket;
	m->cpu_scope = metric_scope_child(root, "cpus");
	m->lock_scope = metric_scope_child(root, "locks");
	m->mem = mem_create(conf->mem, metric_scope_child(root, "memory"));
	m->lines = xcalloc((size_t)1 << MACHINE_LINES_LG2, sizeof(*m->lines));
	m->cpus = xcalloc(m->ncpus, sizeof(*m->cpus));
	for (unsigned i = 0; i < m->ncpus; i++)
		cpu_init(&m->cpus[i], m, i);
	m->pages = pages_create(m);
	if (engine)
		for (unsigned i = 0; i < m->ncpus; i++)
			cpu_start(&m->cpus[i]);
}

void machine_fini(struct machine *m)
{
	pages_destroy(m->pages);
	BUG_ON(!list_empty(&m->locks) || !list_empty(&m->ports));
	free(m->cpus);
	free(m->lines);
	mem_destroy(m->mem);
}
