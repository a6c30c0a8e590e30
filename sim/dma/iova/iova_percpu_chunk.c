/*
 * percpu-chunk: the plan of the IOMMU list of November 2011: large chunks of the address space are handed
 * to CPUs; a request tries the CPU's own chunks, then a new one, then those of other CPUs. Chunks are not
 * strictly per CPU: whoever frees takes the lock of the chunk that the range came from, and so moves that
 * lock's line. The space below 4 GiB is one chunk for all, for devices that reach no further. Inside a
 * chunk the mail names either structure: the tree of the time, or the round-robin bitmap "within each
 * larger range", whose flush before reuse is then one for each round of a chunk.
 *
 * Where the plan is silent: a CPU keeps the chunks it has taken and goes on in the one where it last found
 * something; chunks do not go back; a request longer than a chunk is for the low one; a request that
 * finds nothing anywhere above 4 GiB tries the low one last. The tree inside is that of Linux 6.12
 * (iova_tree6.h): 3.1's finds no gap above its cached range, and a chunk would never fill.
 */
#include "dma/iova/iova.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "base/bug.h"
#include "dma/iova/iova_chunk.h"
#include "dma/iova/iova_metrics.h"

#define PERCPU_CHUNK_CONF(F)                                                                       \
	F(size, chunk, "16MiB", "64KiB", "1GiB", "", "Size of a chunk, a power of two.")           \
	F(choice, inside, "rbtree", NULL, NULL, "rbtree|bitmap",                                   \
		"How a chunk is kept: a tree searched downwards, or a round-robin bitmap.")

CONF_DECLARE(percpu_chunk_conf, PERCPU_CHUNK_CONF);

static bool validate(const void *conf, struct conf_check *chk)
{
	const struct percpu_chunk_conf *c = conf;

	return is_pow2(c->chunk) || conf_refuse(chk, "chunk", "must be a power of two");
}

#define CONF_STRUCT_ struct percpu_chunk_conf
static const struct conf_field fields[] = { PERCPU_CHUNK_CONF(CONF_FIELD_) };
#undef CONF_STRUCT_
static const struct conf_table conf_table =
	CONF_TABLE("percpu-chunk", percpu_chunk_conf, fields, validate);

#define PERCPU_CHUNK_METRICS(M)                                                                    \
	M(COUNTER, from_own, "ranges", NULL, "Requests that a chunk of the CPU's own served.")     \
	M(COUNTER, from_new, "ranges", "from_own", "Requests that a new chunk served.")            \
	M(COUNTER, from_others, "ranges", "from_own", "Requests that another CPU's chunk served.") \
	M(COUNTER, from_low, "ranges", "from_own", "Requests that the chunk below 4 GiB served.")  \
	M(COUNTER, freed_to_others, "ranges", NULL, "Ranges freed into another CPU's chunk.")      \
	M(GAUGE, chunks, "chunks", NULL, "Chunks that CPUs have taken.")                           \
	M(GAUGE, lock_taken, "ops", NULL,                                                          \
		"Times that a chunk's lock was taken, but the low one's.")                         \
	M(GAUGE, lock_bounces, "ops", "lock_taken", "Of these, by another CPU than the last.")     \
	M(REAL, bounce_share, "share", NULL, "Bounces over acquisitions of the chunks' locks.")

METRIC_DECLARE(percpu_chunk_metrics, PERCPU_CHUNK_METRICS);

#define METRIC_STRUCT_ struct percpu_chunk_metrics
static const struct metric_desc metric_desc[] = { PERCPU_CHUNK_METRICS(METRIC_DESC_) };
#undef METRIC_STRUCT_
static const struct metric_table metric_table = { "percpu-chunk",
	"IOVA allocator of the plan of 2011.", metric_desc, ARRAY_SIZE(metric_desc) };

#define PFN_4G BIT64(20)

struct pfn_pair {
	uint64_t first, last;
};

