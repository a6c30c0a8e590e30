#include "base/bug.h"
#include "workloads/replay.h"

static sim_time now_of(const struct replay *r)
{
	return engine_now(r->env.machine->engine);
}

static void schedule(struct event *ev, sim_time due)
{
	sim_time now = engine_now(ev->engine);

	event_schedule(ev, due > now ? due : now);
}

/* ---- CPUs ---- */

static struct replay_step *first_of(const struct list *steps)
{
	return list_empty(steps) ? NULL : list_entry(steps->next, struct replay_step, link);
}

/* An unmap waits for its map and for every DMA. A sync waits for the map only. */
static bool is_possible(const struct replay_step *s)
{
	const struct replay_buffer *b = s->buffer;

	if (s->type == TRACE_MAP)
		return true;
	return (b->mapped || b->failed) && (s->type != TRACE_UNMAP || b->dmas == 0);
}

void replay_kick_cpu(struct replay_cpu *c)
{
	const struct replay_step *s = first_of(&c->steps);

	if (s && !c->running && is_possible(s))
		schedule(&c->due, s->due);
}

static void cpu_due(struct event *ev)
{
	struct replay_cpu *c = container_of(ev, struct replay_cpu, due);

	cpu_post(c->cpu, &c->work);
}

static void do_map(struct replay *r, struct replay_buffer *b, struct proc *p)
{
	bool ok;

	if (b->coherent)
		ok = dma_alloc_coherent(
			b->device->dma, p, (uint32_t)b->len, &b->coherent_pa, &b->iova);
	else
		ok = dma_map_sg(b->device->dma, p, b->sg, b->n, b->dir, &b->iova);
	r->m.maps += ok;
	r->m.map_failures += !ok;
	b->mapped_at = proc_now(p);
	b->mapped = ok;
	b->failed = !ok;
	replay_kick_device(b->device);
	if (b->dying)
		replay_kick_cpu(&r->cpu[b->unmap_cpu]);
}

void replay_unmap(struct replay_buffer *b, struct proc *p)
{
	if (b->coherent)
		dma_free_coherent(b->device->dma, p, (uint32_t)b->len, b->coherent_pa, b->iova);
	else
		dma_unmap_sg(b->device->dma, p, b->sg, b->n, b->dir, b->iova);
	b->mapped = false;
}

static void do_unmap(struct replay *r, struct replay_buffer *b, struct proc *p)
{
	if (b->mapped) {
		replay_unmap(b, p);
		r->m.unmaps++;
	} else {
		r->m.skipped++;
	}
	replay_buffer_free(r, b);
}

/* x86 keeps caches coherent with devices: a sync is a call that does nothing. */
static void do_sync(struct replay *r, const struct replay_buffer *b, struct proc *p)
{
	cpu_run(p, r->env.machine->conf->cost->dma_call, CPU_dma);
	r->m.syncs += b->mapped;
	r->m.skipped += b->failed;
}

static void run_step(struct replay_cpu *c, struct replay_step *s, struct proc *p)
{
	struct replay *r = c->replay;

	if (s->due)
		hist_add(&r->m.late, proc_now(p) > s->due ? proc_now(p) - s->due : 0);
	switch (s->type) {
	case TRACE_MAP:
		do_map(r, s->buffer, p);
		break;
	case TRACE_UNMAP:
		do_unmap(r, s->buffer, p);
		break;
	default:
		do_sync(r, s->buffer, p);
	}
	replay_step_free(r, s);
}

/* Whatever is due by the CPU's own time. */
static void cpu_works(struct proc *p, void *arg)
{
	struct replay_cpu *c = arg;
	struct replay_step *s;

	while ((s = first_of(&c->steps)) != NULL && is_possible(s) && s->due <= proc_now(p) &&
		!c->replay->stopped) {
		/* What the step depends on happened at times of other CPUs. */
		if (s->type != TRACE_MAP && s->buffer->mapped_at > proc_now(p)) {
			proc_sleep_until(p, s->buffer->mapped_at);
			continue;
		}
		list_remove(&s->link);
		c->running = true;
		run_step(c, s, p);
		c->running = false;
		replay_feed(c->replay);
	}
	replay_kick_cpu(c);
}

