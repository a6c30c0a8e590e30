/* The stale-window tracker: what each window measures, and that nothing is dropped or counted twice. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "obs/window.h"
#include "tests/unit/unit.h"

static struct metrics *m;
static struct windows *w;
static const struct window_metrics *wm;

static void set_up(void)
{
	m = metrics_create();
	w = windows_create(metric_scope_child(metrics_root(m), "windows"));
	wm = windows_metrics(w);
}

static void tear_down(void)
{
	metrics_destroy(m);
	windows_destroy(w);
}

static window_id open_at(sim_time t, uint64_t page, uint32_t npages)
{
	return window_open(w, 1, (iova_t){ page << PAGE_LG2 }, npages, (hpa_t){ 0x5000 }, 3, t);
}

/* An unmap under strict: cleared, held by the IOTLB, flushed, returned. */
static void strict_unmap(sim_time t, uint32_t npages)
{
	window_id id = open_at(t, 7, npages);

	window_hold(w, id, WINDOW_IOTLB);
	window_drop(w, id, WINDOW_IOTLB, t + 5);
	window_flushed(w, id, t + 8);
	window_returned(w, id, t + 10);
}

START_TEST(flushed_before_return_counts_as_zero_in_both)
{
	strict_unmap(100, 1);
	ck_assert_uint_eq(wm->opened, 1);
	ck_assert_uint_eq(wm->policy_window.count, 1);
	ck_assert_uint_eq(wm->policy_window.max, 0);
	ck_assert_uint_eq(wm->hw_window.count, 1);
	ck_assert_uint_eq(wm->hw_window.max, 0);
	ck_assert_uint_eq(wm->hw_window_iotlb.count, 0);
	ck_assert_uint_eq(wm->stale_pages_max, 0);
}
END_TEST

START_TEST(windows_run_from_return_to_flush_and_to_last_drop)
{
	window_id id = open_at(100, 7, 2);

	window_hold(w, id, WINDOW_IOTLB);
	window_hold(w, id, WINDOW_WALK_CACHE);
	window_returned(w, id, 110);
	ck_assert_uint_eq(wm->stale_pages, 2);
	window_drop(w, id, WINDOW_IOTLB, 130);
	ck_assert(window_is_held(w, id));
	window_drop(w, id, WINDOW_WALK_CACHE, 150);
	ck_assert(!window_is_held(w, id));
	ck_assert_uint_eq(wm->stale_pages, 0);
	ck_assert_uint_eq(wm->hw_window.count, 0);
	window_flushed(w, id, 160);
	ck_assert_uint_eq(wm->policy_window.max, 50);
	ck_assert_uint_eq(wm->hw_window.max, 40);
	ck_assert_uint_eq(wm->hw_window_walk_cache.count, 1);
	ck_assert_uint_eq(wm->hw_window_iotlb.count, 0);
	ck_assert_uint_eq(wm->stale_pages_max, 2);
}
END_TEST

START_TEST(eviction_ends_the_hw_window_before_the_flush)
{
	window_id id = open_at(100, 7, 1);

	window_hold(w, id, WINDOW_IOTLB);
	window_returned(w, id, 110);
	window_drop(w, id, WINDOW_IOTLB, 115);
	window_flushed(w, id, 10110);
	ck_assert_uint_eq(wm->hw_window.max, 5);
	ck_assert_uint_eq(wm->policy_window.max, 10000);
}
END_TEST

START_TEST(in_flight_walk_that_fills_the_iotlb_keeps_the_window_open)
{
	window_id id = open_at(100, 7, 1);

	window_hold(w, id, WINDOW_IN_FLIGHT);
	window_returned(w, id, 110);
	window_hold(w, id, WINDOW_IOTLB);
	window_drop(w, id, WINDOW_IN_FLIGHT, 120);
	ck_assert(window_is_held(w, id));
	window_flushed(w, id, 130);
	window_drop(w, id, WINDOW_IOTLB, 190);
	ck_assert_uint_eq(wm->hw_window.max, 80);
	ck_assert_uint_eq(wm->policy_window.max, 20);
	ck_assert_uint_eq(wm->hw_window_iotlb.max, 80);
}
END_TEST

