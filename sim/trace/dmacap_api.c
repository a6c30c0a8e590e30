#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "trace/dmacap_priv.h"

/* ---- maps and unmaps ---- */

/* The mapping that this call made, when iommu events decide. */
static struct mapping *made_by(struct dmacap *c, unsigned cpu, uint64_t iova)
{
	struct mapping *m = c->cpu[cpu].open;
	struct range *r;

	while (m && m->range.start != page_of(iova))
		m = m->before;
	if (m)
		return m;
	r = dmacap_find_anywhere(c, page_of(iova));
	m = r && r->start == page_of(iova) ? r->owner : NULL;
	return m && !m->exact && m->slot == NO_SLOT ? m : NULL;
}

/* The maps that the CPU made after m and that the call covers are its further pieces. */
static void absorb(struct dmacap *c, struct mapping *m, struct mapping *last, uint64_t end)
{
	struct piece *more = NULL;
	uint32_t n = 0;
	struct mapping *x;

	for (x = last; x && x != m; x = x->before)
		n++;
	if (n == 0 || !x || n > UINT16_MAX)
		return;
	more = xcalloc(n, sizeof(*more));
	m->nmore = 0;
	for (x = last; x != m; x = x->before, n--) {
		if (x->range.end > end)
			continue; /* another call's */
		more[n - 1] = (struct piece){ x->about.pa, x->about.len };
		m->nmore = (uint16_t)(m->nmore > n ? m->nmore : n);
		ranges_remove(&c->live, &x->range);
		m->range.end = m->range.end > x->range.end ? m->range.end : x->range.end;
		x->absorbed = true;
	}
	m->more = more;
}

static bool tell(struct dmacap *c, unsigned cpu, sim_time t, const struct dmacap_call *call)
{
	struct mapping *m = made_by(c, cpu, call->iova);
	uint16_t device = spool_device(c->im->spool, call->device);

	if (!m) {
		import_skip(
			c->im, "a DMA API map without its iommu event (not translated, or missed)");
		return true;
	}
	absorb(c, m, c->cpu[cpu].open, page_of(call->iova) + span_of(call->iova, call->size));
	if (device != m->range.device) {
		ranges_remove(&c->live, &m->range);
		m->range.device = device;
		if (!dmacap_make_room(c, cpu, t, device, m->range.start, m->range.end)) {
			ranges_add(&c->live, &m->range); /* somebody must free it */
			return false;
		}
		ranges_add(&c->live, &m->range);
		seen_add(&c->seen, device, m->range.start);
	}
	dmacap_be_exact(
		m, device, call->dir, call->coherent, call->iova & (PAGE_SIZE - 1), call->size);
	dmacap_close(c, &c->cpu[m->about.cpu]);
	steps_drain(&c->steps, c->im->spool);
	return true;
}

/* The pieces of a list have no lengths of their own: as many pages each, the last the rest. */
static void split(struct mapping *m, const struct dmacap_call *call, const struct dmacap_sg *sg)
{
	uint64_t pages = (m->range.end - m->range.start) >> PAGE_LG2, each;
	unsigned n = sg->npa;

	n = n < pages ? n : (unsigned)pages;
	each = n > 1 ? pages / n : pages;
	m->about.len = (uint32_t)(each << PAGE_LG2);
	for (unsigned i = 1; i < n; i++) {
		uint64_t of_this = i + 1 < n ? each : pages - each * i;

		m->more = xrealloc(m->more, n - 1, sizeof(*m->more));
		m->more[m->nmore++] =
			(struct piece){ page_of(sg->pa[i]), (uint32_t)(of_this << PAGE_LG2) };
	}
	m->about.pa = page_of(sg->npa ? sg->pa[0] : call->pa);
}

bool dmacap_dma_map_sg(struct dmacap *c, unsigned cpu, sim_time t, const struct dmacap_call *call,
	const struct dmacap_sg *sg)
{
	uint64_t start = page_of(call->iova), end = start + span_of(call->iova, call->size);
	uint16_t device;
	struct mapping *m;
	bool skip;

	if (!dmacap_check_size(c, call->iova, call->size, &skip))
		return false;
	if (skip)
		return true;
	if (c->iommu)
		return tell(c, cpu, t, call);
	device = spool_device(c->im->spool, call->device);
	if (!dmacap_make_room(c, cpu, t, device, start, end))
		return false;
	m = dmacap_new_mapping(device, cpu, start, end, page_of(call->pa));
	split(m, call, sg);
	dmacap_be_exact(
		m, device, call->dir, call->coherent, call->iova & (PAGE_SIZE - 1), call->size);
	if (sg->npa)
		list_push_front(&c->lists, &m->by_pa);
	dmacap_begin_mapping(c, cpu, t, m);
	return true;
}

bool dmacap_dma_map(struct dmacap *c, unsigned cpu, sim_time t, const struct dmacap_call *call)
{
	return dmacap_dma_map_sg(c, cpu, t, call, &(struct dmacap_sg){ .npa = 0 });
}

bool dmacap_dma_unmap(struct dmacap *c, unsigned cpu, sim_time t, const struct dmacap_call *call)
{
	struct cpu_state *s = &c->cpu[cpu];
	uint16_t device = spool_device(c->im->spool, call->device);
	bool skip;

	if (!dmacap_check_size(c, call->iova, call->size, &skip))
		return false;
	if (skip)
		return true;
	if (!c->iommu) {
		s->unmap =
			(struct enter){ device, (uint8_t)call->dir, call->iova, call->size, true };
		return dmacap_unmap_range(
			c, cpu, t, page_of(call->iova), span_of(call->iova, call->size));
	}
	if (s->carried != NO_SLOT && s->carried_at == page_of(call->iova)) {
		struct spool_mapping *m = spool_carried_at(c->im->spool, s->carried);

		m->device = device;
		m->flags = (uint8_t)(call->dir | (call->coherent ? TRACE_COHERENT : 0));
		m->pa = SPOOL_UNKNOWN_PA | call->iova;
		m->len = (uint32_t)call->size;
		s->carried = NO_SLOT;
	}
	return true;
}