/* ---- devices ---- */

void replay_kick_device(struct replay_device *d)
{
	const struct replay_step *s = first_of(&d->steps);

	if (!s || !(s->buffer->mapped || s->buffer->failed))
		return;
	schedule(&d->due, s->due > s->buffer->mapped_at ? s->due : s->buffer->mapped_at);
}

static void end_dma(struct replay *r, struct replay_step *s)
{
	struct replay_buffer *b = s->buffer;

	b->dmas--;
	replay_step_free(r, s);
	if (b->dmas == 0 && b->dying && !r->stopped)
		replay_kick_cpu(&r->cpu[b->unmap_cpu]);
	replay_feed(r);
}

static void dma_done(struct pcie_dma *d)
{
	struct replay_step *s = d->owner;
	struct replay *r = s->replay;

	r->m.dmas++;
	r->m.dma_bytes += d->len;
	r->m.faulted += d->faulted;
	hist_add(&r->m.latency, now_of(r) - s->due);
	end_dma(r, s);
}

static void begin_dma(struct replay_device *d, struct replay_step *s)
{
	struct replay *r = d->replay;

	list_remove(&s->link);
	if (s->buffer->failed) {
		r->m.skipped++;
		end_dma(r, s);
		return;
	}
	if (!s->due)
		s->due = now_of(r);
	s->dma.iova = (iova_t){ s->buffer->iova.a + s->offset };
	s->dma.done = dma_done;
	s->dma.owner = s;
	r->m.issued++;
	pcie_submit(d->port, &s->dma);
}

static void device_due(struct event *ev)
{
	struct replay_device *d = container_of(ev, struct replay_device, due);
	struct replay_step *s = first_of(&d->steps);

	if (s && !d->replay->stopped)
		begin_dma(d, s);
	replay_kick_device(d);
}

/* ---- all of them ---- */

void replay_cpu_init(struct replay *r, unsigned i)
{
	struct replay_cpu *c = &r->cpu[i];

	c->replay = r;
	c->cpu = &r->env.machine->cpus[i];
	list_init(&c->steps);
	event_init(&c->due, r->env.machine->engine, cpu_due);
	cpu_work_init(&c->work, cpu_works, c);
}

void replay_device_init(struct replay *r, unsigned i)
{
	struct replay_device *d = &r->device[i];

	d->replay = r;
	list_init(&d->steps);
	event_init(&d->due, r->env.machine->engine, device_due);
}

void replay_fini_events(struct replay *r)
{
	for (uint32_t i = 0; r->cpu && i < r->totals.cpus; i++)
		event_fini(&r->cpu[i].due);
	for (uint32_t i = 0; r->device && i < r->totals.devices; i++)
		event_fini(&r->device[i].due);
}

static void drop_steps(struct replay *r, struct list *steps)
{
	struct list *n;

	while ((n = list_pop_front(steps)) != NULL) {
		struct replay_step *s = list_entry(n, struct replay_step, link);

		s->buffer->dmas -= s->type == TRACE_DMA;
		s->buffer->dying &= s->type != TRACE_UNMAP;
		replay_step_free(r, s);
	}
}

void replay_drop(struct replay *r)
{
	r->stopped = true;
	for (uint32_t i = 0; i < r->totals.cpus; i++) {
		event_cancel(&r->cpu[i].due);
		drop_steps(r, &r->cpu[i].steps);
	}
	for (uint32_t i = 0; i < r->totals.devices; i++) {
		event_cancel(&r->device[i].due);
		drop_steps(r, &r->device[i].steps);
	}
}

bool replay_is_idle(const struct replay *r)
{
	for (uint32_t i = 0; i < r->totals.cpus; i++)
		if (r->cpu[i].running || r->cpu[i].work.queued)
			return false;
	for (uint32_t i = 0; i < r->totals.devices; i++)
		if (!pcie_port_idle(r->device[i].port))
			return false;
	return r->at_hand == 0;
}
