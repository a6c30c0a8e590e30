#include "dma/flush/flush.h"

#include "base/bug.h"

static const struct flush_policy_ops *const policies[] = {
#define POLICY(id) &flush_##id##_ops,
#include "dma/flush/policies.def"
#undef POLICY
};

static void assert_contract(const struct flush_policy_ops *ops)
{
	BUG_ON(!ops->name || !ops->summary || !ops->source || ops->state_size == 0);
	BUG_ON(!ops->init || !ops->fini || !ops->unmapped || !ops->drain);
	BUG_ON(!ops->held || !ops->window_bound);
	BUG_ON(!(ops->needs & IOVA_TELLS_REUSE) != !ops->reuse);
}

const struct flush_policy_ops *const *flush_policies(size_t *n)
{
	for (size_t i = 0; i < ARRAY_SIZE(policies); i++)
		assert_contract(policies[i]);
	*n = ARRAY_SIZE(policies);
	return policies;
}
