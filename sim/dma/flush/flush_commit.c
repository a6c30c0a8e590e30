/*
 * commit: unmapped ranges wait, per domain, until whoever uses the domain commits; one invalidation of
 * the domain then covers them all and the committing CPU waits for it. No timer: what is not committed
 * stays exposed, so there is no bound. This is the explicit batching that was asked for on the list in
 * 2011 as an alternative to a deferred flush that nobody controls: unmap, unmap, commit.
 *
 * The DMA API has no such call. Until a workload makes it, the unmap that completes `every` of a domain
 * commits, as a driver that commits once per batch would.
 */
#include "dma/flush/flush.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/bug.h"
#include "dma/flush/flush_domains.h"
#include "dma/flush/flush_metrics.h"
#include "hw/cpu.h"
#include "hw/lock.h"

#define ENTRIES_PER_LINE 2u /* range, table pages: 32 bytes */

#define COMMIT_CONF(F)                                                                             \
	F(u32, every, "64", "1", "65536", "ranges",                                                \
		"Unmaps of a domain from one commit to the next; the last of them commits.")

CONF_DECLARE(commit_conf, COMMIT_CONF);

#define CONF_STRUCT_ struct commit_conf
static const struct conf_field fields[] = { COMMIT_CONF(CONF_FIELD_) };
#undef CONF_STRUCT_
static const struct conf_table conf_table = CONF_TABLE("commit", commit_conf, fields, NULL);

/* What waits for a commit, or is being committed while others fill the next one. */
struct batch {
	struct batch *next; /* among the spare ones */
	uint32_t n;
	struct dma_range *range;
	struct line *line;
};

struct commit_domain {
	struct lock lock; /* over `open`; its count is on the lock's line */
	struct batch *open, *spare;
	uint16_t id;
	unsigned iommu;
};

struct commit {
	struct flush_env env;
	struct commit_conf conf;
	struct flush_domains domains; /* of struct commit_domain */
	struct flush_metrics m;
};

static bool commit_init(void *state, const void *conf, const struct flush_env *env, struct err *err)
{
	struct commit *s = state;

	(void)err;
	s->env = *env;
	s->conf = *(const struct commit_conf *)conf;
	metric_scope_add(env->scope, &flush_metric_table, &s->m);
	return true;
}

static struct batch *batch_get(const struct commit *s, struct commit_domain *d)
{
	struct batch *b = d->spare;

	if (b) {
		d->spare = b->next;
		return b;
	}
	b = xcalloc(1, sizeof(*b));
	b->range = xcalloc(s->conf.every, sizeof(*b->range));
	b->line = xcalloc(s->conf.every / ENTRIES_PER_LINE + 1, sizeof(*b->line));
	for (uint32_t i = 0; i <= s->conf.every / ENTRIES_PER_LINE; i++)
		line_init(&b->line[i]);
	return b;
}

static void batch_put(struct commit_domain *d, struct batch *b)
{
	b->n = 0;
	b->next = d->spare;
	d->spare = b;
}

static void batch_free(struct batch *b)
{
	free(b->range);
	free(b->line);
	free(b);
}

static void commit_domain_add(void *state, uint16_t domain)
{
	struct commit *s = state;
	struct commit_domain *d = flush_domains_add(&s->domains, domain, sizeof(*d));

	d->id = domain;
	d->open = batch_get(s, d);
	lock_init(&d->lock, s->env.machine, "&domain->commit_lock", "dom%u.commit_lock", domain);
}

static void commit_fini(void *state)
{
	struct commit *s = state;

	BUG_ON(s->m.held != 0);
	for (unsigned i = 0; i < s->domains.n; i++) {
		struct commit_domain *d = s->domains.state[i];
		struct batch *next;

		if (!d)
			continue;
		batch_put(d, d->open);
		for (struct batch *b = d->spare; b; b = next) {
			next = b->next;
			batch_free(b);
		}
		lock_fini(&d->lock);
	}
	flush_domains_fini(&s->domains);
}

/* Without the lock: the batch is this CPU's own. */
static void commit_batch(struct commit *s, struct proc *p, struct commit_domain *d, struct batch *b,
	sim_time due, enum flush_trigger why)
{
	const struct flush_env *env = &s->env;
	const struct iommu_flush f = { .scope = IOMMU_FLUSH_DOMAIN, .domain = d->id };

	env->invalidate(env->ctx, p, d->iommu, &f, why);
	flush_metrics_add(&s->m, why, b->n, due, proc_now(p));
	for (uint32_t i = 0; i < b->n; i++)
		env->flushed(env->ctx, p, &b->range[i]);
	for (uint32_t i = 0; i < b->n; i++) {
		line_read(&b->line[i / ENTRIES_PER_LINE], p, CPU_flush_queue);
		cpu_run(p, env->machine->conf->cost->list_entry, CPU_flush_queue);
		s->m.held--;
		env->release(env->ctx, p, &b->range[i]);
	}
	batch_put(d, b);
}

/* With the lock held, which it drops: take what waits, let others go on, invalidate. */
static void commit_open(struct commit *s, struct proc *p, struct commit_domain *d, sim_time due,
	enum flush_trigger why)
{
	struct batch *b = d->open;

	d->open = batch_get(s, d);
	lock_release(&d->lock, p);
	commit_batch(s, p, d, b, due, why);
}

static void commit_unmapped(void *state, struct proc *p, const struct dma_range *r)
{
	struct commit *s = state;
	struct commit_domain *d = flush_domains_at(&s->domains, r->domain_id);
	sim_time due = proc_now(p);
	struct batch *b;

	lock_acquire(&d->lock, p);
	d->iommu = r->iommu;
	b = d->open;
	line_write(&b->line[b->n / ENTRIES_PER_LINE], p, CPU_flush_queue);
	cpu_run(p, s->env.machine->conf->cost->list_entry, CPU_flush_queue);
	b->range[b->n++] = *r;
	s->m.held++;
	s->m.unmaps++;
	if (b->n == s->conf.every)
		commit_open(s, p, d, due, FLUSH_BY_batch_full);
	else
		lock_release(&d->lock, p);
}

static void commit_drain(void *state, struct proc *p)
{
	struct commit *s = state;

	for (unsigned i = 0; i < s->domains.n; i++) {
		struct commit_domain *d = s->domains.state[i];
		sim_time due = proc_now(p);

		if (!d)
			continue;
		lock_acquire(&d->lock, p);
		if (d->open->n > 0)
			commit_open(s, p, d, due, FLUSH_BY_drain);
		else
			lock_release(&d->lock, p);
	}
}

static uint64_t commit_held(const void *state)
{
	const struct commit *s = state;

	return s->m.held;
}

static sim_time commit_window_bound(const void *state)
{
	(void)state;
	return SIM_TIME_NEVER;
}

const struct flush_policy_ops flush_commit_ops = {
	.name = "commit",
	.summary = "Ranges wait until the user commits them; no timer, no bound",
	.source = "iommu mailing list, 2011: explicit iommu_commit()",
	.state_size = sizeof(struct commit),
	.conf = &conf_table,
	.init = commit_init,
	.domain_add = commit_domain_add,
	.fini = commit_fini,
	.unmapped = commit_unmapped,
	.drain = commit_drain,
	.held = commit_held,
	.window_bound = commit_window_bound,
};
