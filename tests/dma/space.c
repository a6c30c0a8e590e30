#include "tests/dma/space.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"

void space_init(
	struct space *s, const struct iova_allocator_ops *ops, uint64_t first, uint64_t last)
{
	space_init_with(s, ops, conform_defaults(ops->conf), first, last, false);
}

static void on_flush(void *ctx, struct proc *p, const struct iova_range *r)
{
	struct space *s = ctx;

	(void)p;
	s->flushes++;
	if (!r)
		memset(s->unflushed, 0, sizeof(s->unflushed));
	for (uint64_t pfn = r ? r->pfn : 0; r && pfn < r->pfn + r->npages; pfn++)
		s->unflushed[pfn - s->first] = false;
}

void space_init_with(struct space *s, const struct iova_allocator_ops *ops, void *conf,
	uint64_t first, uint64_t last, bool lazy)
{
	struct iova_env env;
	struct err err;

	memset(s, 0, sizeof(*s));
	ck_assert_uint_le(last - first, SPACE_PAGES - 1);
	conform_bed_init(&s->bed, 1, NULL);
	s->ops = ops;
	s->first = first;
	s->last = last;
	env = (struct iova_env){ .machine = &s->bed.machine,
		.scope = metric_scope_child(metrics_root(s->bed.metrics), "dom0.iova"),
		.name = "dom0",
		.first_pfn = first,
		.last_pfn = last,
		.ncpus = 1,
		.flush = lazy ? on_flush : NULL,
		.flush_ctx = s };
	s->lazy = lazy;
	s->state = conform_bed_alloc(&s->bed, ops->state_size);
	s->conf = conf;
	ck_assert(ops->init(s->state, s->conf, &env, &err));
}

/* Index of the word in "a|b|c". */
static uint32_t word_index(const char *words, const char *word)
{
	uint32_t i = 0;

	for (; strncmp(words, word, strlen(word)) != 0; i++) {
		words = strchr(words, '|');
		ck_assert_ptr_nonnull(words);
		words++;
	}
	return i;
}

void *space_best_conf(const struct iova_allocator_ops *ops)
{
	void *conf = conform_defaults(ops->conf);

	for (size_t i = 0; ops->caps_key && i < ops->conf->nfields; i++) {
		const struct conf_field *f = &ops->conf->fields[i];
		size_t len = strlen(f->name);

		if (strncmp(ops->caps_key, f->name, len) == 0 && ops->caps_key[len] == ':')
			conform_set_u32(ops->conf, conf, f->name,
				word_index(f->unit, ops->caps_key + len + 2));
	}
	return conf;
}

void space_fini(struct space *s)
{
	for (unsigned i = 0; i < SPACE_RANGES; i++)
		if (s->live[i])
			space_free(s, (int)i, SPACE_BY_COOKIE);
	space_check(s);
	s->ops->fini(s->state);
	free(s->conf);
	conform_bed_fini(&s->bed);
}

static unsigned free_slot(const struct space *s)
{
	unsigned i = 0;

	while (i < SPACE_RANGES && s->live[i])
		i++;
	ck_assert_uint_lt(i, SPACE_RANGES);
	return i;
}

static void own(struct space *s, uint64_t first, uint64_t last, uint16_t from, uint16_t to)
{
	for (uint64_t pfn = first; pfn <= last; pfn++) {
		ck_assert_uint_eq(s->owner[pfn - s->first], from);
		s->owner[pfn - s->first] = to;
	}
}

int space_alloc(struct space *s, uint32_t npages, uint64_t limit, bool aligned)
{
	const struct iova_req req = {
		.npages = npages, .limit_pfn = limit, .size_aligned = aligned
	};
	unsigned i = free_slot(s);
	struct iova_range *r = &s->range[i];

	if (!s->ops->alloc(s->state, PROC_UNTIMED, &req, r))
		return -1;
	ck_assert_uint_eq(r->npages, npages);
	ck_assert_uint_ge(r->pfn, s->first);
	ck_assert_uint_le(r->pfn + npages - 1, limit < s->last ? limit : s->last);
	if (aligned)
		ck_assert_uint_eq(r->pfn & (BIT64(ilog2_ceil(npages)) - 1), 0);
	own(s, r->pfn, r->pfn + npages - 1, SPACE_FREE, (uint16_t)(i + 1));
	for (uint32_t k = 0; k < npages; k++)
		s->stale += s->unflushed[r->pfn + k - s->first];
	s->live[i] = true;
	s->nlive++;
	return (int)i;
}

void space_free(struct space *s, int index, enum space_free how)
{
	struct iova_range r = s->range[index];

	ck_assert(s->live[index]);
	own(s, r.pfn, r.pfn + r.npages - 1, (uint16_t)(index + 1), SPACE_FREE);
	if (how == SPACE_BY_ADDRESS)
		r.cookie = NULL;
	if (how == SPACE_BY_FIND && s->ops->find) {
		struct iova_range found = { .pfn = 0 };

		s->ops->find(s->state, PROC_UNTIMED, r.pfn, &found);
		ck_assert_uint_eq(found.pfn, r.pfn);
		ck_assert_uint_eq(found.npages, r.npages);
		r = found;
	}
	r.unflushed = s->lazy;
	for (uint32_t k = 0; k < r.npages; k++)
		s->unflushed[r.pfn + k - s->first] = s->lazy;
	s->ops->free(s->state, PROC_UNTIMED, &r);
	s->live[index] = false;
	s->nlive--;
}

void space_reserve(struct space *s, uint64_t first, uint64_t last)
{
	s->ops->reserve(s->state, PROC_UNTIMED, first, last);
	for (uint64_t pfn = first; pfn <= last; pfn++)
		s->owner[pfn - s->first] = SPACE_RESERVED;
}

void space_check(struct space *s)
{
	struct err err = { .text = "" };

	ck_assert_msg(s->ops->check(s->state, &err), "%s", err.text);
	ck_assert_uint_eq(s->ops->live(s->state), s->nlive);
}