START_TEST(a_drop_before_a_later_return_on_another_clock_is_zero)
{
	window_id id = open_at(100, 7, 1);

	window_hold(w, id, WINDOW_IOTLB);
	window_returned(w, id, 200); /* the CPU's clock runs ahead of the hardware's */
	window_drop(w, id, WINDOW_IOTLB, 150);
	window_flushed(w, id, 150);
	ck_assert_uint_eq(wm->hw_window.max, 0);
	ck_assert_uint_eq(wm->policy_window.max, 0);
}
END_TEST

START_TEST(id_of_a_closed_window_never_comes_back)
{
	window_id first = open_at(0, 1, 1);

	window_flushed(w, first, 1);
	window_returned(w, first, 2);
	for (unsigned i = 0; i < 100000; i++) {
		window_id id = open_at(10, 2, 1);

		ck_assert_uint_ne(id, first);
		window_hold(w, id, WINDOW_IOTLB);
		ck_assert(!window_is_held(w, first));
		window_drop(w, id, WINDOW_IOTLB, 11);
		window_returned(w, id, 11);
		window_flushed(w, id, 12);
	}
	ck_assert(window_since(w, first) == SIM_TIME_NEVER);
	ck_assert(!window_is_held(w, 0));
}
END_TEST

START_TEST(open_windows_are_reported_by_age)
{
	window_id held = open_at(100, 7, 4), waiting = open_at(100, 8, 1);

	window_hold(w, held, WINDOW_IOTLB);
	window_returned(w, held, 200);
	window_flushed(w, held, 260);
	window_returned(w, waiting, 300);
	metrics_collect(m, 1000);
	ck_assert_uint_eq(wm->never_closed, 1);
	ck_assert_uint_eq(wm->never_closed_age.max, 800);
	ck_assert_uint_eq(wm->never_flushed, 1);
	ck_assert_uint_eq(wm->never_flushed_age.max, 700);
	/* what is already known counts: hw of the one that waits, policy of the one that is held */
	ck_assert_uint_eq(wm->hw_window.count, 1);
	ck_assert_uint_eq(wm->hw_window.max, 0);
	ck_assert_uint_eq(wm->policy_window.count, 1);
	ck_assert_uint_eq(wm->policy_window.max, 60);
	/* and closing them while the run drains does not count them again */
	window_drop(w, held, WINDOW_IOTLB, 2000);
	window_flushed(w, waiting, 2000);
	ck_assert_uint_eq(wm->hw_window.count, 1);
	ck_assert_uint_eq(wm->policy_window.count, 1);
}
END_TEST

START_TEST(warm_up_windows_stay_tracked_but_do_not_count)
{
	window_id old = open_at(100, 7, 1), open = open_at(100, 8, 1);

	window_hold(w, old, WINDOW_IOTLB);
	window_hold(w, open, WINDOW_IOTLB);
	window_returned(w, old, 110);
	window_returned(w, open, 110);
	metrics_reset(m, 1000);
	ck_assert_uint_eq(wm->stale_pages, 2);
	ck_assert_uint_eq(wm->stale_pages_max, 2);
	window_drop(w, old, WINDOW_IOTLB, 1100);
	window_flushed(w, old, 1100);
	ck_assert_uint_eq(wm->hw_window.count, 0);
	strict_unmap(1200, 1);
	metrics_collect(m, 2000);
	ck_assert_uint_eq(wm->hw_window.count, 1);
	ck_assert_uint_eq(wm->never_closed, 1);
	ck_assert_uint_eq(wm->never_closed_age.max, 1890);
	/* stale since the reset: one page for 100, one for 1000, of 1000 measured */
	ck_assert(fabs(wm->stale_pages_mean - 1.1) < 1e-9);
	/* exposure is of windows opened since the reset */
	ck_assert(fabs(wm->exposure) < 1e-9);
}
END_TEST

