#include "engine/proc.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bug.h"
#include "engine/ctx.h"
#include "engine/engine_priv.h"

struct proc {
	struct event event; /* its next resumption */
	struct ctx *ctx;
	sim_time now; /* local clock, never behind the engine's while the proc runs */
	struct list wait; /* on a waitq */
	struct list all; /* of the engine */
	proc_fn *fn;
	void *arg, *owner;
	char name[32];
};

static _Thread_local const struct proc *current;

const struct proc *proc_current(void)
{
	return current;
}

static void resume(struct event *ev)
{
	struct proc *p = container_of(ev, struct proc, event);

	current = p;
	ctx_enter(p->ctx);
	current = NULL;
}

/* Give way until the event comes. */
static void give_way(struct proc *p)
{
	BUG_ON(p != current); /* only a proc itself can wait */
	ctx_leave(p->ctx, false);
}

static void proc_main(void *arg)
{
	struct proc *p = arg;

	p->fn(p, p->arg);
	ctx_leave(p->ctx, true);
	BUG("finished proc %s was resumed", p->name);
}

struct proc *proc_spawn(struct engine *e, const char *name, proc_fn *fn, void *arg, void *owner)
{
	struct proc *p = xcalloc(1, sizeof(*p));

	event_init(&p->event, e, resume);
	p->ctx = ctx_create(proc_main, p, e->nprocs++);
	p->now = e->now;
	p->fn = fn;
	p->arg = arg;
	p->owner = owner;
	strncpy(p->name, name, sizeof(p->name) - 1);
	list_init(&p->wait);
	list_push_back(&e->procs, &p->all);
	event_schedule(&p->event, e->now);
	return p;
}

void procs_destroy(struct engine *e)
{
	struct list *n;

	while ((n = list_pop_front(&e->procs)) != NULL) {
		struct proc *p = list_entry(n, struct proc, all);

		event_fini(&p->event);
		ctx_destroy(p->ctx);
		free(p);
	}
}

void *proc_owner(const struct proc *p)
{
	return p ? p->owner : NULL;
}

const char *proc_name(const struct proc *p)
{
	return p ? p->name : "untimed";
}

sim_time proc_now(const struct proc *p)
{
	return p ? p->now : 0;
}

void proc_advance(struct proc *p, sim_time dt)
{
	if (p)
		p->now += dt;
}

void proc_sync(struct proc *p)
{
	struct engine *e;

	if (!p)
		return;
	e = p->event.engine;
	if (p->now == e->now)
		return;
	BUG_ON(p != current);
	/* Nobody else can run before p's local time: go on without an event. Exact. */
	if (p->now < heap_next_time(&e->heap) && p->now <= e->until && !e->stopped) {
		e->now = p->now;
		return;
	}
	event_schedule(&p->event, p->now);
	give_way(p);
}

void proc_sleep_until(struct proc *p, sim_time when)
{
	if (!p || when <= p->now)
		return;
	p->now = when;
	proc_sync(p);
}

void waitq_init(struct waitq *q)
{
	list_init(&q->waiters);
}

bool waitq_empty(const struct waitq *q)
{
	return list_empty(&q->waiters);
}

void proc_wait(struct proc *p, struct waitq *q)
{
	BUG_ON(!p);
	proc_sync(p);
	list_push_back(&q->waiters, &p->wait);
	give_way(p);
}

bool waitq_wake_nth(struct waitq *q, unsigned n, sim_time when)
{
	struct list *at = q->waiters.next;
	struct proc *p;

	while (n-- > 0 && at != &q->waiters)
		at = at->next;
	if (at == &q->waiters)
		return false;
	list_remove(at);
	p = list_entry(at, struct proc, wait);
	p->now = when;
	event_schedule(&p->event, when);
	return true;
}

bool waitq_wake_one(struct waitq *q, sim_time when)
{
	return waitq_wake_nth(q, 0, when);
}

void waitq_wake_all(struct waitq *q, sim_time when)
{
	while (waitq_wake_one(q, when))
		;
}
