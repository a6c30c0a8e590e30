/*
 * list - intrusive doubly linked list with a sentinel head; the node lives in its owner.
 */
#ifndef SIM_BASE_LIST_H
#define SIM_BASE_LIST_H
#include <stdbool.h>
#include "base/types.h"

struct list {
	struct list *next, *prev;
};

static inline void list_init(struct list *l)
{
	l->next = l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
	return l->next == l;
}

static inline void list_insert_before_(struct list *at, struct list *n)
{
	n->prev = at->prev;
	n->next = at;
	at->prev->next = n;
	at->prev = n;
}

static inline void list_push_back(struct list *l, struct list *n)
{
	list_insert_before_(l, n);
}

static inline void list_push_front(struct list *l, struct list *n)
{
	list_insert_before_(l->next, n);
}

/* Leaves n as an empty list of its own, so removing twice is harmless. */
static inline void list_remove(struct list *n)
{
	n->prev->next = n->next;
	n->next->prev = n->prev;
	list_init(n);
}

/* NULL when empty. */
static inline struct list *list_pop_front(struct list *l)
{
	struct list *n = l->next;

	if (n == l)
		return NULL;
	list_remove(n);
	return n;
}

#define list_entry(ptr, type, member) container_of(ptr, type, member)
#define list_for_each(pos, head)                                                                   \
	for (struct list *pos = (head)->next; pos != (head); pos = pos->next)

#endif
