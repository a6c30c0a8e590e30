#include "dma/iova/iova_chunk.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "base/bug.h"

#define METRIC_STRUCT_ struct iova_chunk_metrics
static const struct metric_desc desc[] = { IOVA_CHUNK_METRICS(METRIC_DESC_) };
#undef METRIC_STRUCT_
const struct metric_table iova_chunk_metric_table = { "iova_chunk", "Chunks of the address space.",
	desc, ARRAY_SIZE(desc) };

/* ---- a bitmap inside ---- */

/* Bits count from the chunk's first PFN rounded down to the alignment that the largest request needs, so
 * that aligned bits are aligned pages. */
static uint64_t base_of(const struct chunk *c)
{
	return round_down_lg2(c->first_pfn, ilog2_ceil(c->last_pfn - c->first_pfn + 1));
}

static void bitmap_init(struct chunk *c)
{
	struct machine *m = c->common->env.machine;
	uint64_t nbits = c->last_pfn - base_of(c) + 1;

	BUG_ON(nbits > UINT32_MAX);
	lock_init(&c->bitmap.lock, m, "&chunk->lock", "%s.lock", c->name);
	c->lock = &c->bitmap.lock;
	iova_bitmap_init(&c->bitmap.bits, (uint32_t)nbits, m->conf->cost, &c->common->bitmap_m);
	iova_bitmap_block(&c->bitmap.bits, 0, (uint32_t)(c->first_pfn - base_of(c)));
}

static void flush(struct chunk *c, struct proc *p, const struct iova_range *r)
{
	const struct iova_env *env = &c->common->env;

	if (env->flush)
		env->flush(env->flush_ctx, p, r);
}

static bool bitmap_alloc(struct chunk *c, struct proc *p, const struct iova_req *req,
	uint64_t limit, uint64_t *pfn, uint32_t *flushes)
{
	struct iova_bitmap *bits = &c->bitmap.bits;
	struct iova_bitmap_want want = { .start = c->bitmap.next,
		.end = (uint32_t)(limit - base_of(c) + 1),
		.n = req->npages,
		.align_lg2 = req->size_aligned ? ilog2_ceil(req->npages) : 0 };
	uint32_t bit;

	if (!iova_bitmap_find(bits, p, &want, &bit)) {
		want.start = 0;
		if (!iova_bitmap_find(bits, p, &want, &bit))
			return false;
		c->common->m.rounds++;
		*flushes += 1;
		flush(c, p, NULL);
	}
	iova_bitmap_set(bits, p, bit, req->npages);
	c->bitmap.next = bit + req->npages;
	*pfn = base_of(c) + bit;
	return true;
}

static void bitmap_free(struct chunk *c, struct proc *p, const struct iova_range *r)
{
	uint32_t bit = (uint32_t)(r->pfn - base_of(c));

	if (r->unflushed && bit + r->npages > c->bitmap.next) {
		c->common->m.freed_ahead++;
		flush(c, p, r);
	}
	iova_bitmap_clear(&c->bitmap.bits, p, bit, r->npages);
}

/* ---- either ---- */

static void forget_refused(struct chunk *c)
{
	c->refused[false] = c->refused[true] = UINT64_MAX;
}

struct chunk *chunk_create(
	struct chunk_common *common, const char *name, uint64_t first_pfn, uint64_t last_pfn)
{
	struct chunk *c = xcalloc(1, sizeof(*c));
	struct iova_env env = common->env;

	c->common = common;
	c->first_pfn = first_pfn;
	c->last_pfn = last_pfn;
	forget_refused(c);
	snprintf(c->name, sizeof(c->name), "%s.%s", env.name, name);
	if (common->inside == CHUNK_BITMAP) {
		bitmap_init(c);
		return c;
	}
	env.name = c->name;
	env.scope = metric_scope_child(common->env.scope, "%s", name);
	env.first_pfn = first_pfn;
	env.last_pfn = last_pfn;
	iova_tree6_init(&c->tree, &env);
	c->lock = &c->tree.lock;
	return c;
}

