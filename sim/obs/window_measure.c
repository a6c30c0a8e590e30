#include "obs/window_priv.h"

#include "base/bug.h"

/* The range was reachable from its return until `end`. */
static void add_exposure(struct windows *w, const struct window *win, sim_time end)
{
	sim_time length = window_from_return(win, end), early = 0;
	double pages = (double)win->story.npages;

	if (win->epoch == w->epoch)
		w->exposure_ps += pages * (double)length;
	if (win->story.t_return < w->measured_from)
		early = w->measured_from - win->story.t_return;
	if (length > early)
		w->stale_ps += pages * (double)(length - early);
}

static struct hist *hist_of_cache(struct windows *w, enum window_cache where)
{
	switch (where) {
	case WINDOW_IOTLB:
		return &w->m.hw_window_iotlb;
	case WINDOW_WALK_CACHE:
		return &w->m.hw_window_walk_cache;
	case WINDOW_IN_FLIGHT:
		return &w->m.hw_window_in_flight;
	case WINDOW_DEVICE_TLB:
		return &w->m.hw_window_device_tlb;
	case WINDOW_CACHES:
		break;
	}
	BUG("window cache %d", (int)where);
}

void window_measure(struct windows *w, struct window *win)
{
	struct window_story *s = &win->story;

	s->policy_window = window_from_return(win, s->t_flushed);
	s->hw_window = window_from_return(win, s->t_hw_closed);
	add_exposure(w, win, s->t_hw_closed);
	if (win->epoch != w->epoch)
		return;
	hist_add(&w->m.policy_window, s->policy_window);
	hist_add(&w->m.hw_window, s->hw_window);
	if (s->hw_window > 0)
		hist_add(hist_of_cache(w, s->last_holder), s->hw_window);
	window_worst_offer(&w->worst, s);
}

void windows_on_reset(void *arg, sim_time now)
{
	struct windows *w = arg;

	w->epoch++;
	w->measured_from = now;
	w->exposure_ps = w->stale_ps = 0;
	w->m.stale_pages_max = w->m.stale_pages;
	window_worst_reset(&w->worst);
}

/* Still open: right-censored, so reported by age and not among the closed. One that no cache holds
 * any more only waits for its policy: its hw_window is known. */
static void collect_open(struct windows *w, const struct window *win, sim_time now)
{
	struct window_story s = win->story;
	bool held = win->total_holds > 0, flushed = s.t_flushed != SIM_TIME_NEVER;
	sim_time age = window_from_return(win, now);

	s.hw_window = held ? age : window_from_return(win, s.t_hw_closed);
	s.policy_window = flushed ? window_from_return(win, s.t_flushed) : age;
	add_exposure(w, win, held ? now : s.t_hw_closed);
	if (held) {
		s.last_holder = WINDOW_IOTLB;
		while (win->holds[s.last_holder] == 0)
			s.last_holder++;
		w->m.never_closed++;
		hist_add(&w->m.never_closed_age, age);
	} else if (win->epoch == w->epoch) {
		hist_add(&w->m.hw_window, s.hw_window);
		if (s.hw_window > 0)
			hist_add(hist_of_cache(w, s.last_holder), s.hw_window);
	}
	if (!flushed) {
		w->m.never_flushed++;
		hist_add(&w->m.never_flushed_age, age);
	} else if (win->epoch == w->epoch) {
		hist_add(&w->m.policy_window, s.policy_window);
	}
	window_worst_offer(&w->worst, &s);
}

void windows_on_collect(void *arg, sim_time now)
{
	struct windows *w = arg;
	double measured = now > w->measured_from ? (double)(now - w->measured_from) : 0;

	w->m.never_closed = w->m.never_flushed = 0; /* gauges: the reset leaves them */
	for (uint32_t i = 0; i < w->size; i++) {
		if (w->pool[i].open && w->pool[i].returned)
			collect_open(w, &w->pool[i], now);
	}
	w->epoch++; /* what closes from here on has been reported by its age */
	if (measured > 0) {
		w->m.exposure = w->exposure_ps / (double)US / (measured / (double)SEC);
		w->m.stale_pages_mean = w->stale_ps / measured;
	}
}
