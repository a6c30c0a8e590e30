#include "run/conform_models.h"

#include <string.h>

#include "base/bug.h"

const struct iova_allocator_ops *conform_allocator(const struct conform_model *m)
{
	size_t n;
	const struct iova_allocator_ops *const *ops = iova_allocators(&n);

	for (size_t i = 0; i < n; i++)
		if (strcmp(ops[i]->name, m->allocator) == 0)
			return ops[i];
	BUG("no allocator is registered as '%s'", m->allocator);
}

const struct flush_policy_ops *conform_policy(const struct conform_model *m)
{
	size_t n;
	const struct flush_policy_ops *const *ops = flush_policies(&n);

	for (size_t i = 0; i < n; i++)
		if (strcmp(ops[i]->name, m->policy) == 0)
			return ops[i];
	BUG("no flush policy is registered as '%s'", m->policy);
}
