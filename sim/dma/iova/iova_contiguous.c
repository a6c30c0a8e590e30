/*
 * contiguous: the address half of Rubin and others, "Fast & Safe IO Memory Protection", SOSP 2024: the pages
 * of one receive descriptor get consecutive addresses, so that they share a leaf table and its cached
 * entries. There the driver allocates one range of 64 pages per descriptor and maps page after page into
 * it; here the allocator does it for any driver: small requests of a CPU are cut one after another from a
 * range of `pages`, and a range goes back when all that was cut from it is freed. Ranges come from the
 * caches of Linux 6.1 (iova_rcache.h), which keep that size too.
 *
 * A range is one word of page bits, changed by atomic instructions: pages that are not to be had. Its
 * opener holds those it has not handed out; who clears the last bit gives the range back.
 *
 * Departures: a descriptor is `pages` of requests of one CPU, whatever the driver calls one; requests longer
 * than that, or below a limit that the CPU's range exceeds, go to the caches directly; when nothing is left,
 * holes in ranges are looked for, which the paper does not do. The table that finds a page's range is
 * charged as one atomic on the bucket's line. Invalidating per descriptor is a flush policy's matter.
 */
#include "dma/iova/iova.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "base/bug.h"
#include "dma/iova/iova_rcache.h"
#include "hw/word.h"

#define BUCKETS_LG2 12u
#define BUCKETS     (1u << BUCKETS_LG2)
#define DEPOT       32u

#define CONTIGUOUS_CONF(F)                                                                         \
	F(u32, pages, "64", "2", "64", "pages",                                                    \
		"Pages of a descriptor, whose addresses are consecutive: a power of two.")         \
	F(u32, magazine, "127", "1", "4095", "addresses",                                          \
		"Addresses in a magazine of the caches below.")

CONF_DECLARE(contiguous_conf, CONTIGUOUS_CONF);

static bool validate(const void *conf, struct conf_check *chk)
{
	const struct contiguous_conf *c = conf;

	return is_pow2(c->pages) || conf_refuse(chk, "pages", "must be a power of two");
}

#define CONF_STRUCT_ struct contiguous_conf
static const struct conf_field fields[] = { CONTIGUOUS_CONF(CONF_FIELD_) };
#undef CONF_STRUCT_
static const struct conf_table conf_table =
	CONF_TABLE("contiguous", contiguous_conf, fields, validate);

#define CONTIGUOUS_METRICS(M)                                                                      \
	M(COUNTER, cut, "ranges", NULL, "Requests cut from the CPU's range.")                      \
	M(COUNTER, direct, "ranges", "cut", "Requests that went to the caches directly.")          \
	M(COUNTER, from_holes, "ranges", "cut", "Requests served by a hole, for lack of ranges.")  \
	M(COUNTER, opened, "ranges", NULL, "Ranges taken to be cut.")                              \
	M(COUNTER, pages_left, "pages", "opened", "Pages not cut when the next did not fit.")      \
	M(COUNTER, transfers, "lines", NULL,                                                       \
		"Lines of ranges and of their table that another CPU's cache held.")               \
	M(GAUGE, held, "ranges", NULL, "Ranges of which a page is taken or still to be cut.")

METRIC_DECLARE(contiguous_metrics, CONTIGUOUS_METRICS);

#define METRIC_STRUCT_ struct contiguous_metrics
static const struct metric_desc metric_desc[] = { CONTIGUOUS_METRICS(METRIC_DESC_) };
#undef METRIC_STRUCT_
static const struct metric_table metric_table = { "contiguous", "IOVA allocator after Fast & Safe.",
	metric_desc, ARRAY_SIZE(metric_desc) };

struct span {
	uint64_t first;
	uint64_t taken; /* by bits of pages; 0: on its way back */
	struct line line;
	struct span *next; /* in its bucket */
};

struct bucket {
	struct span *span;
	struct line line;
};

/* What a CPU cuts from. */
struct open {
	struct span *span;
	uint32_t next;
};

struct contiguous {
	struct contiguous_conf conf;
	struct machine *machine;
	unsigned ncpus;
	struct iova_rcache base;
	struct bucket *bucket;
	struct open *open; /* by CPU */
	struct span *spare; /* spans stay spans: who looks for holes may hold on to one that goes */
	struct iova_metrics m;
	struct contiguous_metrics c;
};

