#include "run/schema.h"

#include <string.h>

#include "base/bug.h"
#include "dma/combine.h"
#include "dma/dma.h"
#include "hw/pcie.h"
#include "iommu/units.h"
#include "run/run_conf.h"
#include "workloads/arrivals.h"
#include "workloads/sizes.h"
#include "workloads/workload.h"

#define MAX_VARIANTS 64

#define CONF_STRUCT_ struct experiment_conf
static const struct conf_field experiment_fields[] = { EXPERIMENT_CONF(CONF_FIELD_) };
#undef CONF_STRUCT_
static const struct conf_table experiment_table =
	CONF_TABLE("experiment", experiment_conf, experiment_fields, NULL);

#define CONF_STRUCT_ struct time_conf
static const struct conf_field time_fields[] = { TIME_CONF(CONF_FIELD_) };
#undef CONF_STRUCT_
static const struct conf_table time_table = CONF_TABLE("time", time_conf, time_fields, NULL);

/* The variants of the registries, in the form that conf knows. Filled once, then constant. */
static struct conf_variant models[MAX_VARIANTS], allocators[MAX_VARIANTS], policies[MAX_VARIANTS],
	loads[MAX_VARIANTS];

static size_t fill_models(void)
{
	size_t n;
	const struct iommu_model_ops *const *ops = iommu_models(&n);

	BUG_ON(n + 1 > MAX_VARIANTS);
	for (size_t i = 0; i < n; i++)
		models[i] = (struct conf_variant){ ops[i]->name, ops[i]->summary, ops[i]->spec,
			ops[i]->conf };
	models[n] = (struct conf_variant){ RUN_MODEL_OFF,
		"No IOMMU: bus addresses are physical addresses", "", NULL };
	return n + 1;
}

#define FILL_VARIANTS(into, type, registry)                                                        \
	static size_t fill_##into(void)                                                            \
	{                                                                                          \
		size_t n;                                                                          \
		const struct type *const *ops = registry(&n);                                      \
                                                                                                   \
		BUG_ON(n > MAX_VARIANTS);                                                          \
		for (size_t i = 0; i < n; i++)                                                     \
			into[i] = (struct conf_variant){ ops[i]->name, ops[i]->summary,            \
				ops[i]->source, ops[i]->conf };                                    \
		return n;                                                                          \
	}
FILL_VARIANTS(allocators, iova_allocator_ops, iova_allocators)
FILL_VARIANTS(policies, flush_policy_ops, flush_policies)
FILL_VARIANTS(loads, workload_ops, workloads)

static struct conf_section sections[] = {
	{ .path = "", .help = "The experiment.", .table = &experiment_table },
	{ .path = "time",
		.help = "How long a point runs, in simulated time.",
		.table = &time_table },
	{ .path = "cpu",
		.help = "The CPUs, their caches' transfers and their kernel timers.",
		.table = &cpu_conf_table },
	{ .path = "cost",
		.help = "What kernel code costs, per node visited, entry written and so on.",
		.table = &cost_conf_table },
	{ .path = "lock", .help = "Spinlocks.", .table = &lock_conf_table },
	{ .path = "memory",
		.help = "Physical memory as hardware sees it.",
		.table = &mem_conf_table },
	{ .path = "pcie", .help = "The device's link.", .table = &pcie_conf_table },
	{ .path = "iommu",
		.help = "The remapping hardware and its driver.",
		.table = &units_conf_table,
		.selector = "model",
		.variants = models,
		.def = "vtd" },
	{ .path = "dma", .help = "The DMA API.", .table = &dma_conf_table },
	{ .path = "allocator",
		.help = "Who hands out device addresses (IOVA).",
		.selector = "type",
		.variants = allocators,
		.def = "rbtree-3.1" },
	{ .path = "policy",
		.help = "When unmapped ranges are flushed from the IOTLB and their addresses reused.",
		.selector = "type",
		.variants = policies,
		.def = "strict" },
	{ .path = "workload",
		.help = "What drives the run.",
		.selector = "type",
		.variants = loads,
		.def = "nic_rx" },
	{ .path = "workload.arrivals",
		.help = "When packets arrive.",
		.selector = "type",
		.variants = arrivals_variants,
		.nvariants = ARRIVALS_VARIANTS,
		.def = ARRIVALS_DEFAULT },
	{ .path = "workload.sizes",
		.help = "How long frames are.",
		.selector = "type",
		.variants = sizes_variants,
		.nvariants = SIZES_VARIANTS,
		.def = SIZES_DEFAULT },
};

static const struct iova_allocator_ops *allocator_of(const struct conf *c)
{
	size_t n;
	const struct iova_allocator_ops *const *ops = iova_allocators(&n);

	return ops[conf_variant(c, "allocator") - allocators];
}

static const struct flush_policy_ops *policy_of(const struct conf *c)
{
	size_t n;
	const struct flush_policy_ops *const *ops = flush_policies(&n);

	return ops[conf_variant(c, "policy") - policies];
}

/* Without an IOMMU there is neither. */
static bool check(const struct conf *c, struct err *err)
{
	struct err why;

	if (strcmp(conf_variant(c, "iommu")->name, RUN_MODEL_OFF) == 0 ||
		dma_combination_is_valid(
			allocator_of(c), conf_of_variant(c, "allocator"), policy_of(c), &why))
		return true;
	err_at(err, conf_pos(c, "policy.type"), "policy", "%s", why.text);
	return why.hint[0] ? err_hint(err, "%s", why.hint) : false;
}

static const struct conf_schema schema = { sections, ARRAY_SIZE(sections), check };

const struct conf_schema *schema_get(void)
{
	static const struct {
		const struct conf_variant *variants;
		size_t (*fill)(void);
	} registries[] = {
		{ models, fill_models },
		{ allocators, fill_allocators },
		{ policies, fill_policies },
		{ loads, fill_loads },
	};

	for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
		for (size_t r = 0; r < ARRAY_SIZE(registries); r++)
			if (sections[i].variants == registries[r].variants)
				sections[i].nvariants = registries[r].fill();
	return &schema;
}
