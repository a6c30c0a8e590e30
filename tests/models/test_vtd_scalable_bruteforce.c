/*
 * Random scalable-mode tables walked by the model (all caches on) and by brute_sm.c, while software
 * changes them and invalidates what it must: each answer, each bit set in memory and each fault record is
 * that of a walk of memory as it is now.
 */
#include <string.h>

#include "tests/models/smgen.h"
#include "tests/unit/unit.h"

#define STEPS   100000u /* comparisons a mode */
#define REBUILD 1000u

static struct smgen g;
static struct pcie_conf device;
static unsigned met[256];
static unsigned answered[2][2]; /* translation requests, by what they may read and write */

static void clear_faults(void)
{
	for (unsigned r = 0; r < 8; r++)
		hand_write(&g.h, REG_FRCD + 16 * r + 12, 4, 0x80000000);
	hand_write(&g.h, REG_FSTS, 4, 1);
}

static const char *text_of(const struct xlate *x, unsigned step)
{
	static char text[160];

	snprintf(text, sizeof(text), "step %u: device %#x%s pasid %u iova %#llx %s%s%s%s", step,
		x->rid.bdf, x->has_pasid ? "" : " no", x->pasid, (unsigned long long)x->iova.a,
		x->write ? "write" : "read", x->priv ? " priv" : "", x->exec ? " exec" : "",
		x->at == XLATE_TRANSLATION_REQUEST ? " translation request"
		: x->at == XLATE_TRANSLATED        ? " translated"
						   : "");
	return text;
}

/* A fault leaves its record, unless FPD says otherwise. */
static void compare_record(const struct brute_sm *want, const struct xlate *x, const char *text)
{
	bool recorded = hand_read(&g.h, REG_FSTS, 4) & 2;
	unsigned i = hand_read(&g.h, REG_FSTS, 4) >> 8 & 0xff;
	uint64_t hi;

	ck_assert_msg(recorded == want->recorded, "%s: fault %#x recorded: %d", text, want->fault,
		recorded);
	if (!recorded)
		return;
	hi = hand_read(&g.h, REG_FRCD + 16 * i + 8, 8);
	ck_assert_uint_eq(hi >> 32 & 0xff, want->fault);
	ck_assert_uint_eq(hi & 0xffff, x->rid.bdf);
	ck_assert_uint_eq(hi >> 31 & 1, x->has_pasid);
	ck_assert_uint_eq(hi >> 40 & 0xfffff, x->has_pasid ? x->pasid : 0);
	ck_assert_uint_eq(hi >> 62 & 1, !x->write);
	ck_assert_uint_eq(hand_read(&g.h, REG_FRCD + 16 * i, 8), x->iova.a & ~UINT64_C(0xfff));
	clear_faults();
}

static void compare_memory(const struct brute_sm *want, const char *text)
{
	for (unsigned i = 0; i < want->n; i++) {
		uint64_t now = hand_get(&g.h, want->entry[i].at);

		ck_assert_msg(now == (want->entry[i].before | want->entry[i].set),
			"%s (fault %#x): entry %#llx was %#llx, is %#llx, expected %#llx set", text,
			want->fault, (unsigned long long)want->entry[i].at,
			(unsigned long long)want->entry[i].before, (unsigned long long)now,
			(unsigned long long)want->entry[i].set);
	}
}

static void compare(unsigned step)
{
	struct xlate x = sm_request(&g);
	struct brute_sm want = brute_sm_walk(&g.h, &x);
	const char *text = text_of(&x, step);

	met[want.fault]++;
	rig_translate(&g.h.rig, &x);
	ck_assert_msg(x.ok == (want.fault == 0) && (x.ok || x.fault_code == want.fault),
		"%s: model %s %#x%s, expected %#x", text, x.ok ? "translated" : "fault",
		x.ok ? 0 : x.fault_code, x.hit ? " (hit)" : "", want.fault);
	compare_memory(&want, text);
	if (!x.ok) {
		compare_record(&want, &x, text);
		return;
	}
	if (x.at == XLATE_TRANSLATION_REQUEST) {
		ck_assert_msg(x.may_read == want.may_read && x.may_write == want.may_write,
			"%s: model may %d%d, expected %d%d", text, x.may_read, x.may_write,
			want.may_read, want.may_write);
		answered[x.may_read][x.may_write]++;
		if (!x.may_read && !x.may_write)
			return;
	}
	ck_assert_msg(x.pa.a == want.pa && x.page_lg2 == want.page_lg2,
		"%s: model %#llx (2^%u), expected %#llx (2^%u)", text, (unsigned long long)x.pa.a,
		x.page_lg2, (unsigned long long)want.pa, want.page_lg2);
}