static bool contiguous_init(
	void *state, const void *conf, const struct iova_env *env, struct err *err)
{
	struct contiguous *s = state;
	struct iova_rcache_params params = { .depot_max = DEPOT };
	struct iova_env base = *env;

	(void)err;
	s->conf = *(const struct contiguous_conf *)conf;
	s->machine = env->machine;
	s->ncpus = env->ncpus;
	metric_scope_add(env->scope, &iova_metric_table, &s->m);
	metric_scope_add(env->scope, &metric_table, &s->c);
	params.magazine = s->conf.magazine;
	params.orders = ilog2_ceil(s->conf.pages) + 1;
	base.scope = metric_scope_child(env->scope, "base");
	iova_rcache_init(&s->base, &params, &base);
	s->open = xcalloc(s->ncpus, sizeof(*s->open));
	s->bucket = xcalloc(BUCKETS, sizeof(*s->bucket));
	for (unsigned i = 0; i < BUCKETS; i++)
		line_init(&s->bucket[i].line);
	return true;
}

/* ---- ranges by address ---- */

static struct bucket *bucket_of(const struct contiguous *s, uint64_t pfn)
{
	uint64_t number = pfn / s->conf.pages;

	return &s->bucket[number * UINT64_C(0x9e3779b97f4a7c15) >> (64 - BUCKETS_LG2)];
}

static struct span **place_of(const struct contiguous *s, uint64_t pfn)
{
	struct span **at = &bucket_of(s, pfn)->span;

	while (*at && pfn - (*at)->first >= s->conf.pages)
		at = &(*at)->next;
	return at;
}

/* NULL: not of a range that is cut. */
static struct span *find_span(struct contiguous *s, struct proc *p, uint64_t pfn)
{
	s->c.transfers += line_read(&bucket_of(s, pfn)->line, p, CPU_iova);
	cpu_run(p, s->machine->conf->cost->list_entry, CPU_iova);
	return *place_of(s, pfn);
}

static void charge_table(struct contiguous *s, struct proc *p, uint64_t pfn)
{
	s->c.transfers += line_write(&bucket_of(s, pfn)->line, p, CPU_iova);
	cpu_run(p, s->machine->conf->cpu->atomic, CPU_iova);
}

static struct span *open_span(struct contiguous *s, struct proc *p, const struct iova_req *req)
{
	struct iova_req whole = *req;
	struct iova_range r;
	struct span *span;
	struct bucket *b;

	whole.npages = s->conf.pages;
	whole.size_aligned = true;
	if (!iova_rcache_alloc(&s->base, p, &whole, &r))
		return NULL;
	span = s->spare;
	if (span)
		s->spare = span->next;
	else
		span = xcalloc(1, sizeof(*span));
	span->first = r.pfn;
	span->taken = UINT64_MAX >> (64 - s->conf.pages);
	line_init(&span->line);
	charge_table(s, p, r.pfn);
	b = bucket_of(s, r.pfn);
	span->next = b->span;
	b->span = span;
	s->c.opened++;
	s->c.held++;
	return span;
}

static struct word_at word_of(struct contiguous *s, struct span *span)
{
	return (struct word_at){ &span->taken, &span->line, &s->c.transfers, CPU_iova };
}

/* Clear the bits; the last ones give the range back. */
static void give_pages(struct contiguous *s, struct proc *p, struct span *span, uint64_t bits)
{
	const struct iova_range r = { .pfn = span->first, .npages = s->conf.pages };
	struct span **at;

	if (word_and(word_of(s, span), p, ~bits) != 0)
		return;
	charge_table(s, p, span->first);
	at = place_of(s, span->first);
	BUG_ON(*at != span);
	*at = span->next;
	span->next = s->spare;
	s->spare = span;
	s->c.held--;
	iova_rcache_free(&s->base, p, &r);
}

/* ---- */

static uint64_t bits_of(uint32_t at, uint32_t n)
{
	return GENMASK64(at + n - 1, at);
}

static void close_span(struct contiguous *s, struct proc *p, struct open *o)
{
	struct span *span = o->span;
	uint32_t left = s->conf.pages - o->next;

	o->span = NULL;
	s->c.pages_left += left;
	if (left)
		give_pages(s, p, span, bits_of(o->next, left));
}

static bool cut(struct contiguous *s, struct proc *p, const struct iova_req *req, uint64_t *pfn)
{
	struct open *o = &s->open[cpu_id(p)];
	uint32_t at;

	if (o->span && o->span->first + s->conf.pages - 1 > req->limit_pfn)
		return false;
	at = (uint32_t)round_up_lg2(o->next, ilog2_ceil(req->npages));
	if (o->span && at + req->npages > s->conf.pages)
		close_span(s, p, o);
	if (!o->span) {
		struct span *span = open_span(s, p, req);

		if (!span)
			return false;
		*o = (struct open){ span, 0 };
		at = 0;
	}
	if (at > o->next) { /* skipped for alignment */
		s->c.pages_left += at - o->next;
		give_pages(s, p, o->span, bits_of(o->next, at - o->next));
	}
	o->next = at + req->npages;
	*pfn = o->span->first + at;
	if (o->next == s->conf.pages)
		o->span = NULL; /* all handed out */
	return true;
}

