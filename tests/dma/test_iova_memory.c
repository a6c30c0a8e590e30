/*
 * Allocators that are more than a space of addresses: identity follows the memory and counts its pages,
 * premapped hands out buffers that stay mapped. Do they keep what the contract says about that?
 */
#include <check.h>

#include "iommu/iommu.h"
#include "tests/dma/stand.h"
#include "tests/unit/unit.h"

#define LAST_PFN ((UINT64_C(1) << 36) - 1)

static struct stand stand;

struct call {
	struct iova_req req;
	struct iova_range range;
	bool ok;
};

static void alloc(struct proc *p, void *arg)
{
	struct call *c = arg;

	c->ok = stand.ops->alloc(stand.state, p, &c->req, &c->range);
}

static struct call ask(unsigned cpu, struct iova_req req)
{
	struct call c = { .req = req };

	stand_on(&stand, cpu, alloc, &c);
	return c;
}

/* ---- identity ---- */

static struct call at_page(uint64_t pa_pfn, uint32_t npages, unsigned prot, uint64_t limit)
{
	return ask(
		0, (struct iova_req){
			   .npages = npages, .limit_pfn = limit, .prot = prot, .pa_pfn = pa_pfn });
}

START_TEST(test_rights_lie_in_copies_of_the_memory)
{
	const unsigned both = IOMMU_PROT_R | IOMMU_PROT_W;
	struct call rw, w, r;

	stand_init(&stand, &iova_identity_ops, NULL, 1, LAST_PFN);
	rw = at_page(1000, 4, both, LAST_PFN);
	w = at_page(1000, 4, IOMMU_PROT_W, LAST_PFN);
	r = at_page(1000, 4, IOMMU_PROT_R, LAST_PFN);
	ck_assert(rw.ok && w.ok && r.ok);
	ck_assert_uint_eq(rw.range.pfn, 1000);
	ck_assert_uint_ne(w.range.pfn, r.range.pfn);
	ck_assert_uint_gt(w.range.pfn, 1003);
	ck_assert_uint_gt(r.range.pfn, 1003);
	stand_free(&stand, 0, &rw.range);
	stand_free(&stand, 0, &w.range);
	stand_free(&stand, 0, &r.range);
	stand_fini(&stand);
}
END_TEST

START_TEST(test_memory_beyond_the_mask_or_reserved_is_refused)
{
	const unsigned both = IOMMU_PROT_R | IOMMU_PROT_W;
	struct call c;

	stand_init(&stand, &iova_identity_ops, NULL, 1, LAST_PFN);
	stand.ops->reserve(stand.state, PROC_UNTIMED, 500, 509);
	ck_assert(!at_page(4090, 16, both, 4095).ok); /* 24 bits */
	ck_assert(!at_page(1, 1, IOMMU_PROT_W, 4095).ok); /* its copy is above */
	ck_assert(!at_page(490, 11, both, LAST_PFN).ok);
	ck_assert(!at_page(0, 1, both, LAST_PFN).ok); /* below the space */
	ck_assert_uint_eq(stand_metric(&stand, "unreachable"), 4);
	c = at_page(4080, 16, both, 4095);
	ck_assert(c.ok);
	stand_free(&stand, 0, &c.range);
	stand_fini(&stand);
}
END_TEST

static void hold_and_drop(struct proc *p, void *arg)
{
	const struct iova_allocator_ops *ops = stand.ops;
	const bool first[] = { true, false, false }, last[] = { false, false, true };

	(void)arg;
	for (unsigned i = 0; i < 3; i++) {
		ck_assert_int_eq(ops->hold(stand.state, p, 77), first[i]);
		ops->settle(stand.state, p, 77);
	}
	for (unsigned i = 0; i < 3; i++) {
		ck_assert_int_eq(ops->drop(stand.state, p, 77), last[i]);
		ops->settle(stand.state, p, 77);
	}
	ck_assert(ops->hold(stand.state, p, 77)); /* again */
	ops->settle(stand.state, p, 77);
	ck_assert(ops->drop(stand.state, p, 77));
	ops->settle(stand.state, p, 77);
}

START_TEST(test_the_first_maps_and_the_last_unmaps)
{
	stand_init(&stand, &iova_identity_ops, NULL, 1, LAST_PFN);
	stand_on(&stand, 0, hold_and_drop, NULL);
	ck_assert_uint_eq(stand_metric(&stand, "held"), 0);
	ck_assert_uint_eq(stand_metric(&stand, "first"), 2);
	ck_assert_uint_eq(stand_metric(&stand, "shared"), 2);
	stand_fini(&stand);
}
END_TEST

