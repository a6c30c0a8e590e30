/* The ground truth: each class of translation, provoked, and the hazards that the window tracker counts. */
#include "base/bits.h"
#include "hw/pages.h"
#include "tests/models/dmarig.h"
#include "tests/unit/unit.h"

static struct dmarig r;

static void assert_verdict(struct dma_verdict want)
{
	struct dma_verdict got = dmarig_verdict(&r);

	ck_assert_uint_eq(got.right, want.right);
	ck_assert_uint_eq(got.stale, want.stale);
	ck_assert_uint_eq(got.wrong_target, want.wrong_target);
	ck_assert_uint_eq(got.unmapped_ok, want.unmapped_ok);
	ck_assert_uint_eq(got.fault_expected, want.fault_expected);
	ck_assert_uint_eq(got.fault_unexpected, want.fault_unexpected);
}

static uint64_t map(uint64_t pa, uint32_t len)
{
	uint64_t iova;

	ck_assert(dmarig_map(&r, pa, len, DMA_BIDIRECTIONAL, &iova));
	return iova;
}

/* ---- a policy double that lets go of ranges before it flushes ---- */

struct early {
	struct flush_env env;
	struct dma_range range[8]; /* whose windows wait for the flush */
	unsigned n;
};

static bool early_init(void *state, const void *conf, const struct flush_env *env, struct err *err)
{
	(void)conf;
	(void)err;
	((struct early *)state)->env = *env;
	return true;
}

static void early_fini(void *state)
{
	(void)state;
}

static void early_unmapped(void *state, struct proc *p, const struct dma_range *range)
{
	struct early *e = state;

	ck_assert_uint_lt(e->n, ARRAY_SIZE(e->range));
	e->range[e->n++] = *range;
	e->env.release(e->env.ctx, p, range);
}

static void early_drain(void *state, struct proc *p)
{
	struct early *e = state;
	const struct iommu_flush f = { .scope = IOMMU_FLUSH_ALL };

	e->env.invalidate(e->env.ctx, p, 0, &f, FLUSH_BY_drain);
	for (unsigned i = 0; i < e->n; i++)
		e->env.flushed(e->env.ctx, p, &e->range[i]);
	e->n = 0;
}

static uint64_t early_held(const void *state)
{
	return ((const struct early *)state)->n;
}

static sim_time early_bound(const void *state)
{
	(void)state;
	return SIM_TIME_NEVER;
}

static const struct flush_policy_ops early_release = {
	.name = "early-release",
	.summary = "Wrong on purpose: addresses go back before the flush",
	.source = "this test",
	.state_size = sizeof(struct early),
	.init = early_init,
	.fini = early_fini,
	.unmapped = early_unmapped,
	.drain = early_drain,
	.held = early_held,
	.window_bound = early_bound,
};

/* ---- classes ---- */

START_TEST(a_live_mapping_is_right)
{
	uint64_t iova;

	dmarig_init(&r, "vtd", "strict", NULL);
	dmarig_start(&r);
	iova = map(0x10000, 64);
	ck_assert(dmarig_dma(&r, iova, 64, true));
	ck_assert(dmarig_dma(&r, iova, 64, false));
	assert_verdict((struct dma_verdict){ .right = 2 });
	dmarig_unmap(&r, iova, 64);
	dmarig_stop(&r);
}
END_TEST

START_TEST(what_was_never_mapped_faults_as_expected)
{
	dmarig_init(&r, "vtd", "strict", NULL);
	dmarig_start(&r);
	ck_assert(!dmarig_dma(&r, 0x5000, 64, true));
	rig_settle(&r.rig); /* the driver reads the record back; until then it stands for both */
	ck_assert(!dmarig_dma(&r, BIT64(60), 64, true));
	assert_verdict((struct dma_verdict){ .fault_expected = 2 });
	rig_settle(&r.rig);
	ck_assert_str_eq(rig_log(&r.rig),
		"DMAR:[DMA Write] Request device [03:00.0] fault addr 5000 \n"
		"DMAR:[fault reason 05] PTE Write access is not set\n"
		"DMAR:[DMA Write] Request device [03:00.0] fault addr 1000000000000000 \n"
		"DMAR:[fault reason 04] Access beyond MGAW\n");
	dmarig_stop(&r);
}
END_TEST

