#include "tests/dma/explore.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "engine/engine.h"

#define DEPTH_MAX 400u

struct flow {
	struct cpu_work work;
	struct waitq turn;
	unsigned number;
	bool waiting, ended;
	const uint64_t *word; /* that its next step is on */
	uint64_t history;
};

static struct {
	struct explore *e;
	struct engine *engine;
	struct conform_bed bed;
	struct flow flow[EXPLORE_FLOWS];
	unsigned choice[DEPTH_MAX]; /* the order that is being replayed */
	unsigned prefix; /* of it, fixed */
	bool old; /* a state was seen before: what follows is not news */
	uint64_t *seen; /* hash set */
	uint64_t room;
} x;

static uint64_t mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * UINT64_C(0x9e3779b97f4a7c15);
	return h ^ (h >> 29);
}

static void insert(uint64_t *set, uint64_t room, uint64_t h)
{
	uint64_t at = h & (room - 1);

	while (set[at])
		at = (at + 1) & (room - 1);
	set[at] = h;
}

static void grow(void)
{
	uint64_t room = x.room ? 2 * x.room : 1 << 16, *set = xcalloc(room, sizeof(*set));

	for (uint64_t i = 0; i < x.room; i++)
		if (x.seen[i])
			insert(set, room, x.seen[i]);
	free(x.seen);
	x.seen = set;
	x.room = room;
}

/* False: it was there. */
static bool remember(uint64_t h)
{
	h = h ? h : 1;
	if (2 * x.e->states >= x.room)
		grow();
	for (uint64_t at = h & (x.room - 1); x.seen[at]; at = (at + 1) & (x.room - 1))
		if (x.seen[at] == h)
			return false;
	insert(x.seen, x.room, h);
	x.e->states++;
	return true;
}

static uint64_t state(void)
{
	uint64_t h = x.e->hash();

	for (unsigned i = 0; i < x.e->nflows; i++)
		h = mix(mix(h, x.flow[i].history), x.flow[i].ended);
	return h;
}

static void on_step(void *arg, struct proc *p, const uint64_t *word)
{
	struct flow *f = &x.flow[cpu_id(p)];

	(void)arg;
	f->word = word;
	f->waiting = true;
	proc_wait(p, &f->turn);
	f->waiting = false;
	f->history = mix(f->history, word ? *word + 2 : 1);
}

void explore_step(struct proc *p)
{
	on_step(NULL, p, NULL);
}

static void run_flow(struct proc *p, void *arg)
{
	struct flow *f = arg;

	x.e->flow(p, f->number);
	f->ended = true;
}

static void start(void)
{
	x.engine = engine_create(1);
	conform_bed_init(&x.bed, x.e->nflows, x.engine);
	x.e->begin(&x.bed);
	x.bed.machine.on_step = on_step;
	for (unsigned i = 0; i < x.e->nflows; i++) {
		struct flow *f = &x.flow[i];

		*f = (struct flow){ .number = i };
		waitq_init(&f->turn);
		cpu_work_init(&f->work, run_flow, f);
		cpu_post(&x.bed.machine.cpus[i], &f->work);
	}
	engine_run(x.engine, SIM_TIME_NEVER); /* up to the first step of each */
}

static void finish(void)
{
	x.bed.machine.on_step = NULL;
	x.e->end();
	conform_bed_fini(&x.bed);
	engine_destroy(x.engine);
}

/* The flow from `from` on that can take a step; EXPLORE_FLOWS: none. */
static unsigned next_waiting(unsigned from)
{
	while (from < x.e->nflows && !x.flow[from].waiting)
		from++;
	return from < x.e->nflows ? from : EXPLORE_FLOWS;
}

/* What else could have been done at each depth: the next flow after the choice, or EXPLORE_FLOWS. */
static unsigned other[DEPTH_MAX];

/* One order to its end; its length. */
static unsigned replay(void)
{
	unsigned depth = 0, who;

	x.old = false;
	start();
	for (; (who = next_waiting(0)) != EXPLORE_FLOWS; depth++) {
		ck_assert_uint_lt(depth, DEPTH_MAX);
		if (depth < x.prefix)
			who = x.choice[depth];
		else if (!x.old)
			x.old = !remember(state());
		x.choice[depth] = who;
		other[depth] = x.old ? EXPLORE_FLOWS : next_waiting(who + 1);
		waitq_wake_one(&x.flow[who].turn, engine_now(x.engine));
		engine_run(x.engine, SIM_TIME_NEVER);
	}
	finish();
	return depth;
}

void explore_all(struct explore *e)
{
	unsigned depth;

	memset(&x, 0, sizeof(x));
	x.e = e;
	e->orders = e->states = e->steps_most = 0;
	grow();
	do {
		depth = replay();
		e->orders++;
		e->steps_most = depth > e->steps_most ? depth : e->steps_most;
		while (depth > 0 && other[depth - 1] == EXPLORE_FLOWS)
			depth--;
		if (depth > 0)
			x.choice[depth - 1] = other[depth - 1];
		x.prefix = depth;
	} while (depth > 0);
	free(x.seen);
}
