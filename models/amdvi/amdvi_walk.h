/*
 * amdvi_walk - one translation on its way: what the device table says about the source, what the tables
 * say, and what becomes of each request that waits for it. hw_dte.c, hw_v1.c, hw_v2.c and hw_walk.c
 * share it.
 */
#ifndef MODELS_AMDVI_AMDVI_WALK_H
#define MODELS_AMDVI_AMDVI_WALK_H
#include "models/amdvi/amdvi.h"

#define LEAF_R     BIT64(0)
#define LEAF_W     BIT64(1)
#define LEAF_RW    (LEAF_R | LEAF_W)
#define LEAF_X     BIT64(2)
#define LEAF_U     BIT64(3) /* user accesses are allowed */
#define LEAF_GUEST BIT64(4) /* came through guest tables: their rules apply */
#define LEAF_DIRTY BIT64(5) /* writes need no dirty bit set (any more) */
#define LEAF_FLAGS GENMASK64(5, 0)

/* What a device table entry says. */
struct amdvi_source {
	bool valid, translates; /* V, TV */
	unsigned mode; /* host levels; 0: guest-physical addresses are system addresses */
	uint64_t root;
	uint64_t rights; /* IR, IW as LEAF_* */
	uint16_t domain;
	bool guest; /* GV, and the unit translates guest addresses */
	bool giov; /* requests without PASID are guest requests of PASID 0 */
	unsigned glx, guest_levels;
	uint64_t gcr3;
	bool iotlb, ppr, suppress, suppress_all, exclusion;
};

/* What becomes of a request of the source. */
enum amdvi_route { ROUTE_REFUSE, ROUTE_PASS, ROUTE_HOST, ROUTE_GUEST };

/* The outcome of a walk, shared by all the requests that wait for it; also what the page-table cache
 * keeps (pa, lg2, flags). */
struct amdvi_leaf {
	enum amdvi_event event; /* EVENT_NONE: permissions are each request's own */
	uint64_t event_flags; /* EVENT_PR, PE, RZ; type fields */
	uint64_t event_address; /* of hardware errors: the entry's */
	bool pass; /* not translated */
	bool quiet; /* page faults are not logged */
	uint16_t domain;
	uint64_t dte_rights;
	uint64_t pa; /* of the page */
	unsigned lg2;
	uint64_t flags; /* LEAF_* */
};

struct amdvi_walk {
	struct amdvi *a;
	struct proc *p;
	struct walk *w;
	struct amdvi_source src;
	uint16_t space; /* of the source's domain: host tables */
	uint16_t space_guest; /* of the PASID in it, ROUTE_GUEST */
};

static inline uint32_t amdvi_pasid_of(bool has_pasid, uint32_t pasid)
{
	return has_pasid ? pasid : 0;
}

static inline void amdvi_fail(struct amdvi_leaf *l, enum amdvi_event event, uint64_t flags)
{
	l->event = event;
	l->event_flags = flags;
}

/* Read 64-bit words and wait for them; false when the address does not exist. */
bool amdvi_walk_fetch(struct amdvi_walk *s, uint64_t at, uint64_t *value, unsigned words);
/* Set bits of an entry in memory (accessed, dirty); the write takes its time. */
void amdvi_walk_update(struct amdvi_walk *s, uint64_t at, uint64_t set);

/* ---- hw_dte.c ---- */
/* Fill s->src from the cache or from memory; false: l says why not. */
bool amdvi_dte_find(struct amdvi_walk *s, struct amdvi_leaf *l);
/* The cached entry of the device, decoded; NULL: a walk must read it. */
struct tag_entry *amdvi_dte_cached(struct amdvi *a, rid_t rid, struct amdvi_source *src);
/* Only rid, iova, at, has_pasid, pasid of x are looked at. l: why ROUTE_REFUSE. */
enum amdvi_route amdvi_route_of(const struct amdvi *a, const struct amdvi_source *src,
	const struct xlate *x, struct amdvi_leaf *l);
/* Whether a page fault of the device goes unlogged (SE, SA); notes that one is logged now. */
bool amdvi_dte_suppresses(struct amdvi *a, rid_t rid, const struct amdvi_source *src);

/* ---- hw_v1.c: the host tables' page for `address`. leaf: note it as in flight ---- */
void amdvi_host_walk(struct amdvi_walk *s, uint64_t address, bool leaf, struct amdvi_leaf *l);
/* ---- hw_v2.c: the request's guest-virtual page, nested where the source has host tables ---- */
void amdvi_guest_walk(struct amdvi_walk *s, struct amdvi_leaf *l);
bool amdvi_is_canonical(uint64_t address, unsigned levels);

/* Why a request that wants this may not have the leaf: EVENT_PE and others for an IO_PAGE_FAULT; 0: it
 * may. */
uint64_t amdvi_refusal(const struct amdvi_leaf *l, bool write, bool exec, bool priv);
/* The leaf is of use to the request that the walk was begun for. */
bool amdvi_walk_serves(const struct amdvi_walk *s, const struct amdvi_leaf *l);

#endif
