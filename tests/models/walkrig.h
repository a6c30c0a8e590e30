/*
 * walkrig - one device whose tables are built by hand, on a machine in which 12 of the 16 GiB that the
 * address width reaches exist: there are addresses that nobody answers.
 */
#ifndef TESTS_MODELS_WALKRIG_H
#define TESTS_MODELS_WALKRIG_H
#include "tests/models/hand.h"

#define SID 0x0218 /* 02:03.0 */
#define DID 0x1234

enum { /* 7.1.3, legacy codes */
	ROOT_NOT_PRESENT = 1,
	CONTEXT_NOT_PRESENT,
	CONTEXT_INVALID,
	BEYOND_WIDTH,
	NO_WRITE,
	NO_READ,
	TABLE_ACCESS,
	ROOT_ACCESS,
	CONTEXT_ACCESS,
	ROOT_RESERVED,
	CONTEXT_RESERVED,
	PAGING_RESERVED,
	INTERRUPT_ADDRESS = 0xe,
};

extern struct walkrig {
	struct hand hand;
	uint64_t pgd; /* of the device, empty at first */
} walk;
extern const uint64_t
	walk_iova[]; /* an address whose indices are all different, by levels (3, 4) */

void walk_set_up(void);
void walk_tear_down(void);
/* Begin again, with one key set, or without any cache. */
void walk_restart(const char *key, uint64_t value);
void walk_without_caches(void);
/* The context entry for tables of that many levels, and everything on. */
void walk_attach(unsigned levels);

/* By a read and by a write. */
void walk_assert_leads_to(uint64_t iova, uint64_t pa, unsigned page_lg2);
void walk_assert_faults(uint64_t iova, bool write, unsigned code);
void walk_assert_faults_both(uint64_t iova, unsigned code);

#endif