START_TEST(an_unmapped_range_faults_as_expected_after_its_flush)
{
	uint64_t iova;

	dmarig_init(&r, "vtd", "strict", NULL);
	dmarig_start(&r);
	iova = map(0x10000, 64);
	ck_assert(dmarig_dma(&r, iova, 64, true));
	dmarig_unmap(&r, iova, 64);
	ck_assert(!dmarig_dma(&r, iova, 64, true));
	assert_verdict((struct dma_verdict){ .right = 1, .fault_expected = 1 });
	ck_assert_uint_eq(rig_metric(&r.rig, "windows.stale_accesses"), 0);
	dmarig_stop(&r);
}
END_TEST

START_TEST(before_its_flush_a_cached_translation_is_stale)
{
	uint64_t iova;

	dmarig_init(&r, "vtd", "deferred-global", NULL);
	dmarig_start(&r);
	iova = map(0x10000, 64);
	ck_assert(dmarig_dma(&r, iova, 64, true));
	dmarig_unmap(&r, iova, 64);
	ck_assert(dmarig_dma(&r, iova, 48, true));
	ck_assert(dmarig_dma(&r, iova, 32, false));
	assert_verdict((struct dma_verdict){ .right = 1, .stale = 2 });
	ck_assert_uint_eq(rig_metric(&r.rig, "windows.stale_accesses"), 2);
	ck_assert_uint_eq(rig_metric(&r.rig, "windows.stale_bytes_written"), 48);
	ck_assert_uint_eq(rig_metric(&r.rig, "windows.stale_bytes_read"), 32);
	dmarig_drain(&r);
	ck_assert(!dmarig_dma(&r, iova, 64, true));
	assert_verdict((struct dma_verdict){ .right = 1, .stale = 2, .fault_expected = 1 });
	dmarig_stop(&r);
}
END_TEST

START_TEST(what_no_cache_held_is_gone_at_once)
{
	uint64_t iova;

	dmarig_init(&r, "vtd", "deferred-global", NULL);
	dmarig_start(&r);
	iova = map(0x10000, 64);
	dmarig_unmap(&r, iova, 64); /* no DMA came: nothing was cached */
	ck_assert(!dmarig_dma(&r, iova, 64, true));
	assert_verdict((struct dma_verdict){ .fault_expected = 1 });
	dmarig_drain(&r);
	ck_assert_uint_eq(rig_hist(&r.rig, "windows.hw_window")->max, 0);
	ck_assert_uint_gt(rig_hist(&r.rig, "windows.policy_window")->max, 0);
	dmarig_stop(&r);
}
END_TEST

START_TEST(an_address_reused_before_its_flush_leads_to_the_wrong_page)
{
	uint64_t first, second;

	dmarig_init(&r, "vtd", NULL, &early_release);
	dmarig_start(&r);
	first = map(0x10000, 64);
	ck_assert(dmarig_dma(&r, first, 64, true));
	dmarig_unmap(&r, first, 64);
	second = map(0x20000, 64);
	ck_assert_uint_eq(second, first); /* the allocator begins at the top again */
	ck_assert_uint_eq(rig_metric(&r.rig, "windows.iova_reuse_before_flush"), 1);
	ck_assert(dmarig_dma(&r, second, 64, true)); /* into 0x10000 */
	assert_verdict((struct dma_verdict){ .right = 1, .wrong_target = 1 });
	dmarig_drain(&r);
	ck_assert(dmarig_dma(&r, second, 64, true));
	assert_verdict((struct dma_verdict){ .right = 2, .wrong_target = 1 });
	dmarig_unmap(&r, second, 64);
	dmarig_stop(&r);
}
END_TEST

START_TEST(an_address_reused_that_nobody_cached_is_no_hazard)
{
	uint64_t first, second;

	dmarig_init(&r, "vtd", NULL, &early_release);
	dmarig_start(&r);
	first = map(0x10000, 64);
	dmarig_unmap(&r, first, 64);
	second = map(0x20000, 64);
	ck_assert_uint_eq(second, first);
	ck_assert_uint_eq(rig_metric(&r.rig, "windows.iova_reuse_before_flush"), 0);
	dmarig_unmap(&r, second, 64);
	dmarig_stop(&r);
}
END_TEST

/* ---- reuse of pages ---- */

static hpa_t page;

static void alloc_page(struct proc *p, void *arg)
{
	(void)arg;
	page = pages_alloc(r.rig.machine.pages, p);
}

static void free_page(struct proc *p, void *arg)
{
	(void)arg;
	pages_free(r.rig.machine.pages, p, page);
}

