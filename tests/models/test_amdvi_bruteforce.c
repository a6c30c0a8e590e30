/*
 * Random tables, right and wrong, walked by the model (all caches on) and by brute_amd.c: host tables with
 * skipped levels and pages of every size, guest tables, and guest tables nested in host tables. Software
 * changes entries all the time and invalidates what it must, sometimes more; then the caches must not
 * show: each answer is that of a walk of memory as it is now.
 */
#include <stdlib.h>

#include "base/rng.h"
#include "tests/models/brute_amd.h"
#include "tests/unit/unit.h"

#define NDEVICES 3u
#define NINDEX   3u
#define STEPS    150000u /* over the modes */
#define REBUILD  1500u
#define PASID    5
#define NOBODY   UINT64_C(0x3fff000000) /* no memory there */

static const uint16_t bdfs[NDEVICES] = { 0x0018, 0x0100, 0xff3f };
static const unsigned indices[NINDEX] = { 0, 5, 511 };
/* A page of several entries must not reach another index in use: log2 of the most entries. */
static const unsigned most_lg2[NINDEX] = { 2, 1, 8 };

static struct ahand h;
static struct rng rng;
static bool with_guest, nested;
static struct {
	uint64_t host, guest, gcr3;
	unsigned mode, glevels;
	uint16_t domain;
} dev[NDEVICES];
static uint64_t first_table;
static unsigned codes_seen[16], sizes_seen[64];

static unsigned steps(void)
{
	const char *asked = getenv("IOMMUSIM_BRUTE_STEPS");

	return asked ? (unsigned)strtoul(asked, NULL, 10) : STEPS / 3;
}

static bool chance(unsigned percent)
{
	return rng_below(&rng, 100) < percent;
}

static uint64_t random_address(unsigned levels)
{
	uint64_t address = rng_below(&rng, 1024) * 4;

	for (unsigned level = 1; level <= levels; level++)
		address |= (uint64_t)indices[chance(40) ? 0 : rng_below(&rng, NINDEX)]
			   << (12 + 9 * (level - 1));
	if (chance(2) && levels < 6)
		address |= BIT64(12 + 9 * levels + rng_below(&rng, 52 - 9 * levels));
	return address;
}

/* ---- host tables ---- */

static uint64_t random_rights(void)
{
	return chance(85) ? A_RW : (uint64_t)rng_below(&rng, 4) << 61;
}

static uint64_t random_page(unsigned slot, unsigned level)
{
	unsigned lg2 = 12 + 9 * (level - 1), extra = 0;
	uint64_t pa = rng_below(&rng, UINT64_C(12) << 30);

	if (chance(40))
		extra = 1 + (unsigned)rng_below(&rng, most_lg2[slot]);
	if (!extra)
		return round_down_lg2(pa, lg2) | A_NEXT(0);
	lg2 += extra;
	return round_down_lg2(pa, lg2) | ((BIT64(lg2 - 1) - 1) & ~UINT64_C(0xfff)) | A_NEXT(7);
}

static uint64_t spoil(uint64_t entry)
{
	switch (rng_below(&rng, 4)) {
	case 0:
		return entry | BIT64(52 + rng_below(&rng, 7));
	case 1:
		return entry | BIT64(1 + rng_below(&rng, 8)) | BIT64(59 + rng_below(&rng, 2)) |
		       BIT64(63); /* all ignored */
	case 2:
		return (entry & ~A_PR);
	default: /* a NextLevel that cannot come next, of an entry that points nowhere */
		return (entry & ~(GENMASK64(51, 12) | A_NEXT(7))) | A_NEXT(6) | NOBODY;
	}
}

static uint64_t host_entry(unsigned slot, unsigned level, uint64_t child)
{
	bool page = level == 1 || (level < 6 && chance(20));
	uint64_t entry = (page ? random_page(slot, level) : child) | random_rights() | A_PR;

	return chance(6) ? spoil(entry) : entry;
}

/* A table of a tree that never changes its shape; what an entry can point to is kept, with its level, in a
 * slot that no address uses. */
static uint64_t make_host(unsigned level)
{
	uint64_t table = ahand_page(&h);

	for (unsigned i = 0; i < NINDEX; i++) {
		uint64_t child = 0;

		if (level > 1) {
			unsigned next =
				chance(75) ? level - 1 : 1 + (unsigned)rng_below(&rng, level - 1);

			child = make_host(next) | A_NEXT(next);
		}
		ahand_put(&h, table + 8 * (100 + i), child);
		ahand_put(&h, table + 8 * indices[i], host_entry(i, level, child));
	}
	return table;
}

