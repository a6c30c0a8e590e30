/*
 * engine: does every event run once, at its time, in the order in which it was scheduled, and do
 * moves, cancels, stops and reused slots leave nothing behind?
 */
#include "engine/engine.h"

#include "base/bug.h"
#include "base/rng.h"
#include "tests/support/child.h"
#include "tests/unit/unit.h"

#define NEVENTS 300u
#define MAX_LOG 8192u

struct probe {
	struct event event;
	unsigned id;
};

static struct {
	unsigned id[MAX_LOG];
	sim_time at[MAX_LOG];
	size_t n;
} ran;

static void note(struct event *ev)
{
	const struct probe *p = container_of(ev, struct probe, event);

	ran.id[ran.n] = p->id;
	ran.at[ran.n++] = engine_now(ev->engine);
}

static struct engine *fresh(struct probe *p, unsigned n)
{
	struct engine *e = engine_create(1);

	ran.n = 0;
	for (unsigned i = 0; i < n; i++) {
		p[i].id = i;
		event_init(&p[i].event, e, note);
	}
	return e;
}

static void expect(size_t i, unsigned id, sim_time at)
{
	ck_assert_uint_lt(i, ran.n);
	ck_assert_uint_eq(ran.id[i], id);
	ck_assert_uint_eq(ran.at[i], at);
}

START_TEST(ties_run_in_the_order_in_which_they_were_scheduled)
{
	struct probe p[4];
	struct engine *e = fresh(p, 4);

	event_schedule(&p[2].event, 10);
	event_schedule(&p[0].event, 10);
	event_schedule(&p[3].event, 5);
	event_schedule(&p[1].event, 10);
	engine_run(e, SIM_TIME_NEVER);
	ck_assert_uint_eq(ran.n, 4);
	expect(0, 3, 5);
	expect(1, 2, 10);
	expect(2, 0, 10);
	expect(3, 1, 10);
	engine_destroy(e);
}
END_TEST

START_TEST(scheduling_again_moves_an_event_forth_and_back)
{
	struct probe p[3];
	struct engine *e = fresh(p, 3);

	event_schedule(&p[0].event, 10);
	event_schedule(&p[1].event, 20);
	event_schedule(&p[2].event, 30);
	event_schedule(&p[0].event, 25); /* later */
	event_schedule(&p[2].event, 15); /* earlier */
	event_schedule(&p[1].event, 20); /* to the same time: now behind whoever is there */
	engine_run(e, SIM_TIME_NEVER);
	ck_assert_uint_eq(ran.n, 3);
	expect(0, 2, 15);
	expect(1, 1, 20);
	expect(2, 0, 25);
	engine_destroy(e);
}
END_TEST

START_TEST(a_cancelled_event_does_not_run_and_can_be_scheduled_again)
{
	struct probe p[2];
	struct engine *e = fresh(p, 2);

	event_schedule(&p[0].event, 10);
	ck_assert(event_is_pending(&p[0].event));
	event_cancel(&p[0].event);
	ck_assert(!event_is_pending(&p[0].event));
	event_schedule(&p[1].event, 20);
	engine_run(e, 30);
	ck_assert_uint_eq(ran.n, 1);
	expect(0, 1, 20);
	event_schedule(&p[0].event, 40);
	engine_run(e, 50);
	expect(1, 0, 40);
	ck_assert(!event_is_pending(&p[0].event));
	ck_assert_uint_eq(engine_events(e), 2);
	engine_destroy(e);
}
END_TEST

START_TEST(a_slot_used_again_does_not_revive_its_last_event)
{
	struct probe p[2];
	struct engine *e = fresh(p, 1);
	uint32_t slot = p[0].event.id;

	event_schedule(&p[0].event, 10);
	event_fini(&p[0].event);
	event_fini(&p[0].event); /* once is enough, twice is harmless */
	p[1].id = 1;
	event_init(&p[1].event, e, note);
	ck_assert_uint_eq(p[1].event.id, slot);
	engine_run(e, 100);
	ck_assert_uint_eq(ran.n, 0);
	event_schedule(&p[1].event, 200);
	engine_run(e, 300);
	expect(0, 1, 200);
	engine_destroy(e);
}
END_TEST

START_TEST(a_run_ends_after_the_events_of_its_last_moment)
{
	struct probe p[3];
	struct engine *e = fresh(p, 3);

	event_schedule(&p[0].event, 99);
	event_schedule(&p[1].event, 100);
	event_schedule(&p[2].event, 101);
	engine_run(e, 100);
	ck_assert_uint_eq(ran.n, 2);
	ck_assert_uint_eq(engine_now(e), 100);
	ck_assert_uint_eq(engine_next(e), 101);
	engine_run(e, 1000);
	ck_assert_uint_eq(ran.n, 3);
	ck_assert_uint_eq(engine_now(e), 1000);
	ck_assert_uint_eq(engine_next(e), SIM_TIME_NEVER);
	engine_destroy(e);
}
END_TEST

