/*
 * Random tables, right and wrong, walked by the model (all caches on) and by brute.c. Software changes
 * entries all the time and invalidates what it must, sometimes more, in every form there is; then the
 * caches must not show: each answer is that of a walk of memory as it is now.
 */
#include <string.h>

#include "base/rng.h"
#include "tests/models/brute.h"
#include "tests/unit/unit.h"

#define NDEVICES 4u
#define NINDEX   3u
#define STEPS    200000u /* over the four shapes of the unit */
#define REBUILD  1000u

static const uint16_t bdfs[NDEVICES] = { 0x0018, 0x0019, 0x0100, 0xff3f };
static const unsigned indices[NINDEX] = { 0, 5, 511 };

static struct hand h;
static struct rng rng;
static struct {
	uint64_t pgd, context;
	unsigned levels;
	uint16_t did;
} space[NDEVICES];
static uint64_t first_table;
static unsigned faults_seen[16];

static bool chance(unsigned percent)
{
	return rng_below(&rng, 100) < percent;
}

static uint64_t random_iova(unsigned levels)
{
	uint64_t iova = rng_below(&rng, 1024) * 4;

	for (unsigned level = 1; level <= levels; level++)
		iova |= (uint64_t)indices[rng_below(&rng, NINDEX)] << (12 + 9 * (level - 1));
	if (chance(2))
		iova |= BIT64(12 + 9 * levels + rng_below(&rng, 52 - 9 * levels));
	return iova;
}

/* ---- entries ---- */

static uint64_t spoil(uint64_t entry, unsigned level)
{
	switch (rng_below(&rng, 7)) {
	case 0:
		return entry | BIT64(34 + rng_below(&rng, 18)); /* beyond the machine */
	case 1:
		return entry | BIT64(11);
	case 2:
		return entry | BIT64(62);
	case 3:
		return entry | PTE_PS;
	case 4: /* misaligns a large page; a pointer to a table is spared: tables stay a tree */
		return (entry & PTE_PS) ? entry | BIT64(12 + rng_below(&rng, 9 * level)) : entry;
	case 5:
		return entry | BIT64(52 + rng_below(&rng, 10)) | BIT64(63) |
		       0x77c; /* all ignored */
	default:
		return (entry & ~GENMASK64(51, 12)) |
		       (UINT64_C(13) << 30); /* nobody answers there */
	}
}

static uint64_t random_rights(void)
{
	static const uint8_t rights[] = { 3, 3, 3, 3, 3, 3, 3, 3, 1, 2, 0 };

	return rights[rng_below(&rng, ARRAY_SIZE(rights))];
}

static uint64_t random_page(unsigned level)
{
	uint64_t address = rng_below(&rng, UINT64_C(12) << 30);

	if (chance(5))
		address = UINT64_C(0xfee00000) + rng_below(&rng, BIT64(20));
	return round_down_lg2(address, 12 + 9 * (level - 1)) | (level > 1 ? PTE_PS : 0);
}

static uint64_t random_entry(unsigned level, uint64_t child)
{
	bool leaf = level == 1 || (level < 4 && chance(30));
	uint64_t entry = leaf ? random_page(level) : child;

	entry |= random_rights();
	return chance(8) ? spoil(entry, level) : entry;
}

/* A table of a tree that never changes its shape: slot i of the NINDEX used has its own child, made
 * once; entries come to point there or elsewhere. Children are found by the order of creation. */
static uint64_t make_tree(unsigned level)
{
	uint64_t table = hand_page(&h);

	for (unsigned i = 0; i < NINDEX; i++) {
		uint64_t child = level > 1 ? make_tree(level - 1) : 0;

		hand_put(&h, table + 8 * indices[i], random_entry(level, child));
		if (level > 1) /* kept in a slot that no address uses */
			hand_put(&h, table + 8 * (100 + i), child);
	}
	return table;
}

/* Of an entry that points to a table; never one that leads to another existing page. */
static uint64_t random_bit_beside_the_pointer(void)
{
	return chance(30) ? BIT64(rng_below(&rng, 12)) : BIT64(34 + rng_below(&rng, 30));
}

static void random_context(unsigned d)
{
	uint64_t lo = space[d].pgd | 1;
	uint64_t hi = (uint64_t)space[d].did << 8 | (space[d].levels - 2);

	if (chance(10))
		lo |= UINT64_C(1) << 2;
	if (chance(5))
		lo = (lo & ~UINT64_C(0xc)) | UINT64_C(2) << 2;
	if (chance(3))
		lo |= random_bit_beside_the_pointer();
	if (chance(3))
		hi ^= BIT64(rng_below(&rng, 64));
	if (chance(3))
		lo &= ~UINT64_C(1);
	if (chance(2))
		lo = (lo & 0xfff) | UINT64_C(13) << 30;
	/* A domain id names one tree: another one needs other tables. */
	hi = (hi & ~GENMASK64(23, 8)) | (uint64_t)space[d].did << 8;
	if ((hi & 7) != space[d].levels - 2 && (hi & 7) < 3)
		hi = (hi & ~UINT64_C(7)) | 7;
	hand_put(&h, space[d].context, lo);
	hand_put(&h, space[d].context + 8, hi);
}

