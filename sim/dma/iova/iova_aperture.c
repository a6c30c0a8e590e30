#include "dma/iova/iova_aperture.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "base/bug.h"

void iova_space_init(struct iova_space *s, const struct iova_env *env)
{
	*s = (struct iova_space){ .machine = env->machine,
		.name = xstrdup(env->name),
		.base_pfn = round_down_lg2(env->first_pfn, APERTURE_LG2),
		.first_pfn = env->first_pfn,
		.last_pfn = env->last_pfn };
	metric_scope_add(env->scope, &iova_metric_table, &s->m);
	metric_scope_add(env->scope, &iova_bitmap_metric_table, &s->bitmap_m);
}

void iova_space_fini(struct iova_space *s)
{
	BUG_ON(s->m.live != 0);
	for (uint32_t i = 0; i < s->n; i++) {
		iova_bitmap_fini(&s->aperture[i]->bits);
		lock_fini(&s->aperture[i]->lock);
		free(s->aperture[i]);
	}
	free(s->reserved);
	free((void *)(uintptr_t)s->name);
}

/* The part of [first, last] that the aperture holds. */
static void block(struct aperture *a, uint64_t first, uint64_t last)
{
	uint64_t end = a->first_pfn + APERTURE_PAGES - 1;

	first = first > a->first_pfn ? first : a->first_pfn;
	last = last < end ? last : end;
	if (first <= last)
		iova_bitmap_block(
			&a->bits, (uint32_t)(first - a->first_pfn), (uint32_t)(last - first + 1));
}

bool iova_space_grow(struct iova_space *s, struct proc *p)
{
	const struct cost_conf *cost = s->machine->conf->cost;
	struct aperture *a;

	if (s->n == APERTURES_MAX)
		return false;
	a = xcalloc(1, sizeof(*a));
	a->first_pfn = s->base_pfn + ((uint64_t)s->n << APERTURE_LG2);
	iova_bitmap_init(&a->bits, APERTURE_PAGES, cost, &s->bitmap_m);
	lock_init(&a->lock, s->machine, "&range->bitmap_lock", "%s.range%u.bitmap_lock", s->name,
		s->n);
	if (s->first_pfn > a->first_pfn)
		block(a, a->first_pfn, s->first_pfn - 1);
	for (uint32_t i = 0; i < s->nreserved; i++)
		block(a, s->reserved[i].first, s->reserved[i].last);
	cpu_run(p, (uint64_t)cost->page_alloc + cost->page_zero, CPU_iova);
	s->aperture[s->n++] = a;
	return true;
}

void iova_space_reserve(struct iova_space *s, uint64_t first_pfn, uint64_t last_pfn)
{
	BUG_ON(first_pfn > last_pfn);
	s->reserved = xrealloc(s->reserved, s->nreserved + 1, sizeof(*s->reserved));
	s->reserved[s->nreserved++] = (struct pfn_range){ first_pfn, last_pfn };
	for (uint32_t i = 0; i < s->n; i++)
		block(s->aperture[i], first_pfn, last_pfn);
}

struct iova_space_req iova_space_req(const struct iova_space *s, const struct iova_req *req)
{
	return (struct iova_space_req){ .npages = req->npages,
		.limit_pfn = req->limit_pfn < s->last_pfn ? req->limit_pfn : s->last_pfn,
		.align_lg2 = req->size_aligned ? ilog2_ceil(req->npages) : 0 };
}

bool aperture_alloc(struct aperture *a, struct proc *p, const struct iova_space_req *req,
	uint32_t next_bit, uint32_t *bit)
{
	uint64_t below = req->limit_pfn - a->first_pfn + 1;
	uint32_t end = below < APERTURE_PAGES ? (uint32_t)below : APERTURE_PAGES;
	const struct iova_bitmap_want want = { next_bit, end - 1, req->npages, req->align_lg2 };

	if (!iova_bitmap_find(&a->bits, p, &want, bit))
		return false;
	iova_bitmap_set(&a->bits, p, *bit, req->npages);
	return true;
}

struct aperture *iova_space_of(const struct iova_space *s, uint64_t pfn, uint32_t *bit)
{
	uint64_t i = (pfn - s->base_pfn) >> APERTURE_LG2;

	BUG_ON(pfn < s->base_pfn || i >= s->n);
	*bit = (uint32_t)(pfn - s->base_pfn) & (APERTURE_PAGES - 1);
	return s->aperture[i];
}

bool iova_space_check(const struct iova_space *s, struct err *err)
{
	uint64_t pages = 0;

	for (uint32_t i = 0; i < s->n; i++) {
		if (s->aperture[i]->next_bit > APERTURE_PAGES)
			return err_set(err, "aperture %u goes on beyond its end", i);
		pages += iova_bitmap_count(&s->aperture[i]->bits);
	}
	if (pages != s->bitmap_m.pages || pages < s->m.live)
		return err_set(err, "%lu pages are taken, %lu counted in %lu ranges",
			(unsigned long)pages, (unsigned long)s->bitmap_m.pages,
			(unsigned long)s->m.live);
	return true;
}