static void change_host(unsigned d)
{
	uint64_t table = dev[d].host, at, old;
	unsigned level = dev[d].mode, slot;

	for (;;) {
		uint64_t child;

		slot = (unsigned)rng_below(&rng, NINDEX);
		at = table + 8 * indices[slot];
		child = ahand_get(&h, table + 8 * (100 + slot));
		old = ahand_get(&h, at);
		if (level == 1 || chance(40)) {
			ahand_put(&h, at, host_entry(slot, level, child));
			break;
		}
		table = child & GENMASK64(51, 12);
		level = child >> 9 & 7;
	}
	if (!(old & A_PR) && chance(50))
		return; /* nothing of it can be cached */
	ahand_forget_domain(&h, dev[d].domain);
}

/* For nesting: 1 GiB pages from guest-physical to system address, the same below the tables. */
static void make_nest(unsigned d)
{
	dev[d].mode = 3;
	dev[d].host = ahand_page(&h);
	for (uint64_t i = 0; i < 12; i++)
		ahand_put(&h, dev[d].host + 8 * i, i << 30 | A_PR | A_RW);
}

static void change_nest(unsigned d)
{
	uint64_t i = rng_below(&rng, 12);
	uint64_t pa = i ? rng_below(&rng, 12) << 30 : 0, entry = pa | A_PR | random_rights();

	ahand_put(&h, dev[d].host + 8 * i, chance(5) ? spoil(entry) : entry);
	if (i == 0 && chance(80)) /* all the tables are there */
		ahand_put(&h, dev[d].host, A_PR | A_RW);
	ahand_forget_domain(&h, dev[d].domain);
}

/* ---- guest tables ---- */

static uint64_t guest_entry(unsigned level, uint64_t child)
{
	bool leaf = level == 1 || (level <= 3 && chance(20));
	unsigned lg2 = 12 + 9 * (level - 1);
	uint64_t entry = child;

	if (leaf)
		entry = round_down_lg2(rng_below(&rng, UINT64_C(12) << 30), lg2) |
			(level > 1 ? BIT64(7) : 0);
	entry |= 1 | (chance(90) ? 2 : 0) | (chance(93) ? 4 : 0);
	if (chance(3))
		entry &= ~UINT64_C(1);
	if (chance(2))
		entry |= leaf && level > 1 ? BIT64(13) : BIT64(9);
	if (chance(1) && level > 3)
		entry |= BIT64(7);
	return entry;
}

static uint64_t make_guest(unsigned level)
{
	uint64_t table = ahand_page(&h);

	for (unsigned i = 0; i < NINDEX; i++) {
		uint64_t child = level > 1 ? make_guest(level - 1) : 0;

		ahand_put(&h, table + 8 * (100 + i), child);
		ahand_put(&h, table + 8 * indices[i], guest_entry(level, child));
	}
	return table;
}

static void forget_pasid(unsigned d)
{
	uint64_t lo = UINT64_C(3) << 60 | (uint64_t)dev[d].domain << 32 | PASID;

	if (chance(70))
		ahand_submit(&h, lo, UINT64_C(0x7ffffffffffff007));
	else
		ahand_forget_domain(&h, dev[d].domain);
}

static void change_guest(unsigned d)
{
	uint64_t table = dev[d].guest;
	unsigned level = dev[d].glevels;

	for (;; level--) {
		unsigned slot = (unsigned)rng_below(&rng, NINDEX);
		uint64_t child = ahand_get(&h, table + 8 * (100 + slot));

		if (level == 1 || chance(40)) {
			ahand_put(&h, table + 8 * indices[slot], guest_entry(level, child));
			break;
		}
		table = child;
	}
	forget_pasid(d);
}

/* ---- device table ---- */

static void random_dte(unsigned d)
{
	uint64_t e0 = 3 | dev[d].host | A_NEXT(dev[d].mode) | random_rights();
	uint64_t e1 = dev[d].domain, e2 = 0;

	if (with_guest) {
		uint64_t g = dev[d].gcr3;

		e0 |= BIT64(55) | (g >> 12 & 7) << 58; /* GCR3 table of one level */
		e1 |= (g >> 15 & 0xffff) << 16 | g >> 31 << 43;
		e2 |= (uint64_t)(dev[d].glevels - 4) << 54;
	}
	if (chance(2))
		e0 |= BIT64(2 + rng_below(&rng, 5));
	if (chance(2))
		e0 |= A_NEXT(7);
	if (chance(2))
		e0 &= ~BIT64(rng_below(&rng, 2));
	ahand_dte(&h, bdfs[d], e0, e1, e2);
	ahand_forget_device(&h, bdfs[d]);
	ahand_forget_domain(&h, dev[d].domain);
}

static void rebuild(void)
{
	h.next = first_table;
	for (unsigned d = 0; d < NDEVICES; d++) {
		dev[d].domain = (uint16_t)(1 + 77 * d);
		dev[d].mode = 0;
		dev[d].host = 0;
		if (with_guest) {
			dev[d].glevels = 4 + (unsigned)rng_below(&rng, 2);
			dev[d].guest = make_guest(dev[d].glevels);
			dev[d].gcr3 = ahand_page(&h);
			ahand_put(&h, dev[d].gcr3 + 8 * PASID, dev[d].guest | 1);
			if (nested)
				make_nest(d);
		} else {
			dev[d].mode = 1 + (unsigned)rng_below(&rng, 6);
			dev[d].host = make_host(dev[d].mode);
		}
		random_dte(d);
	}
	ahand_submit(&h, UINT64_C(8) << 60, 0);
}

