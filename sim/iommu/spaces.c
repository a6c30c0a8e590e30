#include "iommu/spaces.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bug.h"

static uint32_t hash_size(const struct spaces *s)
{
	return 2 * s->most;
}

void spaces_init(struct spaces *s, uint32_t most)
{
	BUG_ON(most == 0 || most > 1u << 16);
	*s = (struct spaces){ .most = most };
	s->list = xcalloc(most, sizeof(*s->list));
	s->hash = xcalloc(hash_size(s), sizeof(*s->hash));
}

void spaces_fini(struct spaces *s)
{
	free(s->list);
	free(s->hash);
}

bool spaces_number(struct spaces *s, uint16_t domain, uint32_t pasid, uint16_t *number)
{
	uint64_t mix = ((uint64_t)domain << 32 | pasid) * 0x9e3779b97f4a7c15u;
	uint32_t at = (uint32_t)(mix >> 32) % hash_size(s);

	for (; s->hash[at]; at = (at + 1) % hash_size(s)) {
		const struct space *known = &s->list[s->hash[at] - 1];

		if (known->domain == domain && known->pasid == pasid) {
			*number = (uint16_t)(s->hash[at] - 1);
			return true;
		}
	}
	if (s->n == s->most)
		return false;
	s->list[s->n] = (struct space){ domain, pasid };
	*number = (uint16_t)s->n;
	s->hash[at] = ++s->n;
	return true;
}

void spaces_clear(struct spaces *s)
{
	memset(s->hash, 0, hash_size(s) * sizeof(*s->hash));
	s->n = 0;
}
