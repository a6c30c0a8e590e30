/*
 * eiovar: Malka, Amit, Tsafrir, "Efficient Intra-Operating System Protection Against Harmful DMAs", FAST
 * 2015: a cache of freed ranges before the tree of Linux 3.1. A freed range stays in the tree and goes on the
 * free list of its size; a request takes the last one freed of its size, in constant time, and searches the
 * tree only when there is none. The one lock remains, and so does the unmap's look-up by address.
 *
 * Departures: the lists are an array up to the key `largest` (the paper's are a tree by size); a listed
 * range that lies above the request's limit, or not aligned as asked, is left and the tree is searched; when
 * the tree has no gap, all lists are emptied into it and it is searched once more.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "base/bug.h"
#include "dma/iova/iova_metrics.h"
#include "dma/iova/iova_tree31.h"

#define EIOVAR_CONF(F)                                                                             \
	F(u32, entries, "0", "0", "16777216", "ranges",                                            \
		"Ranges that all lists together may hold (k of the paper); 0: no bound.")          \
	F(u32, largest, "512", "1", "65536", "pages", "Largest size that has a list.")

CONF_DECLARE(eiovar_conf, EIOVAR_CONF);

#define CONF_STRUCT_ struct eiovar_conf
static const struct conf_field fields[] = { EIOVAR_CONF(CONF_FIELD_) };
#undef CONF_STRUCT_
static const struct conf_table conf_table = CONF_TABLE("eiovar", eiovar_conf, fields, NULL);

#define EIOVAR_METRICS(M)                                                                          \
	M(COUNTER, hits, "ranges", "allocs", "Requests that a free list served.")                  \
	M(COUNTER, misfits, "requests", "allocs",                                                  \
		"Requests whose list held a range above the limit or not aligned.")                \
	M(COUNTER, flushes, "ops", NULL, "All lists emptied because the tree was exhausted.")      \
	M(GAUGE, cached, "ranges", NULL, "Ranges on the free lists.")

METRIC_DECLARE(eiovar_metrics, EIOVAR_METRICS);

#define METRIC_STRUCT_ struct eiovar_metrics
static const struct metric_desc metric_desc[] = { EIOVAR_METRICS(METRIC_DESC_) };
#undef METRIC_STRUCT_
static const struct metric_table metric_table = { "eiovar", "IOVA allocator of FAST 2015.",
	metric_desc, ARRAY_SIZE(metric_desc) };

struct eiovar {
	struct eiovar_conf conf;
	struct iova_tree31 t;
	struct iova_node **list; /* by size in pages; linked through next_free, last freed first */
	struct line *head; /* of 8 lists each */
	struct iova_metrics m;
	struct eiovar_metrics c;
};

static bool eiovar_init(void *state, const void *conf, const struct iova_env *env, struct err *err)
{
	struct eiovar *s = state;
	size_t n;

	(void)err;
	s->conf = *(const struct eiovar_conf *)conf;
	n = s->conf.largest + 1;
	s->list = xcalloc(n, sizeof(*s->list));
	s->head = xcalloc(n / 8 + 1, sizeof(*s->head));
	for (size_t i = 0; i <= n / 8; i++)
		line_init(&s->head[i]);
	metric_scope_add(env->scope, &iova_metric_table, &s->m);
	metric_scope_add(env->scope, &metric_table, &s->c);
	iova_tree31_init(&s->t, env);
	return true;
}

/* What is listed goes with the tree. */
static void eiovar_fini(void *state)
{
	struct eiovar *s = state;

	BUG_ON(s->m.live != 0);
	iova_tree31_fini(&s->t);
	free(s->list);
	free(s->head);
}

/* ---- the lists; with the lock held ---- */

static void touch(struct eiovar *s, struct proc *p, uint64_t size, struct iova_node *n)
{
	line_write(&s->head[size / 8], p, CPU_iova);
	line_write(&n->line, p, CPU_iova);
	cpu_run(p, s->t.tree.cost->list_entry, CPU_iova);
}

static struct iova_node *pop(struct eiovar *s, struct proc *p, uint64_t size)
{
	struct iova_node *n = s->list[size];

	touch(s, p, size, n);
	s->list[size] = n->next_free;
	s->c.cached--;
	return n;
}

static void push(struct eiovar *s, struct proc *p, uint64_t size, struct iova_node *n)
{
	touch(s, p, size, n);
	n->next_free = s->list[size];
	s->list[size] = n;
	s->c.cached++;
}

static bool fits(const struct iova_node *n, const struct iova_req *req)
{
	return n->hi <= req->limit_pfn &&
	       (!req->size_aligned || !(n->lo & (BIT64(ilog2_ceil(req->npages)) - 1)));
}

static struct iova_node *from_list(struct eiovar *s, struct proc *p, const struct iova_req *req)
{
	uint64_t size = iova_tree31_size(req);
	struct iova_node *n;

