/*
 * bitmap-percpu: the address allocator of the AMD driver of Linux 4.5 and 4.6, drivers/iommu/amd_iommu.c:
 * bitmap-rr rewritten for many CPUs. Each aperture has a lock and a pointer of its own, each CPU
 * remembers the aperture it found something in. A search goes through all apertures, first passing
 * over those whose lock is busy, then waiting for them. An aperture that has nothing above its pointer
 * is searched from its start, and then the domain is flushed - whether that found something or not.
 * Freeing moves the pointer up beyond the freed range, so that it too is reused only after a flush.
 *
 * That flush follows the release of the lock: until it is complete another CPU may get addresses from
 * the same stretch without one. The kernel had that window; here it shows as stale accesses.
 *
 * Departures: as bitmap-rr; an aperture is numbered under the lock that publishes it (4.5: before).
 */
#include "dma/iova/iova_aperture.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/bug.h"

#define BITMAP_PERCPU_CONF(F)                                                                      \
	F(u32, apertures, "8", "1", APERTURES_MAX_TEXT, "apertures",                               \
		"Apertures of 128 MiB that are there from the start, at most one a CPU: 8 for a "  \
		"device with a 64-bit mask, 4 for one with more than 32 bits, 1 else.")

CONF_DECLARE(bitmap_percpu_conf, BITMAP_PERCPU_CONF);

#define CONF_STRUCT_ struct bitmap_percpu_conf
static const struct conf_field fields[] = { BITMAP_PERCPU_CONF(CONF_FIELD_) };
#undef CONF_STRUCT_
static const struct conf_table conf_table =
	CONF_TABLE("bitmap-percpu", bitmap_percpu_conf, fields, NULL);

#define BITMAP_PERCPU_METRICS(M)                                                                   \
	M(COUNTER, searches, "searches", NULL, "Requests, in how many apertures ever.")            \
	M(COUNTER, rounds, "rounds", "searches",                                                   \
		"Searches of one aperture that began again at its start: one flush each.")         \
	M(COUNTER, busy_skipped, "apertures", "searches", "Apertures passed over: lock busy.")     \
	M(COUNTER, second_passes, "searches", "searches", "Requests that waited for locks.")       \
	M(COUNTER, pushed_up, "ranges", NULL, "Frees that moved their aperture's pointer up.")     \
	M(GAUGE, apertures, "apertures", NULL, "Apertures of 128 MiB in use.")

METRIC_DECLARE(bitmap_percpu_metrics, BITMAP_PERCPU_METRICS);

#define METRIC_STRUCT_ struct bitmap_percpu_metrics
static const struct metric_desc metric_desc[] = { BITMAP_PERCPU_METRICS(METRIC_DESC_) };
#undef METRIC_STRUCT_
static const struct metric_table metric_table = { "bitmap-percpu",
	"IOVA allocator of the AMD driver of Linux 4.5.", metric_desc, ARRAY_SIZE(metric_desc) };

struct bitmap_percpu {
	struct lock lock; /* domain->lock: new apertures */
	struct iova_env env;
	struct iova_space space;
	uint32_t *next_index; /* by CPU, on lines of their own */
	unsigned ncpus;
	struct bitmap_percpu_metrics m;
};

static bool bitmap_percpu_init(
	void *state, const void *conf, const struct iova_env *env, struct err *err)
{
	struct bitmap_percpu *s = state;
	uint32_t apertures = ((const struct bitmap_percpu_conf *)conf)->apertures;

	(void)err;
	s->env = *env;
	lock_init(&s->lock, env->machine, "&domain->lock", "%s.domain_lock", env->name);
	iova_space_init(&s->space, env);
	metric_scope_add(env->scope, &metric_table, &s->m);
	s->ncpus = env->ncpus;
	s->next_index = xcalloc(s->ncpus, sizeof(*s->next_index));
	while (s->space.n < apertures && s->space.n < s->ncpus)
		iova_space_grow(&s->space, PROC_UNTIMED);
	s->m.apertures = s->space.n;
	return true;
}

static void bitmap_percpu_fini(void *state)
{
	struct bitmap_percpu *s = state;

	free(s->next_index);
	iova_space_fini(&s->space);
	lock_fini(&s->lock);
}

/* dma_ops_aperture_alloc(): with its lock. *flushes counts what is due when it is dropped. */
static bool alloc_in(struct bitmap_percpu *s, struct proc *p, struct aperture *a,
	const struct iova_space_req *req, bool wait, uint32_t *bit, uint32_t *flushes)
{
	bool ok, round;

	if (wait) {
		lock_acquire(&a->lock, p);
	} else if (!lock_try(&a->lock, p)) {
		s->m.busy_skipped++;
		return false;
	}
	ok = aperture_alloc(a, p, req, a->next_bit, bit);
	round = !ok;
	if (round) {
		s->m.rounds++;
		++*flushes;
		ok = aperture_alloc(a, p, req, 0, bit);
	}
	if (ok)
		a->next_bit = *bit + req->npages;
	lock_release(&a->lock, p);
	if (round && s->env.flush) /* only now: others may have addresses of the round already */
		s->env.flush(s->env.flush_ctx, p, NULL);
	return ok;
}

