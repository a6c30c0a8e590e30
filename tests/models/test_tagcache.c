/* The set-associative cache behind every translation cache: who stays, who goes, and what is counted. */
#include "hw/tagcache.h"

#include "base/bits.h"
#include "tests/unit/unit.h"

static struct engine *engine;
static struct metrics *metrics;
static struct windows *windows;
static struct tagcache tc;

static void set_up(void)
{
	tc = (struct tagcache){ 0 };
	engine = engine_create(1);
	metrics = metrics_create();
	windows = windows_create(metric_scope_child(metrics_root(metrics), "windows"));
}

static void tear_down(void)
{
	metrics_destroy(metrics);
	tagcache_fini(&tc);
	windows_destroy(windows);
	engine_destroy(engine);
}

static void make(uint32_t entries, uint32_t ways, enum tagcache_replace replace)
{
	const struct tagcache_conf conf = { entries, ways, replace, WINDOW_IOTLB };

	tagcache_init(
		&tc, &conf, engine, windows, metric_scope_child(metrics_root(metrics), "cache"));
}

static bool holds(uint64_t key)
{
	return tagcache_peek(&tc, key) != NULL;
}

static void fill_range(uint64_t first, uint64_t n)
{
	for (uint64_t key = first; key < first + n; key++)
		tagcache_fill(&tc, key, key * 10, key * 100);
}

static window_id open_window(void)
{
	return window_open(windows, 1, (iova_t){ 0x1000 }, 1, (hpa_t){ 0x1000 }, 0, 0);
}

START_TEST(lookup_returns_what_was_filled)
{
	struct tag_entry *e;

	make(8, 2, TAGCACHE_LRU);
	ck_assert_ptr_null(tagcache_lookup(&tc, 5));
	tagcache_fill(&tc, 5, 50, 51);
	e = tagcache_lookup(&tc, 5);
	ck_assert_ptr_nonnull(e);
	ck_assert_uint_eq(e->value[0], 50);
	ck_assert_uint_eq(e->value[1], 51);
	ck_assert_ptr_null(tagcache_lookup(&tc, 6));
	ck_assert_uint_eq(tc.m.lookups, 3);
	ck_assert_uint_eq(tc.m.hits, 1);
	ck_assert_uint_eq(tc.m.misses, 2);
	ck_assert_uint_eq(tc.m.fills, 1);
}
END_TEST

START_TEST(peek_neither_counts_nor_touches)
{
	make(2, 0, TAGCACHE_LRU);
	fill_range(1, 2);
	ck_assert(holds(1));
	ck_assert_uint_eq(tc.m.lookups, 0);
	tagcache_fill(&tc, 3, 0, 0); /* 1 is still the oldest */
	ck_assert(!holds(1));
	ck_assert(holds(2));
}
END_TEST

START_TEST(refill_of_a_key_replaces_its_entry)
{
	make(4, 0, TAGCACHE_LRU);
	tagcache_fill(&tc, 9, 1, 1);
	tagcache_fill(&tc, 9, 2, 2);
	ck_assert_uint_eq(tagcache_peek(&tc, 9)->value[0], 2);
	ck_assert_uint_eq(tc.used, 1);
	ck_assert_uint_eq(tc.m.evictions, 0);
}
END_TEST

START_TEST(lru_evicts_the_least_recently_used)
{
	make(3, 0, TAGCACHE_LRU);
	fill_range(1, 3);
	tagcache_lookup(&tc, 1);
	tagcache_lookup(&tc, 2);
	tagcache_fill(&tc, 4, 0, 0);
	ck_assert(holds(1) && holds(2) && holds(4) && !holds(3));
	ck_assert_uint_eq(tc.m.evictions, 1);
}
END_TEST

START_TEST(fifo_evicts_the_oldest_whatever_was_used)
{
	make(3, 0, TAGCACHE_FIFO);
	fill_range(1, 3);
	tagcache_lookup(&tc, 1);
	tagcache_fill(&tc, 4, 0, 0);
	ck_assert(!holds(1) && holds(2) && holds(3) && holds(4));
}
END_TEST

START_TEST(random_takes_free_ways_first_and_every_way_in_the_end)
{
	unsigned gone[4] = { 0 };

	make(4, 0, TAGCACHE_RANDOM);
	for (unsigned round = 0; round < 400; round++) {
		tagcache_invalidate(&tc, 0, 0);
		fill_range(0, 4);
		ck_assert_uint_eq(tc.used, 4);
		tagcache_fill(&tc, 100, 0, 0);
		for (unsigned i = 0; i < 4; i++)
			gone[i] += !holds(i);
	}
	for (unsigned i = 0; i < 4; i++)
		ck_assert_uint_ge(gone[i], 60); /* 100 expected, 4.6 standard deviations */
}
END_TEST