	if (size > s->conf.largest)
		return NULL;
	line_read(&s->head[size / 8], p, CPU_iova);
	if (!s->list[size])
		return NULL;
	if (!fits(s->list[size], req)) {
		line_read(&s->list[size]->line, p, CPU_iova);
		s->c.misfits++;
		return NULL;
	}
	n = pop(s, p, size);
	n->npages = req->npages;
	s->c.hits++;
	return n;
}

static void empty_lists(struct eiovar *s, struct proc *p)
{
	s->c.flushes++;
	for (uint64_t size = 1; size <= s->conf.largest; size++) {
		while (s->list[size]) {
			struct iova_node *n = pop(s, p, size);

			iova_tree31_drop(&s->t, p, n);
			n->npages = 0;
			iova_node_put(&s->t.tree, p, n);
		}
	}
}

/* ---- */

static struct iova_node *from_tree(struct eiovar *s, struct proc *p, const struct iova_req *req)
{
	struct iova_node *n = iova_node_get(&s->t.tree, p);

	if (iova_tree31_take(&s->t, p, req, n))
		return n;
	if (!req->keep_caches && s->c.cached > 0) {
		empty_lists(s, p);
		if (iova_tree31_take(&s->t, p, req, n))
			return n;
	}
	iova_node_put(&s->t.tree, p, n);
	return NULL;
}

static bool eiovar_alloc(
	void *state, struct proc *p, const struct iova_req *req, struct iova_range *out)
{
	struct eiovar *s = state;
	struct iova_node *n;

	*out = (struct iova_range){ .npages = req->npages };
	lock_acquire(&s->t.lock, p);
	n = from_list(s, p, req);
	if (!n)
		n = from_tree(s, p, req);
	iova_metrics_alloc(&s->m, n != NULL);
	lock_release(&s->t.lock, p);
	if (!n)
		return false;
	out->pfn = n->lo;
	out->cookie = n;
	return true;
}

static void eiovar_find(void *state, struct proc *p, uint64_t pfn, struct iova_range *out)
{
	struct eiovar *s = state;

	iova_tree31_find(&s->t, p, pfn, out);
}

static void eiovar_free(void *state, struct proc *p, const struct iova_range *r)
{
	struct eiovar *s = state;
	struct iova_range found = *r;
	struct iova_node *n;
	uint64_t size;

	if (!r->cookie)
		iova_tree31_find(&s->t, p, r->pfn, &found);
	n = found.cookie;
	size = n->hi - n->lo + 1;
	BUG_ON(n->lo != r->pfn || n->npages != r->npages);
	lock_acquire(&s->t.lock, p);
	iova_metrics_free(&s->m);
	if (size <= s->conf.largest && (!s->conf.entries || s->c.cached < s->conf.entries)) {
		push(s, p, size, n);
		lock_release(&s->t.lock, p);
		return;
	}
	iova_tree31_drop(&s->t, p, n);
	lock_release(&s->t.lock, p);
	n->npages = 0;
	iova_node_put(&s->t.tree, p, n);
}

static void eiovar_reserve(void *state, struct proc *p, uint64_t first_pfn, uint64_t last_pfn)
{
	struct eiovar *s = state;

	BUG_ON(s->m.live != 0);
	iova_tree31_reserve(&s->t, p, first_pfn, last_pfn);
}

static bool eiovar_check(const void *state, struct err *err)
{
	const struct eiovar *s = state;
	uint64_t taken, listed = 0;

	if (!iova_tree31_check(&s->t, &taken, err))
		return false;
	for (uint64_t size = 1; size <= s->conf.largest; size++)
		for (const struct iova_node *n = s->list[size]; n; n = n->next_free, listed++)
			if (n->hi - n->lo + 1 != size || n->npages == 0)
				return err_set(err, "range %#lx is on the list of %lu pages",
					(unsigned long)n->lo, (unsigned long)size);
	if (listed != s->c.cached || taken != s->m.live + listed)
		return err_set(err, "%lu ranges in the tree, %lu live, %lu listed, %lu counted",
			(unsigned long)taken, (unsigned long)s->m.live, (unsigned long)listed,
			(unsigned long)s->c.cached);
	return true;
}

static uint64_t eiovar_live(const void *state)
{
	const struct eiovar *s = state;

	return s->m.live;
}

const struct iova_allocator_ops iova_eiovar_ops = {
	.name = "eiovar",
	.summary = "Free lists by size before the tree of 3.1: constant time, the same one lock",
	.source = "Malka, Amit, Tsafrir: Efficient Intra-OS Protection (FAST 2015)",
	.state_size = sizeof(struct eiovar),
	.conf = &conf_table,
	.init = eiovar_init,
	.fini = eiovar_fini,
	.alloc = eiovar_alloc,
	.find = eiovar_find,
	.free = eiovar_free,
	.reserve = eiovar_reserve,
	.check = eiovar_check,
	.live = eiovar_live,
};
