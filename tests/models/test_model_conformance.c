/* Every IOMMU model against its contract (sim/iommu/iommu.h), through the ops table only: a new model is
 * tested by being listed in models.def. */
#include <string.h>

#include "base/bits.h"
#include "hw/mem.h"
#include "hw/pages.h"
#include "tests/models/oracle.h"
#include "tests/unit/unit.h"

#define STEPS 30000u

static struct rig rig;
static struct oracle *oracle;

static const struct iommu_model_ops *model(int i)
{
	size_t n;

	return iommu_models(&n)[i];
}

/* Every key that counts cache entries, by its unit. */
static void set_cache_entries(uint32_t entries)
{
	const struct conf_table *t = rig.ops->conf;

	for (size_t i = 0; i < t->nfields; i++)
		if (t->fields[i].type == CONF_u32 && strcmp(t->fields[i].unit, "entries") == 0)
			rig_set(&rig, t->fields[i].name, entries);
}

static void begin(int i, unsigned ncpus)
{
	rig_init(&rig, model(i), ncpus);
	rig_start(&rig);
	oracle = oracle_create(&rig, 42);
}

static void end(void)
{
	rig_settle(&rig);
	ck_assert(rig.ops->hw_idle(rig.state));
	oracle_destroy(oracle);
	rig_stop(&rig);
}

/* ---- random operations against the oracle ---- */

static void one_step(struct proc *p)
{
	switch (rng_below(&oracle->rng, 12)) {
	case 0:
	case 1:
		oracle_map(oracle, p);
		break;
	case 2:
	case 3:
	case 4:
		oracle_unmap(oracle, p);
		break;
	case 5:
		oracle_flush(oracle, p, IOMMU_FLUSH_PAGES);
		break;
	case 6:
		if (rng_below(&oracle->rng, 8) == 0)
			oracle_flush(oracle, p,
				rng_below(&oracle->rng, 4) ? IOMMU_FLUSH_DOMAIN : IOMMU_FLUSH_ALL);
		break;
	default:
		oracle_random_access(oracle, p);
	}
}

static void random_steps(struct proc *p, void *arg)
{
	(void)arg;
	oracle_begin(oracle, p);
	for (unsigned i = 0; i < STEPS; i++)
		one_step(p);
	oracle_end(oracle, p);
}

static void run_random(int i, bool cached)
{
	rig_init(&rig, model(i), 1);
	if (!cached)
		set_cache_entries(0);
	rig_start(&rig);
	oracle = oracle_create(&rig, 7);
	rig_on_cpu(&rig, 0, random_steps, NULL);
	ck_assert_uint_gt(oracle->right, STEPS / 50);
	ck_assert_uint_gt(oracle->refused, STEPS / 50);
	if (cached)
		ck_assert_uint_gt(oracle->stale, 0); /* else the test tests nothing */
	end();
}

START_TEST(what_is_mapped_translates_and_what_is_flushed_does_not)
{
	run_random(_i, true);
}
END_TEST

START_TEST(without_caches_too)
{
	run_random(_i, false);
}
END_TEST

/* The list is chained through the pages' first words. */
static void free_all(struct proc *p, struct iommu_freelist *l)
{
	for (; l->n; l->n--) {
		hpa_t page = l->head;

		l->head.a = mem_read64(rig.machine.mem, page);
		pages_free(rig.machine.pages, p, page);
	}
}

/* ---- page sizes ---- */

static void map_one(struct proc *p, uint64_t iova, uint64_t pa, unsigned lg2)
{
	rig.ops->drv_map(rig.state, p, 1, (iova_t){ iova }, (hpa_t){ pa }, lg2, 1,
		IOMMU_PROT_R | IOMMU_PROT_W);
}

static void unmap_one(struct proc *p, uint64_t iova, unsigned lg2)
{
	struct iommu_freelist freed = { .n = 0 };
	uint32_t npages = (uint32_t)(BIT64(lg2) >> PAGE_LG2);

	rig.ops->drv_unmap(rig.state, p, 1, (iova_t){ iova }, npages, &freed);
	rig.ops->drv_flush(rig.state, p,
		&(struct iommu_flush){ .scope = IOMMU_FLUSH_PAGES,
			.domain = 1,
			.iova = { iova },
			.npages = npages });
	free_all(p, &freed);
}

static struct xlate at(struct proc *p, uint64_t iova)
{
	return oracle_translate(&rig, p, oracle_rid(0), iova, true);
}

