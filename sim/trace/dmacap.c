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

void dmacap_close(struct dmacap *c, struct cpu_state *s)
{
	struct mapping *m = s->open, *before;

	if (!m)
		return;
	for (; m; m = before) {
		before = m->before;
		m->before = NULL;
		m->ready = true;
	}
	s->open = NULL;
	steps_drain(&c->steps, c->im->spool);
}

static void leave(struct dmacap *c, struct mapping *m)
{
	if (!m->ready)
		dmacap_close(c, &c->cpu[m->about.cpu]);
	m->ready = true;
	ranges_remove(&c->live, &m->range);
	list_remove(&m->by_pa);
}

void dmacap_end_mapping(struct dmacap *c, unsigned cpu, sim_time t, struct mapping *m)
{
	leave(c, m);
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
	m->id = ++c->ids;
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
	struct mapping *before = s->open, *m;
	struct enter e;
	bool skip, known, follows;

	if (!dmacap_check_size(c, iova, size, &skip))
		return false;
	if (skip)
		return true;
	if ((iova | size | pa) & (PAGE_SIZE - 1))
		return import_bad(c->im, 0, "a mapping of broken pages");
	c->iommu = true;
	known = take_enter(s, size, &e);
	follows = !known && before && s->fresh && before->range.end == iova;
	if (!follows)
		dmacap_close(c, s);
	if (!known)
		e.device = follows ? before->range.device : some_device(c);
	if (!dmacap_make_room(c, cpu, t, e.device, iova, iova + size))
		return false;
	m = dmacap_new_mapping(e.device, cpu, iova, iova + size, pa);
	if (known) {
		dmacap_be_exact(m, e.device, e.dir, false, e.iova, e.size);
	} else {
		/* making room may have closed what it follows */
		m->before = follows && s->open ? before : NULL;
		m->follows = follows ? before->id : 0;
		s->open = m;
	}
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

/* A scatter list is unmapped as a whole: were these mapped one after the other on a CPU? */
static bool is_list(const struct mapping *const *m, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (m[i]->exact || m[i]->nmore || (i > 0 && m[i]->follows != m[i - 1]->id))
			return false;
	return n <= UINT16_MAX;
}

/* Takes `m` over. */
static void unmap_several(
	struct dmacap *c, unsigned cpu, sim_time t, struct mapping **m, unsigned n)
{
	if (!is_list((const struct mapping *const *)m, n)) {
		import_skip(c->im, "an unmap of several mappings at once, written as one of each");
		for (unsigned i = 0; i < n; i++)
			dmacap_end_mapping(c, cpu, t, m[i]);
		free(m);
		return;
	}
	for (unsigned i = 0; i < n; i++)
		leave(c, m[i]);
	steps_add(&c->steps, c->im->spool,
		&(struct step){ .type = TRACE_UNMAP,
			.cpu = (uint16_t)cpu,
			.at = t,
			.m = m[0],
			.piece = m,
			.npieces = n - 1 });
}

static bool unmap_all(
	struct dmacap *c, unsigned cpu, sim_time t, struct range *r, uint64_t iova, uint64_t size)
{
	uint64_t end = iova + size;
	uint16_t device = r->device;
	struct mapping **m = NULL;
	unsigned n = 0;

	if (r->start != iova || r->end > end)
		return import_bad(c->im, 0, "unmaps a part of a mapping");
	if (r->end == end) {
		dmacap_end_mapping(c, cpu, t, r->owner);
		return true;
	}
	while (r && r->end <= end) {
		uint64_t next = r->end;

		m = xrealloc(m, n + 1, sizeof(struct mapping *));
		m[n++] = r->owner;
		r = next < end ? ranges_find(&c->live, device, next) : NULL;
	}
	unmap_several(c, cpu, t, m, n);
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
