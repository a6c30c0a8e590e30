#include "hw/lock.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/bug.h"
#include "hw/cpu.h"

#define METRIC_STRUCT_ struct lock_metrics
static const struct metric_desc desc[] = { LOCK_METRICS(METRIC_DESC_) };
#undef METRIC_STRUCT_
const struct metric_table lock_metric_table = { "lock", "One spinlock.", desc, ARRAY_SIZE(desc) };

static void reset(void *arg, sim_time now)
{
	struct lock *l = arg;

	l->measured_from = now;
}

static double ratio(uint64_t part, uint64_t whole)
{
	return whole ? (double)part / (double)whole : 0;
}

static void collect(void *arg, sim_time now)
{
	struct lock *l = arg;
	sim_time measured = now - l->measured_from;

	l->m.contention_ratio = ratio(l->m.contended, l->m.acquisitions);
	l->m.wait_per_acquisition = ratio(l->m.wait.sum, l->m.acquisitions);
	l->m.spin_share = ratio(l->m.waited, l->machine->ncpus * measured);
	l->m.utilisation = ratio(l->m.hold.sum, measured);
}

void lock_init(struct lock *l, struct machine *m, const char *lock_class, const char *fmt, ...)
{
	struct metric_scope *scope;
	va_list ap;

	*l = (struct lock){ .lock_class = lock_class, .machine = m, .last_cpu = LINE_NO_OWNER };
	va_start(ap, fmt);
	vsnprintf(l->name, sizeof(l->name), fmt, ap);
	va_end(ap);
	l->type = m->conf->lock->type;
	l->waiting_on = xcalloc(m->nsockets, sizeof(*l->waiting_on));
	waitq_init(&l->waiters);
	line_init(&l->line);
	rng_init(&l->rng, m->engine ? engine_seed(m->engine) : 0, l->name);
	list_push_back(&m->locks, &l->link);
	scope = metric_scope_child(m->lock_scope, "%s", l->name);
	metric_scope_add(scope, &lock_metric_table, &l->m);
	metric_scope_hooks(scope, reset, collect, l);
}

void lock_fini(struct lock *l)
{
	BUG_ON(l->held);
	list_remove(&l->link);
	free(l->waiting_on);
}

static bool is_free(const struct lock *l, sim_time now)
{
	return !l->held && l->nwaiting == 0 && l->free_at <= now;
}

/* Time from the release until the next owner sees it, with the waiters that spin at that moment
 * (the next owner is one of them). */
static sim_time handover(struct lock *l, const struct cpu *next)
{
	sim_time first = line_transfer(l->machine, l->last_cpu, next->id);
	sim_time within = l->machine->conf->cpu->line_same_socket;
	unsigned rivals = 0;

	switch (l->type) {
	case LOCK_TICKET: /* served after 0 .. all of the other waiters of its socket */
		rivals = (unsigned)rng_below(&l->rng, l->waiting_on[next->socket]);
		break;
	case LOCK_QUEUED:
		break;
	case LOCK_TAS: /* the release queues behind an attempt of every waiter */
		rivals = l->nwaiting;
		break;
	}
	return first + rivals * within;
}

/* Test-and-set: whoever finds the lock free, at the moment of its release, lets chance decide
 * between itself and the others; one that chance has chosen does not ask again. */
static void fight(struct lock *l, struct proc *p)
{
	while (!l->won) {
		unsigned n = (unsigned)rng_below(&l->rng, l->nwaiting);

		if (n == 0)
			return;
		l->won = true;
		waitq_wake_nth(&l->waiters, n - 1, proc_now(p));
		proc_wait(p, &l->waiters);
	}
	l->won = false;
}

static void wait_turn(struct lock *l, struct proc *p, const struct cpu *c)
{
	bool first = !l->held && l->nwaiting == 0;

	hist_add(&l->m.waiters, l->nwaiting + (l->held || l->free_at > proc_now(p)));
	l->nwaiting++;
	l->waiting_on[c->socket]++;
	if (first) /* the end of the running critical section is known */
		proc_sleep_until(p, l->free_at);
	else
		proc_wait(p, &l->waiters);
	if (l->type == LOCK_TAS)
		fight(l, p);
	proc_advance(p, handover(l, c));
	l->nwaiting--;
	l->waiting_on[c->socket]--;
}

static void count(struct lock *l, const struct cpu *c, bool contended)
{
	bool bounced = l->last_cpu != c->id && l->last_cpu != LINE_NO_OWNER;

	l->m.acquisitions++;
	l->m.contended += contended;
	l->m.acq_bounces += bounced;
	l->m.con_bounces += bounced && contended;
	l->m.bounces_cross_socket += bounced && l->machine->cpus[l->last_cpu].socket != c->socket;
}

static void take(struct lock *l, struct proc *p)
{
	BUG_ON(l->held);
	l->held = true;
	l->holder = p;
}

void lock_acquire_timed(struct lock *l, struct proc *p)
{
	struct cpu *c = cpu_of(p);
	sim_time arrived;
	bool contended;

	if (!c) {
		take(l, p);
		return;
	}
	BUG_ON(l->held && l->holder == p);
	proc_sync(p);
	arrived = proc_now(p);
	contended = !is_free(l, arrived);
	if (contended) {
		wait_turn(l, p, c);
		hist_add(&l->m.wait, proc_now(p) - arrived);
		l->m.waited +=
			proc_now(p) - (arrived > l->measured_from ? arrived : l->measured_from);
		cpu_account(p, arrived, CPU_lock_spin);
		cpu_tell(p, l->name, arrived);
	} else if (l->last_cpu != c->id && l->last_cpu != LINE_NO_OWNER) {
		cpu_run_ps(p, line_transfer(l->machine, l->last_cpu, c->id), CPU_lock_spin);
	}
	take(l, p);
	count(l, c, contended);
	l->last_cpu = (uint16_t)c->id;
	l->acquired_at = proc_now(p);
	cpu_run(p, l->machine->conf->cpu->atomic, CPU_lock_spin);
}

bool lock_try(struct lock *l, struct proc *p)
{
	if (p) {
		proc_sync(p);
		if (!is_free(l, proc_now(p))) { /* a failed attempt reads the line */
			cpu_run(p, l->machine->conf->cpu->atomic, CPU_lock_spin);
			return false;
		}
	} else if (l->held) {
		return false;
	}
	lock_acquire(l, p);
	return true;
}

static void tell_hold(const struct lock *l, const struct cpu *c)
{
	char what[16];

	if (!l->machine->probe)
		return;
	snprintf(what, sizeof(what), "CPU %u", c->id);
	probe_span(l->machine->probe, (struct probe_track){ PROBE_LOCK, l, 0, l->name }, what,
		l->acquired_at, l->free_at);
}

void lock_release_timed(struct lock *l, struct proc *p)
{
	BUG_ON(!l->held || l->holder != p);
	l->held = false;
	l->holder = NULL;
	if (!cpu_of(p))
		return;
	l->free_at = proc_now(p);
	hist_add(&l->m.hold, l->free_at - l->acquired_at);
	tell_hold(l, cpu_of(p));
	waitq_wake_one(&l->waiters, l->free_at);
}
