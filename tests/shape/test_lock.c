/*
 * A lock under random arrivals against queueing theory. With transfers that cost nothing and a fixed
 * critical section it is an M/D/1 queue: arrivals come from a Poisson stream that knows nothing of
 * the lock, each in a flow of its own, so that nobody who waits keeps later ones from arriving.
 */
#include <math.h>
#include <stdlib.h>

#include "base/rng.h"
#include "hw/lock.h"
#include "tests/support/bed.h"
#include "tests/unit/unit.h"

#define SERVICE (100 * NS)
#define WARMUP  20000u /* arrivals */

struct stream;

struct flow {
	struct stream *stream;
	struct waitq called;
	sim_time arrived;
	struct list free; /* of the stream's pool */
};

struct stream {
	struct bed bed;
	struct lock lock;
	struct event arrival;
	struct rng rng;
	double gap; /* mean, ps */
	double next; /* the exact time of the next arrival */
	unsigned left, since_reset;
	struct list pool;
	sim_time reset_at;
	/* of completed waits, those of 0 included */
	double n, sum, sum2;
	/* number in the queue, as a step function */
	unsigned waiting;
	double area;
	sim_time changed;
};

static void step(struct stream *s, sim_time now, int by)
{
	s->area += (double)s->waiting * (double)(now - s->changed);
	s->changed = now;
	s->waiting = (unsigned)((int)s->waiting + by);
}

static void visit(struct flow *f, struct proc *p)
{
	struct stream *s = f->stream;
	double waited;

	step(s, proc_now(p), 1);
	lock_acquire(&s->lock, p);
	step(s, proc_now(p), -1);
	waited = (double)(proc_now(p) - f->arrived);
	s->n++;
	s->sum += waited;
	s->sum2 += waited * waited;
	cpu_run_ps(p, SERVICE, CPU_driver);
	lock_release(&s->lock, p);
}

static void live(struct proc *p, void *arg)
{
	struct flow *f = arg;

	for (;;) {
		visit(f, p);
		proc_sync(p);
		list_push_back(&f->stream->pool, &f->free);
		proc_wait(p, &f->called);
	}
}

static void call_somebody(struct stream *s)
{
	struct list *n = list_pop_front(&s->pool);
	struct flow *f = n ? list_entry(n, struct flow, free) : calloc(1, sizeof(*f));

	f->arrived = engine_now(s->bed.engine);
	if (n) {
		waitq_wake_one(&f->called, f->arrived);
		return;
	}
	f->stream = s;
	waitq_init(&f->called);
	list_init(&f->free);
	proc_spawn(s->bed.engine, "flow", live, f, &s->bed.machine.cpus[0]);
}

static void restart(struct stream *s)
{
	s->reset_at = engine_now(s->bed.engine);
	s->n = s->sum = s->sum2 = s->area = 0;
	s->changed = s->reset_at;
	metrics_reset(s->bed.metrics, s->reset_at);
}

static void arrive(struct event *ev)
{
	struct stream *s = container_of(ev, struct stream, arrival);

	call_somebody(s);
	if (++s->since_reset == WARMUP)
		restart(s);
	if (--s->left == 0) {
		engine_stop(s->bed.engine);
		return;
	}
	s->next += rng_exp(&s->rng, s->gap);
	event_schedule(ev, (sim_time)s->next);
}

static void run(struct stream *s, enum lock_type type, double utilisation, unsigned arrivals)
{
	*s = (struct stream){ .gap = (double)SERVICE / utilisation, .left = arrivals + WARMUP };
	bed_init(&s->bed, 1, 1);
	s->bed.lock.type = type;
	s->bed.cpu.atomic = 0;
	s->bed.cpu.line_same_socket = s->bed.cpu.line_cross_socket = 0;
	bed_build(&s->bed);
	lock_init(&s->lock, &s->bed.machine, "md1", "md1");
	list_init(&s->pool);
	rng_init(&s->rng, 1, "test.shape.lock");
	event_init(&s->arrival, s->bed.engine, arrive);
	event_schedule(&s->arrival, 0);
	engine_run(s->bed.engine, SIM_TIME_NEVER);
	step(s, engine_now(s->bed.engine), 0);
	metrics_collect(s->bed.metrics, engine_now(s->bed.engine));
}

