/*
 * bitmap-lockless: the idea that the mail thread of November 2011 leaves open, a round-robin bitmap without
 * a lock. Ours, from start to end: one bit a page, claimed by compare-and-swap, 64 pages a word.
 *
 * Allocate: search from the cursor for a run of zeros that fits (a hint: others go on meanwhile); claim its
 * words from the lowest to the highest, each by compare-and-swap, again while only other bits of the word
 * have changed. If a bit of the run has been taken, clear what was claimed of it and search on. At the
 * end begin a round: once more from the start, after the flush below.
 * Free: clear the bits, word by word.
 * Free of a range that no invalidation has covered: set its bits in a second bitmap, `dirty`; they stay
 * taken. Whoever begins a round takes the dirty bits, word by word by exchange, has the domain flushed, and
 * only then clears them in the first. So no page is handed out that was not covered by a flush which
 * began after the page had become dirty, whatever the cursors do: the cursors need not agree, and each CPU
 * may have one of its own, which keeps CPUs away from each other's words.
 *
 * Correct: a bit goes from 0 to 1 by one successful swap only, which is its owner's, until that clears it:
 * ranges are disjoint. A claim that fails clears what it set and nothing else. A dirty bit is exchanged out
 * by one CPU: nothing is freed twice.
 * Progress: lock-free. A swap fails only when another operation has changed the word. Claims go upwards:
 * of those that are in each other's way, the one that holds the highest word meets no other above it, and
 * succeeds or finds a finished one. A CPU that stops in the middle keeps at most its own range, or the
 * dirty bits that it has taken, from the others. No request waits for another; one that finds every run
 * taken, if only by claims that are about to be given up or by bits on their way through a flush, is
 * refused.
 *
 * The search loads words that others write, so it pays for their lines; retries, given-up claims and line
 * transfers are counted.
 */
#include "dma/iova/iova_lockless.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "base/bug.h"
#include "hw/word.h"

#define ENTRIES_MAX (1u << 30)
#define BASE_LG2    15u /* of the first bit's PFN: bits' alignment is the pages' */

enum { CURSOR_PER_CPU, CURSOR_ONE }; /* words of `cursor` */

#define LOCKLESS_CONF(F)                                                                           \
	F(size, space, "4GiB", "1MiB", "1TiB", "", "Addresses of the bitmap, from the lowest on.") \
	F(choice, cursor, "per-cpu", NULL, NULL, "per-cpu|one",                                    \
		"Where searches go on: one place for all, whose line every request writes, or "    \
		"one for each CPU.")

CONF_DECLARE(lockless_conf, LOCKLESS_CONF);

#define CONF_STRUCT_ struct lockless_conf
static const struct conf_field fields[] = { LOCKLESS_CONF(CONF_FIELD_) };
#undef CONF_STRUCT_
static const struct conf_table conf_table =
	CONF_TABLE("bitmap-lockless", lockless_conf, fields, NULL);

#define METRIC_STRUCT_ struct lockless_metrics
static const struct metric_desc metric_desc[] = { LOCKLESS_METRICS(METRIC_DESC_) };
#undef METRIC_STRUCT_
static const struct metric_table metric_table = { "bitmap-lockless",
	"Round-robin bitmap without a lock.", metric_desc, ARRAY_SIZE(metric_desc) };

/* Each CPU begins in a part of its own. */
static void init_cursors(struct lockless *s, unsigned n)
{
	s->ncursors = n;
	s->cursor = xcalloc(n, sizeof(*s->cursor));
	for (unsigned i = 0; i < n; i++) {
		s->cursor[i].bit = (uint64_t)s->used.nbits * i / n / 64 * 64;
		line_init(&s->cursor[i].line);
	}
}

static bool lockless_init(
	void *state, const void *conf, const struct iova_env *env, struct err *err)
{
	struct lockless *s = state;
	const struct lockless_conf *c = conf;
	const struct cost_conf *cost = env->machine->conf->cost;
	uint64_t entries;

	(void)err;
	s->env = *env;
	s->base_pfn = round_down_lg2(env->first_pfn, BASE_LG2);
	entries = env->last_pfn - s->base_pfn + 1;
	entries = entries < c->space >> PAGE_LG2 ? entries : c->space >> PAGE_LG2;
	BUG_ON(entries > ENTRIES_MAX);
	s->last_pfn = s->base_pfn + entries - 1;
	iova_bitmap_init(&s->used, (uint32_t)entries, cost, &s->bitmap_m);
	iova_bitmap_init(&s->dirty, (uint32_t)entries, cost, &s->bitmap_m);
	iova_bitmap_block(&s->used, 0, (uint32_t)(env->first_pfn - s->base_pfn));
	s->own_cursors = c->cursor == CURSOR_PER_CPU;
	init_cursors(s, s->own_cursors ? env->ncpus : 1);
	metric_scope_add(env->scope, &iova_metric_table, &s->m);
	metric_scope_add(env->scope, &iova_bitmap_metric_table, &s->bitmap_m);
	metric_scope_add(env->scope, &metric_table, &s->lockless_m);
	return true;
}