static void random_root(unsigned d)
{
	uint64_t at = h.root + 16 * (bdfs[d] >> 8);
	uint64_t lo = (space[d].context & ~UINT64_C(0xfff)) | 1;

	if (chance(8))
		lo |= random_bit_beside_the_pointer();
	if (chance(8))
		lo &= ~UINT64_C(1);
	if (chance(8))
		lo = (lo & 0xfff) | UINT64_C(13) << 30;
	hand_put(&h, at, lo);
	hand_put(&h, at + 8, chance(8) ? BIT64(rng_below(&rng, 64)) : 0);
}

/* ---- invalidations ---- */

static void flush_everything(void)
{
	hand_submit(&h, INV_CONTEXT_GLOBAL, 0);
	hand_submit(&h, INV_IOTLB_GLOBAL, 0);
}

static void rebuild(void)
{
	h.next = first_table;
	for (unsigned i = 0; i < 512; i++)
		hand_put(&h, h.root + 8 * i, 0);
	for (unsigned d = 0; d < NDEVICES; d++) {
		space[d].levels = 3 + (unsigned)rng_below(&rng, 2);
		space[d].did = (uint16_t)(1 + d * 77);
		space[d].pgd = make_tree(space[d].levels);
		space[d].context = hand_context_at(&h, bdfs[d]);
		random_context(d);
	}
	flush_everything();
}

/* What the specification asks for after an entry of domain `did` that covers 2^lg2 bytes at iova has
 * changed, or more. */
static void invalidate_range(uint16_t did, uint64_t iova, unsigned lg2, bool was_leaf)
{
	unsigned am = lg2 - 12, how = (unsigned)rng_below(&rng, 10);
	uint64_t hint = was_leaf && chance(50) ? INV_HINT : 0;

	if (how == 0)
		hand_submit(&h, INV_IOTLB_GLOBAL, 0);
	else if (how == 1 || am > 18)
		hand_submit(&h, INV_IOTLB_DOMAIN(did), 0);
	else if (how == 2 && am < 18)
		hand_submit(
			&h, INV_IOTLB_PAGE(did), round_down_lg2(iova, lg2 + 1) | (am + 1) | hint);
	else
		hand_submit(&h, INV_IOTLB_PAGE(did), round_down_lg2(iova, lg2) | am | hint);
}

static void change_paging_entry(unsigned d)
{
	uint64_t iova = random_iova(space[d].levels) & (BIT64(12 + 9 * space[d].levels) - 1);
	unsigned level = 1 + (unsigned)rng_below(&rng, space[d].levels);
	uint64_t table = space[d].pgd, at, old;

	for (unsigned l = space[d].levels;; l--) {
		unsigned index = iova >> (12 + 9 * (l - 1)) & 511;
		unsigned slot = index == indices[0] ? 0 : index == indices[1] ? 1 : 2;
		uint64_t child = hand_get(&h, table + 8 * (100 + slot));

		at = table + 8 * index;
		if (l == level) {
			old = hand_get(&h, at);
			hand_put(&h, at, random_entry(level, child));
			break;
		}
		table = child;
	}
	if (!(old & PTE_RW) && chance(50))
		return; /* was not present: CAP.CM is 0, nothing can be cached */
	invalidate_range(space[d].did, iova, 12 + 9 * (level - 1), level == 1 || (old & PTE_PS));
}

static void change_context(unsigned d)
{
	random_root(d);
	random_context(d);
	hand_submit(&h, INV_CONTEXT_GLOBAL, 0);
	if (chance(50))
		hand_submit(&h, INV_IOTLB_GLOBAL, 0);
	else
		for (unsigned i = 0; i < NDEVICES; i++)
			hand_submit(&h, INV_IOTLB_DOMAIN(space[i].did), 0);
}

static void change_device_context(unsigned d)
{
	random_context(d);
	if (chance(50))
		hand_submit(&h, INV_CONTEXT_DEVICE(space[d].did, bdfs[d], rng_below(&rng, 4)), 0);
	else
		hand_submit(&h, INV_CONTEXT_DOMAIN(space[d].did), 0);
	hand_submit(&h, INV_IOTLB_DOMAIN(space[d].did), 0);
}

