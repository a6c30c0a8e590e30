/*
 * iova - who hands out device addresses. One ops table per allocator, one file per allocator, one
 * line in allocators.def. Runs on a simulated CPU: every cost and every lock is explicit.
 */
#ifndef SIM_DMA_IOVA_IOVA_H
#define SIM_DMA_IOVA_IOVA_H
#include "conf/conf.h"
#include "engine/proc.h"
#include "hw/machine.h"
#include "obs/metrics.h"

struct iova_range;

/* What an allocator is given at init. PFN: iova >> 12. */
struct iova_env {
	struct machine *machine;
	struct metric_scope *scope; /* "dom0.iova" */
	const char *name; /* "dom0", prefix of lock names */
	uint64_t first_pfn, last_pfn; /* the space, both usable */
	unsigned ncpus;
	bool owner_runs_work; /* the allocator arms no timers; the owner calls ops->work (replays) */
	/* Optional, for allocators that tell reuse: the owner frees ranges `unflushed` and leaves their
	 * invalidation to the allocator, which asks for it here: of the range, or of the whole domain (r
	 * NULL). Returns when it is complete. Called under the allocator's locks, as kernels do. */
	void (*flush)(void *flush_ctx, struct proc *p, const struct iova_range *r);
	void *flush_ctx;
};

struct iova_req {
	uint32_t npages; /* > 0 */
	uint64_t limit_pfn; /* highest usable PFN (device mask, 32-bit-first policy) */
	bool size_aligned; /* aligned to its size rounded up to a power of two */
	/* The first of several tries: fail rather than take back what the CPUs' caches hold. */
	bool keep_caches;
	/* What the range is for, which only some allocators look at. */
	bool coherent; /* shared by device and CPU at once: never a copy */
	unsigned prot; /* IOMMU_PROT_*; 0: both */
	uint64_t pa_pfn; /* first frame of the memory, which is contiguous (IOVA_FOLLOWS_MEMORY) */
};

struct iova_range {
	uint64_t pfn;
	uint32_t npages; /* as asked for */
	void *cookie; /* the allocator's own: makes free cheaper; NULL: look it up */
	/* Filled by alloc, also when it fails: invalidations of the whole domain that have to complete
	 * before a device may use the range (IOVA_TELLS_REUSE); with env->flush they are. Not looked at by
	 * free. */
	uint32_t flushes;
	/* Set by the owner for free: no invalidation has covered the range yet. */
	bool unflushed;
	/* Of IOVA_PREMAPPED, filled by alloc and find: pages of the buffer that the address is the start of,
	 * which stays mapped (0: none, to be mapped and unmapped as usual); fresh: not mapped yet. */
	uint32_t premapped;
	bool fresh;
};

/* What a flush policy, the DMA layer and the tests may rely on. */
enum iova_caps {
	/* Says in iova_range.flushes when it hands out addresses from behind the point that its search
	 * had reached: the moment for "flush before reuse". */
	IOVA_TELLS_REUSE = 1 << 0,
	/* And that is every moment, even of an owner without env->flush: an address is never handed out
	 * again without it, unless need_flush said so at its free. With env->flush every allocator that
	 * tells reuse holds to that. */
	IOVA_REUSE_IS_TOLD = 1 << 1,
	/* The driver it comes from asks for size alignment for coherent memory only. */
	IOVA_ALIGNS_COHERENT_ONLY = 1 << 2,
	/* Parts of the space belong to some CPUs or sizes: one request may fail while others do not. */
	IOVA_SPLITS_SPACE = 1 << 3,
	/* Keeps the space below 4 GiB for devices that reach no further: not to be tried first. */
	IOVA_KEEPS_LOW = 1 << 4,
	/* Addresses follow from those of the memory (req.pa_pfn): ranges of one page are the same range,
	 * alignment is the memory's, what lies above the limit fails. Pages are counted: ops->hold. */
	IOVA_FOLLOWS_MEMORY = 1 << 5,
	/* Ranges are buffers that stay mapped (range.premapped), memory that the owner copies to and from. */
	IOVA_PREMAPPED = 1 << 6,
};

/* Where a bitmap will be searched next: for replays and tests. */
struct iova_cursor {
	uint64_t next_pfn; /* of the domain's one pointer */
	uint32_t index, next_bit; /* or the CPU's aperture, and the pointer in that of the PFN */
	uint32_t apertures; /* in use */
};

