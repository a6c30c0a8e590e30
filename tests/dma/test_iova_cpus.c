/*
 * iova on many CPUs: does every registered allocator keep its contract when up to 64 simulated CPUs
 * are at it at once, under its own locks, and free what others have allocated?
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/rng.h"
#include "tests/dma/stand.h"
#include "tests/unit/unit.h"

#define PAGES       98304u /* three apertures of the bitmaps */
#define CPUS_MAX    64u
#define OPERATIONS  200000u
#define ROUND       400u /* operations a CPU does between two checks */
#define CLOSELY     8000u /* operations of the runs that check after each */
#define BASKET      40u /* ranges that wait to be freed by a CPU; others may add as many */
#define SMALL_SPACE 4095u

static const unsigned cpus[] = { 1, 2, 8, CPUS_MAX };

struct basket {
	struct iova_range range[2 * BASKET + 1];
	unsigned n;
};

static struct stand stand;
static struct rng rng[CPUS_MAX];
static struct basket basket[CPUS_MAX];
static bool taken[PAGES]; /* the oracle */
static uint64_t live, refused, elsewhere;
static uint64_t base; /* first PFN of the space, less 1 */
static unsigned ncpus;

/* Below 4 GiB and above: some allocators keep the two apart. */
static const uint64_t bases[] = { 0, UINT64_C(1) << 24 };

static const struct iova_allocator_ops *under_test(int i)
{
	size_t n;
	const struct iova_allocator_ops *const *ops = iova_allocators(&n);

	return ops[i];
}

/* Check writes to a file at every assertion: too slow for the millions here. */
static void must(bool holds, const char *what)
{
	if (!holds)
		ck_abort_msg("%s", what);
}

static void mark(const struct iova_range *r, bool take)
{
	for (uint64_t pfn = r->pfn - base; pfn < r->pfn - base + r->npages; pfn++) {
		must(taken[pfn] != take, "a page of two ranges, or freed twice");
		taken[pfn] = take;
	}
	live = take ? live + 1 : live - 1;
}

static struct iova_req random_request(unsigned cpu)
{
	struct rng *r = &rng[cpu];
	bool large = rng_below(r, 50) == 0, low = rng_below(r, 8) == 0;
	uint64_t lowest = rng_below(r, 8) ? PAGES : 32;

	return (struct iova_req){
		.npages = (uint32_t)(1 + rng_below(r, large ? 300 : 40)),
		.limit_pfn = base + (low ? 1 + rng_below(r, lowest) : PAGES - 1),
		.size_aligned = rng_below(r, 2) == 0,
		.keep_caches = rng_below(r, 2) == 0,
	};
}

static void alloc(struct proc *p, unsigned cpu)
{
	const struct iova_req req = random_request(cpu);
	unsigned to = rng_below(&rng[cpu], 2) ? cpu : (unsigned)rng_below(&rng[cpu], ncpus);
	struct iova_range r;

	if (!stand.ops->alloc(stand.state, p, &req, &r)) {
		refused++;
		return;
	}
	must(r.npages == req.npages, "another size");
	must(r.pfn > base && r.pfn + r.npages - 1 <= req.limit_pfn, "outside of the limit");
	must(!req.size_aligned || (r.pfn & (BIT64(ilog2_ceil(r.npages)) - 1)) == 0, "not aligned");
	must((stand.ops->caps & IOVA_TELLS_REUSE) || r.flushes == 0, "flushes, without the cap");
	mark(&r, true);
	if (basket[to].n >= 2 * BASKET)
		to = cpu;
	must(basket[to].n < ARRAY_SIZE(basket[to].range), "no room to remember the range");
	elsewhere += to != cpu;
	basket[to].range[basket[to].n++] = r;
}

static void release(struct proc *p, unsigned cpu)
{
	struct basket *b = &basket[cpu];
	unsigned i = (unsigned)rng_below(&rng[cpu], b->n);
	struct iova_range r = b->range[i];

	b->range[i] = b->range[--b->n];
	if (rng_below(&rng[cpu], 2))
		r.cookie = NULL;
	mark(&r, false); /* before: it may be somebody else's before free() returns */
	stand.ops->free(stand.state, p, &r);
}

static void one(struct proc *p, unsigned cpu)
{
	bool inside = stand.ops->enter && rng_below(&rng[cpu], 2);

	cpu_run(p, rng_below(&rng[cpu], 2000), CPU_driver);
	if (inside)
		stand.ops->enter(stand.state, p);
	if (basket[cpu].n == 0 || (basket[cpu].n < BASKET && rng_below(&rng[cpu], 100) < 55))
		alloc(p, cpu);
	else
		release(p, cpu);
	if (inside)
		stand.ops->leave(stand.state, p);
}

static unsigned round_length;

static void one_round(struct proc *p, void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < round_length; i++)
		one(p, cpu_id(p));
}

static void free_basket(struct proc *p, void *arg)
{
	(void)arg;
	while (basket[cpu_id(p)].n > 0)
		release(p, cpu_id(p));
}