static void needless_invalidation(void)
{
	uint16_t did = space[rng_below(&rng, NDEVICES)].did;
	uint64_t iova = random_iova(4) & GENMASK64(47, 12);

	hand_submit(&h, INV_IOTLB_PAGE(did), iova | rng_below(&rng, 19));
}

/* ---- the comparison ---- */

static void compare(unsigned step)
{
	unsigned d = (unsigned)rng_below(&rng, NDEVICES);
	uint16_t bdf = chance(1) ? (uint16_t)rng_below(&rng, 0x10000) : bdfs[d];
	uint64_t iova = random_iova(space[d].levels);
	bool write = chance(50);
	struct brute_result want = brute_walk(&h, bdf, iova, write);
	struct xlate got = hand_dma(&h, bdf, iova, write);

	faults_seen[want.fault]++;
	ck_assert_msg(got.ok == (want.fault == 0) && (got.ok || got.fault_code == want.fault),
		"step %u: device %#x iova %#llx %s: model %s %#x, expected fault %#x at level %u",
		step, bdf, (unsigned long long)iova, write ? "write" : "read",
		got.ok ? "translated" : "fault", got.ok ? 0 : got.fault_code, want.fault,
		want.level);
	if (!got.ok)
		return;
	ck_assert_msg(got.pa.a == want.pa && got.page_lg2 == want.page_lg2,
		"step %u: device %#x iova %#llx: model %#llx (2^%u), expected %#llx (2^%u)", step,
		bdf, (unsigned long long)iova, (unsigned long long)got.pa.a, got.page_lg2,
		(unsigned long long)want.pa, want.page_lg2);
}

static void step(unsigned i)
{
	unsigned what = (unsigned)rng_below(&rng, 100);
	unsigned d = (unsigned)rng_below(&rng, NDEVICES);

	if (i % REBUILD == 0)
		rebuild();
	if (what < 10)
		change_paging_entry(d);
	else if (what == 10)
		change_context(d);
	else if (what == 11)
		change_device_context(d);
	else if (what == 12)
		needless_invalidation();
	compare(i);
	if (i % 64 == 0) /* keep the fault records from filling up: they are not the subject */
		for (unsigned r = 0; r < 8; r++)
			hand_write(&h, REG_FRCD + 16 * r + 12, 4, 0x80000000);
}

static void run(uint64_t seed, uint64_t cap_off, uint64_t ecap_off, bool small)
{
	rng_init(&rng, seed, "bruteforce");
	hand_init(&h);
	h.rig.mem.size = UINT64_C(12) << 30; /* of the sixteen that HAND_HAW reaches */
	rig_set(&h.rig, "cap", HAND_CAP & ~cap_off);
	rig_set(&h.rig, "ecap", HAND_ECAP & ~ecap_off);
	if (small) {
		rig_set(&h.rig, "iotlb_entries", 4);
		rig_set(&h.rig, "iotlb_ways", 2);
		rig_set(&h.rig, "context_entries", 2);
		rig_set(&h.rig, "pml4_entries", 1);
		rig_set(&h.rig, "pdp_entries", 2);
		rig_set(&h.rig, "pd_entries", 2);
	}
	hand_start(&h);
	hand_on(&h);
	first_table = h.next;
	for (unsigned i = 0; i < brute_steps(STEPS) / 4; i++)
		step(i);
	ck_assert_uint_gt(rig_metric(&h.rig, "iommu0.iotlb_hits"), 0);
	hand_stop(&h);
}

START_TEST(all_capabilities)
{
	run(1, 0, 0, false);
}
END_TEST

START_TEST(small_caches)
{
	run(2, 0, 0, true);
}
END_TEST

START_TEST(without_large_pages)
{
	run(3, GENMASK64(37, 34), 0, false);
}
END_TEST

START_TEST(without_pass_through_snoop_control_and_device_tlbs)
{
	run(4, BIT64(9), ECAP_PASS | ECAP_SNOOP | ECAP_DEVICE_TLB, true);
}
END_TEST

START_TEST(every_fault_reason_has_been_met)
{
	static const unsigned reasons[] = { 0, 1, 2, 3, 4, 5, 6, 7, 9, 0xa, 0xb, 0xc, 0xe };

	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		ck_assert_msg(faults_seen[reasons[i]] > 20, "reason %#x met %u times", reasons[i],
			faults_seen[reasons[i]]);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("vtd bruteforce");

	tcase_add_test(tc, all_capabilities);
	tcase_add_test(tc, small_caches);
	tcase_add_test(tc, without_large_pages);
	tcase_add_test(tc, without_pass_through_snoop_control_and_device_tlbs);
	tcase_add_test(tc, every_fault_reason_has_been_met);
	return unit_run("vtd_bruteforce", tc);
}
