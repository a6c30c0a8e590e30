/*
 * bitmap-rr: the address allocator of the AMD driver of Linux 3.1, drivers/iommu/amd_iommu.c
 * (dma_ops_alloc_addresses, dma_ops_free_addresses): a round-robin (next-fit) bitmap. It goes through
 * the space from low to high and so hands an address out again only after a whole round; the domain is
 * flushed when a round begins, instead of at every unmap. A range that is freed ahead of the pointer
 * would be handed out within this round: it needs its flush at once (need_flush).
 *
 * domain->lock is held, interrupts off, through a whole map or unmap: enter and leave.
 *
 * Departures: page-table pages of an aperture are the table code's matter (3.1 makes all 64 with the
 * aperture); CONFIG_IOMMU_STRESS is not there.
 */
#include "dma/iova/iova_aperture.h"

#include "base/bug.h"

#define BITMAP_RR_CONF(F)                                                                          \
	F(u32, apertures, "1", "1", APERTURES_MAX_TEXT, "apertures",                               \
		"Apertures of 128 MiB that are there from the start.")

CONF_DECLARE(bitmap_rr_conf, BITMAP_RR_CONF);

#define CONF_STRUCT_ struct bitmap_rr_conf
static const struct conf_field fields[] = { BITMAP_RR_CONF(CONF_FIELD_) };
#undef CONF_STRUCT_
static const struct conf_table conf_table = CONF_TABLE("bitmap-rr", bitmap_rr_conf, fields, NULL);

#define BITMAP_RR_METRICS(M)                                                                       \
	M(COUNTER, rounds, "rounds", "searches",                                                   \
		"Searches that began again at the lowest address.")                                \
	M(COUNTER, searches, "searches", NULL, "Requests, in how many apertures ever.")            \
	M(COUNTER, freed_ahead, "ranges", NULL,                                                    \
		"Ranges freed ahead of the pointer, which need their flush at once.")              \
	M(GAUGE, apertures, "apertures", NULL, "Apertures of 128 MiB in use.")

METRIC_DECLARE(bitmap_rr_metrics, BITMAP_RR_METRICS);

#define METRIC_STRUCT_ struct bitmap_rr_metrics
static const struct metric_desc metric_desc[] = { BITMAP_RR_METRICS(METRIC_DESC_) };
#undef METRIC_STRUCT_
static const struct metric_table metric_table = { "bitmap-rr",
	"IOVA allocator of the AMD driver of Linux 3.1.", metric_desc, ARRAY_SIZE(metric_desc) };

struct bitmap_rr {
	struct lock lock; /* domain->lock */
	bool inside; /* between enter and leave, by the holder of the lock */
	struct iova_space space;
	struct iova_env env;
	struct line head; /* of next and need_flush */
	uint64_t next; /* where to go on, in pages from the space's base: next_address */
	bool need_flush;
	struct bitmap_rr_metrics m;
};

static bool bitmap_rr_init(
	void *state, const void *conf, const struct iova_env *env, struct err *err)
{
	struct bitmap_rr *s = state;
	uint32_t apertures = ((const struct bitmap_rr_conf *)conf)->apertures;

	(void)err;
	s->env = *env;
	lock_init(&s->lock, env->machine, "&domain->lock", "%s.domain_lock", env->name);
	line_init(&s->head);
	iova_space_init(&s->space, env);
	metric_scope_add(env->scope, &metric_table, &s->m);
	while (s->space.n < apertures)
		iova_space_grow(&s->space, PROC_UNTIMED);
	s->m.apertures = s->space.n;
	return true;
}

static void bitmap_rr_fini(void *state)
{
	struct bitmap_rr *s = state;

	iova_space_fini(&s->space);
	lock_fini(&s->lock);
}

static void bitmap_rr_enter(void *state, struct proc *p)
{
	struct bitmap_rr *s = state;

	lock_acquire(&s->lock, p);
	s->inside = true;
}

static void bitmap_rr_leave(void *state, struct proc *p)
{
	struct bitmap_rr *s = state;

	s->inside = false;
	lock_release(&s->lock, p);
}

/* The lock for one call, unless the driver holds it already. */
static bool take_lock(struct bitmap_rr *s, struct proc *p)
{
	bool taken = !(s->inside && s->lock.holder == p);

	if (taken)
		lock_acquire(&s->lock, p);
	return taken;
}

/* dma_ops_area_alloc(): from `start` upwards; the first aperture from its bit on. */
static bool search(struct bitmap_rr *s, struct proc *p, const struct iova_space_req *req,
	uint64_t start, uint64_t *pfn)
{
	uint32_t next_bit = (uint32_t)start & (APERTURE_PAGES - 1), bit;

	for (uint64_t i = start >> APERTURE_LG2; i < s->space.n; i++, next_bit = 0) {
		struct aperture *a = s->space.aperture[i];

		if (!aperture_is_below(a, req))
			break;
		if (!aperture_alloc(a, p, req, next_bit, &bit))
			continue;
		*pfn = a->first_pfn + bit;
		s->next = *pfn - s->space.base_pfn + req->npages;
		return true;
	}
	return false;
}