START_TEST(stale_accesses_are_split_and_timed_from_the_return)
{
	window_id id = open_at(100, 7, 1);

	window_hold(w, id, WINDOW_IOTLB);
	window_access(w, id, true, 64, 130);
	window_returned(w, id, 140);
	window_access(w, id, false, 256, 190);
	window_drop(w, id, WINDOW_IOTLB, 200);
	window_flushed(w, id, 210);
	window_access(w, id, true, 1, 211); /* seen after the window had closed */
	ck_assert_uint_eq(wm->stale_accesses, 3);
	ck_assert_uint_eq(wm->stale_reads, 1);
	ck_assert_uint_eq(wm->stale_writes, 2);
	ck_assert_uint_eq(wm->stale_bytes_read, 256);
	ck_assert_uint_eq(wm->stale_bytes_written, 65);
	ck_assert_uint_eq(wm->stale_delay.count, 3);
	ck_assert_uint_eq(wm->stale_delay.min, 30);
	ck_assert_uint_eq(wm->stale_delay.max, 71);
}
END_TEST

START_TEST(reuse_while_held_is_counted)
{
	window_id id = open_at(100, 7, 1);

	window_hold(w, id, WINDOW_IOTLB);
	window_iova_reused(w, id);
	window_page_reused(w, id);
	window_page_reused(w, id);
	ck_assert_uint_eq(wm->iova_reuse_before_flush, 1);
	ck_assert_uint_eq(wm->page_reuse_before_flush, 2);
}
END_TEST

/* A deferred unmap whose hw window lasts `hw` and whose policy window lasts `policy`. */
static void deferred_unmap(sim_time t, uint64_t page, sim_time hw, sim_time policy)
{
	window_id id = open_at(t, page, 1);

	window_hold(w, id, WINDOW_IOTLB);
	window_returned(w, id, t);
	window_drop(w, id, WINDOW_IOTLB, t + hw);
	window_flushed(w, id, t + policy);
}

START_TEST(the_worst_windows_are_kept_sorted_ties_by_age)
{
	struct window_story s[WINDOW_WORST];
	struct rng r;
	sim_time all[1000], best;
	size_t n;

	rng_init(&r, 1, "worst");
	for (unsigned i = 0; i < 1000; i++) {
		all[i] = rng_below(&r, 500);
		deferred_unmap(1000 * (i + 1), i, all[i], 500 + all[i] % 7);
	}
	n = windows_worst(w, WINDOW_BY_HW, s, WINDOW_WORST);
	ck_assert_uint_eq(n, WINDOW_WORST);
	for (size_t k = 0; k < n; k++) {
		size_t at = 0;

		best = 0;
		for (size_t i = 0; i < 1000; i++) {
			if (all[i] > best) {
				best = all[i];
				at = i;
			}
		}
		ck_assert_uint_eq(s[k].hw_window, best);
		ck_assert_uint_eq(s[k].iova.a >> PAGE_LG2, at);
		all[at] = 0;
	}
	n = windows_worst(w, WINDOW_BY_POLICY, s, 3);
	ck_assert_uint_eq(n, 3);
	for (size_t k = 0; k < n; k++)
		ck_assert_uint_eq(s[k].policy_window, 506);
	ck_assert(s[0].seq < s[1].seq && s[1].seq < s[2].seq);
}
END_TEST