/* The last arrivals are still on their way; let them end. */
static void end(struct stream *s)
{
	engine_run(s->bed.engine, SIM_TIME_NEVER);
	while (!list_empty(&s->pool))
		free(list_entry(list_pop_front(&s->pool), struct flow, free));
	lock_fini(&s->lock);
	event_fini(&s->arrival);
	bed_fini(&s->bed);
}

static double md1_wait(double utilisation)
{
	return utilisation * (double)SERVICE / (2 * (1 - utilisation));
}

static double measured_time(const struct stream *s)
{
	return (double)(engine_now(s->bed.engine) - s->reset_at);
}

/* Busy share of the lock = arrival rate x critical section; waiting at once = rate x mean wait. */
static void check_laws(const struct stream *s, double utilisation)
{
	const struct lock_metrics *m = &s->lock.m;
	double rate = s->n / measured_time(s), mean = s->sum / s->n;

	ck_assert_double_eq_tol(m->utilisation, rate * (double)SERVICE, 1e-4);
	ck_assert_double_eq_tol(m->utilisation, utilisation, 0.01 * utilisation);
	ck_assert_double_eq_tol(s->area / measured_time(s), rate * mean, 0.001 * rate * mean);
	ck_assert_double_eq_tol(
		(double)m->waited / measured_time(s), rate * mean, 0.001 * rate * mean);
	ck_assert_double_eq_tol(m->wait_per_acquisition, mean, 0.001 * mean);
	/* Poisson arrivals see the time average: they find it busy as often as it is busy. */
	ck_assert_double_eq_tol(m->contention_ratio, utilisation, 0.01);
}

static void check_point(enum lock_type type, double utilisation, unsigned arrivals)
{
	struct stream s;
	double want = md1_wait(utilisation);

	run(&s, type, utilisation, arrivals);
	ck_assert_double_eq_tol(s.sum / s.n, want, 0.03 * want);
	check_laws(&s, utilisation);
	end(&s);
}

START_TEST(the_mean_wait_is_that_of_an_md1_queue)
{
	check_point(LOCK_TICKET, 0.3, 200000);
	check_point(LOCK_TICKET, 0.5, 200000);
	check_point(LOCK_TICKET, 0.7, 300000);
	check_point(LOCK_TICKET, 0.85, 600000);
}
END_TEST

/* The order of service does not touch the mean. */
START_TEST(the_mean_is_the_same_for_every_algorithm)
{
	check_point(LOCK_QUEUED, 0.7, 300000);
	check_point(LOCK_TAS, 0.7, 300000);
}
END_TEST

static double second_moment(enum lock_type type, double utilisation, unsigned arrivals)
{
	struct stream s;
	double m2;

	run(&s, type, utilisation, arrivals);
	m2 = s.sum2 / s.n;
	end(&s);
	return m2;
}

/* But the spread: served at random, the second moment of the wait is 1 / (1 - utilisation / 2) times
 * that of first come, first served (Kingman 1962). The same arrivals for both. */
START_TEST(test_and_set_spreads_waits_as_service_at_random_does)
{
	for (unsigned i = 0; i < 2; i++) {
		double utilisation = i ? 0.7 : 0.5;
		double fair = second_moment(LOCK_QUEUED, utilisation, 400000);
		double random = second_moment(LOCK_TAS, utilisation, 400000);
		double want = 1 / (1 - utilisation / 2);

		ck_assert_double_eq_tol(random / fair, want, 0.05 * want);
	}
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("shape_lock");

	tcase_add_test(tc, the_mean_wait_is_that_of_an_md1_queue);
	tcase_add_test(tc, the_mean_is_the_same_for_every_algorithm);
	tcase_add_test(tc, test_and_set_spreads_waits_as_service_at_random_does);
	return unit_run("shape_lock", tc);
}
