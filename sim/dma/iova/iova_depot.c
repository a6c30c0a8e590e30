#include <stdlib.h>

#include "base/alloc.h"
#include "base/bug.h"
#include "dma/iova/iova_rcache.h"

#define POINTERS_PER_LINE 8u

static void on_timer(struct proc *p, void *arg)
{
	depot_trim(arg, p);
}

void depot_init(struct depot *d, struct iova_rcache *s, unsigned order, const struct iova_env *env)
{
	uint32_t nlines = (s->params.depot_max + POINTERS_PER_LINE - 1) / POINTERS_PER_LINE;

	*d = (struct depot){ .owner = s, .order = order };
	lock_init(&d->lock, env->machine, "&rcache->lock", "%s.rcache%u.depot", env->name, order);
	d->slot = xcalloc(nlines + 1, sizeof(*d->slot));
	for (uint32_t i = 0; i < nlines; i++)
		line_init(&d->slot[i]);
	ktimer_init(&d->timer, env->machine, on_timer, d);
}

void depot_fini(struct depot *d)
{
	depot_cancel(d);
	ktimer_fini(&d->timer);
	lock_fini(&d->lock);
	free(d->slot);
	free(d->full);
}

/* With the lock held: what links or unlinks the topmost magazine touches. */
static void touch_top(struct depot *d, struct proc *p, struct magazine *m, bool write)
{
	const struct iova_rcache *s = d->owner;
	struct line *l =
		s->params.depot_max ? &d->slot[(d->n - 1) / POINTERS_PER_LINE] : &m->line[0];

	if (write)
		line_write(l, p, CPU_iova);
	else
		line_read(l, p, CPU_iova);
	cpu_run(p, s->cost->list_entry, CPU_iova);
}

static struct magazine *pop(struct depot *d, struct proc *p)
{
	struct magazine *m;

	if (d->n == 0)
		return NULL;
	m = d->full[d->n - 1];
	touch_top(d, p, m, false);
	d->n--;
	d->owner->c.depot--;
	return m;
}

/* iova_depot_work_func() again in trim_delay, unless it is to come already. */
static void schedule(struct depot *d, struct proc *p)
{
	const struct iova_rcache *s = d->owner;

	if (s->params.depot_max || d->pending || (!p && !s->owner_runs_work))
		return;
	d->pending = true;
	if (!s->owner_runs_work)
		ktimer_mod(&d->timer, p, s->params.trim_delay);
}

struct magazine *depot_put(struct depot *d, struct proc *p, struct magazine *m)
{
	struct iova_rcache *s = d->owner;
	bool room;

	lock_acquire(&d->lock, p);
	room = s->params.depot_max == 0 || d->n < s->params.depot_max;
	if (room) {
		if (d->n == d->room) {
			d->room = d->room ? 2 * d->room : 32;
			d->full = xrealloc(d->full, d->room, sizeof(struct magazine *));
		}
		d->full[d->n++] = m;
		touch_top(d, p, m, true);
		s->c.depot++;
	}
	lock_release(&d->lock, p);
	s->c.depot_puts++;
	s->c.depot_overflows += !room;
	schedule(d, p);
	return room ? NULL : m;
}

struct magazine *depot_get(struct depot *d, struct proc *p)
{
	struct magazine *m;

	lock_acquire(&d->lock, p);
	m = pop(d, p);
	lock_release(&d->lock, p);
	d->owner->c.depot_gets += m != NULL;
	return m;
}

/* An array is walked from its oldest magazine, a list from its newest. */
void depot_flush(struct depot *d, struct proc *p)
{
	struct iova_rcache *s = d->owner;
	uint32_t n;

	lock_acquire(&d->lock, p);
	n = d->n;
	for (uint32_t i = 0; i < n; i++) {
		struct magazine *m = d->full[s->params.depot_max ? i : n - 1 - i];

		cpu_run(p, s->cost->list_entry, CPU_iova);
		magazine_empty(s, p, m);
		magazine_put(s, p, m);
	}
	d->n = 0;
	s->c.depot -= n;
	lock_release(&d->lock, p);
}

void depot_trim(struct depot *d, struct proc *p)
{
	struct iova_rcache *s = d->owner;
	struct magazine *m = NULL;

	s->working++;
	d->pending = false;
	lock_acquire(&d->lock, p);
	if (d->n > s->ncpus)
		m = pop(d, p);
	lock_release(&d->lock, p);
	if (m) {
		magazine_empty(s, p, m);
		magazine_put(s, p, m);
		s->c.trims++;
		schedule(d, p);
	}
	s->working--;
	if (s->working == 0 && p)
		waitq_wake_all(&s->idle, proc_now(p));
}

void depot_cancel(struct depot *d)
{
	d->pending = false;
	if (event_is_pending(&d->timer.event))
		event_cancel(&d->timer.event);
	if (d->timer.work.queued)
		list_remove(&d->timer.work.link);
	d->timer.work.queued = false;
}