START_TEST(csv_tells_the_story_and_leaves_open_ends_empty)
{
	window_id open;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	deferred_unmap(1000, 0x10, 20, 30);
	open = open_at(2000, 0x20, 8);
	window_hold(w, open, WINDOW_DEVICE_TLB);
	window_returned(w, open, 2010);
	window_access(w, open, true, 64, 2020);
	strict_unmap(3000, 1); /* a window of 0 is not among the worst */
	metrics_collect(m, 5000);
	windows_write_csv(w, out);
	fclose(out);
	ck_assert_str_eq(text,
		"by,rank,domain,iova,npages,pa,cpu,t_clear_ps,t_return_ps,t_flushed_ps,"
		"t_hw_closed_ps,policy_window_ps,hw_window_ps,last_holder,accesses\n"
		"hw_window,1,1,0x20000,8,0x5000,3,2000,2010,,,2990,2990,device_tlb,1\n"
		"hw_window,2,1,0x10000,1,0x5000,3,1000,1000,1030,1020,30,20,iotlb,0\n"
		"policy_window,1,1,0x20000,8,0x5000,3,2000,2010,,,2990,2990,device_tlb,1\n"
		"policy_window,2,1,0x10000,1,0x5000,3,1000,1000,1030,1020,30,20,iotlb,0\n");
	free(text);
}
END_TEST

/* Little's law: stale pages at once = pages made stale per time x how long they stay so; and the
 * time integral of the level, kept here as an oracle, gives the same. */
START_TEST(exposure_and_mean_of_stale_pages_agree_with_an_oracle)
{
	enum { N = 64, STEPS = 20000 };
	struct {
		window_id id;
		uint32_t pages;
	} live[N] = { 0 };
	struct rng r;
	double area = 0, level = 0;
	sim_time now = 0;

	rng_init(&r, 2, "oracle");
	metrics_reset(m, 0);
	for (unsigned i = 0; i < STEPS; i++) {
		size_t k = rng_below(&r, N);
		sim_time dt = rng_below(&r, 1000);

		area += level * (double)dt;
		now += dt;
		if (live[k].id) {
			window_flushed(w, live[k].id, now);
			window_drop(w, live[k].id, WINDOW_IOTLB, now);
			level -= live[k].pages;
			live[k].id = 0;
		} else {
			live[k].pages = 1 + (uint32_t)rng_below(&r, 8);
			live[k].id = open_at(now, k, live[k].pages);
			window_hold(w, live[k].id, WINDOW_IOTLB);
			window_returned(w, live[k].id, now);
			level += live[k].pages;
		}
		ck_assert_uint_eq(wm->stale_pages, (uint64_t)level);
	}
	metrics_collect(m, now);
	ck_assert(fabs(wm->stale_pages_mean * (double)now / area - 1) < 1e-9);
	ck_assert(fabs(wm->exposure * 1e-6 * (double)now / area - 1) < 1e-9);
	ck_assert_uint_eq(wm->hw_window.count + wm->never_closed, wm->opened);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("window");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, flushed_before_return_counts_as_zero_in_both);
	tcase_add_test(tc, windows_run_from_return_to_flush_and_to_last_drop);
	tcase_add_test(tc, eviction_ends_the_hw_window_before_the_flush);
	tcase_add_test(tc, in_flight_walk_that_fills_the_iotlb_keeps_the_window_open);
	tcase_add_test(tc, a_drop_before_a_later_return_on_another_clock_is_zero);
	tcase_add_test(tc, id_of_a_closed_window_never_comes_back);
	tcase_add_test(tc, open_windows_are_reported_by_age);
	tcase_add_test(tc, warm_up_windows_stay_tracked_but_do_not_count);
	tcase_add_test(tc, stale_accesses_are_split_and_timed_from_the_return);
	tcase_add_test(tc, reuse_while_held_is_counted);
	tcase_add_test(tc, the_worst_windows_are_kept_sorted_ties_by_age);
	tcase_add_test(tc, csv_tells_the_story_and_leaves_open_ends_empty);
	tcase_add_test(tc, exposure_and_mean_of_stale_pages_agree_with_an_oracle);
	return unit_run("window", tc);
}