static void shrink_caches(void)
{
	static const char *const keys[] = { "context_entries", "pasid_entries", "pml5_entries",
		"pml4_entries", "pdp_entries", "pd_entries" };

	rig_set(&g.h.rig, "iotlb_entries", 8);
	rig_set(&g.h.rig, "iotlb_ways", 2);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		rig_set(&g.h.rig, keys[i], 2);
}

/* Half of the steps with the usual caches, half with tiny ones and 256-bit descriptors. */
static void half(enum sm_mode mode, bool tiny, uint64_t cap, uint64_t ecap)
{
	memset(&g, 0, sizeof(g));
	g.mode = mode;
	rng_init(&g.rng, 100 + (uint64_t)mode * 2 + tiny, "scalable");
	hand_init(&g.h);
	g.h.mode = RTADDR_SCALABLE;
	g.h.wide = tiny;
	g.h.rig.mem.size = UINT64_C(12) << 30;
	rig_set(&g.h.rig, "cap", cap);
	rig_set(&g.h.rig, "ecap", ecap);
	rig_set(&g.h.rig, "haw", 40);
	if (tiny)
		shrink_caches();
	hand_start(&g.h);
	conf_defaults(&pcie_conf_table, &device);
	device.ats = true;
	rig_device(&g.h.rig, sm_device[0], &device); /* answers invalidate requests */
	hand_on(&g.h);
	g.first_table = g.h.next;
	for (unsigned i = 0; i < brute_steps(STEPS) / 2; i++) {
		if (i % REBUILD == 0)
			sm_rebuild(&g);
		if (sm_chance(&g, 14))
			sm_change(&g);
		compare(i);
	}
	ck_assert_uint_gt(rig_metric(&g.h.rig, "iommu0.iotlb_hits"), 0);
	hand_stop(&g.h);
}

static void both(enum sm_mode mode)
{
	unsigned before = met[0];

	half(mode, false, HAND_SM_CAP, HAND_SM_ECAP);
	half(mode, true, HAND_SM_CAP, HAND_SM_ECAP);
	/* Faults must not be all there is. */
	ck_assert_uint_gt(met[0] - before, brute_steps(STEPS) / 8);
}

START_TEST(first_stage_of_4_levels)
{
	both(SM_FIRST_4);
}
END_TEST

START_TEST(first_stage_of_5_levels)
{
	both(SM_FIRST_5);
}
END_TEST

START_TEST(second_stage_of_3_to_5_levels)
{
	both(SM_SECOND);
}
END_TEST

START_TEST(nested)
{
	both(SM_NESTED);
}
END_TEST

/* Large pages, 5 levels, pass-through, accessed bits of the second stage, RID_PASID. */
START_TEST(without_optional_capabilities)
{
	uint64_t cap = HAND_SM_CAP & ~(GENMASK64(37, 34) | BIT64(56) | BIT64(60));
	uint64_t ecap = HAND_SM_ECAP & ~(BIT64(2) | BIT64(6) | BIT64(7) | BIT64(45) | BIT64(49));

	half(SM_FIRST_4, false, cap, ecap | BIT64(2));
	half(SM_SECOND, true, cap, ecap | BIT64(2));
	half(SM_NESTED, false, cap, ecap | BIT64(2));
}
END_TEST

START_TEST(every_fault_reason_has_been_met)
{
	static const unsigned char reasons[] = { 0, 0x39, 0x3a, 0x40, 0x41, 0x42, 0x44, 0x45, 0x46,
		0x48, 0x50, 0x51, 0x52, 0x58, 0x59, 0x5a, 0x5b, 0x5c, 0x5d, 0x70, 0x71, 0x72, 0x73,
		0x74, 0x75, 0x76, 0x77, 0x78, 0x7a, 0x7b, 0x80, 0x81, 0x82, 0x83, 0x85, 0x86,
		0x87 };

	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		ck_assert_msg(met[reasons[i]] > 20, "reason %#x met %u times", reasons[i],
			met[reasons[i]]);
}
END_TEST

START_TEST(every_answer_to_a_translation_request_has_been_met)
{
	for (unsigned r = 0; r < 2; r++)
		for (unsigned w = 0; w < 2; w++)
			ck_assert_msg(answered[r][w] > 20, "rights %u%u met %u times", r, w,
				answered[r][w]);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("vtd scalable bruteforce");

	tcase_set_timeout(tc, 0); /* ctest has one */
	tcase_add_test(tc, first_stage_of_4_levels);
	tcase_add_test(tc, first_stage_of_5_levels);
	tcase_add_test(tc, second_stage_of_3_to_5_levels);
	tcase_add_test(tc, nested);
	tcase_add_test(tc, without_optional_capabilities);
	tcase_add_test(tc, every_fault_reason_has_been_met);
	tcase_add_test(tc, every_answer_to_a_translation_request_has_been_met);
	return unit_run("vtd_scalable_bruteforce", tc);
}