void chunk_destroy(struct chunk *c)
{
	if (c->common->inside == CHUNK_BITMAP) {
		iova_bitmap_fini(&c->bitmap.bits);
		lock_fini(&c->bitmap.lock);
	} else {
		iova_tree6_fini(&c->tree);
	}
	free(c);
}

void chunk_reserve(struct chunk *c, struct proc *p, uint64_t first_pfn, uint64_t last_pfn)
{
	uint64_t first = first_pfn > c->first_pfn ? first_pfn : c->first_pfn;
	uint64_t last = last_pfn < c->last_pfn ? last_pfn : c->last_pfn;

	if (first > last)
		return;
	if (c->common->inside == CHUNK_BITMAP)
		iova_bitmap_block(&c->bitmap.bits, (uint32_t)(first - base_of(c)),
			(uint32_t)(last - first + 1));
	else
		iova_tree6_reserve(&c->tree, p, first, last);
}

static bool is_hopeless(const struct chunk *c, const struct iova_req *req)
{
	return req->npages >= c->refused[false] ||
	       (req->size_aligned && req->npages >= c->refused[true]);
}

static bool tree_alloc(
	struct chunk *c, struct proc *p, const struct iova_req *req, uint64_t limit, uint64_t *pfn)
{
	const struct iova_tree6_req r = { req->npages, req->npages, limit, req->size_aligned };

	return iova_tree6_alloc(&c->tree, p, &r, pfn);
}

/* With the lock held, or before anybody else can run: what failed below a lower limit says nothing. */
static bool note(struct chunk *c, const struct iova_req *req, uint64_t limit, bool ok)
{
	if (!ok && limit == c->last_pfn && req->npages < c->refused[req->size_aligned])
		c->refused[req->size_aligned] = req->npages;
	return ok;
}

static bool locked_bitmap_alloc(struct chunk *c, struct proc *p, const struct iova_req *req,
	uint64_t limit, uint64_t *pfn, uint32_t *flushes)
{
	bool ok;

	lock_acquire(c->lock, p);
	ok = note(c, req, limit, bitmap_alloc(c, p, req, limit, pfn, flushes));
	lock_release(c->lock, p);
	return ok;
}

bool chunk_alloc(struct chunk *c, struct proc *p, const struct iova_req *req, uint64_t *pfn,
	uint32_t *flushes)
{
	uint64_t limit = req->limit_pfn < c->last_pfn ? req->limit_pfn : c->last_pfn;

	if (limit < c->first_pfn)
		return false;
	if (is_hopeless(c, req)) {
		c->common->m.hopeless++;
		return false;
	}
	if (c->common->inside == CHUNK_BITMAP)
		return locked_bitmap_alloc(c, p, req, limit, pfn, flushes);
	return note(c, req, limit, tree_alloc(c, p, req, limit, pfn));
}

void chunk_free(struct chunk *c, struct proc *p, const struct iova_range *r)
{
	if (c->common->inside == CHUNK_BITMAP) {
		lock_acquire(c->lock, p);
		bitmap_free(c, p, r);
		forget_refused(c);
		lock_release(c->lock, p);
	} else {
		iova_tree6_free(&c->tree, p, &r->pfn, 1);
		forget_refused(c);
	}
}

bool chunk_check(const struct chunk *c, uint64_t *ranges, uint64_t *pages, struct err *err)
{
	uint64_t live;

	if (c->common->inside == CHUNK_BITMAP) {
		if (c->bitmap.next > c->bitmap.bits.nbits)
			return err_set(err, "the pointer of %s is outside of it", c->name);
		*pages += iova_bitmap_count(&c->bitmap.bits);
		return true;
	}
	if (!iova_tree6_check(&c->tree, &live, err))
		return false;
	*ranges += live;
	return true;
}
