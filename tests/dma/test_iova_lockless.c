/*
 * bitmap-lockless: does the algorithm hold in every order of its atomic steps? Small cases, on the code that
 * experiments run: requests for the same pages, ranges of several words, frees in the middle of a search,
 * rounds that flush.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "dma/iova/iova_lockless.h"
#include "hw/word.h"
#include "tests/dma/explore.h"
#include "tests/unit/unit.h"

#define PAGES_MAX 256u
#define NO_LIMIT  UINT64_MAX

static const struct iova_allocator_ops *const ops = &iova_bitmap_lockless_ops;

/* ---- every order: what the flows share beside the allocator ---- */

static struct {
	struct lockless *state;
	void *conf;
	unsigned pages; /* usable, from PFN 1 on */
	uint8_t owner[PAGES_MAX + 1]; /* flow + 1, by PFN */
	bool unflushed[PAGES_MAX + 1]; /* unmapped, and no flush that began later is complete */
	struct iova_range range[EXPLORE_FLOWS], before; /* what each flow got; what was there */
	bool got[EXPLORE_FLOWS];
	unsigned flushes;
} shared;

static uint64_t fnv(uint64_t h, const void *data, size_t n)
{
	const unsigned char *at = data;

	for (size_t i = 0; i < n; i++)
		h = (h ^ at[i]) * UINT64_C(0x100000001b3);
	return h;
}

static uint64_t hash(void)
{
	const struct lockless *s = shared.state;
	size_t words = (s->used.nbits + 63) / 64;
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	h = fnv(h, s->used.word, words * sizeof(uint64_t));
	h = fnv(h, s->dirty.word, words * sizeof(uint64_t));
	for (unsigned i = 0; i < s->ncursors; i++)
		h = fnv(h, &s->cursor[i].bit, sizeof(uint64_t));
	h = fnv(h, shared.owner, sizeof(shared.owner));
	h = fnv(h, shared.unflushed, sizeof(shared.unflushed));
	return fnv(h, shared.got, sizeof(shared.got));
}

/* Covers what was unmapped when it began, not what came while it was under way. */
static void on_flush(void *ctx, struct proc *p, const struct iova_range *r)
{
	bool covered[PAGES_MAX + 1];

	(void)ctx;
	ck_assert_ptr_null(r);
	shared.flushes++;
	memcpy(covered, shared.unflushed, sizeof(covered));
	explore_step(p);
	for (unsigned pfn = 0; pfn <= PAGES_MAX; pfn++)
		shared.unflushed[pfn] &= !covered[pfn];
}

static void begin_with(struct conform_bed *bed, unsigned pages, uint32_t one_cursor)
{
	const struct iova_env env = { .machine = &bed->machine,
		.scope = metric_scope_child(metrics_root(bed->metrics), "dom0.iova"),
		.name = "dom0",
		.first_pfn = 1,
		.last_pfn = pages,
		.ncpus = bed->machine.ncpus,
		.flush = on_flush };
	struct err err;

	memset(&shared, 0, sizeof(shared));
	shared.pages = pages;
	shared.state = conform_bed_alloc(bed, ops->state_size);
	shared.conf = conform_defaults(ops->conf);
	conform_set_u32(ops->conf, shared.conf, "cursor", one_cursor);
	ck_assert(ops->init(shared.state, shared.conf, &env, &err));
}

static void own(unsigned flow, const struct iova_range *r)
{
	for (uint64_t pfn = r->pfn; pfn < r->pfn + r->npages; pfn++) {
		if (shared.owner[pfn])
			ck_abort_msg("page %lu belongs to two", (unsigned long)pfn);
		if (shared.unflushed[pfn])
			ck_abort_msg("page %lu comes back before its flush", (unsigned long)pfn);
		shared.owner[pfn] = (uint8_t)(flow + 1);
	}
}

static bool take(struct proc *p, unsigned flow, uint32_t npages, struct iova_range *r)
{
	const struct iova_req req = { .npages = npages, .limit_pfn = NO_LIMIT };
	bool ok = ops->alloc(shared.state, p, &req, r);

	if (ok)
		own(flow, r);
	return ok;
}

static void give(struct proc *p, struct iova_range *r)
{
	for (uint64_t pfn = r->pfn; pfn < r->pfn + r->npages; pfn++) {
		shared.owner[pfn] = 0;
		shared.unflushed[pfn] = true;
	}
	r->unflushed = true;
	ops->free(shared.state, p, r);
}

static unsigned successes(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < EXPLORE_FLOWS; i++)
		n += shared.got[i];
	return n;
}

/* Nothing is left of claims that were given up, and nothing is lost. */
static void end_with(unsigned live)
{
	struct err err = { .text = "" };

	ck_assert_msg(ops->check(shared.state, &err), "%s", err.text);
	ck_assert_uint_eq(ops->live(shared.state), live);
	for (unsigned i = 0; i < EXPLORE_FLOWS; i++)
		if (shared.got[i])
			ops->free(shared.state, PROC_UNTIMED, &shared.range[i]);
	if (shared.before.npages)
		ops->free(shared.state, PROC_UNTIMED, &shared.before);
	ops->fini(shared.state);
	free(shared.conf);
}

