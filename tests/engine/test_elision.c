/*
 * A sync that nobody can come before takes no event. Is a run with this short cut the same, step by
 * step, as one where an event is always pending and every sync goes through the queue?
 */
#include <string.h>

#include "base/rng.h"
#include "engine/proc.h"
#include "tests/unit/unit.h"

#define NPROCS  6u
#define NQUEUES 2u
#define STEPS   400u
#define MAX_LOG (NPROCS * STEPS * 2)

struct entry {
	sim_time now, local;
	unsigned who, what;
};

struct course {
	struct engine *engine;
	struct waitq queue[NQUEUES];
	struct event ticker; /* always pending, at every picosecond */
	struct entry log[MAX_LOG];
	size_t n;
	unsigned finished;
	uint64_t seed;
};

struct actor {
	struct course *course;
	unsigned id;
	struct rng rng;
};

static void tick(struct event *ev)
{
	event_schedule(ev, engine_now(ev->engine) + 1);
}

static void note(struct actor *a, struct proc *p, unsigned what)
{
	struct course *c = a->course;

	if (c->n < MAX_LOG)
		c->log[c->n] = (struct entry){ engine_now(c->engine), proc_now(p), a->id, what };
	c->n++;
}

static void act(struct proc *p, void *arg)
{
	struct actor *a = arg;
	struct course *c = a->course;

	for (unsigned i = 0; i < STEPS; i++) {
		struct waitq *q = &c->queue[rng_below(&a->rng, NQUEUES)];
		unsigned what = (unsigned)rng_below(&a->rng, 8);

		proc_advance(p, rng_below(&a->rng, 12));
		if (what < 4)
			proc_sync(p);
		else if (what == 4)
			proc_sleep_until(p, proc_now(p) + rng_below(&a->rng, 40));
		else if (what == 5 && i < STEPS / 2 && a->id != 0) /* somebody must stay awake */
			proc_wait(p, q);
		else
			waitq_wake_one(q, proc_now(p) + rng_below(&a->rng, 5));
		note(a, p, what);
	}
	waitq_wake_all(&c->queue[0], proc_now(p));
	waitq_wake_all(&c->queue[1], proc_now(p));
	c->finished++;
}

static uint64_t run(struct course *c, uint64_t seed, bool ticking)
{
	struct actor actors[NPROCS];
	uint64_t events;

	memset(c, 0, sizeof(*c));
	c->engine = engine_create(seed);
	event_init(&c->ticker, c->engine, tick);
	for (unsigned i = 0; i < NQUEUES; i++)
		waitq_init(&c->queue[i]);
	if (ticking)
		event_schedule(&c->ticker, 0);
	for (unsigned i = 0; i < NPROCS; i++) {
		actors[i] = (struct actor){ .course = c, .id = i };
		rng_init(&actors[i].rng, seed * NPROCS + i, "test.elision");
		proc_spawn(c->engine, "actor", act, &actors[i], NULL);
	}
	for (unsigned part = 1; part <= 20; part++) /* ends of runs in between must not show */
		engine_run(c->engine, part * 1000);
	events = engine_events(c->engine);
	event_fini(&c->ticker);
	engine_destroy(c->engine);
	return events;
}

START_TEST(a_run_is_the_same_with_and_without_the_short_cut)
{
	static struct course with, without;

	for (uint64_t seed = 1; seed <= 20; seed++) {
		uint64_t events = run(&with, seed, false);

		run(&without, seed, true);
		ck_assert_uint_gt(with.n, NPROCS * STEPS / 2);
		ck_assert_uint_lt(events, with.n); /* there was something to cut */
		ck_assert_uint_eq(with.n, without.n);
		ck_assert_uint_eq(with.finished, without.finished);
		for (size_t i = 0; i < with.n; i++) {
			ck_assert_uint_eq(with.log[i].who, without.log[i].who);
			ck_assert_uint_eq(with.log[i].what, without.log[i].what);
			ck_assert_uint_eq(with.log[i].now, without.log[i].now);
			ck_assert_uint_eq(with.log[i].local, without.log[i].local);
		}
	}
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("elision");

	tcase_add_test(tc, a_run_is_the_same_with_and_without_the_short_cut);
	return unit_run("elision", tc);
}