/* On a line of the CPU's own. */
struct cpu_chunks {
	struct chunk *at; /* of its ring: where it last found something */
	uint32_t other; /* number of the last chunk of another CPU that served it */
};

struct percpu_chunk {
	struct chunk_common common;
	uint64_t chunk_pages;
	uint64_t base_pfn, first_pfn, last_pfn; /* of the part that is cut into chunks */
	struct chunk *low; /* NULL: the space begins above */
	struct lock lock; /* of the table: whoever takes a new chunk */
	struct chunk **chunk; /* in order of address */
	uint32_t nchunks, room;
	struct cpu_chunks *cpu;
	struct pfn_pair *reserved;
	uint32_t nreserved;
	struct iova_metrics m;
	struct percpu_chunk_metrics chunk_m;
};

static void collect(void *arg, sim_time now)
{
	struct percpu_chunk *s = arg;
	struct percpu_chunk_metrics *m = &s->chunk_m;

	(void)now;
	m->lock_taken = m->lock_bounces = 0;
	for (uint32_t i = 0; i < s->nchunks; i++) {
		m->lock_taken += s->chunk[i]->lock->m.acquisitions;
		m->lock_bounces += s->chunk[i]->lock->m.acq_bounces;
	}
	m->bounce_share = m->lock_taken ? (double)m->lock_bounces / (double)m->lock_taken : 0;
}

static void register_metrics(struct percpu_chunk *s, struct metric_scope *scope)
{
	metric_scope_add(scope, &iova_metric_table, &s->m);
	metric_scope_add(scope, &metric_table, &s->chunk_m);
	metric_scope_add(scope, &iova_chunk_metric_table, &s->common.m);
	if (s->common.inside == CHUNK_BITMAP)
		metric_scope_add(scope, &iova_bitmap_metric_table, &s->common.bitmap_m);
	metric_scope_hooks(scope, NULL, collect, s);
}

static bool percpu_chunk_init(
	void *state, const void *conf, const struct iova_env *env, struct err *err)
{
	struct percpu_chunk *s = state;
	const struct percpu_chunk_conf *c = conf;
	uint64_t low_end = env->last_pfn < PFN_4G ? env->last_pfn : PFN_4G - 1;

	(void)err;
	s->common.env = *env;
	s->common.inside = (enum chunk_inside)c->inside;
	s->chunk_pages = c->chunk >> PAGE_LG2;
	s->first_pfn = env->first_pfn > PFN_4G ? env->first_pfn : PFN_4G;
	s->base_pfn = round_down_lg2(s->first_pfn, ilog2_floor(s->chunk_pages));
	s->last_pfn = env->last_pfn;
	s->cpu = xcalloc(env->ncpus, sizeof(*s->cpu));
	lock_init(&s->lock, env->machine, "&iova->chunk_table_lock", "%s.chunk_table", env->name);
	register_metrics(s, env->scope);
	if (env->first_pfn < PFN_4G)
		s->low = chunk_create(&s->common, "low", env->first_pfn, low_end);
	return true;
}

static void percpu_chunk_fini(void *state)
{
	struct percpu_chunk *s = state;

	BUG_ON(s->m.live != 0);
	if (s->low)
		chunk_destroy(s->low);
	for (uint32_t i = 0; i < s->nchunks; i++)
		chunk_destroy(s->chunk[i]);
	lock_fini(&s->lock);
	free(s->chunk);
	free(s->cpu);
	free(s->reserved);
}

/* ---- the three steps ---- */

static bool from_own(
	struct percpu_chunk *s, struct proc *p, const struct iova_req *req, struct iova_range *out)
{
	struct cpu_chunks *own = &s->cpu[cpu_id(p)];
	struct chunk *c = own->at;

	if (!c)
		return false;
	do {
		if (chunk_alloc(c, p, req, &out->pfn, &out->flushes)) {
			own->at = c;
			s->chunk_m.from_own++;
			return true;
		}
		c = c->next;
	} while (c != own->at);
	return false;
}

