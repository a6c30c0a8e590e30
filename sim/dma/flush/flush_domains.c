#include "dma/flush/flush_domains.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/bug.h"

void *flush_domains_add(struct flush_domains *t, uint16_t domain, size_t size)
{
	if (domain >= t->n) {
		t->state = xrealloc(t->state, domain + 1u, sizeof(*t->state));
		while (t->n <= domain)
			t->state[t->n++] = NULL;
	}
	BUG_ON(t->state[domain]);
	t->state[domain] = xcalloc(1, size);
	return t->state[domain];
}

void *flush_domains_at(const struct flush_domains *t, unsigned domain)
{
	BUG_ON(domain >= t->n || !t->state[domain]);
	return t->state[domain];
}

void flush_domains_fini(struct flush_domains *t)
{
	for (unsigned i = 0; i < t->n; i++)
		free(t->state[i]);
	free(t->state);
}
