/*
 * window_priv - the records of the stale-window tracker, shared by its two halves: the life of a
 * window (window.c) and what is measured of it (window_measure.c).
 */
#ifndef SIM_OBS_WINDOW_PRIV_H
#define SIM_OBS_WINDOW_PRIV_H
#include "obs/window.h"
#include "obs/window_worst.h"

struct window {
	struct window_story story;
	uint32_t use;
	uint32_t next_free;
	uint32_t epoch; /* of the tracker when it was opened */
	uint32_t holds[WINDOW_CACHES], total_holds;
	bool open, returned;
};

struct windows {
	struct window *pool;
	uint32_t size;
	/* First in, first out: a closed window's record stays readable as long as possible. Slot
	 * numbers, 0: none. */
	uint32_t free_head, free_tail;
	uint32_t epoch; /* resets so far */
	uint64_t opened; /* ever */
	sim_time measured_from;
	double exposure_ps; /* page x ps of windows opened since the reset */
	double stale_ps; /* page x ps of all windows, the part since the reset */
	struct window_worst worst;
	struct window_metrics m;
};

static inline sim_time window_from_return(const struct window *win, sim_time end)
{
	return end > win->story.t_return ? end - win->story.t_return : 0;
}

/* Its measures are final: nothing refers to it any more. */
void window_measure(struct windows *w, struct window *win);
metric_hook_fn windows_on_reset, windows_on_collect; /* arg: the tracker */

#endif
