#include "obs/window_worst.h"

#include <inttypes.h>

static sim_time measure_of(const struct window_story *s, enum window_rank by)
{
	return by == WINDOW_BY_HW ? s->hw_window : s->policy_window;
}

static bool is_worse(
	const struct window_story *a, const struct window_story *b, enum window_rank by)
{
	sim_time ma = measure_of(a, by), mb = measure_of(b, by);

	return ma != mb ? ma > mb : a->seq < b->seq;
}

static void swap(struct window_story *a, struct window_story *b)
{
	struct window_story t = *a;

	*a = *b;
	*b = t;
}

static void sift_down(struct window_heap *h, enum window_rank by, uint32_t i)
{
	for (;;) {
		uint32_t child = 2 * i + 1;

		if (child >= h->n)
			return;
		if (child + 1 < h->n && is_worse(&h->story[child], &h->story[child + 1], by))
			child++;
		if (!is_worse(&h->story[i], &h->story[child], by))
			return;
		swap(&h->story[i], &h->story[child]);
		i = child;
	}
}

static void sift_up(struct window_heap *h, enum window_rank by, uint32_t i)
{
	while (i > 0 && is_worse(&h->story[(i - 1) / 2], &h->story[i], by)) {
		swap(&h->story[(i - 1) / 2], &h->story[i]);
		i = (i - 1) / 2;
	}
}

static void offer(struct window_heap *h, enum window_rank by, const struct window_story *s)
{
	if (measure_of(s, by) == 0)
		return;
	if (h->n < WINDOW_WORST) {
		h->story[h->n] = *s;
		sift_up(h, by, h->n++);
	} else if (is_worse(s, &h->story[0], by)) {
		h->story[0] = *s;
		sift_down(h, by, 0);
	}
}

void window_worst_reset(struct window_worst *ww)
{
	for (enum window_rank by = 0; by < WINDOW_RANKS; by++)
		ww->heap[by].n = 0;
}

void window_worst_offer(struct window_worst *ww, const struct window_story *s)
{
	for (enum window_rank by = 0; by < WINDOW_RANKS; by++)
		offer(&ww->heap[by], by, s);
}

/* Empties a copy of the heap: the least comes out first. */
size_t window_worst_sorted(
	const struct window_worst *ww, enum window_rank by, struct window_story *out, size_t max)
{
	struct window_heap h = ww->heap[by];
	size_t n = h.n < max ? h.n : max;

	while (h.n > 0) {
		if (h.n <= n)
			out[h.n - 1] = h.story[0];
		h.story[0] = h.story[--h.n];
		sift_down(&h, by, 0);
	}
	return n;
}

static void put_time(sim_time t, FILE *out)
{
	if (t == SIM_TIME_NEVER)
		fputc(',', out);
	else
		fprintf(out, "%" PRIu64 ",", t);
}

static void put_story(const struct window_story *s, FILE *out)
{
	static const char *const caches[] = {
		[WINDOW_IOTLB] = "iotlb",
		[WINDOW_WALK_CACHE] = "walk_cache",
		[WINDOW_IN_FLIGHT] = "in_flight",
		[WINDOW_DEVICE_TLB] = "device_tlb",
		[WINDOW_CACHES] = "",
	};

	fprintf(out, "%u,0x%" PRIx64 ",%" PRIu32 ",0x%" PRIx64 ",%u,", s->domain, s->iova.a,
		s->npages, s->pa.a, s->cpu);
	put_time(s->t_clear, out);
	put_time(s->t_return, out);
	put_time(s->t_flushed, out);
	put_time(s->t_hw_closed, out);
	fprintf(out, "%" PRIu64 ",%" PRIu64 ",%s,%" PRIu64 "\n", s->policy_window, s->hw_window,
		caches[s->last_holder], s->accesses);
}

void window_worst_write_csv(const struct window_worst *ww, FILE *out)
{
	static const char *const ranks[] = { "hw_window", "policy_window" };

	fputs("by,rank,domain,iova,npages,pa,cpu,t_clear_ps,t_return_ps,t_flushed_ps,"
	      "t_hw_closed_ps,policy_window_ps,hw_window_ps,last_holder,accesses\n",
		out);
	for (enum window_rank by = 0; by < WINDOW_RANKS; by++) {
		struct window_story s[WINDOW_WORST];
		size_t n = window_worst_sorted(ww, by, s, WINDOW_WORST);

		for (size_t i = 0; i < n; i++) {
			fprintf(out, "%s,%zu,", ranks[by], i + 1);
			put_story(&s[i], out);
		}
	}
}