static void lockless_fini(void *state)
{
	struct lockless *s = state;

	BUG_ON(s->m.live != 0);
	iova_bitmap_fini(&s->used);
	iova_bitmap_fini(&s->dirty);
	free(s->cursor);
}

static struct word_at word_of(struct lockless *s, struct iova_bitmap *b, uint32_t word)
{
	return (struct word_at){ &b->word[word], &b->line[word / IOVA_BITMAP_WORDS_PER_LINE],
		&s->bitmap_m.line_transfers, CPU_iova };
}

static struct word_at cursor_of(struct lockless *s, unsigned cpu)
{
	struct cursor *c = &s->cursor[s->own_cursors ? cpu : 0];

	return (struct word_at){ &c->bit, &c->line, &s->lockless_m.cursor_transfers, CPU_iova };
}

/* ---- claim and give back ---- */

/* False: a bit of the mask is taken. */
static bool claim_word(struct lockless *s, struct proc *p, uint32_t word, uint64_t mask)
{
	struct word_at w = word_of(s, &s->used, word);
	uint64_t seen = word_load(w, p);

	while (!(seen & mask)) {
		if (word_cas(w, p, &seen, seen | mask)) {
			s->lockless_m.claimed_words++;
			return true;
		}
		s->lockless_m.retries++;
	}
	return false;
}

static void clear(struct lockless *s, struct proc *p, uint32_t at, uint32_t n)
{
	for (uint32_t word = at / 64; word <= (at + n - 1) / 64; word++)
		word_and(word_of(s, &s->used, word), p, ~iova_bitmap_mask(word, at, n));
}

/* All of [at, at + n) or nothing. */
static bool claim(struct lockless *s, struct proc *p, uint32_t at, uint32_t n)
{
	uint32_t first = at / 64;

	for (uint32_t word = first; word <= (at + n - 1) / 64; word++) {
		if (claim_word(s, p, word, iova_bitmap_mask(word, at, n)))
			continue;
		s->lockless_m.conflicts++;
		s->lockless_m.words_given_back += word - first;
		if (word > first)
			clear(s, p, at, word * 64 - at);
		return false;
	}
	return true;
}

/* ---- rounds ---- */

/* Dirty bits on their way back. */
struct taken {
	uint32_t word;
	uint64_t bits;
};

static uint32_t take_dirty(struct lockless *s, struct proc *p, struct taken **taken)
{
	uint32_t n = 0, room = 0, words = (s->dirty.nbits + 63) / 64;

	for (uint32_t word = 0; word < words; word++) {
		struct word_at w = word_of(s, &s->dirty, word);
		uint64_t bits = word_load(w, p);

		if (!bits || !(bits = word_swap(w, p, 0)))
			continue;
		if (n == room) {
			room = room ? 2 * room : 64;
			*taken = xrealloc(*taken, room, sizeof(**taken));
		}
		(*taken)[n++] = (struct taken){ word, bits };
	}
	cpu_run(p, (uint64_t)words * s->dirty.cost->word_scan, CPU_iova);
	return n;
}

/* A round begins: what was freed before is flushed and can be had again. The flushes made. */
static uint32_t begin_round(struct lockless *s, struct proc *p)
{
	struct taken *taken = NULL;
	uint32_t n;

	s->lockless_m.rounds++;
	if (!s->env.flush)
		return 0;
	n = take_dirty(s, p, &taken);
	if (n > 0) {
		s->lockless_m.flushes++;
		s->env.flush(s->env.flush_ctx, p, NULL);
	}
	for (uint32_t i = 0; i < n; i++) {
		word_and(word_of(s, &s->used, taken[i].word), p, ~taken[i].bits);
		s->lockless_m.dirty -= (uint64_t)__builtin_popcountll(taken[i].bits);
	}
	free(taken);
	return n > 0;
}

/* From want->start on. */
static bool search(struct lockless *s, struct proc *p, struct iova_bitmap_want *want, uint32_t *bit)
{
	while (iova_bitmap_find(&s->used, p, want, bit)) {
		if (claim(s, p, *bit, want->n))
			return true;
		want->start = *bit; /* whose run is taken now */
	}
	return false;
}

