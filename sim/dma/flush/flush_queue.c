/*
 * flush-queue: the lazy unmap of Linux 6.12, drivers/iommu/dma-iommu.c (queue_iova, fq_flush_timeout,
 * fq_ring_free_locked, fq_flush_iotlb). Each domain has a ring per CPU, of 256 entries that hold 255,
 * with a lock of its own. Before an unmap queues its range, it releases the entries at the head that
 * some flush has covered meanwhile, and if the ring is still full it flushes: one invalidation of the
 * whole domain, which covers what waits in the rings of all CPUs.
 *
 * Two counters say what is covered: flushes started, flushes finished. An entry carries the number of
 * starts when it was queued; once more flushes have finished than that, one of them started after
 * it. One timer per domain, armed by the first entry after its last expiry (10 ms), flushes once and
 * then empties the rings of all CPUs: their addresses go to the CPU that runs it.
 *
 * `mode: single` is the one queue of 32768 entries and 1 s that virtual IOMMUs get (shadow_on_flush).
 *
 * Departures: the lock that drivers hold through the flush (domain_lock) is taken here, not in the driver.
 */
#include "dma/flush/flush.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/bug.h"
#include "dma/flush/flush_domains.h"
#include "dma/flush/flush_metrics.h"
#include "dma/flush/flush_ring.h"
#include "hw/cpu.h"

enum mode { MODE_PERCPU, MODE_SINGLE }; /* words of mode */

/* What the kernel sets for each mode. */
static const struct {
	uint32_t entries;
	sim_time timeout;
} kernel_default[] = {
	[MODE_PERCPU] = { 256, 10 * MS },
	[MODE_SINGLE] = { 32768, 1 * SEC },
};

#define FLUSH_QUEUE_CONF(F)                                                                        \
	F(choice, mode, "percpu", NULL, NULL, "percpu|single",                                     \
		"Rings of a domain: one per CPU, or one for all CPUs.")                            \
	F(u32, entries, "0", "0", "1048576", "ranges",                                             \
		"Size of a ring, a power of two; it holds one less. 0: 256 per CPU, 32768 "        \
		"for the single ring.")                                                            \
	F(time, timeout, "0", "0", "100s", "",                                                     \
		"Delay of the domain's kernel timer. 0: 10 ms, 1 s with the single ring.")         \
	F(bool, domain_lock, "true", NULL, NULL, "",                                               \
		"Hold the domain's lock through each flush, as the drivers of 6.12 do.")

CONF_DECLARE(flush_queue_conf, FLUSH_QUEUE_CONF);

static bool validate(const void *conf, struct conf_check *chk)
{
	uint32_t n = ((const struct flush_queue_conf *)conf)->entries;

	if (n == 1 || (n & (n - 1)))
		return conf_refuse(chk, "entries", "must be a power of two, at least 2");
	return true;
}

#define CONF_STRUCT_ struct flush_queue_conf
static const struct conf_field fields[] = { FLUSH_QUEUE_CONF(CONF_FIELD_) };
#undef CONF_STRUCT_
static const struct conf_table conf_table =
	CONF_TABLE("flush-queue", flush_queue_conf, fields, validate);

struct fq_domain {
	uint16_t id;
	unsigned iommu;
	uint64_t started, finished; /* flushes */
	bool timer_on;
	struct line counters, timer; /* of those: kept apart against false sharing */
	struct lock lock; /* of the driver's domain */
	struct flush_ring *ring;
};

struct flush_queue {
	struct flush_env env;
	struct flush_queue_conf conf; /* with the mode's defaults filled in */
	unsigned nrings; /* of a domain */
	struct flush_domains domains; /* of struct fq_domain */
	struct flush_metrics m;
};