/* On all CPUs at once, until nothing is left to happen. */
static void on_all(void (*fn)(struct proc *p, void *arg))
{
	static struct cpu_work work[CPUS_MAX];

	for (unsigned i = 0; i < ncpus; i++) {
		cpu_work_init(&work[i], fn, NULL);
		cpu_post(&stand.bed.machine.cpus[i], &work[i]);
	}
	stand_settle(&stand);
	stand_check(&stand, live);
}

static void begin(int i, unsigned n, uint64_t at, uint64_t npages)
{
	const struct iova_allocator_ops *ops = under_test(i);

	memset(taken, 0, sizeof(taken));
	memset(basket, 0, sizeof(basket));
	live = refused = elsewhere = 0;
	ncpus = n;
	base = at;
	for (unsigned c = 0; c < n; c++)
		rng_init(&rng[c], c, "test.iova.cpus");
	stand_set_up(&stand,
		&(struct stand_setup){
			.ops = ops, .ncpus = n, .first_pfn = at + 1, .last_pfn = at + npages });
}

/* A figure that the environment may raise, for the long runs of scripts/validate-iova.sh. */
static unsigned figure(const char *name, unsigned def)
{
	const char *text = getenv(name);

	return text ? (unsigned)strtoul(text, NULL, 10) : def;
}

static void run_at(int i, uint64_t at, unsigned n, unsigned operations, unsigned length)
{
	begin(i, n, at, PAGES - 1);
	round_length = length;
	for (unsigned done = 0; done < operations; done += length * n)
		on_all(one_round);
	ck_assert_uint_gt(refused, 0); /* low limits */
	if (n > 1)
		ck_assert_uint_gt(elsewhere, operations / 16);
	on_all(free_basket);
	ck_assert_uint_eq(live, 0);
	stand_fini(&stand);
}

START_TEST(test_cpus_at_once_get_disjoint_ranges_and_leak_none)
{
	unsigned n = cpus[(unsigned)_i % ARRAY_SIZE(cpus)];
	int allocator = _i / (int)ARRAY_SIZE(cpus);

	for (size_t b = 0; b < ARRAY_SIZE(bases); b++)
		run_at(allocator, bases[b], n, OPERATIONS / ARRAY_SIZE(bases), ROUND);
}
END_TEST

/* One operation on each CPU at once, then a look at the whole structure. */
START_TEST(test_the_structure_is_whole_after_every_operation)
{
	unsigned n = cpus[(unsigned)_i % ARRAY_SIZE(cpus)];
	int allocator = _i / (int)ARRAY_SIZE(cpus);
	unsigned operations = figure("IOMMUSIM_IOVA_OPERATIONS", CLOSELY);

	for (size_t b = 0; b < ARRAY_SIZE(bases); b++)
		run_at(allocator, bases[b], n, operations / ARRAY_SIZE(bases), 1);
}
END_TEST

static struct iova_range filled[SMALL_SPACE];

static unsigned fill(unsigned cpu, uint32_t npages)
{
	unsigned n = 0;

	while (stand_alloc(&stand, cpu, npages, SMALL_SPACE, &filled[n]))
		mark(&filled[n++], true);
	return n;
}

START_TEST(test_what_other_cpus_freed_can_be_had_again)
{
	unsigned first, again;

	if (under_test(_i)->caps & IOVA_PREMAPPED)
		return; /* takes larger pieces, for good: test_iova_memory.c */
	begin(_i, 4, 0, SMALL_SPACE);
	first = fill(0, 2);
	ck_assert_uint_gt(first, SMALL_SPACE / 2 / 2);
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < first; i++) {
			mark(&filled[i], false);
			stand_free(&stand, i % 4, &filled[i]);
		}
		stand_check(&stand, 0);
		again = fill((round + 1) % 4, 2);
		ck_assert_uint_eq(again, first);
	}
	for (unsigned i = 0; i < first; i++) {
		mark(&filled[i], false);
		stand_free(&stand, i % 4, &filled[i]);
	}
	stand_fini(&stand);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("every allocator on many CPUs");
	const struct iova_allocator_ops *const *ops;
	size_t count;
	int n;

	ops = iova_allocators(&count);
	/* Those that follow the memory's addresses come last, and have tests of their own. */
	for (n = 0; n < (int)count && !(ops[n]->caps & IOVA_FOLLOWS_MEMORY);)
		n++;
	tcase_set_timeout(tc, 300);
	tcase_add_loop_test(tc, test_cpus_at_once_get_disjoint_ranges_and_leak_none, 0,
		n * (int)ARRAY_SIZE(cpus));
	tcase_add_loop_test(tc, test_the_structure_is_whole_after_every_operation, 0,
		n * (int)ARRAY_SIZE(cpus));
	tcase_add_loop_test(tc, test_what_other_cpus_freed_can_be_had_again, 0, n);
	return unit_run("iova on many CPUs", tc);
}