struct iova_allocator_ops {
	const char *name; /* the YAML value: "rbtree-3.1" */
	const char *summary; /* one line for `iommusim list` */
	const char *source; /* what it models: "Linux 3.1 drivers/iommu/iova.c" */
	unsigned caps; /* of enum iova_caps */
	size_t state_size; /* the core allocates and zeroes; the allocator never does */
	const struct conf_table *conf; /* NULL: no parameters */
	/* Optional pair: the caps under these parameters, where they depend on them; and the key and value
	 * that gives most, for messages ("inside: bitmap"). */
	unsigned (*caps_with)(const void *conf);
	const char *caps_key;

	bool (*init)(void *state, const void *conf, const struct iova_env *env, struct err *err);
	void (*fini)(void *state); /* aborts when a range is still live */

	/* False when no range at or below req->limit_pfn is free. On success *out is aligned as asked
	 * and disjoint from every live and reserved range. May wait for simulated locks. */
	bool (*alloc)(
		void *state, struct proc *p, const struct iova_req *req, struct iova_range *out);
	/* Optional: what the driver does at unmap to learn the range from its address; fills *out with
	 * the cookie for free(). The range must be live. May wait. */
	void (*find)(void *state, struct proc *p, uint64_t pfn, struct iova_range *out);
	/* The range must be exactly one returned by alloc (or find) and not yet freed. May wait. */
	void (*free)(void *state, struct proc *p, const struct iova_range *r);
	/* Take [first, last] out of the space, before the first alloc. */
	void (*reserve)(void *state, struct proc *p, uint64_t first_pfn, uint64_t last_pfn);

	/* Optional pair: the lock that the driver holds through a whole map (from before alloc until the
	 * tables are written and flushed) or unmap (from before the tables are cleared until the free and
	 * its flush). The calls in between, by the same p, do not take it again; without the pair each
	 * call takes it by itself. May wait. */
	void (*enter)(void *state, struct proc *p);
	void (*leave)(void *state, struct proc *p);

	/* With IOVA_FOLLOWS_MEMORY, for each page of a range. hold, before it is mapped: true when it has to
	 * be, no other range holds it. drop, before it is unmapped: true when it has to be, nobody holds it
	 * any more. Both keep the page's lock until settle. May wait. */
	bool (*hold)(void *state, struct proc *p, uint64_t pfn);
	bool (*drop)(void *state, struct proc *p, uint64_t pfn);
	void (*settle)(void *state, struct proc *p, uint64_t pfn);
	/* With IOVA_PREMAPPED, when nothing is live: the next buffer that is to be unmapped for good, as
	 * alloc filled it. False: none is left. */
	bool (*retire)(void *state, struct iova_range *out);

	/* Optional, for an owner that flushes before reuse without env->flush. need_flush, after a free: the address lies ahead of the
	 * search and could be handed out before the search comes round, so its invalidation must not
	 * wait. flushed: the owner has invalidated what alloc or need_flush asked for. */
	bool (*need_flush)(const void *state);
	void (*flushed)(void *state);

	/* Optional: one run of the work that the allocator has put off (delayed work), of all that is
	 * pending. By its own timers, or by the owner if env->owner_runs_work. May wait. */
	void (*work)(void *state, struct proc *p);
	/* Optional, before fini: cancel that work and wait for what is running. May wait. */
	void (*stop)(void *state, struct proc *p);

	/* Optional; cpu: whose index; pfn: in which aperture, 0: none. */
	void (*cursor)(const void *state, unsigned cpu, uint64_t pfn, struct iova_cursor *out);

	/* Walk the whole structure; for tests and conformance. */
	bool (*check)(const void *state, struct err *err);
	uint64_t (*live)(const void *state); /* ranges allocated and not freed */
};

#define ALLOCATOR(id) extern const struct iova_allocator_ops iova_##id##_ops;
#include "dma/iova/allocators.def"
#undef ALLOCATOR
/* Every allocator, in the order of allocators.def. */
const struct iova_allocator_ops *const *iova_allocators(size_t *n);
/* Its caps under the parameters (its conf struct). */
unsigned iova_caps_of(const struct iova_allocator_ops *ops, const void *conf);

#endif