/* Small pages were there before: a table that they left empty must not be in the way, nor in a cache. */
static void check_page_size(struct proc *p, unsigned lg2)
{
	uint64_t iova = BIT64(lg2) * 2, pa = BIT64(lg2), last = BIT64(lg2) - 4;
	struct xlate x;

	map_one(p, iova, 0x5000, PAGE_LG2);
	ck_assert_uint_eq(at(p, iova).pa.a, 0x5000);
	unmap_one(p, iova, PAGE_LG2);
	map_one(p, iova, pa, lg2);
	x = at(p, iova);
	ck_assert(x.ok);
	ck_assert_uint_eq(x.pa.a, pa);
	ck_assert_uint_le(x.page_lg2, lg2);
	ck_assert_uint_eq(at(p, iova + last).pa.a, pa + last);
	ck_assert(!at(p, iova - 4).ok);
	ck_assert(!at(p, iova + BIT64(lg2)).ok);
	unmap_one(p, iova, lg2);
	ck_assert(!at(p, iova).ok);
	ck_assert(!at(p, iova + last).ok);
}

static void each_page_size(struct proc *p, void *arg)
{
	uint64_t sizes;

	(void)arg;
	oracle_begin(oracle, p);
	sizes = rig.ops->drv_page_sizes(rig.state);
	ck_assert_uint_eq(sizes & (PAGE_SIZE - 1), 0);
	for (unsigned lg2 = PAGE_LG2; lg2 <= 30; lg2++)
		if (sizes >> lg2 & 1)
			check_page_size(p, lg2);
	oracle_end(oracle, p);
}

START_TEST(every_page_size_maps_exactly_its_bytes)
{
	begin(_i, 1);
	rig_on_cpu(&rig, 0, each_page_size, NULL);
	end();
}
END_TEST

/* ---- attach, detach, faults ---- */

static void move_device(struct proc *p, void *arg)
{
	const struct iommu_model_ops *ops = rig.ops;
	rid_t rid = oracle_rid(0);
	struct err err;

	(void)arg;
	oracle_begin(oracle, p);
	ops->drv_map(rig.state, p, 1, (iova_t){ 0x5000 }, (hpa_t){ 0x11000 }, PAGE_LG2, 1, 3);
	ops->drv_map(rig.state, p, 2, (iova_t){ 0x5000 }, (hpa_t){ 0x22000 }, PAGE_LG2, 1, 3);
	ck_assert_uint_eq(oracle_translate(&rig, p, rid, 0x5000, true).pa.a, 0x11000);
	ops->drv_detach(rig.state, p, rid);
	ck_assert(!oracle_translate(&rig, p, rid, 0x5000, true).ok);
	ck_assert(ops->drv_attach(rig.state, p, &(struct iommu_dev){ .rid = rid }, 2, &err));
	ck_assert_uint_eq(oracle_translate(&rig, p, rid, 0x5000, true).pa.a, 0x22000);
	ops->drv_detach(rig.state, p, rid);
	ck_assert(ops->drv_attach(rig.state, p, &(struct iommu_dev){ .rid = rid }, 1, &err));
	ck_assert_uint_eq(oracle_translate(&rig, p, rid, 0x5000, true).pa.a, 0x11000);
	oracle_end(oracle, p); /* deletes the domains with these pages still mapped */
}

START_TEST(a_device_sees_the_domain_it_is_attached_to)
{
	begin(_i, 1);
	rig_on_cpu(&rig, 0, move_device, NULL);
	end();
}
END_TEST

static void provoke_fault(struct proc *p, void *arg)
{
	(void)arg;
	oracle_begin(oracle, p);
	ck_assert_uint_eq(strlen(rig_log(&rig)), 0);
	ck_assert(!oracle_translate(&rig, p, oracle_rid(0), 0x7000, true).ok);
	rig.ops->drv_faults(rig.state, p);
	oracle_end(oracle, p);
}

START_TEST(a_refused_access_is_logged_by_the_driver)
{
	begin(_i, 1);
	rig_on_cpu(&rig, 0, provoke_fault, NULL);
	ck_assert_ptr_nonnull(strstr(rig_log(&rig), "7000"));
	end();
}
END_TEST

/* ---- marks of the window tracker ---- */

