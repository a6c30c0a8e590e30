/*
 * What the invalidation commands remove, and in what time. AMD IOMMU Specification, 48882: 2.4.2
 * INVALIDATE_DEVTAB_ENTRY, 2.4.3 INVALIDATE_IOMMU_PAGES, 2.4.6 PREFETCH_IOMMU_PAGES, 2.4.8
 * INVALIDATE_IOMMU_ALL.
 */
#include "models/amdvi/amdvi_cmd.h"

void amdvi_cmd_spend(struct cmdproc *q, sim_time t)
{
	proc_sleep_until(q->p, proc_now(q->p) + t);
}

/* Walks in flight first, then the caches: what began earlier must not refill afterwards. */
static void settle_walks(struct cmdproc *q)
{
	struct amdvi *a = q->a;
	sim_time from = proc_now(q->p);

	walkers_invalidate(a->hw.walkers, q->p, (enum walker_inflight)a->conf->inflight);
	a->hw.q.drained += proc_now(q->p) - from;
}

static void count_removed(struct amdvi *a, uint16_t domain, uint32_t pasid, unsigned n)
{
	const struct amdvi_origin from = { .domain = domain, .pasid = pasid };

	AMDVI_COUNT(&a->hw, tlb_inv, &from, n);
}

void amdvi_invalidate_devtab(struct cmdproc *q, const struct amdvi_command *c)
{
	settle_walks(q);
	amdvi_cmd_spend(q, q->a->conf->inv_device);
	tagcache_invalidate(&q->a->hw.dtc, FIELD_GET(CMD_DEVICE, c->lo), UINT64_MAX);
	q->a->hw.q.devtab++;
}

/* What the address field names: a block of 2^lg2 bytes. */
static unsigned block_lg2(const struct amdvi_command *c)
{
	return c->hi & CMD1_S ? amdvi_coded_lg2(c->hi & CMD1_ADDR) : PAGE_LG2;
}

static unsigned sweep_space(struct amdvi *a, uint16_t space, const struct amdvi_command *c)
{
	unsigned lg2 = block_lg2(c);
	bool pde = c->hi & CMD1_PDE;

	if (lg2 >= 64)
		return amdvi_space_sweep(a, space, pde);
	return amdvi_space_sweep_block(a, space, round_down_lg2(c->hi & CMD1_ADDR, lg2), lg2, pde);
}

/* Host addresses (GN clear) of the domain; they say nothing about which guest translations went through
 * them: all of those go. */
static unsigned sweep_domain(struct amdvi *a, uint16_t domain, const struct amdvi_command *c)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < a->hw.spaces.n; i++) {
		const struct space *s = &a->hw.spaces.list[i];

		if (s->domain != domain)
			continue;
		if (s->pasid == SPACE_NO_PASID)
			n += sweep_space(a, (uint16_t)i, c);
		else
			n += amdvi_space_sweep(a, (uint16_t)i, true);
	}
	return n;
}

void amdvi_invalidate_pages(struct cmdproc *q, const struct amdvi_command *c)
{
	struct amdvi *a = q->a;
	uint16_t domain = (uint16_t)FIELD_GET(CMD_PAGES_DOMAIN, c->lo);
	uint32_t pasid = (uint32_t)FIELD_GET(CMD_PAGES_PASID, c->lo);
	bool whole = block_lg2(c) >= 64;
	unsigned n;

	settle_walks(q);
	amdvi_cmd_spend(q, whole ? a->conf->inv_domain : a->conf->inv_page);
	if (c->hi & CMD1_GN)
		n = sweep_space(a, amdvi_space_of(a, domain, pasid), c);
	else
		n = sweep_domain(a, domain, c);
	count_removed(a, domain, c->hi & CMD1_GN ? pasid : 0, n);
	if (whole)
		a->hw.q.domain++;
	else
		a->hw.q.pages++;
}

void amdvi_invalidate_all(struct cmdproc *q)
{
	settle_walks(q);
	amdvi_cmd_spend(q, q->a->conf->inv_all);
	count_removed(q->a, 0, 0, amdvi_sweep_everything(q->a));
	tagcache_invalidate(&q->a->hw.dtc, 0, 0);
	q->a->hw.q.all++;
}

/* ---- prefetch: a hint, carried out as reads that nobody waits for but this processor ---- */

static void prefetched(struct xlate *x)
{
	struct amdvi *a = container_of(x, struct amdvi, hw.prefetch);

	waitq_wake_all(&a->hw.prefetched, engine_now(a->env.machine->engine));
}

void amdvi_prefetch(struct cmdproc *q, const struct amdvi_command *c)
{
	struct amdvi *a = q->a;
	struct xlate *x = &a->hw.prefetch;
	unsigned n = (unsigned)FIELD_GET(CMD_PREF_COUNT, c->lo) + 1;

	for (unsigned i = 0; i < n; i++) {
		*x = (struct xlate){ .rid = { (uint16_t)FIELD_GET(CMD_DEVICE, c->lo) },
			.len = 4,
			.iova = { (c->hi & CMD1_ADDR) + i * PAGE_SIZE },
			.has_pasid = c->hi & CMD1_GN,
			.pasid = (uint32_t)(FIELD_GET(CMD_PREF_PASID_HIGH, c->lo) << 8 |
					    FIELD_GET(CMD_PREF_PASID_LOW, c->lo)),
			.done = prefetched };
		list_init(&x->link);
		proc_sync(q->p);
		walkers_miss(a->hw.walkers, x);
		proc_wait(q->p, &a->hw.prefetched);
	}
	a->hw.q.prefetch++;
}
