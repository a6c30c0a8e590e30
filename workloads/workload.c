#include "workloads/workload.h"

static const struct workload_ops *const registry[] = {
#define WORKLOAD(id) &workload_##id##_ops,
#include "workloads/workloads.def"
#undef WORKLOAD
};

const struct workload_ops *const *workloads(size_t *n)
{
	*n = ARRAY_SIZE(registry);
	return registry;
}
