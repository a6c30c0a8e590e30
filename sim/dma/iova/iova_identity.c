/*
 * identity: dynamic identity mapping, Peleg, Morrison, Serebrin, Tsafrir, "Utilizing the IOMMU Scalably", USENIX
 * ATC 2015: the address of a buffer is that of its memory, so nothing is allocated. A page that several
 * buffers share is mapped by the first and unmapped by the last: every page has a count, in the spare bits
 * of its table entry. What CPUs contend for is the page table.
 *
 * Buffers of one page with different rights must not share an entry: the space is three copies of the
 * memory, read-write, write, read, from low to high.
 *
 * Departures: counts are beside the entries, under one lock for 512 pages (of 64, by a hash) where the paper
 * uses atomic instructions on the entry; a page whose range is above the device's limit, or reserved, cannot
 * be mapped (the paper's devices reach everything). Scatter lists of memory that is not contiguous cannot
 * be mapped as one range.
 */
#include "dma/iova/iova.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "base/bug.h"
#include "dma/iova/iova_metrics.h"
#include "hw/cpu.h"
#include "hw/lock.h"
#include "hw/mem.h"
#include "iommu/iommu.h"

#define LOCKS         64u
#define PAGES_LG2     9u /* pages under one lock: a leaf table's */
#define COPIES        3u
#define COUNT_MAX     UINT16_MAX
#define RESERVED_MAX  32u
#define COUNTS_IN_RAM UINT64_C(0x4000000000000000) /* where their lines are: no address of memory */

#define IDENTITY_METRICS(M)                                                                        \
	M(COUNTER, first, "pages", NULL, "Pages that a range was the first to hold.")              \
	M(COUNTER, shared, "pages", "first", "Pages that another range held already.")             \
	M(COUNTER, unreachable, "requests", NULL, "Requests above the limit, or reserved.")        \
	M(GAUGE, held, "pages", NULL, "Pages that a range holds.")

METRIC_DECLARE(identity_metrics, IDENTITY_METRICS);

#define METRIC_STRUCT_ struct identity_metrics
static const struct metric_desc metric_desc[] = { IDENTITY_METRICS(METRIC_DESC_) };
#undef METRIC_STRUCT_
static const struct metric_table metric_table = { "identity", "Identity mapping with counts.",
	metric_desc, ARRAY_SIZE(metric_desc) };

struct identity {
	struct iova_env env;
	unsigned frames_lg2; /* of the memory, rounded up */
	uint16_t *count; /* by page of the space */
	struct lock lock[LOCKS];
	struct {
		uint64_t first, last;
	} reserved[RESERVED_MAX];
	unsigned nreserved;
	struct iova_metrics m;
	struct identity_metrics identity_m;
};

static bool identity_init(
	void *state, const void *conf, const struct iova_env *env, struct err *err)
{
	struct identity *s = state;

	(void)conf;
	(void)err;
	s->env = *env;
	s->frames_lg2 = ilog2_ceil(mem_size(env->machine->mem) >> PAGE_LG2);
	s->count = xcalloc((size_t)COPIES << s->frames_lg2, sizeof(*s->count));
	for (unsigned i = 0; i < LOCKS; i++)
		lock_init(&s->lock[i], env->machine, "&pt->lock", "%s.pt%u.lock", env->name, i);
	metric_scope_add(env->scope, &iova_metric_table, &s->m);
	metric_scope_add(env->scope, &metric_table, &s->identity_m);
	return true;
}

static void identity_fini(void *state)
{
	struct identity *s = state;

	BUG_ON(s->m.live != 0 || s->identity_m.held != 0);
	for (unsigned i = 0; i < LOCKS; i++)
		lock_fini(&s->lock[i]);
	free(s->count);
}

static bool is_reserved(const struct identity *s, uint64_t first, uint64_t last)
{
	for (unsigned i = 0; i < s->nreserved; i++)
		if (first <= s->reserved[i].last && last >= s->reserved[i].first)
			return true;
	return false;
}

