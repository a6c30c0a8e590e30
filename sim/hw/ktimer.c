#include "hw/ktimer.h"

enum { TIMER_FIRST_TICK, TIMER_WHEEL }; /* words of cpu.timer */

static uint64_t delay_ticks(const struct machine *m, sim_time delay)
{
	/* Not by the tick's length, which is rounded: 10 ms at HZ=300 are 3 ticks, not 4. */
	uint64_t ticks = (delay * m->conf->cpu->hz + SEC - 1) / SEC;

	if (m->conf->cpu->timer == TIMER_WHEEL)
		ticks++;
	return ticks ? ticks : 1; /* already due: the next tick */
}

static void fire(struct event *ev)
{
	struct ktimer *t = container_of(ev, struct ktimer, event);

	cpu_post_timer(t->cpu, &t->work);
}

void ktimer_init(
	struct ktimer *t, struct machine *m, void (*fn)(struct proc *p, void *arg), void *arg)
{
	*t = (struct ktimer){ .machine = m };
	if (m->engine)
		event_init(&t->event, m->engine, fire);
	cpu_work_init(&t->work, fn, arg);
}

void ktimer_fini(struct ktimer *t)
{
	event_fini(&t->event);
}

void ktimer_mod(struct ktimer *t, struct proc *p, sim_time delay)
{
	sim_time tick = SEC / t->machine->conf->cpu->hz;

	if (!p)
		return; /* no time, no timers */
	t->cpu = cpu_of(p);
	t->expires = (proc_now(p) / tick + delay_ticks(t->machine, delay)) * tick;
	event_schedule(&t->event, t->expires);
}

sim_time ktimer_bound(const struct machine *m, sim_time delay)
{
	return delay_ticks(m, delay) * (SEC / m->conf->cpu->hz);
}
