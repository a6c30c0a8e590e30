#include "trace/dmacap.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "trace/dmacap_priv.h"

struct dmacap *dmacap_create(struct import *im)
{
	struct dmacap *c = xcalloc(1, sizeof(*c));

	c->im = im;
	c->cpu = xcalloc(TRACE_CPUS_MAX, sizeof(*c->cpu));
	for (unsigned i = 0; i < TRACE_CPUS_MAX; i++)
		c->cpu[i].carried = NO_SLOT;
	list_init(&c->lists);
	steps_init(&c->steps);
	return c;
}

void dmacap_destroy(struct dmacap *c)
{
	struct rb_node *n;

	steps_end(&c->steps, c->im->spool);
	while ((n = rb_first(&c->live.root)) != NULL) {
		struct range *r = rb_entry(n, struct range, node);

		ranges_remove(&c->live, r);
		mapping_free(r->owner);
	}
	while ((n = rb_first(&c->old.root)) != NULL) {
		struct range *r = rb_entry(n, struct range, node);

		ranges_remove(&c->old, r);
		free(r);
	}
	steps_fini(&c->steps);
	seen_fini(&c->seen);
	free(c->cpu);
	free(c);
}

/* The only device there is, or the one that stands for those that are not known. */
static uint16_t some_device(struct dmacap *c)
{
	uint16_t n = spool_devices(c->im->spool), unknown;

	if (n == 1)
		return 0;
	unknown = spool_device(c->im->spool, "unknown");
	return n == 2 && unknown < n ? 1 - unknown : unknown;
}

bool dmacap_check_size(struct dmacap *c, uint64_t iova, uint64_t size, bool *skip)
{
	*skip = size == 0 || size >= LEN_MAX || iova > UINT64_MAX - size - 2 * PAGE_SIZE;
	if (!*skip)
		return true;
	return import_bad(c->im, 0,
		size == 0         ? "a mapping of 0 bytes"
		: size >= LEN_MAX ? "a mapping of 4 GiB or more"
				  : "a mapping beyond the end of the address space");
}

static void set_ready(struct dmacap *c, struct cpu_state *s)
{
	if (s->open) {
		s->open->ready = true;
		s->open = NULL;
		steps_drain(&c->steps, c->im->spool);
	}
}

void dmacap_forget(struct dmacap *c, struct mapping *m)
{
	for (unsigned i = 0; i < TRACE_CPUS_MAX; i++)
		if (c->cpu[i].open == m)
			c->cpu[i].open = NULL;
}

void dmacap_end_mapping(struct dmacap *c, unsigned cpu, sim_time t, struct mapping *m)
{
	ranges_remove(&c->live, &m->range);
	list_remove(&m->by_pa);
	if (!m->ready)
		dmacap_forget(c, m);
	m->ready = true;
	steps_add(&c->steps, c->im->spool,
		&(struct step){ .type = TRACE_UNMAP, .cpu = (uint16_t)cpu, .at = t, .m = m });
}

bool dmacap_make_room(
	struct dmacap *c, unsigned cpu, sim_time t, uint16_t device, uint64_t start, uint64_t end)
{
	struct range *r;

	while ((r = ranges_overlap(&c->live, device, start, end)) != NULL) {
		if (!import_bad(c->im, 0,
			    "maps addresses that are mapped: an unmap is missing before it"))
			return false;
		dmacap_end_mapping(c, cpu, t, r->owner);
	}
	return true;
}

struct mapping *dmacap_new_mapping(
	uint16_t device, unsigned cpu, uint64_t start, uint64_t end, uint64_t pa)
{
	struct mapping *m = xcalloc(1, sizeof(*m));

	m->range = (struct range){ .device = device, .start = start, .end = end, .owner = m };
	m->about = (struct spool_mapping){ .cpu = (uint16_t)cpu,
		.device = device,
		.flags = TRACE_BIDIRECTIONAL,
		.pa = pa,
		.len = (uint32_t)(end - start) };
	m->slot = NO_SLOT;
	list_init(&m->by_pa);
	return m;
}

