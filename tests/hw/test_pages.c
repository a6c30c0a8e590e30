/*
 * pages: last in first out, in batches, nothing handed out twice; and a clear word when it is all gone.
 */
#include "hw/pages.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hw/lock.h"
#include "hw/mem.h"
#include "tests/support/bed.h"
#include "tests/support/child.h"
#include "tests/unit/unit.h"

#define MEMORY_PAGES (((uint64_t)64 << 20) / PAGE_SIZE)
#define BATCH        31u
#define HIGH         186u

static struct bed bed;
static struct pages *pages;

static void setup(void)
{
	bed_init(&bed, 2, 2);
	bed.mem.size = MEMORY_PAGES * PAGE_SIZE;
	bed_build(&bed);
	pages = bed.machine.pages;
}

static void teardown(void)
{
	ck_assert_uint_eq(pages_in_use(pages), 0);
	bed_fini(&bed);
}

static const struct lock *zone_lock(void)
{
	return list_entry(bed.machine.locks.next, struct lock, link);
}

START_TEST(the_page_freed_last_is_the_next)
{
	hpa_t a = pages_alloc(pages, PROC_UNTIMED), b = pages_alloc(pages, PROC_UNTIMED);

	ck_assert_uint_ne(a.a, b.a);
	ck_assert_uint_eq(a.a % PAGE_SIZE, 0);
	pages_free(pages, PROC_UNTIMED, a);
	pages_free(pages, PROC_UNTIMED, b);
	ck_assert_uint_eq(pages_alloc(pages, PROC_UNTIMED).a, b.a);
	ck_assert_uint_eq(pages_alloc(pages, PROC_UNTIMED).a, a.a);
	ck_assert_uint_eq(pages_in_use(pages), 2);
	pages_free(pages, PROC_UNTIMED, a);
	pages_free(pages, PROC_UNTIMED, b);
}
END_TEST

/* ---- batches: the global lock is taken once for many pages ---- */

#define MANY 400u

static hpa_t held[MANY];

static void take_many(struct proc *p, void *arg)
{
	for (unsigned i = 0; i < *(unsigned *)arg; i++)
		held[i] = pages_alloc(pages, p);
}

static void free_many(struct proc *p, void *arg)
{
	for (unsigned i = 0; i < *(unsigned *)arg; i++)
		pages_free(pages, p, held[i]);
}

START_TEST(pages_come_from_the_global_list_in_batches)
{
	unsigned n = 3 * BATCH;

	bed_do(&bed, 0, take_many, &n);
	ck_assert_uint_eq(zone_lock()->m.acquisitions, 3);
	n = 1;
	bed_do(&bed, 0, free_many, &n);
	bed_do(&bed, 0, take_many, &n);
	ck_assert_uint_eq(zone_lock()->m.acquisitions, 3); /* from the own list */
	n = 3 * BATCH;
	bed_do(&bed, 0, free_many, &n);
}
END_TEST

START_TEST(a_full_list_gives_a_batch_back_the_oldest_pages_first)
{
	unsigned n = MANY;
	uint64_t taken;
	hpa_t next;

	bed_do(&bed, 0, take_many, &n);
	taken = zone_lock()->m.acquisitions;
	n = HIGH - 1 -
	    (unsigned)(taken * BATCH - MANY); /* together with the rest of the last batch */
	bed_do(&bed, 0, free_many, &n);
	ck_assert_uint_eq(zone_lock()->m.acquisitions, taken);
	pages_free(pages, PROC_UNTIMED, held[n]);
	ck_assert_uint_eq(zone_lock()->m.acquisitions, taken); /* untimed: not counted */
	next = pages_alloc(pages, PROC_UNTIMED);
	ck_assert_uint_eq(next.a, held[n].a); /* the hot one stayed */
	for (unsigned i = n; i < MANY; i++)
		pages_free(pages, PROC_UNTIMED, held[i]);
}
END_TEST

static void take_one(struct proc *p, void *arg)
{
	*(hpa_t *)arg = pages_alloc(pages, p);
}

START_TEST(what_one_cpu_has_trimmed_another_gets)
{
	unsigned n = HIGH + BATCH;
	hpa_t other;
	bool among = false;

	bed_do(&bed, 0, take_many, &n);
	bed_do(&bed, 0, free_many, &n);
	bed_do(&bed, 1, take_one, &other);
	for (unsigned i = 0; i < n; i++)
		among |= held[i].a == other.a;
	ck_assert(among);
	pages_free(pages, PROC_UNTIMED, other);
}
END_TEST

