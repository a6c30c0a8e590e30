#include "hw/cpu.h"

#include <stdio.h>

#include "base/bits.h"

#define SPENT_DESC_(id, help)                                                                      \
	{ #id, METRIC_TIME, offsetof(struct cpu, m.spent[CPU_##id]), "ps", NULL, help },
static const struct metric_desc desc[] = {
	CPU_TIMES(SPENT_DESC_){ "busy", METRIC_TIME, offsetof(struct cpu, m.busy), "ps", NULL,
		"All categories together." },
	{ "busy_share", METRIC_REAL, offsetof(struct cpu, m.busy_share), "share", NULL,
		"Busy time over measured time." },
};
const struct metric_table cpu_metric_table = { "cpu", "One CPU: where its time went.", desc,
	ARRAY_SIZE(desc) };

/* Until when time is charged: the CPU's own clock may run ahead. */
static sim_time reach(const struct cpu *c, sim_time now)
{
	return c->charged_until > now ? c->charged_until : now;
}

static void reset(void *arg, sim_time now)
{
	struct cpu *c = arg;

	c->measured_from = now;
	c->counted_from = reach(c, now);
}

static void collect(void *arg, sim_time now)
{
	struct cpu *c = arg;
	sim_time measured = reach(c, now) - c->counted_from;

	c->m.busy = 0;
	for (unsigned i = 0; i < CPU_TIME_COUNT; i++)
		c->m.busy += c->m.spent[i];
	c->m.busy_share = measured ? (double)c->m.busy / (double)measured : 0;
}

void cpu_init(struct cpu *c, struct machine *m, unsigned id)
{
	struct metric_scope *scope = metric_scope_child(m->cpu_scope, "cpu%u", id);
	unsigned per_socket = m->conf->cpu->per_socket;

	*c = (struct cpu){ .id = id, .machine = m };
	c->socket = id / per_socket;
	for (unsigned i = 0; i < per_socket; i++)
		c->neighbours |= BIT64((c->socket * per_socket + i) % 64);
	c->clock = clock_of_hz(m->conf->cpu->clock);
	list_init(&c->timers_due);
	list_init(&c->work);
	waitq_init(&c->idle);
	metric_scope_add(scope, &cpu_metric_table, c);
	metric_scope_hooks(scope, reset, collect, c);
}

static struct cpu_work *next_work(struct cpu *c)
{
	struct list *n = list_pop_front(&c->timers_due);

	if (!n)
		n = list_pop_front(&c->work);
	return n ? list_entry(n, struct cpu_work, link) : NULL;
}

static void run(struct proc *p, void *arg)
{
	struct cpu *c = arg;
	struct cpu_work *w;

	for (;;) {
		bool timer;

		proc_sync(p); /* whatever is posted up to now is seen before going to sleep */
		timer = !list_empty(&c->timers_due);
		w = next_work(c);
		if (w) {
			sim_time from = proc_now(p);

			w->queued = false;
			w->fn(p, w->arg);
			cpu_tell(p, timer ? "timer" : "work", from);
			continue;
		}
		c->sleeping = true;
		proc_wait(p, &c->idle);
		c->sleeping = false;
	}
}

void cpu_start(struct cpu *c)
{
	char name[16];

	snprintf(name, sizeof(name), "cpu%u", c->id);
	c->proc = proc_spawn(c->machine->engine, name, run, c, c);
}

void cpu_work_init(struct cpu_work *w, void (*fn)(struct proc *p, void *arg), void *arg)
{
	*w = (struct cpu_work){ .fn = fn, .arg = arg };
	list_init(&w->link);
}

static void post(struct cpu *c, struct list *queue, struct cpu_work *w)
{
	if (w->queued)
		return;
	w->queued = true;
	list_push_back(queue, &w->link);
	if (c->sleeping)
		waitq_wake_one(&c->idle, engine_now(c->machine->engine));
}

void cpu_post(struct cpu *c, struct cpu_work *w)
{
	post(c, &c->work, w);
}

void cpu_post_timer(struct cpu *c, struct cpu_work *w)
{
	post(c, &c->timers_due, w);
}

struct cpu *cpu_of(const struct proc *p)
{
	return proc_owner(p);
}

unsigned cpu_id_timed(const struct proc *p)
{
	const struct cpu *c = cpu_of(p);

	return c ? c->id : 0;
}

void cpu_tell(const struct proc *p, const char *what, sim_time from)
{
	const struct cpu *c = cpu_of(p);

	if (c)
		probe_span(c->machine->probe, (struct probe_track){ PROBE_CPU, c, c->id, "CPU" },
			what, from, proc_now(p));
}

void cpu_run_timed(struct proc *p, uint64_t cycles, enum cpu_time what)
{
	struct cpu *c = cpu_of(p);

	if (c)
		cpu_run_ps(p, clock_to_ps(&c->clock, cycles), what);
}

void cpu_run_ps(struct proc *p, sim_time ps, enum cpu_time what)
{
	struct cpu *c = cpu_of(p);

	if (!c)
		return;
	c->m.spent[what] += ps;
	proc_advance(p, ps);
	c->charged_until = proc_now(p);
}

void cpu_account(struct proc *p, sim_time from, enum cpu_time what)
{
	struct cpu *c = cpu_of(p);

	if (!c)
		return;
	if (from < c->measured_from) /* of a wait that began in the warm-up, what lies after it */
		from = c->measured_from;
	c->m.spent[what] += proc_now(p) - from;
	c->charged_until = proc_now(p);
}
