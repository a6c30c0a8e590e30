/*
 * Laws that hold in every run, whatever is modelled: utilisation, Little, no more time than there is.
 * Where they can be, both sides are measured apart: the run's own metrics against a look from outside,
 * at regular times.
 */
#include <stdlib.h>
#include <string.h>

#include "hw/lock.h"
#include "tests/run_system/course.h"
#include "tests/unit/unit.h"

#define MEASURE   (10 * MS)
#define LOOK      (53 * NS) /* no divisor of anything */
#define MAX_LOCKS 32u

static const char *const common[] = { "cpu.count=4", "workload.arrivals.rate=10Gbps",
	"workload.sizes.size=1514", "policy=deferred-global", NULL };

/* ---- a look from outside ---- */

struct look {
	double waiting, holding;
};

struct watch {
	struct event event;
	struct course *course;
	struct look at[MAX_LOCKS]; /* by lock, in the machine's order */
	double n;
};

static void look(struct event *ev)
{
	struct watch *w = container_of(ev, struct watch, event);
	sim_time now = engine_now(ev->engine);
	unsigned i = 0;

	list_for_each (n, &w->course->system.machine.locks) {
		const struct lock *l = list_entry(n, const struct lock, link);

		w->at[i].waiting += l->nwaiting;
		w->at[i].holding += l->held ? l->acquired_at <= now : l->free_at > now;
		i++;
	}
	w->n++;
	event_schedule(ev, now + LOOK);
}

static void watch_start(struct watch *w, struct course *c)
{
	*w = (struct watch){ .course = c };
	event_init(&w->event, c->system.engine, look);
	event_schedule(&w->event, engine_now(c->system.engine));
}

static void check_lock(
	const struct lock *l, const struct look *at, double n, const struct course *c)
{
	const struct lock_metrics *m = &l->m;
	double measured = (double)c->measured, rate = (double)m->acquisitions / measured;
	double waiting = rate * m->wait_per_acquisition, holding = rate * hist_mean(&m->hold);

	/* utilisation = rate x mean hold; waiting at once = rate x mean wait (Little) */
	ck_assert_double_eq_tol(m->utilisation, holding, 0.001);
	ck_assert_double_eq_tol(at->holding / n, holding, 0.005 + 0.02 * holding);
	ck_assert_double_eq_tol(at->waiting / n, waiting, 0.005 + 0.02 * waiting);
	ck_assert_double_eq_tol(
		m->spin_share * c->system.machine.ncpus, waiting, 0.001 + 0.01 * waiting);
	ck_assert_double_le(m->utilisation, 1.001);
	ck_assert_double_le(m->spin_share, 1.0);
	ck_assert_uint_le(m->contended, m->acquisitions);
	ck_assert_uint_le(m->con_bounces, m->acq_bounces);
	ck_assert_uint_le(m->acq_bounces, m->acquisitions);
	ck_assert_uint_le(m->bounces_cross_socket, m->acq_bounces);
	ck_assert_uint_eq(m->wait.count, m->contended);
	/* Counted at arrival, not when the wait is over. */
	ck_assert_uint_le(m->waiters.count, m->contended + c->system.machine.ncpus);
	ck_assert_uint_ge(m->waiters.count + c->system.machine.ncpus, m->contended);
	ck_assert_uint_lt(m->waiters.max, c->system.machine.ncpus);
}

/* Transfers take no time here, so that waiting ends when the lock is free. */
static void check_locks(const char *const *more)
{
	static const char *const at_once[] = { "cpu.line_same_socket=0", "cpu.line_cross_socket=0",
		NULL };
	const char *settings[8] = { at_once[0], at_once[1] };
	struct course c;
	struct watch w;
	unsigned i = 0, busy = 0;

	for (unsigned k = 0; more && more[k]; k++)
		settings[2 + k] = more[k];
	course_start(&c, common, settings);
	c.system.workload->start(c.system.workload_state);
	engine_run(c.system.engine, engine_now(c.system.engine) + 2 * MS);
	metrics_reset(c.system.metrics, engine_now(c.system.engine));
	watch_start(&w, &c);
	engine_run(c.system.engine, engine_now(c.system.engine) + MEASURE);
	c.measured = MEASURE;
	metrics_collect(c.system.metrics, engine_now(c.system.engine));
	list_for_each (n, &c.system.machine.locks) {
		const struct lock *l = list_entry(n, const struct lock, link);

		check_lock(l, &w.at[i++], w.n, &c);
		busy += l->m.contended > 1000;
	}
	ck_assert_uint_gt(busy, 0); /* or the test would say nothing */
	event_fini(&w.event);
	ck_assert_uint_eq(course_end(&c), 0);
	course_fini(&c);
}

