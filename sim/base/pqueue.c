#include "base/pqueue.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/bug.h"

static bool before(const struct pqueue_entry *a, const struct pqueue_entry *b)
{
	return a->key < b->key || (a->key == b->key && a->seq < b->seq);
}

void pqueue_fini(struct pqueue *q)
{
	free(q->entry);
	*q = (struct pqueue){ .n = 0 };
}

void pqueue_push(struct pqueue *q, uint64_t key, void *value)
{
	const struct pqueue_entry e = { key, q->seq++, value };
	size_t i = q->n++;

	if (i == q->room) {
		q->room = i ? 2 * i : 256;
		q->entry = xrealloc(q->entry, q->room, sizeof(*q->entry));
	}
	for (; i > 0 && before(&e, &q->entry[(i - 1) / 2]); i = (i - 1) / 2)
		q->entry[i] = q->entry[(i - 1) / 2];
	q->entry[i] = e;
}

void *pqueue_pop(struct pqueue *q)
{
	void *top = q->entry[0].value;
	struct pqueue_entry last;
	size_t i = 0, child;

	BUG_ON(q->n == 0);
	last = q->entry[--q->n];
	while ((child = 2 * i + 1) < q->n) {
		if (child + 1 < q->n && before(&q->entry[child + 1], &q->entry[child]))
			child++;
		if (!before(&q->entry[child], &last))
			break;
		q->entry[i] = q->entry[child];
		i = child;
	}
	if (q->n > 0)
		q->entry[i] = last;
	return top;
}
