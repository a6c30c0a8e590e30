/*
 * samples: does every kind of real recording import completely, and does its replay under the policy of
 * its capture run clean, with as many flushes as strict unmaps ask for?
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/textio.h"
#include "tests/run_system/course.h"
#include "tests/trace/scratch.h"
#include "tests/unit/unit.h"
#include "workloads/replay.h"

#define LINUX TEST_DATA "/traces/linux-"

static const struct sample {
	const char *file, *policy, *allocator, *model;
	bool events; /* the kernel's: maps and unmaps can be counted in it */
} samples[] = {
	{ LINUX "amdvi-lazy-netrx.txt.zst", "policy=flush-queue", "allocator=rcache-6.1",
		"iommu=amdvi", true },
	{ LINUX "amdvi-strict-nettx.txt.zst", "policy=strict", "allocator=rcache-6.1",
		"iommu=amdvi", true },
	{ LINUX "vtd-lazy-nettx-k618.txt.zst", "policy=flush-queue", "allocator=rcache-6.12",
		"iommu=vtd", true },
	{ LINUX "vtd-lazy-nettx.txt.zst", "policy=flush-queue", "allocator=rcache-6.1", "iommu=vtd",
		true },
	{ LINUX "vtd-lazy-nvme4k.txt.zst", "policy=flush-queue", "allocator=rcache-6.1",
		"iommu=vtd", true },
	{ LINUX "vtd-strict-nettx.txt.zst", "policy=strict", "allocator=rcache-6.1", "iommu=vtd",
		true },
	{ LINUX "vtd-strict-virtio-ats.txt.zst", "policy=strict", "allocator=rcache-6.1",
		"iommu=vtd", true },
	{ TEST_DATA "/traces/accesses-vtd-lazy-nvme4k.txt.zst", "policy=flush-queue",
		"allocator=rcache-6.1", "iommu=vtd", false },
	{ TEST_DATA "/traces/accesses-vtd-strict-nettx.txt.zst", "policy=strict",
		"allocator=rcache-6.1", "iommu=vtd", false },
	{ TEST_DATA "/traces/fio-oltp.iolog.zst", "policy=strict", "allocator=rcache-6.12",
		"iommu=vtd", false },
	{ TEST_DATA "/history-vtd-strict.txt.zst", "policy=strict", "allocator=rcache-6.12",
		"iommu=vtd", false },
	{ SOURCE_DIR "/configs/traces/nic-mix.pcap.zst", "policy=strict", "allocator=rcache-6.12",
		"iommu=vtd", false },
};

/* iommu:map and iommu:unmap events, counted without the importer. */
static void count_events(const char *file, uint64_t *maps, uint64_t *unmaps)
{
	struct text_in *in = text_open(file, &scratch_err);
	const char *line;

	*maps = *unmaps = 0;
	while ((line = text_line(in)) != NULL) {
		*maps += strstr(line, ": map: IOMMU: ") != NULL;
		*unmaps += strstr(line, ": unmap: IOMMU: ") != NULL;
	}
	text_close(in);
}

static struct trace_totals import(const struct sample *s)
{
	struct trace_reader *in;
	struct trace_totals t;
	uint64_t maps, unmaps, carried = 0;
	const struct trace_record *r;

	ck_assert_msg(
		import_files(&s->file, 1, &import_defaults, scratch_file("a"), NULL, &scratch_err),
		"%s:%u: %s", s->file, scratch_err.pos.line, scratch_err.text);
	in = trace_open(scratch_file("a"), &scratch_err);
	t = *trace_totals_of(in);
	while ((r = trace_next(in)) != NULL)
		carried += r->type == TRACE_MAP && (r->flags & TRACE_SYNTHETIC);
	ck_assert(!trace_failed(in, NULL));
	trace_close(in);
	if (s->events) {
		count_events(s->file, &maps, &unmaps);
		ck_assert_uint_gt(maps, 400);
		ck_assert_uint_eq(t.maps - carried, maps);
		ck_assert_uint_eq(t.unmaps, unmaps);
		/* every buffer is used once, but one that is unmapped as the recording begins */
		ck_assert_uint_ge(t.dmas + 1, t.unmaps);
	}
	return t;
}

static void replay(const struct sample *s, const struct trace_totals *t)
{
	const char *const common[] = { "cpu.count=2", "cpu.timer=wheel", s->policy, s->allocator,
		s->model, "workload=trace", NULL };
	char file[200];
	const char *const more[] = { file, NULL };
	const struct replay *r;
	struct course c;
	char verdict[32];

	snprintf(file, sizeof(file), "workload.file=%s", scratch_file("a"));
	course_start(&c, common, more);
	course_measure(&c, 0, t->last + 10 * MS);
	r = c.system.workload_state;
	ck_assert_uint_eq(r->m.maps, t->maps);
	ck_assert_uint_eq(r->m.unmaps, t->unmaps);
	ck_assert_uint_eq(r->m.dmas, t->dmas);
	ck_assert_uint_eq(r->m.faulted + r->m.map_failures + r->m.skipped, 0);
	if (strcmp(s->policy, "policy=strict") == 0)
		ck_assert_uint_eq(course_u64(&c, "dma.by_unmap"), t->unmaps);
	else
		ck_assert_uint_gt(course_u64(&c, "dma.by_timer"), 0);
	for (uint32_t d = 0; d < t->devices; d++) {
		static const char *const wrong[] = { "wrong_target", "unmapped_ok",
			"fault_unexpected", "fault_expected", "stale" };

		for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
			snprintf(verdict, sizeof(verdict), "dom%u.%s", d, wrong[i]);
			ck_assert_msg(course_u64(&c, verdict) == 0, "%s: %s", s->file, verdict);
		}
	}
	ck_assert_uint_eq(course_end(&c), 0);
	course_fini(&c);
}

START_TEST(a_sample_imports_completely_and_replays_clean)
{
	const struct sample *s = &samples[_i];
	struct trace_totals t = import(s);

	replay(s, &t);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("samples");

	tcase_add_checked_fixture(t, scratch_open, scratch_close);
	tcase_set_timeout(t, 300);
	tcase_add_loop_test(
		t, a_sample_imports_completely_and_replays_clean, 0, (int)ARRAY_SIZE(samples));
	return unit_run("system_samples", t);
}
