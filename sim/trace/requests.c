#include "trace/requests.h"

#include <stdlib.h>

#include "base/alloc.h"

#define PLACE_LG2 32u /* a buffer is shorter than 4 GiB */

void requests_init(struct requests *q)
{
	*q = (struct requests){ .n = 0 };
}

void requests_fini(struct requests *q)
{
	free(q->place);
}

static struct request *find_place(struct requests *q)
{
	for (uint32_t i = 0; q->busy < q->n && i < q->n; i++)
		if (!q->place[i].busy)
			return &q->place[i];
	if (q->n == REQUESTS_MAX)
		return NULL;
	q->place = xrealloc(q->place, q->n + 1, sizeof(*q->place));
	return &q->place[q->n++];
}

struct request *requests_begin(struct requests *q, struct spool *spool, sim_time at, uint16_t cpu,
	uint16_t device, bool write, uint32_t len)
{
	struct request *r = find_place(q);
	uint64_t place;

	if (!r)
		return NULL;
	place = (uint64_t)(r - q->place);
	*r = (struct request){ .done = SIM_TIME_NEVER, .cpu = cpu, .device = device, .busy = true };
	q->busy++;
	r->slot = spool_map(spool, at,
		&(struct spool_mapping){ .cpu = cpu,
			.device = device,
			.flags = write ? TRACE_TO_DEVICE : TRACE_FROM_DEVICE,
			.pa = SPOOL_UNKNOWN_PA + (place << PLACE_LG2),
			.len = len },
		0);
	return r;
}

void requests_end(
	struct requests *q, struct spool *spool, sim_time at, uint16_t cpu, struct request *r)
{
	spool_unmap(spool, at, cpu, r->slot);
	r->busy = false;
	q->busy--;
}

struct request *requests_first(const struct requests *q)
{
	struct request *best = NULL;

	for (uint32_t i = 0; q->busy > 0 && i < q->n; i++)
		if (q->place[i].busy && (!best || q->place[i].done < best->done))
			best = &q->place[i];
	return best;
}

struct request *requests_find(const struct requests *q, const uint64_t key[2])
{
	for (uint32_t i = 0; q->busy > 0 && i < q->n; i++) {
		struct request *r = &q->place[i];

		if (r->busy && r->key[0] == key[0] && r->key[1] == key[1])
			return r;
	}
	return NULL;
}
