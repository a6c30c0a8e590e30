#include "run/system.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bug.h"
#include "hw/cpu.h"

/* The ops whose name the configuration selects; conf has refused every other name. */
#define FIND_OPS(what, type, registry)                                                             \
	static const struct type *find_##what(const char *name)                                    \
	{                                                                                          \
		size_t n;                                                                          \
		const struct type *const *ops = registry(&n);                                      \
                                                                                                   \
		for (size_t i = 0; i < n; i++)                                                     \
			if (strcmp(ops[i]->name, name) == 0)                                       \
				return ops[i];                                                     \
		return NULL;                                                                       \
	}
FIND_OPS(allocator, iova_allocator_ops, iova_allocators)
FIND_OPS(policy, flush_policy_ops, flush_policies)
FIND_OPS(workload, workload_ops, workloads)

static void build_machine(struct system *s)
{
	const struct experiment_conf *experiment = conf_common(s->conf, "");

	s->engine = engine_create(experiment->seed);
	s->metrics = metrics_create();
	s->machine_conf = (struct machine_conf){
		.cpu = conf_common(s->conf, "cpu"),
		.cost = conf_common(s->conf, "cost"),
		.lock = conf_common(s->conf, "lock"),
		.mem = conf_common(s->conf, "memory"),
	};
	machine_init(&s->machine, &s->machine_conf, s->engine, s->metrics);
	per_unit_register(&s->per_unit, metric_scope_child(metrics_root(s->metrics), "per_unit"));
}

static bool build_iommu(struct system *s, struct err *err)
{
	struct metric_scope *root = metrics_root(s->metrics);

	s->model = iommu_model_find(conf_variant(s->conf, "iommu")->name);
	if (!s->model)
		return true; /* off */
	s->windows_scope = metric_scope_child(root, "windows");
	s->windows = windows_create(s->windows_scope);
	return iommu_units_init(&s->units, s->model, conf_of_variant(s->conf, "iommu"),
		conf_common(s->conf, "iommu"),
		&(struct units_env){ .machine = &s->machine,
			.windows = s->windows,
			.root = root,
			.fault_log = s->fault_log },
		err);
}

static void build_dma(struct system *s)
{
	s->dma_conf = (struct dma_system_conf){
		.dma = conf_common(s->conf, "dma"),
		.allocator = find_allocator(conf_variant(s->conf, "allocator")->name),
		.allocator_conf = conf_of_variant(s->conf, "allocator"),
		.policy = find_policy(conf_variant(s->conf, "policy")->name),
		.policy_conf = conf_of_variant(s->conf, "policy"),
	};
	s->dma = dma_system_create(&s->machine, &s->dma_conf, &s->units, s->windows);
}

static bool build_workload(struct system *s, struct err *err)
{
	const struct experiment_conf *experiment = conf_common(s->conf, "");

	s->workload = find_workload(conf_variant(s->conf, "workload")->name);
	s->workload_state = xcalloc(1, s->workload->state_size);
	s->workload_scope = metric_scope_child(metrics_root(s->metrics), "%s0", s->workload->name);
	return s->workload->init(s->workload_state, conf_of_variant(s->conf, "workload"),
		&(struct workload_env){ .machine = &s->machine,
			.dma = s->dma,
			.scope = s->workload_scope,
			.conf = s->conf,
			.seed = experiment->seed,
			.pcie = conf_common(s->conf, "pcie") },
		err);
}

bool system_create(struct system *s, const struct conf *conf, FILE *fault_log, struct err *err)
{
	*s = (struct system){ .conf = conf, .fault_log = fault_log };
	s->time = conf_common(conf, "time");
	build_machine(s);
	if (build_iommu(s, err)) {
		build_dma(s);
		if (build_workload(s, err))
			return true;
	}
	system_destroy(s);
	return false;
}

void system_destroy(struct system *s)
{
	metrics_destroy(s->metrics); /* first: it owns the buckets of the components' histograms */
	if (s->workload)
		s->workload->fini(s->workload_state);
	if (s->dma)
		dma_system_destroy(s->dma);
	iommu_units_fini(&s->units);
	machine_fini(&s->machine);
	if (s->windows)
		windows_destroy(s->windows);
	engine_destroy(s->engine);
	free(s->workload_state);
}

struct errand {
	struct cpu_work work;
	struct engine *engine;
	void (*fn)(struct proc *p, void *arg);
	void *arg;
	bool done;
};

static void run_errand(struct proc *p, void *arg)
{
	struct errand *e = arg;

	e->fn(p, e->arg);
	proc_sync(p);
	e->done = true;
	engine_stop(e->engine);
}

void system_on_cpu0(struct system *s, void (*fn)(struct proc *p, void *arg), void *arg)
{
	struct errand e = { .engine = s->engine, .fn = fn, .arg = arg };

	cpu_work_init(&e.work, run_errand, &e);
	cpu_post(&s->machine.cpus[0], &e.work);
	engine_run(s->engine, SIM_TIME_NEVER);
	BUG_ON(!e.done); /* nothing is left to happen: somebody waits for ever */
}