/* With the table's lock held: the next piece of the space becomes the CPU's. */
static struct chunk *cut(struct percpu_chunk *s, struct proc *p)
{
	uint64_t first = s->base_pfn + s->nchunks * s->chunk_pages,
		 last = first + s->chunk_pages - 1;
	struct chunk *c;
	char name[16];

	snprintf(name, sizeof(name), "chunk%u", s->nchunks);
	c = chunk_create(&s->common, name, first > s->first_pfn ? first : s->first_pfn,
		last < s->last_pfn ? last : s->last_pfn);
	c->index = s->nchunks;
	c->owner = cpu_id(p);
	for (uint32_t i = 0; i < s->nreserved; i++)
		chunk_reserve(c, PROC_UNTIMED, s->reserved[i].first, s->reserved[i].last);
	cpu_run(p, s->common.env.machine->conf->cost->page_alloc, CPU_iova);
	if (s->nchunks == s->room) {
		s->room = s->room ? 2 * s->room : 16;
		s->chunk = xrealloc(s->chunk, s->room, sizeof(struct chunk *));
	}
	s->chunk[s->nchunks++] = c;
	s->chunk_m.chunks++;
	return c;
}

static bool from_new(
	struct percpu_chunk *s, struct proc *p, const struct iova_req *req, struct iova_range *out)
{
	uint64_t limit = req->limit_pfn < s->last_pfn ? req->limit_pfn : s->last_pfn;
	struct cpu_chunks *own = &s->cpu[cpu_id(p)];
	struct chunk *c = NULL;

	lock_acquire(&s->lock, p);
	if (s->base_pfn + s->nchunks * s->chunk_pages <= limit)
		c = cut(s, p);
	lock_release(&s->lock, p);
	if (!c)
		return false;
	c->next = own->at ? own->at->next : c;
	if (own->at)
		own->at->next = c;
	own->at = c;
	if (!chunk_alloc(c, p, req, &out->pfn, &out->flushes))
		return false; /* reserved, or cut short by the limit */
	s->chunk_m.from_new++;
	return true;
}

/* All chunks of others, from the one that served last. */
static bool from_others(
	struct percpu_chunk *s, struct proc *p, const struct iova_req *req, struct iova_range *out)
{
	struct cpu_chunks *own = &s->cpu[cpu_id(p)];

	for (uint32_t i = 0; i < s->nchunks; i++) {
		struct chunk *c = s->chunk[(own->other + i) % s->nchunks];

		cpu_run(p, s->common.env.machine->conf->cost->list_entry, CPU_iova);
		if (c->owner == cpu_id(p) || !chunk_alloc(c, p, req, &out->pfn, &out->flushes))
			continue;
		own->other = c->index;
		s->chunk_m.from_others++;
		return true;
	}
	return false;
}

static bool from_low(
	struct percpu_chunk *s, struct proc *p, const struct iova_req *req, struct iova_range *out)
{
	bool ok = s->low && chunk_alloc(s->low, p, req, &out->pfn, &out->flushes);

	s->chunk_m.from_low += ok;
	return ok;
}

static bool percpu_chunk_alloc(
	void *state, struct proc *p, const struct iova_req *req, struct iova_range *out)
{
	struct percpu_chunk *s = state;
	bool chunks = req->limit_pfn >= s->first_pfn && req->npages <= s->chunk_pages;

	BUG_ON(cpu_id(p) >= s->common.env.ncpus);
	*out = (struct iova_range){ .npages = req->npages };
	return iova_metrics_alloc(
		&s->m, (chunks && (from_own(s, p, req, out) || from_new(s, p, req, out) ||
					  from_others(s, p, req, out))) ||
			       from_low(s, p, req, out));
}

static struct chunk *chunk_of(const struct percpu_chunk *s, uint64_t pfn)
{
	uint64_t i;

	if (s->low && pfn <= s->low->last_pfn)
		return s->low;
	i = (pfn - s->base_pfn) / s->chunk_pages;
	BUG_ON(pfn < s->first_pfn || i >= s->nchunks);
	return s->chunk[i];
}