static bool fq_init(void *state, const void *conf, const struct flush_env *env, struct err *err)
{
	struct flush_queue *s = state;

	(void)err;
	s->env = *env;
	s->conf = *(const struct flush_queue_conf *)conf;
	if (s->conf.entries == 0)
		s->conf.entries = kernel_default[s->conf.mode].entries;
	if (s->conf.timeout == 0)
		s->conf.timeout = kernel_default[s->conf.mode].timeout;
	s->nrings = s->conf.mode == MODE_SINGLE ? 1 : env->ncpus;
	metric_scope_add(env->scope, &flush_metric_table, &s->m);
	return true;
}

static void fq_domain_add(void *state, uint16_t domain)
{
	struct flush_queue *s = state;
	struct machine *m = s->env.machine;
	struct fq_domain *d = flush_domains_add(&s->domains, domain, sizeof(*d));

	d->id = domain;
	line_init(&d->counters);
	line_init(&d->timer);
	lock_init(&d->lock, m, "&domain->cache_lock", "dom%u.cache_lock", domain);
	d->ring = xcalloc(s->nrings, sizeof(*d->ring));
	for (unsigned i = 0; i < s->nrings; i++) {
		if (s->conf.mode == MODE_SINGLE)
			lock_init(&d->ring[i].lock, m, "&fq->lock", "dom%u.fq", domain);
		else
			lock_init(&d->ring[i].lock, m, "&fq->lock", "dom%u.fq.cpu%u", domain, i);
		flush_ring_init(&d->ring[i], m, s->conf.entries);
	}
}

static void fq_fini(void *state)
{
	struct flush_queue *s = state;

	BUG_ON(s->m.held != 0);
	for (unsigned i = 0; i < s->domains.n; i++) {
		struct fq_domain *d = s->domains.state[i];

		if (!d)
			continue;
		for (unsigned k = 0; k < s->nrings; k++) {
			lock_fini(&d->ring[k].lock);
			flush_ring_fini(&d->ring[k]);
		}
		free(d->ring);
		lock_fini(&d->lock);
	}
	flush_domains_fini(&s->domains);
}

/* ---- rings; the caller holds the ring's lock ---- */

/* fq_ring_free_locked(): release the entries at the head that a flush has covered. */
static void release_covered(
	struct flush_queue *s, struct proc *p, struct fq_domain *d, struct flush_ring *q)
{
	struct dma_range r;
	uint64_t finished;

	line_read(&d->counters, p, CPU_flush_queue);
	finished = d->finished;
	while (flush_ring_pop(q, p, finished, &r)) {
		s->m.held--;
		s->env.release(s->env.ctx, p, &r);
	}
}

/* ---- flush ---- */

static void bump(struct flush_queue *s, struct proc *p, struct fq_domain *d, uint64_t *counter)
{
	line_write(&d->counters, p, CPU_flush_queue);
	cpu_run(p, s->env.machine->conf->cpu->atomic, CPU_flush_queue);
	proc_sync(p);
	++*counter;
}

/* Close the windows of what finished flushes cover, in all rings. */
static uint64_t close_windows(struct flush_queue *s, struct proc *p, struct fq_domain *d)
{
	const struct dma_range *r;
	uint64_t n = 0;

	for (unsigned k = 0; k < s->nrings; k++) {
		while ((r = flush_ring_cover(&d->ring[k], d->finished)) != NULL) {
			s->env.flushed(s->env.ctx, p, r);
			n++;
		}
	}
	return n;
}

/* fq_flush_iotlb(). due: when the caller was called, before it waited for locks. */
static void flush_domain(struct flush_queue *s, struct proc *p, struct fq_domain *d, sim_time due,
	enum flush_trigger why)
{
	const struct iommu_flush f = { .scope = IOMMU_FLUSH_DOMAIN, .domain = d->id };
	sim_time done;

	bump(s, p, d, &d->started);
	if (s->conf.domain_lock)
		lock_acquire(&d->lock, p);
	s->env.invalidate(s->env.ctx, p, d->iommu, &f, why);
	done = proc_now(p);
	if (s->conf.domain_lock)
		lock_release(&d->lock, p);
	bump(s, p, d, &d->finished);
	flush_metrics_add(&s->m, why, close_windows(s, p, d), due, done);
}

