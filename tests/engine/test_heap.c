/*
 * heap: do entries come out in the order of time, then sequence, whatever the mix of pushes and lazy
 * pops?
 */
#include "engine/heap.h"

#include <string.h>

#include "base/rng.h"
#include "tests/unit/unit.h"

#define OPS  100000u
#define MOST 3000u

/* The same entries, sorted; the first to come out is the last of the array. */
struct oracle {
	struct heap_entry at[MOST];
	size_t n;
};

static bool comes_later(const struct heap_entry *a, const struct heap_entry *b)
{
	return a->time != b->time ? a->time > b->time : a->seq_id > b->seq_id;
}

static void oracle_push(struct oracle *o, struct heap_entry e)
{
	size_t low = 0, high = o->n;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (comes_later(&o->at[mid], &e))
			low = mid + 1;
		else
			high = mid;
	}
	memmove(&o->at[low + 1], &o->at[low], (o->n++ - low) * sizeof(e));
	o->at[low] = e;
}

static void check_top(const struct heap *h, const struct oracle *o)
{
	ck_assert_uint_eq(heap_next_time(h), o->n ? o->at[o->n - 1].time : SIM_TIME_NEVER);
}

static void check_pop(struct heap *h, struct oracle *o)
{
	struct heap_entry e;

	ck_assert_int_eq(heap_pop(h, &e), o->n > 0);
	if (o->n == 0)
		return;
	o->n--;
	ck_assert_uint_eq(e.time, o->at[o->n].time);
	ck_assert_uint_eq(e.seq_id, o->at[o->n].seq_id);
}

/* A walk between empty and MOST; `spread` small makes ties the rule. */
static void random_walk(uint64_t seed, uint64_t spread)
{
	static struct oracle o;
	struct heap h;
	struct rng r;
	bool growing = true;

	rng_init(&r, seed, "test.heap");
	heap_init(&h);
	o.n = 0;
	for (uint64_t i = 1; i <= OPS; i++) {
		if (o.n == MOST || (o.n > 0 && rng_below(&r, 500) == 0))
			growing = false;
		else if (o.n == 0)
			growing = true;
		if (o.n < MOST && rng_below(&r, 100) < (growing ? 60u : 40u)) {
			struct heap_entry e = { i << HEAP_ID_BITS, rng_below(&r, spread) };

			heap_push(&h, e);
			oracle_push(&o, e);
		} else {
			check_pop(&h, &o);
		}
		check_top(&h, &o);
	}
	while (o.n > 0)
		check_pop(&h, &o);
	check_pop(&h, &o);
	heap_fini(&h);
}

START_TEST(it_agrees_with_a_sorted_array)
{
	random_walk(1, UINT64_MAX);
}
END_TEST

START_TEST(it_agrees_with_a_sorted_array_when_most_times_tie)
{
	random_walk(2, 8);
}
END_TEST

START_TEST(equal_times_come_out_in_order_of_sequence)
{
	struct heap_entry e;
	struct heap h;

	heap_init(&h);
	for (uint64_t i = 1000; i > 0; i--)
		heap_push(&h, (struct heap_entry){ i, 5 });
	for (uint64_t i = 1; i <= 1000; i++) {
		ck_assert(heap_pop(&h, &e));
		ck_assert_uint_eq(e.seq_id, i);
	}
	ck_assert(!heap_pop(&h, &e));
	heap_fini(&h);
}
END_TEST

/* After a pop the root is a hole: the next push fills it, and the next time must not see it. */
START_TEST(a_popped_entry_is_gone_before_the_next_push)
{
	struct heap_entry e;
	struct heap h;

	heap_init(&h);
	heap_push(&h, (struct heap_entry){ 1, 10 });
	ck_assert(heap_pop(&h, &e));
	ck_assert_uint_eq(heap_next_time(&h), SIM_TIME_NEVER);
	ck_assert(!heap_pop(&h, &e));
	heap_push(&h, (struct heap_entry){ 2, 30 });
	heap_push(&h, (struct heap_entry){ 3, 20 });
	ck_assert(heap_pop(&h, &e));
	ck_assert_uint_eq(heap_next_time(&h), 30);
	heap_push(&h, (struct heap_entry){ 4, 40 });
	ck_assert_uint_eq(heap_next_time(&h), 30);
	heap_fini(&h);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("heap");

	tcase_add_test(tc, it_agrees_with_a_sorted_array);
	tcase_add_test(tc, it_agrees_with_a_sorted_array_when_most_times_tie);
	tcase_add_test(tc, equal_times_come_out_in_order_of_sequence);
	tcase_add_test(tc, a_popped_entry_is_gone_before_the_next_push);
	return unit_run("heap", tc);
}