/* A driver's buffer: allocated, mapped, used, unmapped, freed, and the page given to the next. */
static void life_of_a_buffer(void)
{
	hpa_t first;
	uint64_t iova;

	rig_on_cpu(&r.rig, 0, alloc_page, NULL);
	first = page;
	iova = map(page.a, 64);
	ck_assert(dmarig_dma(&r, iova, 64, true));
	dmarig_unmap(&r, iova, 64);
	rig_on_cpu(&r.rig, 0, free_page, NULL);
	rig_on_cpu(&r.rig, 0, alloc_page, NULL);
	ck_assert_uint_eq(page.a, first.a); /* last in, first out */
	rig_on_cpu(&r.rig, 0, free_page, NULL);
}

START_TEST(a_page_reused_before_the_flush_is_counted)
{
	dmarig_init(&r, "vtd", "deferred-global", NULL);
	dmarig_start(&r);
	life_of_a_buffer();
	ck_assert_uint_eq(rig_metric(&r.rig, "windows.page_reuse_before_flush"), 1);
	dmarig_stop(&r);
}
END_TEST

START_TEST(under_strict_no_page_is_reused_too_early)
{
	dmarig_init(&r, "vtd", "strict", NULL);
	dmarig_start(&r);
	life_of_a_buffer();
	ck_assert_uint_eq(rig_metric(&r.rig, "windows.page_reuse_before_flush"), 0);
	ck_assert_uint_eq(rig_metric(&r.rig, "windows.iova_reuse_before_flush"), 0);
	dmarig_stop(&r);
}
END_TEST

/* ---- defects of the machine, played by the test behind the DMA layer's back ---- */

struct behind {
	uint64_t iova;
	bool map;
};

static void go_behind(struct proc *p, void *arg)
{
	const struct behind *b = arg;
	struct iommu_freelist freed = { .n = 0 };

	if (b->map)
		r.rig.ops->drv_map(r.rig.state, p, 0, (iova_t){ b->iova }, (hpa_t){ 0x10000 },
			PAGE_LG2, 1, IOMMU_PROT_R | IOMMU_PROT_W);
	else
		r.rig.ops->drv_unmap(r.rig.state, p, 0, (iova_t){ b->iova }, 1, &freed);
	r.rig.ops->drv_flush(r.rig.state, p, &(struct iommu_flush){ .scope = IOMMU_FLUSH_ALL });
}

START_TEST(a_live_mapping_that_faults_is_unexpected)
{
	struct behind b = { .map = false };

	dmarig_init(&r, "vtd", "strict", NULL);
	dmarig_start(&r);
	b.iova = map(0x10000, PAGE_SIZE);
	rig_on_cpu(&r.rig, 0, go_behind, &b);
	ck_assert(!dmarig_dma(&r, b.iova, 64, true));
	assert_verdict((struct dma_verdict){ .fault_unexpected = 1 });
	b.map = true;
	rig_on_cpu(&r.rig, 0, go_behind, &b);
	dmarig_unmap(&r, b.iova, PAGE_SIZE);
	dmarig_stop(&r);
}
END_TEST

START_TEST(a_translation_of_what_was_never_mapped_is_told)
{
	struct behind b = { .iova = 0x12345000, .map = true };

	dmarig_init(&r, "vtd", "strict", NULL);
	dmarig_start(&r);
	rig_on_cpu(&r.rig, 0, go_behind, &b);
	ck_assert(dmarig_dma(&r, b.iova, 64, true));
	assert_verdict((struct dma_verdict){ .unmapped_ok = 1 });
	dmarig_stop(&r);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("dma truth");

	tcase_set_timeout(tc, 0);
	tcase_add_test(tc, a_live_mapping_is_right);
	tcase_add_test(tc, what_was_never_mapped_faults_as_expected);
	tcase_add_test(tc, an_unmapped_range_faults_as_expected_after_its_flush);
	tcase_add_test(tc, before_its_flush_a_cached_translation_is_stale);
	tcase_add_test(tc, what_no_cache_held_is_gone_at_once);
	tcase_add_test(tc, an_address_reused_before_its_flush_leads_to_the_wrong_page);
	tcase_add_test(tc, an_address_reused_that_nobody_cached_is_no_hazard);
	tcase_add_test(tc, a_page_reused_before_the_flush_is_counted);
	tcase_add_test(tc, under_strict_no_page_is_reused_too_early);
	tcase_add_test(tc, a_live_mapping_that_faults_is_unexpected);
	tcase_add_test(tc, a_translation_of_what_was_never_mapped_is_told);
	return unit_run("dma_truth", tc);
}