static void release_all_rings(struct flush_queue *s, struct proc *p, struct fq_domain *d)
{
	for (unsigned k = 0; k < s->nrings; k++) {
		lock_acquire(&d->ring[k].lock, p);
		release_covered(s, p, d, &d->ring[k]);
		lock_release(&d->ring[k].lock, p);
	}
}

/* Looked at without a lock, so that the timer's line is written once per expiry. */
static void arm_timer(struct flush_queue *s, struct proc *p, struct fq_domain *d)
{
	line_read(&d->timer, p, CPU_flush_queue);
	if (d->timer_on)
		return;
	line_write(&d->timer, p, CPU_flush_queue);
	cpu_run(p, s->env.machine->conf->cpu->atomic, CPU_flush_queue);
	d->timer_on = true;
	s->env.timer_mod(s->env.ctx, p, d->id, s->conf.timeout);
	s->m.timers_armed++;
}

/* queue_iova() */
static void fq_unmapped(void *state, struct proc *p, const struct dma_range *r)
{
	struct flush_queue *s = state;
	struct fq_domain *d = flush_domains_at(&s->domains, r->domain_id);
	struct flush_ring *q = &d->ring[s->conf.mode == MODE_SINGLE ? 0 : cpu_id(p)];
	sim_time due = proc_now(p);

	d->iommu = r->iommu;
	lock_acquire(&q->lock, p);
	release_covered(s, p, d, q);
	if (flush_ring_is_full(q)) {
		flush_domain(s, p, d, due, FLUSH_BY_batch_full);
		release_covered(s, p, d, q);
	}
	line_read(&d->counters, p, CPU_flush_queue);
	flush_ring_add(q, p, r, d->started);
	s->m.held++;
	s->m.unmaps++;
	lock_release(&q->lock, p);
	arm_timer(s, p, d);
}

/* fq_flush_timeout() */
static void fq_timer(void *state, struct proc *p, unsigned timer)
{
	struct flush_queue *s = state;
	struct fq_domain *d = flush_domains_at(&s->domains, timer);
	sim_time due = proc_now(p);

	if (!d->timer_on)
		return; /* deleted by drain() while it was on its way */
	line_write(&d->timer, p, CPU_flush_queue);
	d->timer_on = false;
	flush_domain(s, p, d, due, FLUSH_BY_timer);
	release_all_rings(s, p, d);
}

static bool is_waiting(const struct flush_queue *s, const struct fq_domain *d)
{
	for (unsigned k = 0; k < s->nrings; k++)
		if (flush_ring_waits(&d->ring[k]))
			return true;
	return false;
}

static void fq_drain(void *state, struct proc *p)
{
	struct flush_queue *s = state;

	for (unsigned i = 0; i < s->domains.n; i++) {
		struct fq_domain *d = s->domains.state[i];

		if (!d)
			continue;
		d->timer_on = false;
		if (is_waiting(s, d))
			flush_domain(s, p, d, proc_now(p), FLUSH_BY_drain);
		release_all_rings(s, p, d);
	}
}

static uint64_t fq_held(const void *state)
{
	const struct flush_queue *s = state;

	return s->m.held;
}

static sim_time fq_window_bound(const void *state)
{
	const struct flush_queue *s = state;

	return s->env.timer_bound(s->env.ctx, s->conf.timeout);
}

const struct flush_policy_ops flush_queue_ops = {
	.name = "flush-queue",
	.summary = "Ring of 256 per CPU or 10 ms, one flush of the domain for all rings",
	.source = "Linux 6.12 drivers/iommu/dma-iommu.c: queue_iova, fq_flush_timeout",
	.state_size = sizeof(struct flush_queue),
	.conf = &conf_table,
	.init = fq_init,
	.domain_add = fq_domain_add,
	.fini = fq_fini,
	.unmapped = fq_unmapped,
	.timer = fq_timer,
	.drain = fq_drain,
	.held = fq_held,
	.window_bound = fq_window_bound,
};