static void move_cursor(struct lockless *s, struct proc *p, uint64_t from, uint32_t to)
{
	struct word_at w = cursor_of(s, cpu_id(p));

	if (s->own_cursors)
		word_store(w, p, to);
	else
		s->lockless_m.cursor_lost += !word_cas(w, p, &from, to);
}

/* Where the cursor lies; beyond the end, that place in proportion: CPUs that share a narrow space begin in
 * parts of their own there too. */
static uint32_t first_bit(const struct lockless *s, uint64_t cursor, uint64_t end)
{
	return (uint32_t)(cursor < end ? cursor : cursor * end / (s->used.nbits + 1u) / 64 * 64);
}

static bool lockless_alloc(
	void *state, struct proc *p, const struct iova_req *req, struct iova_range *out)
{
	struct lockless *s = state;
	uint64_t last = req->limit_pfn < s->last_pfn ? req->limit_pfn : s->last_pfn;
	uint64_t from = word_load(cursor_of(s, cpu_id(p)), p);
	uint64_t end = last < s->base_pfn ? 0 : last - s->base_pfn + 1;
	struct iova_bitmap_want want = { .start = first_bit(s, from, end),
		.end = (uint32_t)end,
		.n = req->npages,
		.align_lg2 = req->size_aligned ? ilog2_ceil(req->npages) : 0 };
	uint32_t bit = 0;
	bool ok;

	*out = (struct iova_range){ .npages = req->npages };
	ok = search(s, p, &want, &bit);
	if (!ok) {
		out->flushes = begin_round(s, p);
		want.start = 0;
		ok = search(s, p, &want, &bit);
	}
	if (ok) {
		move_cursor(s, p, from, bit + req->npages);
		out->pfn = s->base_pfn + bit;
		s->bitmap_m.pages += req->npages;
	}
	return iova_metrics_alloc(&s->m, ok);
}

static void lockless_free(void *state, struct proc *p, const struct iova_range *r)
{
	struct lockless *s = state;
	uint32_t at = (uint32_t)(r->pfn - s->base_pfn), n = r->npages;

	BUG_ON(at + n > s->used.nbits);
	iova_metrics_free(&s->m);
	s->bitmap_m.pages -= n;
	if (!r->unflushed || !s->env.flush) {
		clear(s, p, at, n);
		return;
	}
	s->lockless_m.dirty += n;
	for (uint32_t word = at / 64; word <= (at + n - 1) / 64; word++)
		word_or(word_of(s, &s->dirty, word), p, iova_bitmap_mask(word, at, n));
}

static void lockless_reserve(void *state, struct proc *p, uint64_t first_pfn, uint64_t last_pfn)
{
	struct lockless *s = state;
	uint64_t first = first_pfn > s->base_pfn ? first_pfn : s->base_pfn;
	uint64_t last = last_pfn < s->last_pfn ? last_pfn : s->last_pfn;

	(void)p;
	if (first <= last)
		iova_bitmap_block(
			&s->used, (uint32_t)(first - s->base_pfn), (uint32_t)(last - first + 1));
}

static bool lockless_check(const void *state, struct err *err)
{
	const struct lockless *s = state;
	uint64_t used = iova_bitmap_count(&s->used), dirty = iova_bitmap_count(&s->dirty);

	for (uint32_t word = 0; word < (s->used.nbits + 63) / 64; word++)
		if (s->dirty.word[word] & ~s->used.word[word])
			return err_set(err, "a page of word %u is dirty and free", word);
	if (dirty != s->lockless_m.dirty)
		return err_set(err, "%lu pages are dirty, %lu counted", (unsigned long)dirty,
			(unsigned long)s->lockless_m.dirty);
	if (used != s->bitmap_m.pages + dirty || s->bitmap_m.pages < s->m.live)
		return err_set(err, "%lu pages are taken, %lu dirty, %lu counted in %lu ranges",
			(unsigned long)used, (unsigned long)dirty, (unsigned long)s->bitmap_m.pages,
			(unsigned long)s->m.live);
	return true;
}

static uint64_t lockless_live(const void *state)
{
	const struct lockless *s = state;

	return s->m.live;
}

const struct iova_allocator_ops iova_bitmap_lockless_ops = {
	.name = "bitmap-lockless",
	.summary = "Round-robin bitmap claimed by compare-and-swap, no lock",
	.source = "the idea left open on the iommu list in November 2011; algorithm ours",
	.caps = IOVA_TELLS_REUSE,
	.state_size = sizeof(struct lockless),
	.conf = &conf_table,
	.init = lockless_init,
	.fini = lockless_fini,
	.alloc = lockless_alloc,
	.free = lockless_free,
	.reserve = lockless_reserve,
	.check = lockless_check,
	.live = lockless_live,
};