START_TEST(every_lock_obeys_the_utilisation_law_and_littles)
{
	static const char *const strict[] = { "policy=strict", NULL };
	static const char *const queued[] = { "lock.type=queued", "cpu.count=8", NULL };
	static const char *const tas[] = { "lock.type=tas", NULL };

	check_locks(NULL);
	check_locks(strict);
	check_locks(queued);
	check_locks(tas);
}
END_TEST

/* Whoever looks on must not change a thing: the short cut of proc_sync() in a whole system. */
START_TEST(an_onlooker_changes_nothing)
{
	char *text[2];

	for (unsigned i = 0; i < 2; i++) {
		struct course c;
		struct watch w = { .n = 0 };

		course_start(&c, common, NULL);
		if (i)
			watch_start(&w, &c);
		course_measure(&c, 1 * MS, 3 * MS);
		text[i] = course_metrics_text(&c);
		event_fini(&w.event);
		ck_assert_uint_eq(course_end(&c), 0);
		course_fini(&c);
	}
	ck_assert_str_eq(text[0], text[1]);
	free(text[0]);
	free(text[1]);
}
END_TEST

/* ---- time ---- */

static void check_cpus(const char *rate, double least, double most)
{
	const char *const settings[] = { rate, NULL };
	struct course c;

	course_start(&c, common, settings);
	course_measure(&c, 2 * MS, MEASURE);
	for (unsigned i = 0; i < c.system.machine.ncpus; i++) {
		const struct cpu *cpu = &c.system.machine.cpus[i];
		sim_time sum = 0;

		for (unsigned k = 0; k < CPU_TIME_COUNT; k++)
			sum += cpu->m.spent[k];
		ck_assert_uint_eq(cpu->m.busy, sum);
		ck_assert_double_ge(cpu->m.busy_share, least);
		ck_assert_double_le(cpu->m.busy_share, most);
	}
	ck_assert_uint_eq(course_end(&c), 0);
	course_fini(&c);
}

START_TEST(a_cpu_has_no_more_time_than_there_is)
{
	check_cpus("workload.arrivals.rate=40Gbps", 0.95, 1.0);
	check_cpus("workload.arrivals.rate=100Mbps", 0.001, 0.1);
}
END_TEST

START_TEST(spinning_is_charged_where_the_locks_say_it_was)
{
	struct course c;
	double charged = 0, waited = 0;

	course_start(&c, common, NULL);
	course_measure(&c, 2 * MS, MEASURE);
	for (unsigned i = 0; i < c.system.machine.ncpus; i++)
		charged += (double)c.system.machine.cpus[i].m.spent[CPU_lock_spin];
	list_for_each (n, &c.system.machine.locks)
		waited += (double)list_entry(n, const struct lock, link)->m.waited;
	ck_assert_double_gt(waited, 0);
	ck_assert_double_ge(charged, waited); /* and the uncontended fetches and atomics on top */
	ck_assert_double_le(charged, 1.5 * waited);
	ck_assert_uint_eq(course_end(&c), 0);
	course_fini(&c);
}
END_TEST

/* ---- contention ---- */

START_TEST(contention_grows_with_the_cpus)
{
	static const char *const cpus[] = { "cpu.count=1", "cpu.count=2", "cpu.count=4",
		"cpu.count=8" };
	double ratio = -1, wait = -1;

	for (size_t i = 0; i < ARRAY_SIZE(cpus); i++) {
		const char *const settings[] = { cpus[i], "workload.arrivals.rate=40Gbps", NULL };
		struct course c;
		double r, w;

		course_start(&c, common, settings);
		course_measure(&c, 2 * MS, 5 * MS);
		r = course_real(&c, "locks.dom0.iova_rbtree_lock.contention_ratio");
		w = course_real(&c, "locks.dom0.iova_rbtree_lock.wait_per_acquisition");
		if (i == 0)
			ck_assert_double_eq(r, 0);
		ck_assert_double_gt(r, ratio);
		ck_assert_double_gt(w, wait);
		ratio = r;
		wait = w;
		ck_assert_uint_eq(course_end(&c), 0);
		course_fini(&c);
	}
	ck_assert_double_gt(ratio, 0.5);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("system_laws");

	tcase_add_test(tc, every_lock_obeys_the_utilisation_law_and_littles);
	tcase_add_test(tc, an_onlooker_changes_nothing);
	tcase_add_test(tc, a_cpu_has_no_more_time_than_there_is);
	tcase_add_test(tc, spinning_is_charged_where_the_locks_say_it_was);
	tcase_add_test(tc, contention_grows_with_the_cpus);
	return unit_run("system_laws", tc);
}