/* It names no bus address, only where the list's pieces lie. */
bool dmacap_dma_unmap_sg(struct dmacap *c, unsigned cpu, sim_time t, const struct dmacap_call *call,
	const struct dmacap_sg *sg)
{
	uint16_t device = spool_device(c->im->spool, call->device);

	if (c->iommu)
		return true;
	c->cpu[cpu].fresh = false;
	list_for_each (n, &c->lists) {
		struct mapping *m = list_entry(n, struct mapping, by_pa);

		if (m->range.device == device && sg->npa && m->about.pa == sg->pa[0]) {
			dmacap_end_mapping(c, cpu, t, m);
			return true;
		}
	}
	import_skip(c->im, "an unmap of a scatter list whose map was not recorded");
	return true;
}

bool dmacap_sync(
	struct dmacap *c, unsigned cpu, sim_time t, const struct dmacap_call *call, bool for_device)
{
	struct range *r =
		ranges_find(&c->live, spool_device(c->im->spool, call->device), call->iova);
	struct mapping *m = r ? r->owner : NULL;
	uint64_t begin = m ? m->range.start + (m->about.pa & (PAGE_SIZE - 1)) : 0, len;

	if (!m || call->iova < begin) {
		import_skip(c->im, "a sync of a mapping older than the recording");
		return true;
	}
	len = m->about.len;
	for (uint16_t i = 0; i < m->nmore; i++)
		len += m->more[i].len;
	if (call->size == 0 || call->iova - begin >= len || call->size > len - (call->iova - begin))
		return import_bad(c->im, 0, "a sync beyond its mapping");
	steps_add(&c->steps, c->im->spool,
		&(struct step){ .type = TRACE_SYNC,
			.flags = for_device ? TRACE_FOR_DEVICE : 0,
			.cpu = (uint16_t)cpu,
			.at = t,
			.m = m,
			.offset = call->iova - begin,
			.len = (uint32_t)call->size });
	return true;
}

/* ---- accesses ---- */

static void add_access(struct dmacap *c, sim_time t, const struct step *to, bool write,
	uint64_t left, uint64_t size)
{
	struct step s = *to;

	s.type = TRACE_DMA;
	s.flags = write ? TRACE_WRITE : 0;
	s.at = t;
	s.len = (uint32_t)(size < left ? size : left);
	steps_add(&c->steps, c->im->spool, &s);
}

static struct range *show_old(struct dmacap *c, uint16_t device, const struct dmacap_call *call)
{
	struct range *r = xcalloc(1, sizeof(*r));

	r->device = device;
	r->start = page_of(call->iova);
	r->end = r->start + PAGE_SIZE;
	r->slot = spool_carried(c->im->spool, &(struct spool_mapping){ .device = device,
						      .flags = TRACE_BIDIRECTIONAL,
						      .pa = page_of(call->pa),
						      .len = PAGE_SIZE });
	ranges_add(&c->old, r);
	return r;
}

bool dmacap_access(struct dmacap *c, sim_time t, const struct dmacap_call *call)
{
	uint16_t device = spool_device(c->im->spool, call->device);
	struct range *r = ranges_find(&c->live, device, call->iova);
	struct mapping *m = r ? r->owner : NULL;
	uint64_t offset;

	if (call->iova >= UINT64_MAX - PAGE_SIZE)
		return import_bad(c->im, 0, "an access beyond the end of the address space");
	if (!m) {
		if (seen_has(&c->seen, device, page_of(call->iova)))
			return import_bad(c->im, 0, "an access to what is no longer mapped");
		r = ranges_find(&c->old, device, call->iova);
		r = r ? r : show_old(c, device, call);
		add_access(c, t,
			&(struct step){ .carried = r->slot, .offset = call->iova - r->start },
			call->dir == TRACE_FROM_DEVICE, r->end - call->iova, call->size);
		return true;
	}
	offset = call->iova - m->range.start - (m->about.pa & (PAGE_SIZE - 1));
	if (call->iova < m->range.start + (m->about.pa & (PAGE_SIZE - 1)) || offset >= m->about.len)
		return import_bad(c->im, 0, "an access beside its buffer");
	add_access(c, t, &(struct step){ .m = m, .offset = offset },
		(m->about.flags & TRACE_DIR) == TRACE_FROM_DEVICE, m->about.len - offset,
		call->size);
	return true;
}

/* ---- probes ---- */

void dmacap_map_enter(struct dmacap *c, unsigned cpu, const struct dmacap_call *call)
{
	struct cpu_state *s = &c->cpu[cpu];

	s->fresh = false;
	if (s->nmaps == ENTERS) { /* their returns were missed */
		memmove(s->map, s->map + 1, sizeof(s->map[0]) * (ENTERS - 1));
		s->nmaps--;
	}
	s->map[s->nmaps++] = (struct enter){ spool_device(c->im->spool, call->device),
		(uint8_t)call->dir, call->iova & (PAGE_SIZE - 1), call->size, true };
}

void dmacap_unmap_enter(struct dmacap *c, unsigned cpu, const struct dmacap_call *call)
{
	c->cpu[cpu].unmap = (struct enter){ spool_device(c->im->spool, call->device),
		(uint8_t)call->dir, call->iova, call->size, true };
}