/* ---- the comparison ---- */

static void compare(unsigned step)
{
	unsigned d = (unsigned)rng_below(&rng, NDEVICES);
	uint64_t address = random_address(with_guest ? dev[d].glevels : dev[d].mode);
	struct xlate x = { .rid = { bdfs[d] }, .len = 4, .write = chance(50) };
	unsigned top = 11 + 9 * dev[d].glevels;
	struct brute_amd want;

	if (with_guest && (address >> top & 1)) /* canonical, mostly */
		address |= GENMASK64(63, top);
	x.iova.a = address;
	x.has_pasid = with_guest && chance(98);
	x.pasid = x.has_pasid ? PASID : 0;
	want = brute_amd_walk(&h, bdfs[d], x.has_pasid ? PASID : -1, address, x.write);
	rig_translate(&h.rig, &x);
	codes_seen[want.code]++;
	ck_assert_msg(x.ok == (want.code == 0) && (x.ok || x.fault_code == want.code),
		"step %u: device %#x address %#llx %s: model %s %u, expected event %u", step,
		bdfs[d], (unsigned long long)address, x.write ? "write" : "read",
		x.ok ? "translated" : "event", x.ok ? 0 : x.fault_code, want.code);
	if (!x.ok)
		return;
	sizes_seen[want.lg2]++;
	ck_assert_msg(x.pa.a == want.pa && x.page_lg2 == want.lg2,
		"step %u: device %#x address %#llx: model %#llx (2^%u), expected %#llx (2^%u)",
		step, bdfs[d], (unsigned long long)address, (unsigned long long)x.pa.a, x.page_lg2,
		(unsigned long long)want.pa, want.lg2);
}

static void step(unsigned i)
{
	unsigned what = (unsigned)rng_below(&rng, 100), d = (unsigned)rng_below(&rng, NDEVICES);

	if (i % REBUILD == 0)
		rebuild();
	if (what < 10 && with_guest)
		change_guest(d);
	else if (what < 10)
		change_host(d);
	else if (what == 10)
		random_dte(d);
	else if (what == 11 && nested)
		change_nest(d);
	else if (what == 12) /* needless */
		ahand_submit(&h, UINT64_C(3) << 60 | (uint64_t)dev[d].domain << 32,
			(random_address(6) & ~UINT64_C(0xfff)) | rng_below(&rng, 4));
	compare(i);
	if (i % 64 == 0) /* the log is not the subject */
		ahand_write(&h, AREG_EVENT_HEAD, ahand_read(&h, AREG_EVENT_TAIL));
}

static void run(uint64_t seed, bool guest, bool nest, bool small)
{
	rng_init(&rng, seed, "amd bruteforce");
	with_guest = guest;
	nested = nest;
	ahand_init(&h);
	h.rig.mem.size = UINT64_C(12) << 30;
	h.rig.mem.hole = 0;
	if (small) {
		rig_set(&h.rig, "ptc_entries", 4);
		rig_set(&h.rig, "ptc_ways", 2);
		rig_set(&h.rig, "dte_entries", 2);
		rig_set(&h.rig, "pdc2_entries", 2);
		rig_set(&h.rig, "pdc3_entries", 1);
	}
	ahand_start(&h);
	ahand_on(&h);
	first_table = h.next;
	for (unsigned i = 0; i < steps(); i++)
		step(i);
	ck_assert_uint_gt(rig_metric(&h.rig, "iommu0.pmu.mem_iommu_tlb_pte_hit"), 0);
	ahand_stop(&h);
}

START_TEST(host_tables)
{
	run(1, false, false, false);
	for (unsigned lg2 = 12; lg2 <= 30; lg2++)
		ck_assert_msg(sizes_seen[lg2] > 0, "no page of 2^%u bytes was met", lg2);
}
END_TEST

START_TEST(host_tables_small_caches)
{
	run(2, false, false, true);
}
END_TEST

START_TEST(guest_tables)
{
	run(3, true, false, false);
}
END_TEST

START_TEST(nested_tables)
{
	run(4, true, true, true);
}
END_TEST

START_TEST(every_code_has_been_met)
{
	ck_assert_uint_gt(codes_seen[0], 1000);
	ck_assert_uint_gt(codes_seen[1], 100);
	ck_assert_uint_gt(codes_seen[2], 1000);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("amdvi bruteforce");

	tcase_set_timeout(tc, 0); /* ctest has one */
	tcase_add_test(tc, host_tables);
	tcase_add_test(tc, host_tables_small_caches);
	tcase_add_test(tc, guest_tables);
	tcase_add_test(tc, nested_tables);
	tcase_add_test(tc, every_code_has_been_met);
	return unit_run("amdvi_bruteforce", tc);
}
