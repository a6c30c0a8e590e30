/*
 * ring: the allocation half of rIOMMU (Malka, Amit, Ben-Yehuda, Tsafrir, "rIOMMU: Efficient IOMMU for I/O
 * Devices that Employ Ring Buffers", ASPLOS 2015): a flat table of entries that is used as the device's ring
 * is, from tail to tail. An address is the entry's number; allocation takes the entry at the tail, a free
 * marks it. Constant time, no search, a lock that its CPU shares with nobody but those who free.
 *
 * What is not here is the hardware half. rIOMMU replaces the page-table tree by these flat tables, keeps one
 * translation per ring with the next one prefetched, and invalidates once per burst; the tables, walks
 * and invalidations of this program remain those of the IOMMU model. So the CPU time of an allocation is
 * rIOMMU's, that of a map, a miss or an invalidation is not.
 *
 * Departures: the DMA API does not say which ring a buffer is for, so every CPU has one ring; entries that
 * are freed out of order are passed over (the paper's drivers free in order); an entry spans `slot` pages of
 * the space. What a ring cannot serve - longer requests, narrow devices, a ring that is full - comes from a
 * tree as in 6.12 (overflow). A space too small for all rings gets shorter ones, or none.
 */
#include "dma/iova/iova.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "base/bug.h"
#include "dma/iova/iova_metrics.h"
#include "dma/iova/iova_tree6.h"

#define ENTRIES_MIN      8u
#define ENTRIES_PER_LINE 4u /* 16 bytes each */

#define RING_CONF(F)                                                                               \
	F(u32, entries, "1024", "8", "1048576", "entries",                                         \
		"Entries of a CPU's ring, a power of two.")                                        \
	F(u32, slot, "16", "1", "512", "pages",                                                    \
		"Pages of the space that an entry spans, a power of two: the longest request.")

CONF_DECLARE(ring_conf, RING_CONF);

static bool validate(const void *conf, struct conf_check *chk)
{
	const struct ring_conf *c = conf;

	if (!is_pow2(c->entries))
		return conf_refuse(chk, "entries", "must be a power of two");
	return is_pow2(c->slot) || conf_refuse(chk, "slot", "must be a power of two");
}

#define CONF_STRUCT_ struct ring_conf
static const struct conf_field fields[] = { RING_CONF(CONF_FIELD_) };
#undef CONF_STRUCT_
static const struct conf_table conf_table = CONF_TABLE("ring", ring_conf, fields, validate);

#define RING_METRICS(M)                                                                            \
	M(COUNTER, from_rings, "ranges", "allocs", "Requests that an entry served.")               \
	M(COUNTER, overflow, "requests", "allocs", "Requests that went to the tree.")              \
	M(COUNTER, passed_over, "entries", "from_rings", "Entries at the tail still in use.")      \
	M(COUNTER, rounds, "rounds", NULL, "Times that a tail came back to the first entry.")      \
	M(COUNTER, freed_ahead, "ranges", NULL,                                                    \
		"Entries freed at or ahead of the tail before any flush: one flush each.")         \
	M(GAUGE, entries, "entries", NULL, "Entries of one ring, as the space allows.")

METRIC_DECLARE(ring_metrics, RING_METRICS);

#define METRIC_STRUCT_ struct ring_metrics
static const struct metric_desc metric_desc[] = { RING_METRICS(METRIC_DESC_) };
#undef METRIC_STRUCT_
static const struct metric_table metric_table = { "ring", "IOVA allocator after rIOMMU.",
	metric_desc, ARRAY_SIZE(metric_desc) };

struct ring {
	struct lock lock;
	uint32_t tail, live; /* on the lock's line */
	bool *used;
	struct line *line; /* of the entries */
};

struct rings {
	struct iova_env env;
	struct ring_conf conf;
	struct iova_tree6 tree;
	struct ring *ring; /* by CPU */
	bool placed;
	uint32_t entries; /* of each; 0: no room for rings */
	uint64_t first_pfn; /* of CPU 0's; the others follow */
	struct iova_metrics m;
	struct ring_metrics ring_m;
};

