#include "dma/iova/iova_bitmap.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "base/bug.h"
#include "hw/word.h"

#define WORDS_PER_LINE IOVA_BITMAP_WORDS_PER_LINE

#define METRIC_STRUCT_ struct iova_bitmap_metrics
static const struct metric_desc desc[] = { IOVA_BITMAP_METRICS(METRIC_DESC_) };
#undef METRIC_STRUCT_
const struct metric_table iova_bitmap_metric_table = { "iova_bitmap", "Bitmaps of pages.", desc,
	ARRAY_SIZE(desc) };

void iova_bitmap_init(struct iova_bitmap *b, uint32_t nbits, const struct cost_conf *cost,
	struct iova_bitmap_metrics *m)
{
	uint32_t nwords = (nbits + 63) / 64;
	uint32_t nlines = (nwords + WORDS_PER_LINE - 1) / WORDS_PER_LINE;

	*b = (struct iova_bitmap){ .nbits = nbits, .cost = cost, .m = m };
	b->word = xcalloc(nwords, sizeof(*b->word));
	b->line = xcalloc(nlines, sizeof(*b->line));
	for (uint32_t i = 0; i < nlines; i++)
		line_init(&b->line[i]);
}

void iova_bitmap_fini(struct iova_bitmap *b)
{
	free(b->word);
	free(b->line);
}

/* One search on its way through the words. */
struct scan {
	struct iova_bitmap *b;
	struct proc *p;
	uint32_t words, line; /* looked at; last line fetched */
};

static uint64_t look_at(struct scan *s, uint32_t word)
{
	s->words++;
	word_step(s->p, &s->b->word[word]);
	if (word / WORDS_PER_LINE != s->line) {
		s->line = word / WORDS_PER_LINE;
		s->b->m->line_transfers += line_read(&s->b->line[s->line], s->p, CPU_iova);
	}
	return s->b->word[word];
}

/* The first bit in [from, end) that is set, or clear; end when there is none. */
static uint32_t next(struct scan *s, uint32_t from, uint32_t end, bool set)
{
	uint64_t invert = set ? 0 : UINT64_MAX, mask = UINT64_MAX << from % 64;

	for (uint32_t word = from / 64; word * 64 < end; word++, mask = UINT64_MAX) {
		uint64_t found = (look_at(s, word) ^ invert) & mask;

		if (found) {
			uint32_t at = word * 64 + (uint32_t)__builtin_ctzll(found);

			return at < end ? at : end;
		}
	}
	return end;
}

static bool find(struct scan *s, const struct iova_bitmap_want *want, uint32_t *at)
{
	uint32_t start = want->start, used;

	for (;;) {
		uint64_t first = next(s, start, want->end, false);

		first = round_up_lg2(first, want->align_lg2);
		if (first + want->n > want->end)
			return false;
		used = next(s, (uint32_t)first, (uint32_t)first + want->n, true);
		if (used == first + want->n) {
			*at = (uint32_t)first;
			return true;
		}
		start = used + 1;
	}
}

bool iova_bitmap_find(
	struct iova_bitmap *b, struct proc *p, const struct iova_bitmap_want *want, uint32_t *at)
{
	struct scan s = { b, p, 0, UINT32_MAX };
	bool found;

	BUG_ON(want->end > b->nbits);
	found = want->start < want->end && find(&s, want, at);
	cpu_run(p, (uint64_t)s.words * b->cost->word_scan, CPU_iova);
	b->m->words_scanned += s.words;
	hist_add(&b->m->search_words, s.words);
	return found;
}

uint64_t iova_bitmap_mask(uint32_t word, uint32_t at, uint32_t n)
{
	uint32_t first = word * 64, last = first + 63;
	uint32_t lo = at > first ? at : first, hi = at + n - 1 < last ? at + n - 1 : last;

	return GENMASK64(hi - first, lo - first);
}

static void flip(struct iova_bitmap *b, struct proc *p, uint32_t at, uint32_t n, bool set)
{
	uint32_t line = UINT32_MAX;

	BUG_ON(n == 0 || at + n > b->nbits);
	for (uint32_t word = at / 64; word <= (at + n - 1) / 64; word++) {
		uint64_t mask = iova_bitmap_mask(word, at, n);

		BUG_ON((b->word[word] & mask) != (set ? 0 : mask));
		b->word[word] ^= mask;
		if (word / WORDS_PER_LINE != line) {
			line = word / WORDS_PER_LINE;
			b->m->line_transfers += line_write(&b->line[line], p, CPU_iova);
		}
	}
	cpu_run(p, ((at + n - 1) / 64 - at / 64 + 1) * (uint64_t)b->cost->word_scan, CPU_iova);
}

void iova_bitmap_set(struct iova_bitmap *b, struct proc *p, uint32_t at, uint32_t n)
{
	flip(b, p, at, n, true);
	b->m->pages += n;
}

void iova_bitmap_clear(struct iova_bitmap *b, struct proc *p, uint32_t at, uint32_t n)
{
	flip(b, p, at, n, false);
	b->m->pages -= n;
}

void iova_bitmap_block(struct iova_bitmap *b, uint32_t at, uint32_t n)
{
	for (uint32_t i = at; i < at + n; i++) {
		uint64_t bit = BIT64(i % 64);

		b->blocked += !(b->word[i / 64] & bit);
		b->word[i / 64] |= bit;
	}
}

uint64_t iova_bitmap_count(const struct iova_bitmap *b)
{
	uint64_t n = 0;

	for (uint32_t word = 0; word < (b->nbits + 63) / 64; word++)
		n += (uint64_t)__builtin_popcountll(b->word[word]);
	return n - b->blocked;
}
