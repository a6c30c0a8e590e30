/*
 * window_worst - the worst windows of a run, kept as they close: one bounded heap per measure, so
 * that a run of any length costs the same memory.
 */
#ifndef SIM_OBS_WINDOW_WORST_H
#define SIM_OBS_WINDOW_WORST_H
#include "obs/window.h"

struct window_heap {
	uint32_t n;
	struct window_story story[WINDOW_WORST]; /* the least of them on top */
};

struct window_worst {
	struct window_heap heap[WINDOW_RANKS];
};

void window_worst_reset(struct window_worst *ww);
/* Keep the story under every measure by which it is not 0 and among the worst. Of equal windows the
 * earlier one is the worse. */
void window_worst_offer(struct window_worst *ww, const struct window_story *s);
size_t window_worst_sorted(
	const struct window_worst *ww, enum window_rank by, struct window_story *out, size_t max);
void window_worst_write_csv(const struct window_worst *ww, FILE *out);

#endif