static bool ring_init(void *state, const void *conf, const struct iova_env *env, struct err *err)
{
	struct rings *s = state;

	(void)err;
	s->env = *env;
	s->conf = *(const struct ring_conf *)conf;
	metric_scope_add(env->scope, &iova_metric_table, &s->m);
	metric_scope_add(env->scope, &metric_table, &s->ring_m);
	iova_tree6_init(&s->tree, env);
	s->ring = xcalloc(env->ncpus, sizeof(*s->ring));
	for (unsigned i = 0; i < env->ncpus; i++)
		lock_init(&s->ring[i].lock, env->machine, "&ring->lock", "%s.ring%u.lock",
			env->name, i);
	return true;
}

static void ring_fini(void *state)
{
	struct rings *s = state;

	BUG_ON(s->m.live != 0);
	for (unsigned i = 0; i < s->env.ncpus; i++) {
		lock_fini(&s->ring[i].lock);
		free(s->ring[i].used);
		free(s->ring[i].line);
	}
	free(s->ring);
	iova_tree6_fini(&s->tree);
}

/* One range of the tree for all rings: as set-up would have it, at no cost. After the reservations. */
static void place(struct rings *s)
{
	s->placed = true;
	for (uint32_t n = s->conf.entries; n >= ENTRIES_MIN; n /= 2) {
		uint64_t pages = (uint64_t)n * s->conf.slot * s->env.ncpus;
		const struct iova_tree6_req r = { pages, 1, s->env.last_pfn, true };

		if (!iova_tree6_alloc(&s->tree, PROC_UNTIMED, &r, &s->first_pfn))
			continue;
		s->entries = n;
		s->ring_m.entries = n;
		break;
	}
	for (unsigned i = 0; s->entries && i < s->env.ncpus; i++) {
		uint32_t nlines = s->entries / ENTRIES_PER_LINE;

		s->ring[i].used = xcalloc(s->entries, sizeof(bool));
		s->ring[i].line = xcalloc(nlines, sizeof(struct line));
		for (uint32_t k = 0; k < nlines; k++)
			line_init(&s->ring[i].line[k]);
	}
}

static void flush(struct rings *s, struct proc *p, const struct iova_range *r)
{
	if (s->env.flush)
		s->env.flush(s->env.flush_ctx, p, r);
}

/* With the ring's lock held and an entry free: from the tail on. */
static uint32_t take(struct rings *s, struct proc *p, struct ring *ring, uint32_t *flushes)
{
	const struct cost_conf *cost = s->env.machine->conf->cost;
	uint32_t at = ring->tail;

	for (;; at++) {
		if (at == s->entries) {
			at = 0;
			s->ring_m.rounds++;
			*flushes = 1;
		}
		cpu_run(p, cost->list_entry, CPU_iova);
		if (!ring->used[at])
			break;
		line_read(&ring->line[at / ENTRIES_PER_LINE], p, CPU_iova);
		s->ring_m.passed_over++;
	}
	if (*flushes)
		flush(s, p, NULL);
	line_write(&ring->line[at / ENTRIES_PER_LINE], p, CPU_iova);
	ring->used[at] = true;
	ring->live++;
	ring->tail = at + 1;
	return at;
}

static uint64_t pages_of_ring(const struct rings *s)
{
	return (uint64_t)s->entries * s->conf.slot;
}

static bool from_ring(
	struct rings *s, struct proc *p, const struct iova_req *req, struct iova_range *out)
{
	struct ring *ring = &s->ring[cpu_id(p)];
	uint64_t first = s->first_pfn + cpu_id(p) * pages_of_ring(s);
	bool ok;

	if (!s->entries || req->npages > s->conf.slot ||
		first + pages_of_ring(s) - 1 > req->limit_pfn)
		return false;
	lock_acquire(&ring->lock, p);
	ok = ring->live < s->entries;
	if (ok)
		out->pfn = first + (uint64_t)take(s, p, ring, &out->flushes) * s->conf.slot;
	lock_release(&ring->lock, p);
	s->ring_m.from_rings += ok;
	return ok;
}

