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
	for (uint16_t i = 0; i < m->nmore; i++)
		spool_segment(spool, m->slot, m->more[i].pa, m->more[i].len,
			(uint16_t)(m->nmore - i - 1));
}

static void put_first(struct steps *q, struct spool *spool)
{
	const struct step *s = &q->ring[q->head];
	uint32_t slot = s->m ? s->m->slot : s->carried;

	switch (s->type) {
	case TRACE_MAP:
		put_map(spool, s->at, s->m);
		break;
	case TRACE_UNMAP:
		spool_unmap(spool, s->at, s->cpu, slot);
		if (s->m)
			mapping_free(s->m);
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