static struct explore explored;

static void explore(unsigned nflows, void (*begin)(struct conform_bed *bed),
	void (*flow)(struct proc *p, unsigned i), void (*end)(void))
{
	explored = (struct explore){
		.nflows = nflows, .begin = begin, .flow = flow, .end = end, .hash = hash
	};
	explore_all(&explored);
	ck_assert_uint_gt(explored.orders, 10); /* they do meet */
}

/* ---- pages ---- */

static void begin_two_pages(struct conform_bed *bed)
{
	begin_with(bed, 2, 1);
}

static void take_a_page(struct proc *p, unsigned i)
{
	shared.got[i] = take(p, i, 1, &shared.range[i]);
}

static void two_of_three(void)
{
	ck_assert_uint_eq(successes(), 2);
	end_with(2);
}

START_TEST(test_two_pages_go_to_two_of_three)
{
	explore(3, begin_two_pages, take_a_page, two_of_three);
}
END_TEST

/* ---- ranges of several words ---- */

static void begin_three_words(struct conform_bed *bed)
{
	begin_with(bed, 191, 0); /* cursors at 0 and 64 */
}

static void take_two_words(struct proc *p, unsigned i)
{
	shared.got[i] = take(p, i, 100, &shared.range[i]);
}

static void at_least_one(void)
{
	ck_assert_uint_ge(successes(), 1);
	end_with(successes());
}

START_TEST(test_of_overlapping_claims_one_succeeds_and_the_others_leave_nothing)
{
	explore(2, begin_three_words, take_two_words, at_least_one);
	if (getenv("IOMMUSIM_EXHAUSTIVE")) /* 214,000 orders: scripts/validate-iova.sh */
		explore(3, begin_three_words, take_two_words, at_least_one);
}
END_TEST

/* ---- a free in the middle ---- */

static void begin_full(struct conform_bed *bed)
{
	begin_with(bed, 100, 1);
	ck_assert(take(PROC_UNTIMED, 0, 100, &shared.before));
}

/* Flow 0 frees all there is, unflushed; the others want some of it. */
static void free_or_take(struct proc *p, unsigned i)
{
	if (i == 0) {
		give(p, &shared.before);
		shared.before.npages = 0;
	} else {
		shared.got[i] = take(p, i, 40, &shared.range[i]);
	}
}

static void whatever_was_flushed(void)
{
	if (successes() > 0)
		ck_assert_uint_gt(shared.flushes, 0);
	end_with(successes());
}

START_TEST(test_nothing_comes_back_before_a_flush_that_began_after_its_free)
{
	explore(2, begin_full, free_or_take, whatever_was_flushed);
	explore(3, begin_full, free_or_take, whatever_was_flushed);
}
END_TEST

/* Each takes a page, frees it and takes one again: every take is in a round of its own. */
static void begin_one_page(struct conform_bed *bed)
{
	begin_with(bed, 1, 1);
}

static void take_free_take(struct proc *p, unsigned i)
{
	struct iova_range r;

	if (take(p, i, 1, &r))
		give(p, &r);
	shared.got[i] = take(p, i, 1, &shared.range[i]);
}

static void at_most_one(void)
{
	ck_assert_uint_le(successes(), 1);
	end_with(successes());
}

START_TEST(test_one_page_goes_round_between_two)
{
	explore(2, begin_one_page, take_free_take, at_most_one);
}
END_TEST

/* ---- would the explorer find a mistake? ---- */

static uint64_t plain;
static struct line plain_line;
static uint64_t moves, both;

static void begin_plain(struct conform_bed *bed)
{
	begin_with(bed, 1, 1);
	plain = 0;
	line_init(&plain_line);
}

/* A claim that looks and then sets, in two steps. */
static void claim_badly(struct proc *p, unsigned i)
{
	const struct word_at w = { &plain, &plain_line, &moves, CPU_iova };

	if (word_load(w, p))
		return;
	word_store(w, p, 1);
	shared.range[i].npages = 1;
}

static void count_both(void)
{
	both += shared.range[0].npages && shared.range[1].npages;
	end_with(0);
}

static uint64_t hash_plain(void)
{
	return fnv(plain, shared.range, sizeof(shared.range));
}

START_TEST(test_the_explorer_finds_a_claim_in_two_steps)
{
	both = 0;
	explored = (struct explore){ .nflows = 2,
		.begin = begin_plain,
		.flow = claim_badly,
		.end = count_both,
		.hash = hash_plain };
	explore_all(&explored);
	ck_assert_uint_gt(both, 0);
	ck_assert_uint_le(explored.orders, 6); /* all there are of two flows with two steps */
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("lockless");

	tcase_set_timeout(tc, 300);
	tcase_add_test(tc, test_two_pages_go_to_two_of_three);
	tcase_add_test(tc, test_of_overlapping_claims_one_succeeds_and_the_others_leave_nothing);
	tcase_add_test(tc, test_nothing_comes_back_before_a_flush_that_began_after_its_free);
	tcase_add_test(tc, test_one_page_goes_round_between_two);
	tcase_add_test(tc, test_the_explorer_finds_a_claim_in_two_steps);
	return unit_run("bitmap-lockless", tc);
}
