/*
 * lock - spinlocks of simulated CPUs. What a hand-over costs follows from the algorithm and the
 * movements of the lock's cache line:
 *   ticket  every waiter re-reads the line at each hand-over. The sockets fetch it side by side, a
 *           socket's waiters one after another, and the next owner is served somewhere among them:
 *           the cost grows with the waiters (Boyd-Wickizer et al., OLS 2012)
 *   queued  each waiter spins on its own line: one transfer per hand-over (MCS)
 *   tas     waiters fight for the line: unfair; the release has to win it from all their attempts
 * First come, first served for ticket and queued. Interrupts are off while a lock is held or waited for.
 *
 * A release needs no event: the holder's later local time of release is kept and whoever arrives
 * before it waits until then.
 */
#ifndef SIM_HW_LOCK_H
#define SIM_HW_LOCK_H
#include <stdio.h>
#include "base/bug.h"
#include "base/list.h"
#include "base/rng.h"
#include "engine/proc.h"
#include "hw/cacheline.h"
#include "hw/machine.h"

enum lock_type { LOCK_TICKET, LOCK_QUEUED, LOCK_TAS };

#define LOCK_METRICS(M)                                                                            \
	M(COUNTER, acquisitions, "ops", NULL, "Times the lock was taken.")                         \
	M(COUNTER, contended, "ops", "acquisitions", "Acquisitions that had to wait.")             \
	M(COUNTER, acq_bounces, "ops", "acquisitions",                                             \
		"Taken by another CPU than the last holder.")                                      \
	M(COUNTER, con_bounces, "ops", "contended", "The same among contended acquisitions.")      \
	M(COUNTER, bounces_cross_socket, "ops", "acq_bounces", "Bounces between sockets.")         \
	M(HIST, wait, "ps", NULL, "Wait of contended acquisitions.")                               \
	M(HIST, hold, "ps", NULL, "Time from acquisition to release.")                             \
	M(HIST, waiters, "CPUs", NULL, "CPUs already waiting or holding at a contended arrival.")  \
	M(TIME, waited, "ps", NULL,                                                                \
		"Total wait, of waits that began in the warm-up its later part.")                  \
	M(REAL, contention_ratio, "share", NULL, "Contended acquisitions over acquisitions.")      \
	M(REAL, wait_per_acquisition, "ps", NULL, "Total wait over acquisitions.")                 \
	M(REAL, spin_share, "share", NULL, "Total wait over CPUs x measured time.")                \
	M(REAL, utilisation, "share", NULL, "Total hold over measured time.")

METRIC_DECLARE(lock_metrics, LOCK_METRICS);

struct lock {
	char name[48]; /* instance: "dom0.iova_rbtree_lock" */
	const char *lock_class; /* /proc/lock_stat name: "iova_rbtree_lock" */
	struct machine *machine;
	enum lock_type type;
	bool held; /* the holder has not executed its release yet */
	const struct proc *holder;
	uint16_t last_cpu; /* last holder */
	sim_time free_at; /* when !held: end of the last critical section */
	sim_time acquired_at;
	bool won; /* tas: the waiter now waking up has been chosen */
	unsigned nwaiting;
	uint16_t *waiting_on; /* of these, by socket */
	struct waitq waiters;
	struct line line;
	struct rng rng;
	struct lock_metrics m;
	sim_time measured_from;
	struct list link; /* of machine->locks */
};

/* lock_class is a fixed string; the instance's name is formatted. */
void lock_init(struct lock *l, struct machine *m, const char *lock_class, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void lock_fini(struct lock *l);

/* May wait. With PROC_UNTIMED only the pairing is checked. Not recursive. */
static inline void lock_acquire(struct lock *l, struct proc *p);
bool lock_try(struct lock *l, struct proc *p);
static inline void lock_release(struct lock *l, struct proc *p);

/* ---- untimed code pays nothing, not even a call ---- */

void lock_acquire_timed(struct lock *l, struct proc *p);
void lock_release_timed(struct lock *l, struct proc *p);

static inline void lock_acquire(struct lock *l, struct proc *p)
{
	if (p) {
		lock_acquire_timed(l, p);
		return;
	}
	BUG_ON(l->held);
	l->held = true;
}

static inline void lock_release(struct lock *l, struct proc *p)
{
	if (p) {
		lock_release_timed(l, p);
		return;
	}
	BUG_ON(!l->held || l->holder);
	l->held = false;
}

extern const struct metric_table lock_metric_table;
/* locks.txt: /proc/lock_stat version 0.4, one row per lock class. */
void locks_write(const struct machine *m, FILE *out);

#endif
