/*
 * map_bench: does it do what the kernel's tool does, and what it adds? Against arithmetic, and against a
 * space that is too small.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/run_system/course.h"
#include "tests/unit/unit.h"

static const char *const common[] = { "workload=map_bench", "allocator=rcache-6.12",
	"policy=strict", "cpu.count=4", NULL };

static char *report_of(const struct course *c)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	c->system.workload->report(c->system.workload_state, out);
	fclose(out);
	return text;
}

static void end(struct course *c)
{
	ck_assert_uint_eq(course_u64(c, "dom0.fault_unexpected"), 0);
	ck_assert_uint_eq(course_end(c), 0);
	course_fini(c);
}

START_TEST(each_thread_maps_waits_and_unmaps)
{
	static const char *const settings[] = { "workload.transmit=10us", "workload.threads=2",
		"workload.granule=4", NULL };
	struct course c;
	uint64_t unmaps, busy;
	char *text;

	course_start(&c, common, settings);
	course_measure(&c, 1 * MS, 10 * MS);
	unmaps = course_u64(&c, "map_bench0.unmaps");
	busy = 10 * US + course_hist(&c, "map_bench0.map_time")->sum / unmaps +
	       course_hist(&c, "map_bench0.unmap_time")->sum / unmaps;
	ck_assert_uint_le(unmaps, 2 * 10 * MS / (10 * US));
	ck_assert_uint_ge(unmaps, 2 * 10 * MS / (busy + 1 * US)); /* filling: half a microsecond */
	ck_assert_uint_le(course_u64(&c, "map_bench0.maps"), unmaps + 2);
	ck_assert_uint_ge(course_u64(&c, "map_bench0.maps") + 2, unmaps);
	ck_assert_uint_le(course_u64(&c, "dom0.pages_mapped"), 4 * (unmaps + 2));
	text = report_of(&c);
	ck_assert_ptr_nonnull(strstr(text,
		"dma mapping benchmark: threads:2 seconds:0.01 node:-1 dir:BIDIRECTIONAL granule: "
		"4\naverage map latency(us):"));
	ck_assert_ptr_nonnull(strstr(text, "\naverage unmap latency(us):"));
	free(text);
	end(&c);
}
END_TEST

START_TEST(a_partner_unmaps_what_was_mapped_elsewhere)
{
	static const char *const settings[] = { "workload.unmap=partner", "workload.window=32",
		"allocator=percpu-chunk", NULL };
	struct course c;
	uint64_t frees;

	course_start(&c, common, settings);
	course_measure(&c, 1 * MS, 5 * MS);
	frees = course_u64(&c, "dom0.iova.frees");
	ck_assert_uint_gt(frees, 1000);
	ck_assert_uint_le(course_u64(&c, "dom0.iova.freed_to_others"), frees + 4);
	ck_assert_uint_ge(course_u64(&c, "dom0.iova.freed_to_others") + 4, frees); /* all of them */
	end(&c);
}
END_TEST

START_TEST(statics_stand_in_the_way_of_the_one_search_that_starts_at_the_top)
{
	static const char *const none[] = { "allocator=rbtree-3.1", "dma.forcedac=true", NULL };
	static const char *const many[] = { "allocator=rbtree-3.1", "dma.forcedac=true",
		"workload.statics=20000", NULL };
	static const char *const cached[] = { "allocator=rbtree-6.x", "dma.forcedac=true",
		"workload.statics=20000", NULL };
	const char *const *const settings[] = { none, many, cached };
	uint64_t nodes[3];

	for (unsigned i = 0; i < 3; i++) {
		struct course c;
		const struct hist *h;

		course_start(&c, common, settings[i]);
		course_measure(&c, 1 * MS, 5 * MS);
		h = course_hist(&c, "dom0.iova.search_nodes");
		ck_assert_uint_gt(h->count, 0);
		nodes[i] = h->sum / h->count;
		end(&c);
	}
	ck_assert_uint_lt(nodes[0], 50);
	ck_assert_uint_ge(nodes[1], 20000);
	ck_assert_uint_lt(nodes[2], 50);
}
END_TEST

/* 24 bits are 4095 pages: less than four windows of 1100. */
START_TEST(a_narrow_device_runs_out_of_addresses_and_goes_on)
{
	static const char *const narrow[] = { "dma.mask_bits=24", "workload.window=1100", NULL };
	static const char *const wide[] = { "dma.mask_bits=32", "workload.window=1100", NULL };
	struct course c;

	course_start(&c, common, narrow);
	course_measure(&c, 20 * MS, 10 * MS);
	ck_assert_uint_gt(course_u64(&c, "map_bench0.refused"), 10);
	ck_assert_uint_eq(
		course_u64(&c, "map_bench0.refused"), course_u64(&c, "dom0.map_failures"));
	ck_assert_uint_gt(course_u64(&c, "map_bench0.maps"), 1000);
	end(&c);
	course_start(&c, common, wide);
	course_measure(&c, 20 * MS, 10 * MS);
	ck_assert_uint_eq(course_u64(&c, "map_bench0.refused"), 0);
	end(&c);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("map_bench");

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, each_thread_maps_waits_and_unmaps);
	tcase_add_test(tc, a_partner_unmaps_what_was_mapped_elsewhere);
	tcase_add_test(tc, statics_stand_in_the_way_of_the_one_search_that_starts_at_the_top);
	tcase_add_test(tc, a_narrow_device_runs_out_of_addresses_and_goes_on);
	return unit_run("map_bench", tc);
}