/* Where n pages fit, aligned, below the limit; pages of a range: none. */
static uint32_t hole_in(const struct contiguous *s, const struct span *span, uint64_t seen,
	const struct iova_req *req)
{
	uint32_t n = req->npages, step = 1u << ilog2_ceil(n), at = 0;

	while (seen && at + n <= s->conf.pages && span->first + at + n - 1 <= req->limit_pfn) {
		if (!(seen & bits_of(at, n)))
			return at;
		at += step;
	}
	return s->conf.pages;
}

/* A hole in what others have freed of their ranges. The range may become another while the swap is under
 * way: its bits are ours then, if that one lies below the limit too. */
static bool from_hole(
	struct contiguous *s, struct proc *p, const struct iova_req *req, uint64_t *pfn)
{
	for (unsigned b = 0; b < BUCKETS; b++) {
		for (struct span *span = s->bucket[b].span; span; span = span->next) {
			uint64_t seen = word_load(word_of(s, span), p);
			uint32_t at = hole_in(s, span, seen, req);

			if (at == s->conf.pages)
				continue;
			if (!word_cas(word_of(s, span), p, &seen, seen | bits_of(at, req->npages)))
				return false; /* it changes: nothing is sure */
			*pfn = span->first + at;
			if (*pfn + req->npages - 1 <= req->limit_pfn)
				return true;
			give_pages(s, p, span, bits_of(at, req->npages));
			return false;
		}
	}
	return false;
}

static bool contiguous_alloc(
	void *state, struct proc *p, const struct iova_req *req, struct iova_range *out)
{
	struct contiguous *s = state;
	struct iova_range direct;

	*out = (struct iova_range){ .npages = req->npages };
	if (req->npages <= s->conf.pages && cut(s, p, req, &out->pfn)) {
		s->c.cut++;
		return iova_metrics_alloc(&s->m, true);
	}
	if (iova_rcache_alloc(&s->base, p, req, &direct)) {
		s->c.direct++;
		out->pfn = direct.pfn;
		return iova_metrics_alloc(&s->m, true);
	}
	if (!req->keep_caches && req->npages <= s->conf.pages && from_hole(s, p, req, &out->pfn)) {
		s->c.from_holes++;
		return iova_metrics_alloc(&s->m, true);
	}
	return iova_metrics_alloc(&s->m, false);
}

static void contiguous_free(void *state, struct proc *p, const struct iova_range *r)
{
	struct contiguous *s = state;
	struct span *span = find_span(s, p, r->pfn);

	if (span)
		give_pages(s, p, span, bits_of((uint32_t)(r->pfn - span->first), r->npages));
	else
		iova_rcache_free(&s->base, p, r);
	iova_metrics_free(&s->m);
}

static void contiguous_fini(void *state)
{
	struct contiguous *s = state;

	BUG_ON(s->m.live != 0);
	for (unsigned i = 0; i < s->ncpus; i++)
		if (s->open[i].span)
			close_span(s, PROC_UNTIMED, &s->open[i]);
	BUG_ON(s->c.held != 0);
	iova_rcache_fini(&s->base);
	for (struct span *span = s->spare, *next; span; span = next) {
		next = span->next;
		free(span);
	}
	free(s->open);
	free(s->bucket);
}

static void contiguous_reserve(void *state, struct proc *p, uint64_t first_pfn, uint64_t last_pfn)
{
	struct contiguous *s = state;

	iova_rcache_reserve(&s->base, p, first_pfn, last_pfn);
}

static bool contiguous_check(const void *state, struct err *err)
{
	const struct contiguous *s = state;
	uint64_t held = 0;

	for (unsigned b = 0; b < BUCKETS; b++)
		for (const struct span *span = s->bucket[b].span; span; span = span->next, held++)
			if (!span->taken || span->first % s->conf.pages)
				return err_set(err,
					"range %#lx has no page taken, or is not aligned",
					(unsigned long)span->first);
	if (held != s->c.held)
		return err_set(err, "%lu ranges are held, %lu counted", (unsigned long)held,
			(unsigned long)s->c.held);
	return iova_rcache_check(&s->base, err);
}

static uint64_t contiguous_live(const void *state)
{
	const struct contiguous *s = state;

	return s->m.live;
}

const struct iova_allocator_ops iova_contiguous_ops = {
	.name = "contiguous",
	.summary = "Consecutive addresses for the pages of a descriptor, cut from one range",
	.source = "Rubin and others: Fast & Safe IO Memory Protection (SOSP 2024)",
	.caps = IOVA_SPLITS_SPACE,
	.state_size = sizeof(struct contiguous),
	.conf = &conf_table,
	.init = contiguous_init,
	.fini = contiguous_fini,
	.alloc = contiguous_alloc,
	.free = contiguous_free,
	.reserve = contiguous_reserve,
	.check = contiguous_check,
	.live = contiguous_live,
};
