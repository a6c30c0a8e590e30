/*
 * oracle - what a correct IOMMU must answer, kept beside any model that is driven through its ops table
 * alone: which pages of which domain are mapped where, and which were unmapped but not yet flushed.
 * Every call runs on a simulated CPU and asserts what it learns.
 */
#ifndef TESTS_MODELS_ORACLE_H
#define TESTS_MODELS_ORACLE_H
#include "base/rng.h"
#include "tests/models/rig.h"

#define ORACLE_DOMAINS 3u
#define ORACLE_AREAS   3u /* windows of IOVA space: low, around 4 GiB, the top */
#define ORACLE_PAGES   4096u /* of an area */
#define ORACLE_RANGES  512u

struct oracle_page {
	uint64_t pa;
	uint8_t prot;
	bool live, dirty; /* dirty: an old translation may still be cached */
};

struct oracle_range {
	unsigned domain, area, first; /* page within the area */
	uint32_t npages;
	unsigned page_lg2;
	bool used, unmapped;
	window_id window;
	struct iommu_freelist freed;
};

struct oracle {
	struct rig *rig;
	struct rng rng;
	uint64_t area[ORACLE_AREAS]; /* first byte */
	struct oracle_page page[ORACLE_DOMAINS][ORACLE_AREAS][ORACLE_PAGES];
	struct oracle_range range[ORACLE_RANGES];
	uint64_t right, stale, refused; /* answers seen */
};

/* Domains have ids 1 to ORACLE_DOMAINS; the device of domain d is oracle_rid(d). */
rid_t oracle_rid(unsigned domain);
struct oracle *oracle_create(struct rig *r, uint64_t seed);
void oracle_destroy(struct oracle *o);
void oracle_begin(struct oracle *o, struct proc *p); /* driver on, domains there and attached */
void oracle_end(struct oracle *o, struct proc *p); /* all unmapped and flushed, driver off */

/* One access, its answer held to what is mapped. */
void oracle_access(struct oracle *o, struct proc *p, unsigned domain, uint64_t iova, bool write);
/* Any answer, without judgement. */
struct xlate oracle_translate(struct rig *r, struct proc *p, rid_t rid, uint64_t iova, bool write);
/* A random free place; false when there is none, or no record. */
bool oracle_map(struct oracle *o, struct proc *p);
bool oracle_unmap(struct oracle *o, struct proc *p); /* a random live range */
void oracle_flush(struct oracle *o, struct proc *p, enum iommu_flush_scope scope);
/* A random access: where something is, was or never will be. */
void oracle_random_access(struct oracle *o, struct proc *p);

#endif
