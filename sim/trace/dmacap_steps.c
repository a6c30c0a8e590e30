#include <stdlib.h>

#include "base/alloc.h"
#include "trace/dmacap_priv.h"

void steps_init(struct steps *q)
{
	*q = (struct steps){ .ring = xcalloc(STEPS_MAX, sizeof(*q->ring)) };
}

void steps_fini(struct steps *q)
{
	free(q->ring);
}

void mapping_free(struct mapping *m)
{
	free(m->more);
	free(m);
}

static void put_map(struct spool *spool, sim_time at, struct mapping *m)
{
	m->slot = spool_map(spool, at, &m->about, m->nmore);
	m->ordinal = spool_maps(spool);
	for (uint16_t i = 0; i < m->nmore; i++)
		spool_segment(spool, m->slot, m->more[i].pa, m->more[i].len,
			(uint16_t)(m->nmore - i - 1));
}

static void put_unmap(struct spool *spool, const struct step *s)
{
	if (!s->m) {
		spool_unmap(spool, s->at, s->cpu, s->carried);
		return;
	}
	for (uint32_t i = 1; i <= s->npieces; i++) { /* the first is m itself */
		struct mapping *p = s->piece[i];

		spool_join(spool, s->m->ordinal, p->ordinal, p->about.pa, p->about.len);
		spool_drop(spool, p->slot);
		mapping_free(p);
	}
	free(s->piece);
	spool_unmap(spool, s->at, s->cpu, s->m->slot);
	mapping_free(s->m);
}

static void put_first(struct steps *q, struct spool *spool)
{
	const struct step *s = &q->ring[q->head];
	uint32_t slot = s->m ? s->m->slot : s->carried;

	switch (s->type) {
	case TRACE_MAP:
		if (s->m->absorbed)
			mapping_free(s->m);
		else
			put_map(spool, s->at, s->m);
		break;
	case TRACE_UNMAP:
		put_unmap(spool, s);
		break;
	case TRACE_DMA:
		spool_dma(spool, s->at, slot, s->offset, s->len, s->flags);
		break;
	default:
		spool_sync(spool, s->at, s->cpu, slot, s->offset, s->len, s->flags);
	}
	q->head = (q->head + 1) % STEPS_MAX;
	q->n--;
}

void steps_drain(struct steps *q, struct spool *spool)
{
	while (q->n > 0 && (q->ring[q->head].type != TRACE_MAP || q->ring[q->head].m->ready))
		put_first(q, spool);
}

void steps_add(struct steps *q, struct spool *spool, const struct step *s)
{
	if (q->n == STEPS_MAX) {
		q->ring[q->head].m->ready = true;
		steps_drain(q, spool);
	}
	q->ring[(q->head + q->n++) % STEPS_MAX] = *s;
	steps_drain(q, spool);
}

void steps_end(struct steps *q, struct spool *spool)
{
	while (q->n > 0)
		put_first(q, spool);
}