/* dma_ops_area_alloc(), one pass, from the CPU's aperture on. */
static bool pass(struct bitmap_percpu *s, struct proc *p, const struct iova_space_req *req,
	bool wait, struct iova_range *out)
{
	uint32_t *next_index = &s->next_index[cpu_id(p)], start = *next_index, bit;

	for (uint32_t i = 0; i < APERTURES_MAX; i++) {
		uint32_t index = (start + i) % APERTURES_MAX;
		struct aperture *a = index < s->space.n ? s->space.aperture[index] : NULL;

		if (!a || !aperture_is_below(a, req) ||
			!alloc_in(s, p, a, req, wait, &bit, &out->flushes))
			continue;
		out->pfn = a->first_pfn + bit;
		*next_index = index;
		return true;
	}
	return false;
}

static bool grow(struct bitmap_percpu *s, struct proc *p)
{
	bool ok;

	lock_acquire(&s->lock, p);
	ok = iova_space_grow(&s->space, p);
	s->m.apertures = s->space.n;
	lock_release(&s->lock, p);
	return ok;
}

static bool both_passes(struct bitmap_percpu *s, struct proc *p, const struct iova_space_req *req,
	struct iova_range *out)
{
	if (pass(s, p, req, false, out))
		return true;
	s->m.second_passes++;
	return pass(s, p, req, true, out);
}

static bool bitmap_percpu_alloc(
	void *state, struct proc *p, const struct iova_req *r, struct iova_range *out)
{
	struct bitmap_percpu *s = state;
	const struct iova_space_req req = iova_space_req(&s->space, r);
	bool ok;

	BUG_ON(cpu_id(p) >= s->ncpus);
	*out = (struct iova_range){ .npages = r->npages };
	s->m.searches++;
	do
		ok = both_passes(s, p, &req, out);
	while (!ok && grow(s, p));
	return iova_metrics_alloc(&s->space.m, ok);
}

static void bitmap_percpu_free(void *state, struct proc *p, const struct iova_range *r)
{
	struct bitmap_percpu *s = state;
	uint32_t bit;
	struct aperture *a = iova_space_of(&s->space, r->pfn, &bit);

	lock_acquire(&a->lock, p);
	if (bit + r->npages > a->next_bit) {
		a->next_bit = bit + r->npages;
		s->m.pushed_up++;
	}
	iova_bitmap_clear(&a->bits, p, bit, r->npages);
	lock_release(&a->lock, p);
	iova_metrics_free(&s->space.m);
}

static void bitmap_percpu_reserve(
	void *state, struct proc *p, uint64_t first_pfn, uint64_t last_pfn)
{
	struct bitmap_percpu *s = state;

	lock_acquire(&s->lock, p);
	iova_space_reserve(&s->space, first_pfn, last_pfn);
	lock_release(&s->lock, p);
}

static void bitmap_percpu_cursor(
	const void *state, unsigned cpu, uint64_t pfn, struct iova_cursor *out)
{
	const struct bitmap_percpu *s = state;
	uint32_t bit;

	*out = (struct iova_cursor){ .index = s->next_index[cpu], .apertures = s->space.n };
	if (pfn)
		out->next_bit = iova_space_of(&s->space, pfn, &bit)->next_bit;
}

static bool bitmap_percpu_check(const void *state, struct err *err)
{
	const struct bitmap_percpu *s = state;

	return iova_space_check(&s->space, err);
}

static uint64_t bitmap_percpu_live(const void *state)
{
	const struct bitmap_percpu *s = state;

	return s->space.m.live;
}

const struct iova_allocator_ops iova_bitmap_percpu_ops = {
	.name = "bitmap-percpu",
	.summary = "The same with a lock per aperture and a favourite aperture per CPU",
	.source = "Linux 4.5 drivers/iommu/amd_iommu.c: dma_ops_aperture_alloc",
	.caps = IOVA_TELLS_REUSE | IOVA_REUSE_IS_TOLD | IOVA_ALIGNS_COHERENT_ONLY,
	.state_size = sizeof(struct bitmap_percpu),
	.conf = &conf_table,
	.init = bitmap_percpu_init,
	.fini = bitmap_percpu_fini,
	.alloc = bitmap_percpu_alloc,
	.free = bitmap_percpu_free,
	.reserve = bitmap_percpu_reserve,
	.cursor = bitmap_percpu_cursor,
	.check = bitmap_percpu_check,
	.live = bitmap_percpu_live,
};