void dmacap_begin_mapping(struct dmacap *c, unsigned cpu, sim_time t, struct mapping *m)
{
	ranges_add(&c->live, &m->range);
	seen_add(&c->seen, m->range.device, m->range.start);
	steps_add(&c->steps, c->im->spool,
		&(struct step){ .type = TRACE_MAP, .cpu = (uint16_t)cpu, .at = t, .m = m });
}

void dmacap_be_exact(struct mapping *m, uint16_t device, unsigned dir, bool coherent,
	uint64_t offset, uint64_t size)
{
	uint64_t rest = m->range.end - m->range.start, first = m->about.len;

	m->exact = m->ready = true;
	m->about.device = device;
	m->about.flags = (uint8_t)(dir | (coherent ? TRACE_COHERENT : 0));
	if (offset + size > rest) /* it says more than was mapped: keep to the pages */
		return;
	m->about.pa += offset;
	if (m->nmore == 0) {
		m->about.len = (uint32_t)size;
		return;
	}
	m->about.len = (uint32_t)(first - offset);
	rest -= m->more[m->nmore - 1].len;
	if (offset + size > rest)
		m->more[m->nmore - 1].len = (uint32_t)(offset + size - rest);
}

/* ---- iommu events ---- */

/* The piece goes on where the open mapping ends, as the next of a scatter list does. Addresses are
 * aligned to the size of the whole, so one that is not began by itself. */
static bool continues(
	const struct cpu_state *s, uint64_t iova, uint64_t size, const struct mapping *m)
{
	uint64_t pages = (m->range.end - m->range.start + size) >> PAGE_LG2;

	return s->fresh && m->range.end == iova && m->nmore < UINT16_MAX &&
	       (pages << PAGE_LG2) < LEN_MAX &&
	       (m->range.start & ((PAGE_SIZE << ilog2_ceil(pages)) - 1)) == 0;
}

static void add_piece(struct mapping *m, uint64_t pa, uint64_t size)
{
	m->more = xrealloc(m->more, m->nmore + 1u, sizeof(*m->more));
	m->more[m->nmore++] = (struct piece){ pa, (uint32_t)size };
	m->range.end += size;
}

/* The newest call of the CPU that maps so many pages; it is over then. */
static bool take_enter(struct cpu_state *s, uint64_t size, struct enter *e)
{
	for (unsigned i = s->nmaps; i-- > 0;) {
		if (span_of(s->map[i].iova, s->map[i].size) != size)
			continue;
		*e = s->map[i];
		s->nmaps = i;
		return true;
	}
	return false;
}

bool dmacap_iommu_map(
	struct dmacap *c, unsigned cpu, sim_time t, uint64_t iova, uint64_t size, uint64_t pa)
{
	struct cpu_state *s = &c->cpu[cpu];
	struct mapping *m = s->open;
	struct enter e;
	bool skip, known;

	if (!dmacap_check_size(c, iova, size, &skip))
		return false;
	if (skip)
		return true;
	if ((iova | size | pa) & (PAGE_SIZE - 1))
		return import_bad(c->im, 0, "a mapping of broken pages");
	c->iommu = true;
	known = take_enter(s, size, &e);
	if (!known && m && continues(s, iova, size, m)) {
		if (!dmacap_make_room(c, cpu, t, m->range.device, iova, iova + size))
			return false;
		add_piece(m, pa, size);
		return true;
	}
	set_ready(c, s);
	if (!known)
		e.device = some_device(c);
	if (!dmacap_make_room(c, cpu, t, e.device, iova, iova + size))
		return false;
	m = dmacap_new_mapping(e.device, cpu, iova, iova + size, pa);
	if (known)
		dmacap_be_exact(m, e.device, e.dir, false, e.iova, e.size);
	else
		s->open = m;
	s->fresh = true;
	dmacap_begin_mapping(c, cpu, t, m);
	return true;
}