static bool identity_alloc(
	void *state, struct proc *p, const struct iova_req *req, struct iova_range *out)
{
	static const uint64_t copy_of[] = { 0, 2, 1, 0 }; /* by rights */
	struct identity *s = state;
	uint64_t limit = req->limit_pfn < s->env.last_pfn ? req->limit_pfn : s->env.last_pfn;
	uint64_t first = req->pa_pfn + (copy_of[req->prot & 3] << s->frames_lg2), last;
	bool ok;

	BUG_ON(IOMMU_PROT_R != 1 || IOMMU_PROT_W != 2 || req->pa_pfn >> s->frames_lg2);
	last = first + req->npages - 1;
	ok = first >= s->env.first_pfn && last <= limit && !is_reserved(s, first, last);
	cpu_run(p, s->env.machine->conf->cost->list_entry, CPU_iova);
	s->identity_m.unreachable += !ok;
	*out = (struct iova_range){ .pfn = first, .npages = req->npages };
	return iova_metrics_alloc(&s->m, ok);
}

static void identity_free(void *state, struct proc *p, const struct iova_range *r)
{
	struct identity *s = state;

	(void)p;
	(void)r;
	iova_metrics_free(&s->m);
}

static struct lock *lock_of(struct identity *s, uint64_t pfn)
{
	return &s->lock[(pfn >> PAGES_LG2) % LOCKS];
}

/* The count, with its lock held and its line written. */
static uint16_t *count_of(struct identity *s, struct proc *p, uint64_t pfn)
{
	struct machine *m = s->env.machine;

	BUG_ON(pfn >> s->frames_lg2 >= COPIES);
	lock_acquire(lock_of(s, pfn), p);
	line_write(
		line_of_memory(m, (hpa_t){ COUNTS_IN_RAM + pfn * sizeof(uint64_t) }), p, CPU_iova);
	cpu_run(p, m->conf->cost->list_entry, CPU_iova);
	return &s->count[pfn];
}

static bool identity_hold(void *state, struct proc *p, uint64_t pfn)
{
	struct identity *s = state;
	uint16_t *count = count_of(s, p, pfn);
	bool first = *count == 0;

	BUG_ON(*count == COUNT_MAX);
	++*count;
	s->identity_m.first += first;
	s->identity_m.shared += !first;
	s->identity_m.held += first;
	return first;
}

static bool identity_drop(void *state, struct proc *p, uint64_t pfn)
{
	struct identity *s = state;
	uint16_t *count = count_of(s, p, pfn);

	BUG_ON(*count == 0);
	--*count;
	s->identity_m.held -= *count == 0;
	return *count == 0;
}

static void identity_settle(void *state, struct proc *p, uint64_t pfn)
{
	struct identity *s = state;

	lock_release(lock_of(s, pfn), p);
}

static void identity_reserve(void *state, struct proc *p, uint64_t first_pfn, uint64_t last_pfn)
{
	struct identity *s = state;

	(void)p;
	BUG_ON(s->nreserved == RESERVED_MAX);
	s->reserved[s->nreserved].first = first_pfn;
	s->reserved[s->nreserved++].last = last_pfn;
}

static bool identity_check(const void *state, struct err *err)
{
	const struct identity *s = state;
	uint64_t held = 0;

	for (size_t i = 0; i < (size_t)COPIES << s->frames_lg2; i++)
		held += s->count[i] != 0;
	return held == s->identity_m.held ||
	       err_set(err, "%lu pages are held, %lu counted", (unsigned long)held,
		       (unsigned long)s->identity_m.held);
}

static uint64_t identity_live(const void *state)
{
	const struct identity *s = state;

	return s->m.live;
}

const struct iova_allocator_ops iova_identity_ops = {
	.name = "identity",
	.summary = "The memory's own addresses; pages counted, so that the last unmap unmaps",
	.source = "Peleg and others: Utilizing the IOMMU Scalably (USENIX ATC 2015)",
	.caps = IOVA_FOLLOWS_MEMORY | IOVA_KEEPS_LOW,
	.state_size = sizeof(struct identity),
	.init = identity_init,
	.fini = identity_fini,
	.alloc = identity_alloc,
	.free = identity_free,
	.reserve = identity_reserve,
	.hold = identity_hold,
	.drop = identity_drop,
	.settle = identity_settle,
	.check = identity_check,
	.live = identity_live,
};