START_TEST(neighbouring_pages_use_every_set)
{
	make(16, 2, TAGCACHE_LRU);
	fill_range(0x1000, 16);
	ck_assert_uint_eq(tc.used, 16);
	ck_assert_uint_eq(tc.m.evictions, 0);
}
END_TEST

START_TEST(a_full_set_evicts_while_others_are_empty)
{
	make(16, 2, TAGCACHE_LRU);
	for (uint64_t i = 0; i < 3; i++)
		tagcache_fill(&tc, i * 8, 0, 0);
	ck_assert_uint_eq(tc.m.evictions, 1);
	ck_assert_uint_eq(tc.used, 2);
	ck_assert(!holds(0) && holds(8) && holds(16));
}
END_TEST

START_TEST(invalidation_of_one_key_takes_only_that)
{
	make(16, 4, TAGCACHE_LRU);
	fill_range(0, 8);
	ck_assert_uint_eq(tagcache_invalidate(&tc, 3, UINT64_MAX), 1);
	ck_assert_uint_eq(tagcache_invalidate(&tc, 3, UINT64_MAX), 0);
	for (uint64_t key = 0; key < 8; key++)
		ck_assert(holds(key) == (key != 3));
	ck_assert_uint_eq(tc.m.invalidated, 1);
}
END_TEST

START_TEST(a_mask_takes_the_whole_block_and_no_neighbour)
{
	make(64, 0, TAGCACHE_LRU);
	fill_range(0, 32);
	ck_assert_uint_eq(tagcache_invalidate(&tc, 9, ~UINT64_C(7)), 8);
	for (uint64_t key = 0; key < 32; key++)
		ck_assert(holds(key) == (key < 8 || key > 15));
}
END_TEST

START_TEST(a_mask_of_high_bits_takes_one_domain)
{
	const uint64_t domain = GENMASK64(62, 47);

	make(64, 0, TAGCACHE_LRU);
	fill_range(UINT64_C(1) << 47, 10);
	fill_range(UINT64_C(2) << 47, 10);
	ck_assert_uint_eq(tagcache_invalidate(&tc, UINT64_C(1) << 47, domain), 10);
	ck_assert(!holds(UINT64_C(1) << 47));
	ck_assert(holds(UINT64_C(2) << 47));
	ck_assert_uint_eq(tagcache_invalidate(&tc, 0, 0), 10);
	ck_assert_uint_eq(tc.used, 0);
}
END_TEST

START_TEST(the_highest_key_is_a_key_like_others)
{
	const uint64_t highest = GENMASK64(62, 0);

	make(4, 2, TAGCACHE_LRU);
	tagcache_fill(&tc, highest, 7, 8);
	ck_assert(holds(highest));
	ck_assert(!holds(0));
	ck_assert_uint_eq(tagcache_invalidate(&tc, highest, UINT64_MAX), 1);
}
END_TEST

START_TEST(a_mark_holds_its_window_until_the_entry_is_invalidated)
{
	window_id w = open_window();

	make(4, 0, TAGCACHE_LRU);
	tagcache_mark(&tc, tagcache_fill(&tc, 1, 0, 0), w);
	ck_assert(window_is_held(windows, w));
	tagcache_invalidate(&tc, 1, UINT64_MAX);
	ck_assert(!window_is_held(windows, w));
	tagcache_invalidate(&tc, 1, UINT64_MAX); /* a second drop would be a bug of the tracker's */
	tagcache_fill(&tc, 1, 0, 0);
}
END_TEST

START_TEST(eviction_and_refill_drop_the_mark_once)
{
	window_id evicted = open_window(), refilled = open_window();

	make(1, 0, TAGCACHE_LRU);
	tagcache_mark(&tc, tagcache_fill(&tc, 1, 0, 0), evicted);
	tagcache_mark(&tc, tagcache_fill(&tc, 2, 0, 0), refilled);
	ck_assert(!window_is_held(windows, evicted));
	ck_assert(window_is_held(windows, refilled));
	ck_assert_uint_eq(tagcache_fill(&tc, 2, 0, 0)->mark, 0);
	ck_assert(!window_is_held(windows, refilled));
}
END_TEST

START_TEST(a_new_mark_drops_the_older_one)
{
	window_id older = open_window(), newer = open_window();
	struct tag_entry *e;

	make(4, 0, TAGCACHE_LRU);
	e = tagcache_fill(&tc, 1, 0, 0);
	tagcache_mark(&tc, e, older);
	tagcache_mark(&tc, e, newer);
	ck_assert(!window_is_held(windows, older));
	ck_assert(window_is_held(windows, newer));
}
END_TEST

