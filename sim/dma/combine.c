#include "dma/combine.h"

#include <stdio.h>
#include <string.h>

#include "base/bug.h"

/* Why a policy cannot do without a cap. */
static const struct {
	unsigned cap;
	const char *lacking; /* "... with allocators that" */
} reasons[] = {
	{ IOVA_TELLS_REUSE, "tell when they hand addresses out again" },
	{ IOVA_PREMAPPED, "keep their buffers mapped" },
};

static const char *reason(unsigned missing)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (missing & reasons[i].cap)
			return reasons[i].lacking;
	BUG("a policy needs caps %#x for no reason", missing);
}

static void allocators_with(unsigned needs, char *buf, size_t size)
{
	size_t n, at = 0;
	const struct iova_allocator_ops *const *ops = iova_allocators(&n);

	buf[0] = '\0';
	for (size_t i = 0; i < n && at < size; i++)
		if ((ops[i]->caps & needs) == needs)
			at += (size_t)snprintf(
				buf + at, size - at, "%s%s", at ? ", " : "", ops[i]->name);
}

bool dma_combination_is_valid(const struct iova_allocator_ops *allocator,
	const void *allocator_conf, const struct flush_policy_ops *policy, struct err *err)
{
	unsigned caps = iova_caps_of(allocator, allocator_conf), missing = policy->needs & ~caps;
	char names[128];

	if ((caps & IOVA_PREMAPPED) && !(policy->needs & IOVA_PREMAPPED))
		return err_set(err,
			"the allocator %s keeps its buffers mapped, the policy %s unmaps: it works "
			"with the policy copy",
			allocator->name, policy->name);

	if (!missing)
		return true;
	if (allocator->caps_with) {
		err_set(err, "the policy %s works with allocators that %s: %s does with %s",
			policy->name, reason(missing), allocator->name, allocator->caps_key);
		return false;
	}
	err_set(err, "the policy %s works with allocators that %s, and %s does not", policy->name,
		reason(missing), allocator->name);
	allocators_with(policy->needs, names, sizeof(names));
	return err_hint(err, "these do: %s", names);
}
