/*
 * pqueue - pointers in order of a key, equal keys in the order in which they came: a binary heap.
 */
#ifndef SIM_BASE_PQUEUE_H
#define SIM_BASE_PQUEUE_H
#include <stddef.h>
#include <stdint.h>

struct pqueue_entry {
	uint64_t key, seq;
	void *value;
};

/* Zeroed is empty. */
struct pqueue {
	struct pqueue_entry *entry;
	size_t n, room;
	uint64_t seq;
};

void pqueue_fini(struct pqueue *q);
void pqueue_push(struct pqueue *q, uint64_t key, void *value);
/* The smallest; the queue must not be empty. */
static inline const struct pqueue_entry *pqueue_top(const struct pqueue *q)
{
	return &q->entry[0];
}
void *pqueue_pop(struct pqueue *q);

#endif