static void percpu_chunk_free(void *state, struct proc *p, const struct iova_range *r)
{
	struct percpu_chunk *s = state;
	struct chunk *c = chunk_of(s, r->pfn);

	s->chunk_m.freed_to_others += c != s->low && c->owner != cpu_id(p);
	chunk_free(c, p, r);
	iova_metrics_free(&s->m);
}

static void percpu_chunk_reserve(void *state, struct proc *p, uint64_t first_pfn, uint64_t last_pfn)
{
	struct percpu_chunk *s = state;

	BUG_ON(first_pfn > last_pfn);
	s->reserved = xrealloc(s->reserved, s->nreserved + 1, sizeof(*s->reserved));
	s->reserved[s->nreserved++] = (struct pfn_pair){ first_pfn, last_pfn };
	if (s->low)
		chunk_reserve(s->low, p, first_pfn, last_pfn);
	for (uint32_t i = 0; i < s->nchunks; i++)
		chunk_reserve(s->chunk[i], p, first_pfn, last_pfn);
}

/* A CPU's ring holds the chunks whose owner it is, each once. */
static bool check_rings(const struct percpu_chunk *s, struct err *err)
{
	uint32_t n = 0;

	for (unsigned cpu = 0; cpu < s->common.env.ncpus; cpu++) {
		const struct chunk *at = s->cpu[cpu].at, *c = at;

		for (; c; c = c->next == at ? NULL : c->next, n++)
			if (c->owner != cpu || n >= s->nchunks)
				return err_set(err, "CPU %u keeps %s, which is CPU %u's", cpu,
					c->name, c->owner);
	}
	return n == s->nchunks || err_set(err, "%u chunks are kept, %u were cut", n, s->nchunks);
}

static bool percpu_chunk_check(const void *state, struct err *err)
{
	const struct percpu_chunk *s = state;
	uint64_t ranges = 0, pages = 0;

	if (!check_rings(s, err) || (s->low && !chunk_check(s->low, &ranges, &pages, err)))
		return false;
	for (uint32_t i = 0; i < s->nchunks; i++)
		if (!chunk_check(s->chunk[i], &ranges, &pages, err))
			return false;
	if (s->common.inside == CHUNK_RBTREE && ranges != s->m.live)
		return err_set(err, "%lu ranges in the trees, %lu live", (unsigned long)ranges,
			(unsigned long)s->m.live);
	if (s->common.inside == CHUNK_BITMAP &&
		(pages != s->common.bitmap_m.pages || pages < s->m.live))
		return err_set(err, "%lu pages are taken, %lu counted in %lu ranges",
			(unsigned long)pages, (unsigned long)s->common.bitmap_m.pages,
			(unsigned long)s->m.live);
	return true;
}

static uint64_t percpu_chunk_live(const void *state)
{
	const struct percpu_chunk *s = state;

	return s->m.live;
}

#define CAPS (IOVA_SPLITS_SPACE | IOVA_KEEPS_LOW)

static unsigned percpu_chunk_caps(const void *conf)
{
	const struct percpu_chunk_conf *c = conf;

	return c->inside == CHUNK_BITMAP ? CAPS | IOVA_TELLS_REUSE : CAPS;
}

const struct iova_allocator_ops iova_percpu_chunk_ops = {
	.name = "percpu-chunk",
	.summary =
		"Chunks of the space per CPU, each with a lock: own, new, others'; one below 4 GiB",
	.source = "the plan of the iommu list, November 2011",
	.caps = CAPS,
	.caps_with = percpu_chunk_caps,
	.caps_key = "inside: bitmap",
	.state_size = sizeof(struct percpu_chunk),
	.conf = &conf_table,
	.init = percpu_chunk_init,
	.fini = percpu_chunk_fini,
	.alloc = percpu_chunk_alloc,
	.free = percpu_chunk_free,
	.reserve = percpu_chunk_reserve,
	.check = percpu_chunk_check,
	.live = percpu_chunk_live,
};
