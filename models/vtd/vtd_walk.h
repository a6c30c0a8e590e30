/*
 * vtd_walk - one translation on its way: what the source's context and PASID entries say, what the
 * tables say, and what becomes of each request that waits for it. hw_source.c, hw_ss.c, hw_fs.c and
 * hw_walk.c share it.
 */
#ifndef MODELS_VTD_VTD_WALK_H
#define MODELS_VTD_VTD_WALK_H
#include "models/vtd/vtd.h"

/* How the requests of a source (with or without PASID) are translated. */
struct vtd_source {
	bool scalable;
	bool fpd; /* faults are not recorded */
	bool pre; /* page requests are let in */
	bool ats; /* translation and translated requests are let in */
	bool priv; /* requests without PASID are privileged (RID_PRIV) */
	unsigned pgtt; /* PGTT_* */
	uint16_t did;
	uint16_t space; /* of its cached translations: vtd_space_of() */
	uint16_t space_ss; /* of its second stage's */
	uint64_t ss_root, fs_root;
	unsigned ss_levels, fs_levels;
	bool ss_ad; /* second-stage accessed and dirty bits are kept */
	bool sre, ere, wpe, nxe, smep, eafe; /* first stage */
};

#define LEAF_R     BIT64(0) /* as SS_R, SS_W */
#define LEAF_W     BIT64(1)
#define LEAF_X     BIT64(2)
#define LEAF_U     BIT64(3) /* user accesses are allowed */
#define LEAF_FS    BIT64(4) /* came through a first stage: its rules apply */
#define LEAF_WPE   BIT64(5) /* privileged writes need LEAF_W too */
#define LEAF_SMEP  BIT64(6)
#define LEAF_DIRTY BIT64(7) /* writes need no dirty bit set (any more) */
#define LEAF_SS_W  BIT64(8) /* nested: the second stage allows writes */
#define LEAF_FLAGS GENMASK64(8, 0)

/* The outcome of a walk, shared by all the requests that wait for it; also what the IOTLB keeps. */
struct vtd_leaf {
	enum vtd_fault fault; /* of the structure; permissions are each request's own */
	bool scalable, fpd;
	bool pass_through;
	uint64_t pa; /* of the page */
	unsigned lg2;
	uint64_t flags; /* LEAF_* */
};

struct vtd_walk {
	struct vtd *v;
	struct proc *p;
	struct walk *w;
	uint64_t iova; /* of the page */
	struct vtd_source src;
	bool refused; /* by the first stage: the page is not used, its second-stage leaf is not marked */
};

/* Why a request that wants this may not have the leaf. */
enum vtd_fault vtd_permission_fault(const struct vtd_leaf *l, bool write, bool exec, bool priv);

/* The request that began the walk may use the leaf (a translation request: with one right or the other),
 * and writes through it. */
bool vtd_walk_serves(const struct vtd_walk *s, const struct vtd_leaf *l);
bool vtd_walk_writes(const struct vtd_walk *s, const struct vtd_leaf *l);

/* Read 64-bit words and wait for them; false when the address does not exist. */
bool vtd_walk_fetch(struct vtd_walk *s, uint64_t at, uint64_t *value, unsigned words);
/* Set bits of an entry in memory (accessed, dirty); the write takes its time. */
void vtd_walk_update(struct vtd_walk *s, uint64_t at, uint64_t set);
/* Address bits beyond the host address width are reserved in every structure. */
uint64_t vtd_beyond_haw(const struct vtd *v);

/* An address that the source's first table level has no bits for: not to be looked up in a cache. */
bool vtd_beyond_ss(const struct vtd *v, const struct vtd_source *src, uint64_t address);
bool vtd_is_canonical(uint64_t address, unsigned levels);

/* Fill s->src, from the caches where they know it. */
enum vtd_fault vtd_source_find(struct vtd_walk *s);
/* From the caches alone, for the fast path; false: a walk must find out. */
bool vtd_source_cached(struct vtd *v, const struct xlate *x, struct vtd_source *src);

/* Second-stage walk of `address`; l has its rights as they were before (all, at the start). `nested`:
 * on the way of a first-stage walk, for an access that writes or not. */
void vtd_ss_walk(struct vtd_walk *s, uint64_t address, bool write, struct vtd_leaf *l);
/* First-stage walk, nested where the source says so. */
void vtd_fs_walk(struct vtd_walk *s, struct vtd_leaf *l);

#endif
