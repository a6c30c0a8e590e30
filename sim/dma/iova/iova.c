#include "dma/iova/iova.h"

#include "base/bug.h"

static const struct iova_allocator_ops *const allocators[] = {
#define ALLOCATOR(id) &iova_##id##_ops,
#include "dma/iova/allocators.def"
#undef ALLOCATOR
};

static void assert_contract(const struct iova_allocator_ops *ops)
{
	BUG_ON(!ops->name || !ops->summary || !ops->source || ops->state_size == 0);
	BUG_ON(!ops->init || !ops->fini || !ops->alloc || !ops->free || !ops->reserve);
	BUG_ON(!ops->check || !ops->live);
	BUG_ON(!ops->caps_with != !ops->caps_key);
	BUG_ON(!(ops->caps & IOVA_FOLLOWS_MEMORY) != !(ops->hold && ops->drop && ops->settle));
	BUG_ON(!(ops->caps & IOVA_PREMAPPED) != !(ops->retire && ops->find));
}

unsigned iova_caps_of(const struct iova_allocator_ops *ops, const void *conf)
{
	return ops->caps_with ? ops->caps_with(conf) : ops->caps;
}

const struct iova_allocator_ops *const *iova_allocators(size_t *n)
{
	for (size_t i = 0; i < ARRAY_SIZE(allocators); i++)
		assert_contract(allocators[i]);
	*n = ARRAY_SIZE(allocators);
	return allocators;
}