static void mark_while_cached(struct proc *p, void *arg)
{
	const struct iommu_model_ops *ops = rig.ops;
	enum iommu_flush_scope scope = *(enum iommu_flush_scope *)arg;
	struct iommu_freelist freed = { .n = 0 };
	window_id w;

	oracle_begin(oracle, p);
	ops->drv_map(rig.state, p, 1, (iova_t){ 0x5000 }, (hpa_t){ 0x11000 }, PAGE_LG2, 2, 3);
	ck_assert(oracle_translate(&rig, p, oracle_rid(0), 0x5000, true).ok);
	ops->drv_unmap(rig.state, p, 1, (iova_t){ 0x5000 }, 1, &freed);
	w = window_open(rig.windows, 1, (iova_t){ 0x5000 }, 1, (hpa_t){ 0x11000 }, 0, proc_now(p));
	ops->obs_mark(rig.state, 1, (iova_t){ 0x5000 }, 1, w);
	window_returned(rig.windows, w, proc_now(p));
	ck_assert(window_is_held(rig.windows, w));
	ops->obs_mark(rig.state, 2, (iova_t){ 0x6000 }, 1, w); /* nothing of domain 2 is cached */
	ops->drv_flush(rig.state, p,
		&(struct iommu_flush){ .scope = scope,
			.domain = 1,
			.iova = { 0x5000 },
			.npages = 1,
			.leaf_only = true });
	ck_assert(!window_is_held(rig.windows, w));
	window_flushed(rig.windows, w, proc_now(p));
	ck_assert(!oracle_translate(&rig, p, oracle_rid(0), 0x5000, true).ok);
	ck_assert(oracle_translate(&rig, p, oracle_rid(0), 0x6000, true).ok);
	oracle_end(oracle, p);
}

START_TEST(a_window_is_held_from_the_unmap_until_its_flush)
{
	static enum iommu_flush_scope scopes[] = { IOMMU_FLUSH_PAGES, IOMMU_FLUSH_DOMAIN,
		IOMMU_FLUSH_ALL };

	for (size_t i = 0; i < ARRAY_SIZE(scopes); i++) {
		begin(_i, 1);
		rig_on_cpu(&rig, 0, mark_while_cached, &scopes[i]);
		ck_assert_uint_gt(rig_hist(&rig, "windows.hw_window")->max, 0);
		end();
	}
}
END_TEST

/* ---- range of table pages ---- */

static void map_much(struct proc *p, void *arg)
{
	const struct iommu_model_ops *ops = rig.ops;
	const uint32_t n = 3000;
	struct iommu_freelist freed = { .n = 0 };
	uint64_t in_use;

	(void)arg;
	oracle_begin(oracle, p);
	in_use = pages_in_use(rig.machine.pages);
	for (unsigned round = 0; round < 5; round++) {
		ops->drv_map(rig.state, p, 1, (iova_t){ 0x40000000 }, (hpa_t){ 0 }, PAGE_LG2, n, 3);
		ck_assert_uint_gt(pages_in_use(rig.machine.pages), in_use);
		ops->drv_unmap(rig.state, p, 1, (iova_t){ 0x40000000 }, n, &freed);
		ops->drv_flush(rig.state, p,
			&(struct iommu_flush){ .scope = IOMMU_FLUSH_DOMAIN, .domain = 1 });
		free_all(p, &freed);
	}
	/* Tables that ranges do not cover wholly may stay, but must not pile up. */
	ck_assert_uint_le(pages_in_use(rig.machine.pages), in_use + 16);
	oracle_end(oracle, p);
}

START_TEST(table_pages_come_back)
{
	begin(_i, 1);
	rig_on_cpu(&rig, 0, map_much, NULL);
	end();
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("model conformance");
	size_t n;

	iommu_models(&n);
	tcase_set_timeout(tc, 0);
	tcase_add_loop_test(tc, what_is_mapped_translates_and_what_is_flushed_does_not, 0, (int)n);
	tcase_add_loop_test(tc, without_caches_too, 0, (int)n);
	tcase_add_loop_test(tc, every_page_size_maps_exactly_its_bytes, 0, (int)n);
	tcase_add_loop_test(tc, a_device_sees_the_domain_it_is_attached_to, 0, (int)n);
	tcase_add_loop_test(tc, a_refused_access_is_logged_by_the_driver, 0, (int)n);
	tcase_add_loop_test(tc, a_window_is_held_from_the_unmap_until_its_flush, 0, (int)n);
	tcase_add_loop_test(tc, table_pages_come_back, 0, (int)n);
	return unit_run("model_conformance", tc);
}