static bool ring_alloc(
	void *state, struct proc *p, const struct iova_req *req, struct iova_range *out)
{
	struct rings *s = state;
	const struct iova_tree6_req r = { req->npages, req->npages, req->limit_pfn,
		req->size_aligned };

	if (!s->placed)
		place(s);
	*out = (struct iova_range){ .npages = req->npages };
	if (from_ring(s, p, req, out))
		return iova_metrics_alloc(&s->m, true);
	s->ring_m.overflow++;
	out->flushes = 0;
	return iova_metrics_alloc(&s->m, iova_tree6_alloc(&s->tree, p, &r, &out->pfn));
}

static void free_entry(struct rings *s, struct proc *p, const struct iova_range *r)
{
	uint64_t at = r->pfn - s->first_pfn;
	struct ring *ring = &s->ring[at / pages_of_ring(s)];
	uint32_t entry = (uint32_t)(at % pages_of_ring(s) / s->conf.slot);

	lock_acquire(&ring->lock, p);
	BUG_ON(!ring->used[entry]);
	if (r->unflushed && entry >= ring->tail) {
		s->ring_m.freed_ahead++;
		flush(s, p, r);
	}
	line_write(&ring->line[entry / ENTRIES_PER_LINE], p, CPU_iova);
	cpu_run(p, s->env.machine->conf->cost->list_entry, CPU_iova);
	ring->used[entry] = false;
	ring->live--;
	lock_release(&ring->lock, p);
}

/* The tree hands an address out again at any time: what goes back there is flushed first. */
static void ring_free(void *state, struct proc *p, const struct iova_range *r)
{
	struct rings *s = state;

	if (s->entries && r->pfn - s->first_pfn < s->env.ncpus * pages_of_ring(s)) {
		free_entry(s, p, r);
	} else {
		if (r->unflushed)
			flush(s, p, r);
		iova_tree6_free(&s->tree, p, &r->pfn, 1);
	}
	iova_metrics_free(&s->m);
}

static void ring_reserve(void *state, struct proc *p, uint64_t first_pfn, uint64_t last_pfn)
{
	struct rings *s = state;

	iova_tree6_reserve(&s->tree, p, first_pfn, last_pfn);
}

static bool ring_check(const void *state, struct err *err)
{
	const struct rings *s = state;
	uint64_t taken, live = 0;

	if (!iova_tree6_check(&s->tree, &taken, err))
		return false;
	for (unsigned i = 0; s->entries && i < s->env.ncpus; i++) {
		uint32_t used = 0;

		for (uint32_t k = 0; k < s->entries; k++)
			used += s->ring[i].used[k];
		if (used != s->ring[i].live || s->ring[i].tail > s->entries)
			return err_set(err, "ring %u: %u entries are used, %u counted, tail %u", i,
				used, s->ring[i].live, s->ring[i].tail);
		live += used;
	}
	if (taken + live != s->m.live + (s->entries != 0))
		return err_set(err, "%lu ranges in the tree, %lu in rings, %lu live",
			(unsigned long)taken, (unsigned long)live, (unsigned long)s->m.live);
	return true;
}

static uint64_t ring_live(const void *state)
{
	const struct rings *s = state;

	return s->m.live;
}

const struct iova_allocator_ops iova_ring_ops = {
	.name = "ring",
	.summary =
		"A flat ring of entries per CPU, taken from tail to tail (allocation half of rIOMMU)",
	.source = "Malka and others: rIOMMU (ASPLOS 2015)",
	.caps = IOVA_TELLS_REUSE | IOVA_SPLITS_SPACE | IOVA_KEEPS_LOW,
	.state_size = sizeof(struct rings),
	.conf = &conf_table,
	.init = ring_init,
	.fini = ring_fini,
	.alloc = ring_alloc,
	.free = ring_free,
	.reserve = ring_reserve,
	.check = ring_check,
	.live = ring_live,
};
