#include "engine/heap.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bug.h"

/* With the root at 3 the children of i are 4(i-2) .. 4(i-2)+3: groups start at multiples of four. */
#define ROOT 3u
#define LINE 64u

static size_t first_child(size_t i)
{
	return 4 * (i - 2);
}

static size_t parent_of(size_t i)
{
	return i / 4 + 2;
}

static bool before(const struct heap_entry *a, const struct heap_entry *b)
{
	return a->time != b->time ? a->time < b->time : a->seq_id < b->seq_id;
}

static void grow(struct heap *h)
{
	size_t capacity = h->capacity ? 2 * h->capacity : 64;
	struct heap_entry *at = aligned_alloc(LINE, capacity * sizeof(*at));

	BUG_ON(!at);
	if (h->at)
		memcpy(at, h->at, h->end * sizeof(*at));
	free(h->at);
	h->at = at;
	h->capacity = capacity;
}

void heap_init(struct heap *h)
{
	*h = (struct heap){ .end = ROOT };
	grow(h);
}

void heap_fini(struct heap *h)
{
	free(h->at);
	*h = (struct heap){ 0 };
}

static size_t least_child(const struct heap *h, size_t i)
{
	size_t c = first_child(i), least = c;
	size_t last = c + 4 < h->end ? c + 4 : h->end;

	while (++c < last)
		if (before(&h->at[c], &h->at[least]))
			least = c;
	return least;
}

/* Put e where the root was. */
static void sift_down(struct heap *h, struct heap_entry e)
{
	size_t i = ROOT;

	while (first_child(i) < h->end) {
		size_t c = least_child(h, i);

		if (!before(&h->at[c], &e))
			break;
		h->at[i] = h->at[c];
		i = c;
	}
	h->at[i] = e;
}

void heap_push(struct heap *h, struct heap_entry e)
{
	size_t i;

	if (h->hole) {
		h->hole = false;
		sift_down(h, e);
		return;
	}
	if (h->end == h->capacity)
		grow(h);
	i = h->end++;
	while (i > ROOT && before(&e, &h->at[parent_of(i)])) {
		h->at[i] = h->at[parent_of(i)];
		i = parent_of(i);
	}
	h->at[i] = e;
}

static void fill_hole(struct heap *h)
{
	h->hole = false;
	h->end--;
	if (h->end > ROOT)
		sift_down(h, h->at[h->end]);
}

bool heap_pop(struct heap *h, struct heap_entry *out)
{
	if (h->hole)
		fill_hole(h);
	if (h->end == ROOT)
		return false;
	*out = h->at[ROOT];
	h->hole = true;
	return true;
}

sim_time heap_next_time(const struct heap *h)
{
	if (!h->hole)
		return h->end > ROOT ? h->at[ROOT].time : SIM_TIME_NEVER;
	return h->end > ROOT + 1 ? h->at[least_child(h, ROOT)].time : SIM_TIME_NEVER;
}
