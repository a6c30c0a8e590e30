#include "iommu/itags.h"

#include "hw/pcie.h"

static sim_time now_of(const struct itags *t)
{
	return engine_now(t->machine->engine);
}

/* The next request to time out, if it is not answered before. */
static void arm(struct itags *t)
{
	sim_time first = SIM_TIME_NEVER;

	for (unsigned i = 0; i < ITAGS; i++)
		if (t->tag[i].pending && t->tag[i].due < first)
			first = t->tag[i].due;
	event_cancel(&t->timeout);
	if (first != SIM_TIME_NEVER)
		event_schedule(&t->timeout, first);
}

static void drop(struct itags *t, unsigned i)
{
	t->tag[i].pending = false;
	t->n--;
}

static void expired(struct event *ev)
{
	struct itags *t = container_of(ev, struct itags, timeout);

	for (unsigned i = 0; i < ITAGS; i++)
		if (t->tag[i].pending && t->tag[i].due <= now_of(t)) {
			drop(t, i);
			t->late(t->model, t->tag[i].rid, t->tag[i].cookie);
		}
	arm(t);
	waitq_wake_all(&t->answered, now_of(t));
}

void itags_init(struct itags *t, struct machine *m, itags_late_fn *late, void *model,
	struct hist *answer_time)
{
	*t = (struct itags){
		.machine = m, .late = late, .model = model, .answer_time = answer_time
	};
	waitq_init(&t->answered);
	event_init(&t->timeout, m->engine, expired);
}

void itags_fini(struct itags *t)
{
	event_fini(&t->timeout);
}

static unsigned pending_of(const struct itags *t, rid_t rid)
{
	unsigned n = 0;

	for (unsigned i = 0; i < ITAGS; i++)
		n += t->tag[i].pending && t->tag[i].rid.bdf == rid.bdf;
	return n;
}

void itags_send(struct itags *t, struct proc *p, rid_t rid, unsigned most, uint64_t address,
	unsigned lg2, sim_time timeout, uint64_t cookie)
{
	struct pcie_port *port = pcie_find(t->machine, rid);
	uint8_t i = 0;

	most = most ? most : ITAGS;
	while (t->n == ITAGS || pending_of(t, rid) >= most)
		proc_wait(p, &t->answered);
	proc_sync(p);
	while (t->tag[i].pending)
		i++;
	t->tag[i].pending = true;
	t->tag[i].rid = rid;
	t->tag[i].sent = now_of(t);
	t->tag[i].due = timeout == SIM_TIME_NEVER ? SIM_TIME_NEVER : now_of(t) + timeout;
	t->tag[i].cookie = cookie;
	t->n++;
	arm(t);
	if (port)
		pcie_invalidate(port, i, address, lg2);
}

bool itags_answered(struct itags *t, rid_t rid, uint8_t itag)
{
	if (itag >= ITAGS || !t->tag[itag].pending || t->tag[itag].rid.bdf != rid.bdf)
		return false;
	drop(t, itag);
	if (t->answer_time)
		hist_add(t->answer_time, now_of(t) - t->tag[itag].sent);
	arm(t);
	waitq_wake_all(&t->answered, now_of(t));
	return true;
}

unsigned itags_give_up(struct itags *t)
{
	unsigned n = t->n;

	for (unsigned i = 0; i < ITAGS; i++)
		t->tag[i].pending = false;
	t->n = 0;
	arm(t);
	waitq_wake_all(&t->answered, now_of(t));
	return n;
}

void itags_wait(struct itags *t, struct proc *p)
{
	while (t->n > 0)
		proc_wait(p, &t->answered);
}