struct range *dmacap_find_anywhere(const struct dmacap *c, uint64_t at)
{
	struct range *r = NULL;

	for (uint16_t d = 0; !r && d < spool_devices(c->im->spool); d++)
		r = ranges_find(&c->live, d, at);
	return r;
}

/* The slot of what is older than the recording, which an access may have shown already. */
static uint32_t carried_slot(struct dmacap *c, const struct spool_mapping *m, uint64_t iova)
{
	struct range *r = ranges_find(&c->old, m->device, iova);
	struct spool_mapping *known;
	uint32_t slot;

	if (!r)
		return spool_carried(c->im->spool, m);
	slot = r->slot;
	known = spool_carried_at(c->im->spool, slot);
	if (m->len > known->len)
		known->len = m->len;
	ranges_remove(&c->old, r);
	free(r);
	return slot;
}

/* Never mapped in this recording: it began before. */
static bool unmap_carried(struct dmacap *c, unsigned cpu, sim_time t, uint64_t iova, uint64_t size,
	const struct enter *e)
{
	struct cpu_state *s = &c->cpu[cpu];
	struct spool_mapping m = { .cpu = (uint16_t)cpu,
		.device = e ? e->device : some_device(c),
		.flags = e ? e->dir : TRACE_BIDIRECTIONAL,
		.len = (uint32_t)(e ? e->size : size) };
	uint32_t slot;

	if (seen_has(&c->seen, m.device, iova))
		return import_bad(c->im, 0, "unmaps what is not mapped");
	seen_add(&c->seen, m.device, iova);
	/* Where it lies is not known: a place of its own, with the offset that is known. */
	m.pa = SPOOL_UNKNOWN_PA | (e ? e->iova : iova);
	slot = carried_slot(c, &m, iova);
	s->carried = e ? NO_SLOT : slot;
	s->carried_at = iova;
	steps_add(&c->steps, c->im->spool,
		&(struct step){
			.type = TRACE_UNMAP, .cpu = (uint16_t)cpu, .at = t, .carried = slot });
	return true;
}

static bool unmap_all(
	struct dmacap *c, unsigned cpu, sim_time t, struct range *r, uint64_t iova, uint64_t size)
{
	uint64_t end = iova + size;
	uint16_t device = r->device;
	unsigned n = 0;

	if (r->start != iova || r->end > end)
		return import_bad(c->im, 0, "unmaps a part of a mapping");
	while (r && r->end <= end) {
		uint64_t next = r->end;

		dmacap_end_mapping(c, cpu, t, r->owner);
		n++;
		r = next < end ? ranges_find(&c->live, device, next) : NULL;
	}
	if (n > 1)
		import_skip(c->im, "an unmap of several mappings at once, written as one of each");
	return true;
}

bool dmacap_unmap_range(struct dmacap *c, unsigned cpu, sim_time t, uint64_t iova, uint64_t size)
{
	struct cpu_state *s = &c->cpu[cpu];
	struct enter e = s->unmap;
	struct range *r;

	s->unmap.valid = false;
	s->fresh = false;
	e.valid = e.valid && page_of(e.iova) == iova && span_of(e.iova, e.size) == size;
	r = e.valid ? ranges_find(&c->live, e.device, iova) : dmacap_find_anywhere(c, iova);
	if (!r)
		return unmap_carried(c, cpu, t, iova, size, e.valid ? &e : NULL);
	return unmap_all(c, cpu, t, r, iova, size);
}

bool dmacap_iommu_unmap(struct dmacap *c, unsigned cpu, sim_time t, uint64_t iova, uint64_t size)
{
	bool skip;

	if (!dmacap_check_size(c, iova, size, &skip))
		return false;
	if (skip)
		return true;
	if ((iova | size) & (PAGE_SIZE - 1))
		return import_bad(c->im, 0, "an unmap of broken pages");
	c->iommu = true;
	return dmacap_unmap_range(c, cpu, t, iova, size);
}
