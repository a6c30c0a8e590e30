/*
 * proc - one simulated flow of control (a CPU, a walker, an invalidation queue), written as
 * straight-line C on a stack of its own.
 *
 * A function that takes a struct proc * may let simulated time pass and others run before it
 * returns; one that does not take it, cannot. This is the only file that knows how waiting works.
 *
 * A proc has a local clock that may run ahead of the engine's (temporal decoupling):
 * proc_advance() only adds to it. Before a proc reads or writes anything that others change, it
 * calls proc_sync(), which lets everything happen that lies before its local time. The calls below
 * that wait do so first. After any call that may wait, re-read what you assumed.
 *
 * PROC_UNTIMED runs the same code at no cost and without waiting (unit tests, set-up, conformance).
 */
#ifndef SIM_ENGINE_PROC_H
#define SIM_ENGINE_PROC_H
#include "base/list.h"
#include "base/types.h"
#include "engine/engine.h"

struct proc;
#define PROC_UNTIMED ((struct proc *)0)

typedef void proc_fn(struct proc *p, void *arg);

/* First in, first out. */
struct waitq {
	struct list waiters;
};

/* Starts at engine_now(). The proc ends when fn returns; its memory lives until the engine's end.
 * name is copied. owner: what the flow belongs to (a struct cpu), or NULL. */
struct proc *proc_spawn(struct engine *e, const char *name, proc_fn *fn, void *arg, void *owner);
void *proc_owner(const struct proc *p); /* NULL for PROC_UNTIMED */
const char *proc_name(const struct proc *p);

sim_time proc_now(const struct proc *p); /* local clock; 0 for PROC_UNTIMED */
void proc_advance(struct proc *p, sim_time dt); /* local, no event */
void proc_sync(struct proc *p); /* wait until the engine has come to the local clock */
void proc_sleep_until(struct proc *p, sim_time when); /* no-op when in the past */

void waitq_init(struct waitq *q);
bool waitq_empty(const struct waitq *q);
/* Sync, then wait until woken; the local clock becomes the time of the wake-up. Must not be called
 * with PROC_UNTIMED. */
void proc_wait(struct proc *p, struct waitq *q);
/* Wake the longest waiter at time `when` (>= engine_now()); it leaves the queue at once.
 * False when nobody waits. */
bool waitq_wake_one(struct waitq *q, sim_time when);
/* The same for the n-th waiter, from 0: for locks that are not fair. */
bool waitq_wake_nth(struct waitq *q, unsigned n, sim_time when);
void waitq_wake_all(struct waitq *q, sim_time when);

/* The proc now running in this thread, or NULL: for bug reports. */
const struct proc *proc_current(void);

#endif