START_TEST(a_run_without_end_leaves_the_clock_at_the_last_event)
{
	struct probe p[1];
	struct engine *e = fresh(p, 1);

	event_schedule(&p[0].event, 77);
	engine_run(e, SIM_TIME_NEVER);
	ck_assert_uint_eq(engine_now(e), 77);
	engine_destroy(e);
}
END_TEST

static void stop(struct event *ev)
{
	note(ev);
	engine_stop(ev->engine);
}

START_TEST(a_stopped_run_can_be_continued)
{
	struct probe p[2];
	struct engine *e = fresh(p, 2);

	p[0].event.fn = stop;
	event_schedule(&p[0].event, 10);
	event_schedule(&p[1].event, 10);
	engine_run(e, 100);
	ck_assert_uint_eq(ran.n, 1);
	ck_assert_uint_eq(engine_now(e), 10);
	engine_run(e, 100);
	ck_assert_uint_eq(ran.n, 2);
	expect(1, 1, 10);
	ck_assert_uint_eq(engine_now(e), 100);
	engine_destroy(e);
}
END_TEST

/* ---- random schedules, moves and cancels against a table ---- */

struct expected {
	sim_time when;
	uint64_t order; /* of scheduling; 0: not pending */
};

static unsigned first_of(const struct expected *x)
{
	unsigned best = NEVENTS;

	for (unsigned i = 0; i < NEVENTS; i++)
		if (x[i].order &&
			(best == NEVENTS || x[i].when < x[best].when ||
				(x[i].when == x[best].when && x[i].order < x[best].order)))
			best = i;
	return best;
}

static void shuffle(struct rng *r, struct probe *p, struct expected *x, sim_time now)
{
	static uint64_t order;

	for (unsigned k = 0; k < 200; k++) {
		unsigned i = (unsigned)rng_below(r, NEVENTS);

		if (rng_below(r, 4) == 0) {
			event_cancel(&p[i].event);
			x[i].order = 0;
		} else {
			x[i] = (struct expected){ now + rng_below(r, 50), ++order };
			event_schedule(&p[i].event, x[i].when);
		}
		ck_assert_int_eq(event_is_pending(&p[i].event), x[i].order != 0);
	}
}

START_TEST(random_moves_and_cancels_agree_with_a_table)
{
	static struct probe p[NEVENTS];
	static struct expected x[NEVENTS];
	struct engine *e = fresh(p, NEVENTS);
	struct rng r;

	rng_init(&r, 1, "test.engine");
	for (unsigned round = 0; round < 300; round++) {
		sim_time until = engine_now(e) + rng_below(&r, 40);
		unsigned i;

		shuffle(&r, p, x, engine_now(e));
		ran.n = 0;
		if ((i = first_of(x)) < NEVENTS)
			ck_assert_uint_le(
				engine_next(e), x[i].when); /* early at most, never late */
		engine_run(e, until);
		for (size_t k = 0; k < ran.n; k++) {
			i = first_of(x);
			expect(k, i, x[i].when);
			x[i].order = 0;
		}
		i = first_of(x);
		ck_assert(i == NEVENTS || x[i].when > until);
	}
	engine_destroy(e);
}
END_TEST

static void schedule_in_the_past(void *arg)
{
	struct probe *p = arg;

	event_schedule(&p->event, 99);
}

START_TEST(the_past_is_refused)
{
	struct probe p[1];
	struct engine *e = fresh(p, 1);
	struct child_end end;

	engine_run(e, 100);
	end = child_run(schedule_in_the_past, p);
	ck_assert(end.exited);
	ck_assert_int_eq(end.code, EXIT_BUG);
	engine_destroy(e);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("engine");

	tcase_add_test(tc, ties_run_in_the_order_in_which_they_were_scheduled);
	tcase_add_test(tc, scheduling_again_moves_an_event_forth_and_back);
	tcase_add_test(tc, a_cancelled_event_does_not_run_and_can_be_scheduled_again);
	tcase_add_test(tc, a_slot_used_again_does_not_revive_its_last_event);
	tcase_add_test(tc, a_run_ends_after_the_events_of_its_last_moment);
	tcase_add_test(tc, a_run_without_end_leaves_the_clock_at_the_last_event);
	tcase_add_test(tc, a_stopped_run_can_be_continued);
	tcase_add_test(tc, random_moves_and_cancels_agree_with_a_table);
	tcase_add_test(tc, the_past_is_refused);
	return unit_run("engine", tc);
}