START_TEST(a_page_costs_what_the_configuration_says)
{
	const struct cpu *c = &bed.machine.cpus[0];
	unsigned n = 2;

	bed.cpu.atomic = 0;
	bed_do(&bed, 0, take_many, &n);
	ck_assert_uint_eq(
		c->m.spent[CPU_page_alloc], 2 * clock_to_ps(&c->clock, bed.cost.page_alloc) +
						    clock_to_ps(&c->clock, bed.cost.page_refill));
	bed_do(&bed, 0, free_many, &n);
}
END_TEST

/* ---- random, with an oracle ---- */

START_TEST(no_page_is_handed_out_twice)
{
	static bool used[MEMORY_PAGES];
	static hpa_t mine[2000];
	struct rng r;
	unsigned n = 0;

	rng_init(&r, 1, "test.pages");
	memset(used, 0, sizeof(used));
	for (unsigned i = 0; i < 100000; i++) {
		bool grow = n == 0 || (n < ARRAY_SIZE(mine) && rng_below(&r, 2) == 0);
		unsigned k = n ? (unsigned)rng_below(&r, n) : 0;

		if (grow) {
			mine[n] = pages_alloc(pages, PROC_UNTIMED);
			ck_assert(!used[mine[n].a >> PAGE_LG2]);
			ck_assert_uint_ge(mine[n].a, 1 << 20); /* the first MiB is not handed out */
			used[mine[n++].a >> PAGE_LG2] = true;
		} else {
			used[mine[k].a >> PAGE_LG2] = false;
			pages_free(pages, PROC_UNTIMED, mine[k]);
			mine[k] = mine[--n];
		}
		ck_assert_uint_eq(pages_in_use(pages), n);
	}
	while (n > 0)
		pages_free(pages, PROC_UNTIMED, mine[--n]);
}
END_TEST

/* ---- contiguous ---- */

START_TEST(contiguous_pages_are_zero_and_come_back)
{
	hpa_t dirty = pages_alloc(pages, PROC_UNTIMED), first;

	mem_write64(bed.machine.mem, dirty, 1);
	pages_free(pages, PROC_UNTIMED, dirty);
	dirty = pages_alloc_zeroed(pages, PROC_UNTIMED);
	ck_assert_uint_eq(mem_read64(bed.machine.mem, dirty), 0);
	pages_free(pages, PROC_UNTIMED, dirty);
	first = pages_alloc_contig(pages, PROC_UNTIMED, 5);
	ck_assert_uint_eq(pages_in_use(pages), 5);
	for (uint64_t i = 0; i < 5 * PAGE_SIZE; i += 8)
		ck_assert_uint_eq(mem_read64(bed.machine.mem, (hpa_t){ first.a + i }), 0);
	pages_free_contig(pages, PROC_UNTIMED, first, 5);
}
END_TEST

static void take_contig(struct proc *p, void *arg)
{
	*(hpa_t *)arg = pages_alloc_contig(pages, p, 16);
}

/* The second has to wait for the lock; meanwhile the first takes what it was about to take. */
START_TEST(contiguous_pages_of_two_cpus_at_once_do_not_overlap)
{
	hpa_t a, b;

	bed_on(&bed, 0, take_contig, &a);
	bed_on(&bed, 1, take_contig, &b);
	bed_run(&bed);
	ck_assert_uint_eq(zone_lock()->m.contended, 1);
	ck_assert_uint_ge(b.a > a.a ? b.a - a.a : a.a - b.a, 16 * PAGE_SIZE);
	pages_free_contig(pages, PROC_UNTIMED, a, 16);
	pages_free_contig(pages, PROC_UNTIMED, b, 16);
}
END_TEST

/* ---- who wants to know ---- */

static uint64_t last_reused;

static void note_reuse(void *arg, hpa_t page)
{
	++*(unsigned *)arg;
	last_reused = page.a;
}

