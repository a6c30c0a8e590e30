#include <stdlib.h>

#include "base/alloc.h"
#include "base/bug.h"
#include "dma/iova/iova_rcache.h"

#define WORDS_PER_LINE 8u

/* The header is word 0. */
static struct line *line_of_entry(struct magazine *m, uint32_t i)
{
	return &m->line[(i + 1) / WORDS_PER_LINE];
}

struct magazine *magazine_get(struct iova_rcache *s, struct proc *p)
{
	struct magazine *m = s->spare;

	cpu_run(p, s->cost->object_alloc, CPU_iova);
	if (m) {
		s->spare = m->next;
	} else {
		uint32_t nlines = (s->params.magazine + WORDS_PER_LINE) / WORDS_PER_LINE;

		m = xcalloc(1, sizeof(*m) + s->params.magazine * sizeof(*m->pfn));
		m->line = xcalloc(nlines, sizeof(*m->line));
		for (uint32_t i = 0; i < nlines; i++)
			line_init(&m->line[i]);
	}
	m->n = 0;
	line_write(&m->line[0], p, CPU_iova);
	return m;
}

void magazine_put(struct iova_rcache *s, struct proc *p, struct magazine *m)
{
	cpu_run(p, s->cost->object_alloc, CPU_iova);
	line_write(&m->line[0], p, CPU_iova);
	m->next = s->spare;
	s->spare = m;
}

void magazine_push(struct iova_rcache *s, struct proc *p, struct magazine *m, uint64_t pfn)
{
	BUG_ON(m->n == s->params.magazine);
	s->c.entry_transfers += line_write(line_of_entry(m, m->n), p, CPU_iova);
	s->c.entry_transfers += line_write(&m->line[0], p, CPU_iova);
	cpu_run(p, s->cost->list_entry, CPU_iova);
	m->pfn[m->n++] = pfn;
	s->c.cached++;
}

bool magazine_pop(
	struct iova_rcache *s, struct proc *p, struct magazine *m, uint64_t max, uint64_t *pfn)
{
	uint32_t at = m->n, last = m->n - 1;

	while (at > 0) {
		s->c.entry_transfers += line_read(line_of_entry(m, at - 1), p, CPU_iova);
		if (m->pfn[at - 1] <= max)
			break;
		at--;
	}
	hist_add(&s->c.entries_scanned, at ? m->n - at + 1 : m->n);
	cpu_run(p, (uint64_t)(m->n - at) * s->cost->word_scan + s->cost->list_entry, CPU_iova);
	if (at == 0)
		return false;
	*pfn = m->pfn[at - 1];
	m->pfn[at - 1] = m->pfn[last];
	m->n = last;
	s->c.entry_transfers += line_write(line_of_entry(m, at - 1), p, CPU_iova);
	s->c.entry_transfers += line_write(&m->line[0], p, CPU_iova);
	s->c.cached--;
	return true;
}

void magazine_empty(struct iova_rcache *s, struct proc *p, struct magazine *m)
{
	for (uint32_t i = 0; i <= m->n; i += WORDS_PER_LINE)
		s->c.entry_transfers += line_read(&m->line[i / WORDS_PER_LINE], p, CPU_iova);
	iova_tree6_free(&s->tree, p, m->pfn, m->n);
	s->c.cached -= m->n;
	m->n = 0;
	line_write(&m->line[0], p, CPU_iova);
}
