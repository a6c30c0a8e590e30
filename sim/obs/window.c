#include "obs/window.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bug.h"
#include "obs/window_priv.h"

/* An id is a slot number (from 1) and the slot's use count above it, so that the id of a closed
 * window is told from that of the window that has its record now. */
#define ID_USE_SHIFT 32u

#define POOL_MIN 1024u

#define METRIC_STRUCT_ struct window_metrics
static const struct metric_desc metric_descs[] = { WINDOW_METRICS(METRIC_DESC_) };
#undef METRIC_STRUCT_

const struct metric_table windows_metric_table = {
	.name = "windows",
	.help = "Stale-mapping windows: how long unmapped ranges stay reachable.",
	.desc = metric_descs,
	.n = ARRAY_SIZE(metric_descs),
};

/* ---- records ---- */

static void put_free(struct windows *w, uint32_t slot)
{
	w->pool[slot - 1].next_free = 0;
	if (w->free_tail)
		w->pool[w->free_tail - 1].next_free = slot;
	else
		w->free_head = slot;
	w->free_tail = slot;
}

static void grow_pool(struct windows *w)
{
	uint32_t old = w->size, size = old ? 2 * old : POOL_MIN;

	BUG_ON(size <= old);
	w->pool = xrealloc(w->pool, size, sizeof(*w->pool));
	memset(w->pool + old, 0, (size - old) * sizeof(*w->pool));
	w->size = size;
	for (uint32_t slot = old + 1; slot <= size; slot++)
		put_free(w, slot);
}

static uint32_t take_free(struct windows *w)
{
	uint32_t slot;

	if (!w->free_head)
		grow_pool(w);
	slot = w->free_head;
	w->free_head = w->pool[slot - 1].next_free;
	if (!w->free_head)
		w->free_tail = 0;
	return slot;
}

/* The record an id names, NULL when it serves another window by now. */
static struct window *find(const struct windows *w, window_id id)
{
	uint32_t slot = (uint32_t)id;

	if (slot == 0 || slot > w->size || w->pool[slot - 1].use != id >> ID_USE_SHIFT)
		return NULL;
	return &w->pool[slot - 1];
}

static struct window *find_open(const struct windows *w, window_id id)
{
	struct window *win = find(w, id);

	BUG_ON(!win || !win->open);
	return win;
}

static bool is_stale(const struct window *win)
{
	return win->returned && win->total_holds > 0;
}

static void update_level(struct windows *w, const struct window *win, bool was_stale)
{
	bool stale = is_stale(win);

	if (stale && !was_stale)
		w->m.stale_pages += win->story.npages;
	else if (!stale && was_stale)
		w->m.stale_pages -= win->story.npages;
	if (w->m.stale_pages > w->m.stale_pages_max)
		w->m.stale_pages_max = w->m.stale_pages;
}

/* Nothing refers to the window any more: its measures are final. */
static void close_if_done(struct windows *w, struct window *win)
{
	if (!win->returned || win->total_holds > 0 || win->story.t_flushed == SIM_TIME_NEVER)
		return;
	window_measure(w, win);
	win->open = false;
	put_free(w, (uint32_t)(win - w->pool) + 1);
}

/* ---- life of a window ---- */

window_id window_open(struct windows *w, uint16_t domain, iova_t iova, uint32_t npages, hpa_t pa,
	unsigned cpu, sim_time t_clear)
{
	uint32_t slot = take_free(w), use = w->pool[slot - 1].use + 1;
	struct window *win = &w->pool[slot - 1];

	BUG_ON(npages == 0 || use == 0);
	*win = (struct window){
		.story = {
			.seq = ++w->opened,
			.domain = domain,
			.cpu = (uint16_t)cpu,
			.iova = iova,
			.pa = pa,
			.npages = npages,
			.t_clear = t_clear,
			.t_return = SIM_TIME_NEVER,
			.t_flushed = SIM_TIME_NEVER,
			.t_hw_closed = t_clear,
			.last_holder = WINDOW_CACHES,
		},
		.use = use,
		.epoch = w->epoch,
		.open = true,
	};
	w->m.opened++;
	w->m.pages += npages;
	return (window_id)use << ID_USE_SHIFT | slot;
}

void window_hold(struct windows *w, window_id id, enum window_cache where)
{
	struct window *win = find_open(w, id);
	bool was_stale = is_stale(win);

	win->holds[where]++;
	win->total_holds++;
	win->story.t_hw_closed = SIM_TIME_NEVER;
	update_level(w, win, was_stale);
}

void window_drop(struct windows *w, window_id id, enum window_cache where, sim_time now)
{
	struct window *win = find_open(w, id);
	bool was_stale = is_stale(win);

	BUG_ON(win->holds[where] == 0);
	win->holds[where]--;
	win->total_holds--;
	win->story.last_holder = where;
	if (win->total_holds == 0)
		win->story.t_hw_closed = now;
	update_level(w, win, was_stale);
	close_if_done(w, win);
}

void window_returned(struct windows *w, window_id id, sim_time t_return)
{
	struct window *win = find_open(w, id);

	BUG_ON(win->returned);
	win->returned = true;
	win->story.t_return = t_return;
	update_level(w, win, false);
	close_if_done(w, win);
}

void window_flushed(struct windows *w, window_id id, sim_time now)
{
	struct window *win = find_open(w, id);

	BUG_ON(win->story.t_flushed != SIM_TIME_NEVER);
	win->story.t_flushed = now;
	close_if_done(w, win);
}

bool window_is_held(const struct windows *w, window_id id)
{
	const struct window *win = find(w, id);

	return win && win->total_holds > 0;
}

sim_time window_since(const struct windows *w, window_id id)
{
	const struct window *win = find(w, id);

	if (!win)
		return SIM_TIME_NEVER;
	return win->returned ? win->story.t_return : win->story.t_clear;
}

void window_access(struct windows *w, window_id id, bool write, uint32_t bytes, sim_time now)
{
	struct window *win = find(w, id);
	sim_time since = window_since(w, id);

	w->m.stale_accesses++;
	if (write) {
		w->m.stale_writes++;
		w->m.stale_bytes_written += bytes;
	} else {
		w->m.stale_reads++;
		w->m.stale_bytes_read += bytes;
	}
	if (!win)
		return;
	win->story.accesses++;
	hist_add(&w->m.stale_delay, now > since ? now - since : 0);
}

void window_iova_reused(struct windows *w, window_id id)
{
	BUG_ON(!window_is_held(w, id));
	w->m.iova_reuse_before_flush++;
}

void window_page_reused(struct windows *w, window_id id)
{
	BUG_ON(!window_is_held(w, id));
	w->m.page_reuse_before_flush++;
}

struct windows *windows_create(struct metric_scope *scope)
{
	struct windows *w = xcalloc(1, sizeof(*w));

	metric_scope_add(scope, &windows_metric_table, &w->m);
	metric_scope_hooks(scope, windows_on_reset, windows_on_collect, w);
	return w;
}

void windows_destroy(struct windows *w)
{
	if (!w)
		return;
	free(w->pool);
	free(w);
}

size_t windows_worst(
	const struct windows *w, enum window_rank by, struct window_story *out, size_t max)
{
	return window_worst_sorted(&w->worst, by, out, max);
}

void windows_write_csv(const struct windows *w, FILE *out)
{
	window_worst_write_csv(&w->worst, out);
}

const struct window_metrics *windows_metrics(const struct windows *w)
{
	return &w->m;
}