START_TEST(mark_matching_marks_each_entry_under_the_mask)
{
	window_id w = open_window();

	make(16, 0, TAGCACHE_LRU);
	fill_range(0, 8);
	tagcache_mark_matching(&tc, 4, ~UINT64_C(3), w);
	for (uint64_t key = 0; key < 8; key++)
		ck_assert_uint_eq(tagcache_peek(&tc, key)->mark, key >= 4 ? w : 0);
	for (uint64_t key = 4; key < 8; key++) {
		ck_assert(window_is_held(windows, w));
		tagcache_invalidate(&tc, key, UINT64_MAX);
	}
	ck_assert(!window_is_held(windows, w));
	tagcache_mark_matching(&tc, 77, UINT64_MAX, w); /* not there: nothing happens */
	ck_assert(!window_is_held(windows, w));
}
END_TEST

START_TEST(invalidated_live_entries_are_collateral_and_their_return_a_re_miss)
{
	window_id w = open_window();

	make(8, 0, TAGCACHE_LRU);
	fill_range(0, 3);
	tagcache_mark(&tc, tagcache_peek(&tc, 2), w);
	tagcache_invalidate(&tc, 0, 0);
	ck_assert_uint_eq(tc.m.invalidated, 3);
	ck_assert_uint_eq(tc.m.collateral, 2);
	fill_range(0, 4); /* 0 and 1 come back; 2 was stale, 3 was never there */
	ck_assert_uint_eq(tc.m.re_misses, 2);
	tagcache_invalidate(&tc, 0, UINT64_MAX);
	tagcache_fill(&tc, 0, 0, 0);
	ck_assert_uint_eq(tc.m.re_misses, 3);
	ck_assert_uint_eq(tc.m.collateral, 3);
}
END_TEST

START_TEST(without_entries_everything_misses)
{
	make(0, 0, TAGCACHE_LRU);
	ck_assert_ptr_null(tagcache_fill(&tc, 1, 1, 1));
	ck_assert_ptr_null(tagcache_lookup(&tc, 1));
	ck_assert_uint_eq(tagcache_invalidate(&tc, 0, 0), 0);
	ck_assert_uint_eq(tagcache_invalidate(&tc, 1, UINT64_MAX), 0);
	ck_assert_uint_eq(tc.m.misses, 1);
	ck_assert_uint_eq(tc.m.fills, 0);
}
END_TEST

START_TEST(shapes_are_ways_times_a_power_of_two)
{
	ck_assert(tagcache_shape_ok(0, 8) && tagcache_shape_ok(37, 0));
	ck_assert(tagcache_shape_ok(64, 8) && tagcache_shape_ok(24, 3));
	ck_assert(!tagcache_shape_ok(64, 7) && !tagcache_shape_ok(24, 4));
	ck_assert(!tagcache_shape_ok(4, 8));
}
END_TEST

int main(void)
{
	TCase *tc_case = tcase_create("tagcache");

	tcase_add_checked_fixture(tc_case, set_up, tear_down);
	tcase_add_test(tc_case, lookup_returns_what_was_filled);
	tcase_add_test(tc_case, peek_neither_counts_nor_touches);
	tcase_add_test(tc_case, refill_of_a_key_replaces_its_entry);
	tcase_add_test(tc_case, lru_evicts_the_least_recently_used);
	tcase_add_test(tc_case, fifo_evicts_the_oldest_whatever_was_used);
	tcase_add_test(tc_case, random_takes_free_ways_first_and_every_way_in_the_end);
	tcase_add_test(tc_case, neighbouring_pages_use_every_set);
	tcase_add_test(tc_case, a_full_set_evicts_while_others_are_empty);
	tcase_add_test(tc_case, invalidation_of_one_key_takes_only_that);
	tcase_add_test(tc_case, a_mask_takes_the_whole_block_and_no_neighbour);
	tcase_add_test(tc_case, a_mask_of_high_bits_takes_one_domain);
	tcase_add_test(tc_case, the_highest_key_is_a_key_like_others);
	tcase_add_test(tc_case, a_mark_holds_its_window_until_the_entry_is_invalidated);
	tcase_add_test(tc_case, eviction_and_refill_drop_the_mark_once);
	tcase_add_test(tc_case, a_new_mark_drops_the_older_one);
	tcase_add_test(tc_case, mark_matching_marks_each_entry_under_the_mask);
	tcase_add_test(tc_case, invalidated_live_entries_are_collateral_and_their_return_a_re_miss);
	tcase_add_test(tc_case, without_entries_everything_misses);
	tcase_add_test(tc_case, shapes_are_ways_times_a_power_of_two);
	return unit_run("tagcache", tc_case);
}