/* ---- premapped ---- */

static struct call buffer(unsigned cpu, uint32_t npages, unsigned prot)
{
	return ask(cpu,
		(struct iova_req){ .npages = npages, .limit_pfn = STAND_LIMIT_32, .prot = prot });
}

static void retire_all(unsigned want)
{
	struct iova_range r;

	while (stand.ops->retire(stand.state, &r)) {
		ck_assert_uint_gt(r.premapped, 0);
		want--;
	}
	ck_assert_uint_eq(want, 0);
}

START_TEST(test_a_buffer_comes_back_mapped_to_its_own_cpu)
{
	struct call a, b, c;

	stand_init(&stand, &iova_premapped_ops, NULL, 2, STAND_LIMIT_32);
	a = buffer(0, 1, IOMMU_PROT_W);
	ck_assert(a.ok && a.range.fresh);
	ck_assert_uint_eq(a.range.premapped, 1);
	stand_free(&stand, 1, &a.range); /* elsewhere: goes home */
	b = buffer(1, 1, IOMMU_PROT_W);
	ck_assert(b.ok && b.range.fresh);
	c = buffer(0, 1, IOMMU_PROT_W);
	ck_assert(c.ok && !c.range.fresh);
	ck_assert_uint_eq(c.range.pfn, a.range.pfn);
	ck_assert_uint_eq(stand_metric(&stand, "freed_elsewhere"), 1);
	stand_free(&stand, 0, &b.range);
	stand_free(&stand, 0, &c.range);
	retire_all(2);
	stand_fini(&stand);
}
END_TEST

START_TEST(test_rights_and_sizes_have_buffers_of_their_own)
{
	struct call w, r, large, direct, ring;

	stand_init(&stand, &iova_premapped_ops, NULL, 1, STAND_LIMIT_32);
	w = buffer(0, 1, IOMMU_PROT_W);
	stand_free(&stand, 0, &w.range);
	r = buffer(0, 1, IOMMU_PROT_R);
	ck_assert(r.range.fresh);
	large = buffer(0, 2, IOMMU_PROT_W);
	ck_assert_uint_eq(large.range.premapped, 16);
	direct = buffer(0, 17, IOMMU_PROT_W);
	ck_assert(direct.ok && !direct.range.premapped);
	ring = ask(
		0, (struct iova_req){ .npages = 1, .limit_pfn = STAND_LIMIT_32, .coherent = true });
	ck_assert(ring.ok && !ring.range.premapped);
	stand_free(&stand, 0, &r.range);
	stand_free(&stand, 0, &large.range);
	stand_free(&stand, 0, &direct.range);
	stand_free(&stand, 0, &ring.range);
	retire_all(3);
	stand_fini(&stand);
}
END_TEST

START_TEST(test_an_exhausted_space_lends_the_buffers_of_others)
{
	static struct call c[64];
	unsigned n = 0;
	struct call one;

	stand_init(&stand, &iova_premapped_ops, NULL, 2, 32);
	while (n < ARRAY_SIZE(c)) {
		c[n] = ask(0, (struct iova_req){ .npages = 1, .limit_pfn = 32 });
		if (!c[n].ok)
			break;
		n++;
	}
	ck_assert_uint_eq(n, 32);
	stand_free(&stand, 0, &c[5].range);
	one = ask(1, (struct iova_req){ .npages = 1, .limit_pfn = 32 });
	ck_assert(one.ok && !one.range.fresh);
	ck_assert_uint_eq(one.range.pfn, c[5].range.pfn);
	ck_assert_uint_eq(stand_metric(&stand, "from_others"), 1);
	stand_free(&stand, 1, &one.range);
	for (unsigned i = 0; i < n; i++)
		if (i != 5)
			stand_free(&stand, 0, &c[i].range);
	retire_all(32);
	stand_fini(&stand);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("memory");

	tcase_add_test(tc, test_rights_lie_in_copies_of_the_memory);
	tcase_add_test(tc, test_memory_beyond_the_mask_or_reserved_is_refused);
	tcase_add_test(tc, test_the_first_maps_and_the_last_unmaps);
	tcase_add_test(tc, test_a_buffer_comes_back_mapped_to_its_own_cpu);
	tcase_add_test(tc, test_rights_and_sizes_have_buffers_of_their_own);
	tcase_add_test(tc, test_an_exhausted_space_lends_the_buffers_of_others);
	return unit_run("memory", tc);
}
