/* Several remapping units with scopes of buses: devices go to the unit of their bus, and what is unmapped
 * in a domain that lives on two units is flushed from both. */
#include <check.h>

#include "hw/pages.h"
#include "tests/run_system/course.h"
#include "tests/unit/unit.h"

#define SIZE 4096u

static struct course c;
static struct pcie_port *port[2];
static struct dma_dev *dev[2];
static hpa_t page;
static iova_t iova;

static const char *const settings[] = { "cpu.count=2", "iommu.scopes=[0, 4]", "policy=strict",
	"workload.queues=1", NULL };

static void attach(struct proc *p, void *arg)
{
	static const uint16_t bdf[] = { 0x0208, 0x0500 };
	struct err err;

	(void)arg;
	for (unsigned i = 0; i < 2; i++) {
		port[i] = pcie_port_create(&c.system.machine, conf_common(c.conf, "pcie"),
			(rid_t){ bdf[i] },
			metric_scope_child(metrics_root(c.system.metrics), "device%u", i));
		dev[i] = i == 0 ? dma_dev_create(c.system.dma, p, port[i], &err)
				: dma_dev_join(dev[0], p, port[i], &err);
		ck_assert_ptr_nonnull(dev[i]);
	}
	page = pages_alloc(c.system.machine.pages, p);
	ck_assert(dma_map_single(dev[0], p, page, SIZE, DMA_BIDIRECTIONAL, &iova));
}

static void unmap(struct proc *p, void *arg)
{
	(void)arg;
	dma_unmap_single(dev[0], p, iova, SIZE, DMA_BIDIRECTIONAL);
}

static void detach(struct proc *p, void *arg)
{
	(void)arg;
	dma_dev_destroy(dev[1], p);
	dma_dev_destroy(dev[0], p);
	pages_free(c.system.machine.pages, p, page);
}

static void start(const char *const *more)
{
	course_start(&c, settings, more);
	ck_assert(c.ready);
	system_on_cpu0(&c.system, attach, NULL);
}

static void end(void)
{
	system_on_cpu0(&c.system, detach, NULL);
	ck_assert_uint_eq(course_end(&c), 0);
	for (unsigned i = 0; i < 2; i++)
		pcie_port_destroy(port[i]);
	course_fini(&c);
}

static void done(struct pcie_dma *d)
{
	*(bool *)d->owner = true;
}

static bool dma(unsigned i)
{
	bool is_done = false;
	struct pcie_dma d = {
		.iova = iova, .len = 64, .write = true, .done = done, .owner = &is_done
	};

	pcie_submit(port[i], &d);
	while (!is_done)
		engine_run(c.system.engine, engine_next(c.system.engine));
	return !d.faulted;
}

START_TEST(each_device_is_translated_by_the_unit_of_its_bus)
{
	uint64_t first, second;

	start(NULL);
	first = course_u64(&c, "iommu0.requests");
	second = course_u64(&c, "iommu1.requests");
	ck_assert(dma(0));
	ck_assert_uint_gt(course_u64(&c, "iommu0.requests"), first);
	ck_assert_uint_eq(course_u64(&c, "iommu1.requests"), second);
	ck_assert(dma(1));
	ck_assert_uint_eq(course_u64(&c, "iommu1.requests"), second + 1);
	system_on_cpu0(&c.system, unmap, NULL);
	end();
}
END_TEST

START_TEST(an_unmap_is_flushed_from_both_units)
{
	uint64_t pages;

	start(NULL);
	ck_assert(dma(0) && dma(1));
	pages = course_u64(&c, "iommu1.invq.iotlb_page");
	system_on_cpu0(&c.system, unmap, NULL);
	ck_assert_uint_eq(course_u64(&c, "iommu1.invq.iotlb_page"), pages + 1);
	ck_assert(!dma(0));
	ck_assert(!dma(1));
	ck_assert_uint_eq(dma_dev_verdict(dev[1]).stale, 0);
	end();
}
END_TEST

START_TEST(a_deferred_unmap_is_flushed_from_both_units)
{
	static const char *const lazy[] = { "policy=deferred-global", NULL };

	start(lazy);
	ck_assert(dma(0) && dma(1));
	system_on_cpu0(&c.system, unmap, NULL);
	ck_assert(dma(1)); /* stale: in the second unit's IOTLB */
	ck_assert_uint_eq(dma_dev_verdict(dev[1]).stale, 1);
	engine_run(c.system.engine, engine_now(c.system.engine) + 30 * MS);
	ck_assert(!dma(0));
	ck_assert(!dma(1));
	end();
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("units");

	tcase_add_test(tc, each_device_is_translated_by_the_unit_of_its_bus);
	tcase_add_test(tc, an_unmap_is_flushed_from_both_units);
	tcase_add_test(tc, a_deferred_unmap_is_flushed_from_both_units);
	return unit_run("units", tc);
}
