/*
 * flush_domains - a policy's state of each domain, found by the domain's number. The policy makes it
 * in domain_add() and frees it in fini().
 */
#ifndef SIM_DMA_FLUSH_FLUSH_DOMAINS_H
#define SIM_DMA_FLUSH_FLUSH_DOMAINS_H
#include "base/types.h"

struct flush_domains {
	void **state; /* by domain; NULL: none of that number */
	unsigned n;
};

/* Zeroed, owned by the table. A number twice is a bug. */
void *flush_domains_add(struct flush_domains *t, uint16_t domain, size_t size);
/* A number that was not added is a bug. */
void *flush_domains_at(const struct flush_domains *t, unsigned domain);
/* Frees the states. */
void flush_domains_fini(struct flush_domains *t);

#endif