/* dma_ops_alloc_addresses(): a new round when this one finds nothing, for which everything that was
 * freed has to be flushed. */
static bool search_round(
	struct bitmap_rr *s, struct proc *p, const struct iova_space_req *req, uint64_t *pfn)
{
	if (search(s, p, req, s->next, pfn))
		return true;
	s->m.rounds++;
	s->next = 0;
	s->need_flush = true;
	return search(s, p, req, 0, pfn);
}

/* With the lock held: the flush that the driver makes when it sees the flag. */
static void flush_now(struct bitmap_rr *s, struct proc *p, const struct iova_range *r)
{
	if (!s->env.flush)
		return;
	s->env.flush(s->env.flush_ctx, p, r);
	s->need_flush = false;
}

static bool bitmap_rr_alloc(
	void *state, struct proc *p, const struct iova_req *r, struct iova_range *out)
{
	struct bitmap_rr *s = state;
	const struct iova_space_req req = iova_space_req(&s->space, r);
	bool taken = take_lock(s, p), ok;

	*out = (struct iova_range){ .npages = r->npages };
	line_write(&s->head, p, CPU_iova);
	s->m.searches++;
	while (!(ok = search_round(s, p, &req, &out->pfn))) {
		s->next = (uint64_t)s->space.n << APERTURE_LG2; /* only the new one, first */
		if (!iova_space_grow(&s->space, p))
			break;
		s->m.apertures = s->space.n;
	}
	out->flushes = ok && s->need_flush;
	if (out->flushes)
		flush_now(s, p, NULL);
	iova_metrics_alloc(&s->space.m, ok);
	if (taken)
		lock_release(&s->lock, p);
	return ok;
}

static void bitmap_rr_free(void *state, struct proc *p, const struct iova_range *r)
{
	struct bitmap_rr *s = state;
	uint32_t bit;
	struct aperture *a = iova_space_of(&s->space, r->pfn, &bit);
	bool taken = take_lock(s, p);

	line_read(&s->head, p, CPU_iova);
	if (r->pfn - s->space.base_pfn >= s->next) {
		s->need_flush = true;
		line_write(&s->head, p, CPU_iova);
		s->m.freed_ahead++;
	}
	iova_bitmap_clear(&a->bits, p, bit, r->npages);
	if (r->unflushed && s->need_flush)
		flush_now(s, p, r);
	iova_metrics_free(&s->space.m);
	if (taken)
		lock_release(&s->lock, p);
}

static bool bitmap_rr_need_flush(const void *state)
{
	const struct bitmap_rr *s = state;

	return s->need_flush;
}

static void bitmap_rr_flushed(void *state)
{
	struct bitmap_rr *s = state;

	s->need_flush = false;
}

static void bitmap_rr_reserve(void *state, struct proc *p, uint64_t first_pfn, uint64_t last_pfn)
{
	struct bitmap_rr *s = state;
	bool taken = take_lock(s, p);

	iova_space_reserve(&s->space, first_pfn, last_pfn);
	if (taken)
		lock_release(&s->lock, p);
}

static void bitmap_rr_cursor(const void *state, unsigned cpu, uint64_t pfn, struct iova_cursor *out)
{
	const struct bitmap_rr *s = state;

	(void)cpu;
	(void)pfn;
	*out = (struct iova_cursor){ .next_pfn = s->space.base_pfn + s->next,
		.apertures = s->space.n };
}

static bool bitmap_rr_check(const void *state, struct err *err)
{
	const struct bitmap_rr *s = state;

	if (s->next > (uint64_t)s->space.n << APERTURE_LG2)
		return err_set(err, "the search would go on beyond the last aperture");
	return iova_space_check(&s->space, err);
}

static uint64_t bitmap_rr_live(const void *state)
{
	const struct bitmap_rr *s = state;

	return s->space.m.live;
}

const struct iova_allocator_ops iova_bitmap_rr_ops = {
	.name = "bitmap-rr",
	.summary = "Next-fit bitmap in apertures of 128 MiB, made to be flushed once a round",
	.source = "Linux 3.1 drivers/iommu/amd_iommu.c: dma_ops_alloc_addresses",
	.caps = IOVA_TELLS_REUSE | IOVA_REUSE_IS_TOLD | IOVA_ALIGNS_COHERENT_ONLY,
	.state_size = sizeof(struct bitmap_rr),
	.conf = &conf_table,
	.init = bitmap_rr_init,
	.fini = bitmap_rr_fini,
	.alloc = bitmap_rr_alloc,
	.free = bitmap_rr_free,
	.reserve = bitmap_rr_reserve,
	.enter = bitmap_rr_enter,
	.leave = bitmap_rr_leave,
	.need_flush = bitmap_rr_need_flush,
	.flushed = bitmap_rr_flushed,
	.cursor = bitmap_rr_cursor,
	.check = bitmap_rr_check,
	.live = bitmap_rr_live,
};