START_TEST(the_hook_sees_every_page_that_is_handed_out)
{
	unsigned n = 0;
	hpa_t a;

	pages_on_reuse(pages, note_reuse, &n);
	a = pages_alloc(pages, PROC_UNTIMED);
	ck_assert_uint_eq(n, 1);
	ck_assert_uint_eq(last_reused, a.a);
	pages_free(pages, PROC_UNTIMED, a);
	ck_assert_uint_eq(n, 1);
	a = pages_alloc_contig(pages, PROC_UNTIMED, 3);
	ck_assert_uint_eq(n, 4);
	pages_free_contig(pages, PROC_UNTIMED, a, 3);
}
END_TEST

/* ---- the end ---- */

static void take_until_the_end(void *arg)
{
	(void)arg;
	for (;;)
		pages_alloc(pages, PROC_UNTIMED);
}

START_TEST(running_out_is_an_error_that_names_memory_size)
{
	struct child_end end = child_run(take_until_the_end, NULL);

	ck_assert(end.exited);
	ck_assert_int_eq(end.code, 2);
	ck_assert_ptr_nonnull(strstr(end.text, "memory.size"));
	ck_assert_ptr_nonnull(strstr(end.text, "error"));
}
END_TEST

START_TEST(every_page_can_be_had_before_that)
{
	const uint64_t n = MEMORY_PAGES - 256; /* but the first MiB */
	hpa_t *all = calloc(n, sizeof(*all));

	for (uint64_t i = 0; i < n; i++)
		all[i] = pages_alloc(pages, PROC_UNTIMED);
	ck_assert_uint_eq(pages_in_use(pages), n);
	for (uint64_t i = 0; i < n; i++)
		pages_free(pages, PROC_UNTIMED, all[i]);
	free(all);
}
END_TEST

static void take_all_beside_the_hole(void *arg)
{
	struct bed b;

	bed_init(&b, 1, 1);
	b.mem.size = *(const uint64_t *)arg;
	b.mem.hole = ((uint64_t)4 << 30) - MEMORY_PAGES * PAGE_SIZE;
	bed_build(&b);
	for (;;)
		if (!mem_exists(
			    b.machine.mem, pages_alloc(b.machine.pages, PROC_UNTIMED), PAGE_SIZE))
			_exit(1);
}

/* memory.hole: 64 MiB below it, and above it nothing, nothing just so, or 64 MiB more. */
START_TEST(a_hole_in_memory_is_stepped_over)
{
	static const struct {
		uint64_t size;
		const char *in_use;
	} memory[] = {
		{ (uint64_t)2 << 30, " 16128 pages" },
		{ (uint64_t)4 << 30, " 16128 pages" },
		{ ((uint64_t)4 << 30) + MEMORY_PAGES * PAGE_SIZE, " 32512 pages" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(memory); i++) {
		uint64_t size = memory[i].size;
		struct child_end end = child_run(take_all_beside_the_hole, &size);

		ck_assert_int_eq(end.code, 2);
		if (!strstr(end.text, memory[i].in_use))
			ck_abort_msg("%s are not in: %s", memory[i].in_use, end.text);
	}
}
END_TEST

static void take_too_many_contiguous(void *arg)
{
	(void)arg;
	pages_alloc_contig(pages, PROC_UNTIMED, (unsigned)MEMORY_PAGES);
}

START_TEST(contiguous_pages_can_run_out_too)
{
	struct child_end end = child_run(take_too_many_contiguous, NULL);

	ck_assert_int_eq(end.code, 2);
	ck_assert_ptr_nonnull(strstr(end.text, "memory.size"));
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("pages");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, the_page_freed_last_is_the_next);
	tcase_add_test(tc, pages_come_from_the_global_list_in_batches);
	tcase_add_test(tc, a_full_list_gives_a_batch_back_the_oldest_pages_first);
	tcase_add_test(tc, what_one_cpu_has_trimmed_another_gets);
	tcase_add_test(tc, a_page_costs_what_the_configuration_says);
	tcase_add_test(tc, no_page_is_handed_out_twice);
	tcase_add_test(tc, contiguous_pages_are_zero_and_come_back);
	tcase_add_test(tc, contiguous_pages_of_two_cpus_at_once_do_not_overlap);
	tcase_add_test(tc, the_hook_sees_every_page_that_is_handed_out);
	tcase_add_test(tc, running_out_is_an_error_that_names_memory_size);
	tcase_add_test(tc, every_page_can_be_had_before_that);
	tcase_add_test(tc, a_hole_in_memory_is_stepped_over);
	tcase_add_test(tc, contiguous_pages_can_run_out_too);
	return unit_run("pages", tc);
}
