/*
 * trace events: is every form in which ftrace, trace-cmd and perf print the events of the DMA and IOMMU
 * API understood, whoever ran, and every contradiction refused at its line or counted?
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/trace/scratch.h"
#include "tests/unit/unit.h"

#define DEV     "0.000000000000 device dev=0 name=0000:03:00.0\n"
#define UNKNOWN "0.000000000000 device dev=0 name=unknown\n"
#define MAPPED  "0.000000000000 map dev=0 cpu=1 handle=0 dir=bidirectional len=8192 pa=0x10a3f2000\n"

#define BODY                                                                                       \
	"IOMMU: iova=0x00000000ffffe000 - 0x0000000100000000 paddr=0x000000010a3f2000 size=8192\n"

START_TEST(a_line_of_every_tool_is_understood)
{
	static const char *const prefixes[] = {
		"# tracer: nop\n          <idle>-0       [001] ..s..  2710.041118: map: ",
		"# tracer: nop\n          <idle>-0       [001] ..s.  2710.041118: map: ",
		"# tracer: nop\n          <idle>-0     [001]  2710.041118: map: ",
		"cpus=2\n           <...>-19764 [001]  2710.035767: map:                  ",
		"cpus=2\n           <...>-19764 [001]  2710.035767123: map:                  ",
		"cpus=2\n   <...>-19764   1.....  2710.035767: map:                  ",
		"              dd 31878 [001]  1327.780040:    iommu:map: ",
		"              dd 31878/31879 [001]  1327.780040123:    iommu:map: ",
		/* comm is anything but a NUL */
		"# tracer: nop\n a [000] b: c-12   [001] ..s..  2710.041118: map: ",
		"# tracer: nop\n kworker/u8:1-ev-77 [001] ..s..  2710.041118: map: ",
		"# tracer: nop\n \xff\xfe[7] x-9 [001] ..s..  2710.041118: map: ",
		"  my [12] prog 31878 [001]  1327.780040:    iommu:map: ",
	};

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
		char text[512];

		snprintf(text, sizeof(text), "%s" BODY, prefixes[i]);
		scratch_gives(text, UNKNOWN MAPPED);
	}
}
END_TEST

#define F(cpu, time, event) "  a-1 [00" #cpu "] ..... 5." time ": " event "\n"
#define FTRACE              "# tracer: nop\n"

START_TEST(every_generation_of_the_dma_events)
{
	static const char gives[] =
		DEV "0.000000000000 map dev=0 cpu=1 handle=0 dir=from len=1522 pa=0x1044a7840\n"
		    "0.000002000000 unmap dev=0 cpu=0 handle=0\n";
	static const char *const names[][2] = { { "dma_map_page", "dma_unmap_page" },
		{ "dma_map_phys", "dma_unmap_phys" },
		{ "dma_map_resource", "dma_unmap_resource" } };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char text[512];

		snprintf(text, sizeof(text),
			FTRACE "  a-1 [001] ..... 5.000000: %s: 0000:03:00.0 dir=FROM_DEVICE "
			       "dma_addr=ffdd1840 size=1522 phys_addr=1044a7840 attrs=\n"
			       "  a-1 [000] ..... 5.000002: %s: 0000:03:00.0 dir=FROM_DEVICE "
			       "dma_addr=ffdd1840 size=1522 attrs=SKIP_CPU_SYNC\n",
			names[i][0], names[i][1]);
		scratch_gives(text, gives);
	}
}
END_TEST

#define UNMAP_SG                                                                                   \
	F(0, "000003",                                                                             \
		"dma_unmap_sg: 0000:03:00.0 dir=TO_DEVICE "                                        \
		"phys_addrs={0x10a3f2000,0x10a3f8000} attrs=")
#define SG_RECORDS                                                                                 \
	DEV "0.000000000000 map dev=0 cpu=0 handle=0 dir=to len=4096 pa=0x10a3f2000 rest=1\n"      \
	    "0.000000000000 segment dev=0 handle=0 len=4096 pa=0x10a3f8000 rest=0\n"               \
	    "0.000003000000 unmap dev=0 cpu=0 handle=0\n"

START_TEST(every_generation_of_scatter_lists)
{
	scratch_gives(FTRACE F(0, "000000",
			      "dma_map_sg: 0000:03:00.0 dir=TO_DEVICE dma_addrs={0xffff0000} "
			      "sizes={0x2000} phys_addrs={0x10a3f2000,0x10a3f8000} attrs=")
			      UNMAP_SG,
		SG_RECORDS);
	scratch_gives(FTRACE F(0, "000000",
			      "dma_map_sg: 0000:03:00.0 dir=TO_DEVICE nents=2/2 ents=1/1 "
			      "dma_addrs={0xffff0000} sizes={0x2000} "
			      "phys_addrs={0x10a3f2000,0x10a3f8000} attrs=") UNMAP_SG,
		SG_RECORDS);
	/* libtraceevent that cannot parse the event's format */
	scratch_gives(
		FTRACE F(0, "000000",
			"dma_map_sg: [FAILED TO PARSE] device=0000:03:00.0 full_nents=2 "
			"phys_addrs=ARRAY[00, 20, 3f, 0a, 01, 00, 00, 00, 00, 80, 3f, 0a, 01, 00, 00, "
			"00] dma_addrs=ARRAY[00, 00, ff, ff, 00, 00, 00, 00] lengths=ARRAY[00, 20, "
			"00, 00] dir=1 attrs=0x0") F(0, "000003",
			"dma_unmap_sg: [FAILED TO PARSE] device=0000:03:00.0 "
			"addrs=ARRAY[00, 20, 3f, 0a, 01, 00, 00, 00, 00, 80, 3f, "
			"0a, 01, 00, 00, 00] dir=1 attrs=0x0"),
		SG_RECORDS);
}
END_TEST

START_TEST(coherent_memory_and_syncs)
{
	scratch_gives(
		FTRACE F(0, "000000",
			"dma_alloc: 0000:03:00.0 dir=BIDIRECTIONAL dma_addr=ffffc000 size=8192 "
			"virt_addr=0xffff888104e40000 flags=GFP_KERNEL attrs=") F(0, "000001",
			"dma_map_page: 0000:03:00.0 dir=FROM_DEVICE dma_addr=ffff8100 "
			"size=4096 phys_addr=5100 attrs=") F(1, "000002",
			"dma_sync_single_for_cpu: 0000:03:00.0 dir=FROM_DEVICE "
			"dma_addr=ffff8110 size=64") F(1, "000003",
			"dma_sync_single_for_device: 0000:03:00.0 "
			"dir=FROM_DEVICE dma_addr=ffff8100 size=4096") F(0, "000004",
			"dma_free: 0000:03:00.0 dir=BIDIRECTIONAL "
			"dma_addr=ffffc000 size=8192 "
			"virt_addr=0xffff888104e40000 attrs="),
		DEV "0.000000000000 map dev=0 cpu=0 handle=0 dir=bidirectional len=8192 pa=0x0 "
		    "coherent\n"
		    "0.000001000000 map dev=0 cpu=0 handle=1 dir=from len=4096 pa=0x5100\n"
		    "0.000002000000 sync dev=0 handle=1 cpu=1 offset=16 len=64\n"
		    "0.000003000000 sync dev=0 handle=1 cpu=1 offset=0 len=4096 for-device\n"
		    "0.000004000000 unmap dev=0 cpu=0 handle=0\n");
}
END_TEST

START_TEST(the_4_5_form_of_iommu_events)
{
	scratch_gives(
		FTRACE F(0, "000000",
			"map: IOMMU: iova=0x00000000fffff000 paddr=0x0000000012345000 size=4096")
			F(0, "000001",
				"unmap: IOMMU: iova=0x00000000fffff000 size=4096 unmapped_size=4096"),
		UNKNOWN "0.000000000000 map dev=0 cpu=0 handle=0 dir=bidirectional len=4096 "
			"pa=0x12345000\n"
			"0.000001000000 unmap dev=0 cpu=0 handle=0\n");
}
END_TEST

#define IMAP(cpu, time, iova, end, pa, size)                                                       \
	F(cpu, time,                                                                               \
		"map: IOMMU: iova=0x00000000" iova " - 0x00000000" end " paddr=0x00000000" pa      \
		" size=" size)
#define IUNMAP(cpu, time, iova, end, size)                                                         \
	F(cpu, time,                                                                               \
		"unmap: IOMMU: iova=0x00000000" iova " - 0x00000000" end " size=" size             \
		" unmapped_size=" size)

START_TEST(a_call_that_says_more_is_joined_to_its_iommu_event)
{
	/* after it (6.18), with another CPU's step between */
	scratch_gives(FTRACE IMAP(0, "000000", "fffff000", "100000000", "12345000", "4096") IMAP(1,
			      "000001", "ffffe000", "fffff000", "54321000", "4096") F(0, "000002",
			      "dma_map_phys: 0000:03:00.0 dir=TO_DEVICE "
			      "dma_addr=fffff100 size=256 phys_addr=12345100 attrs=") F(1, "000003",
			      "dma_map_phys: 0000:03:00.0 dir=FROM_DEVICE "
			      "dma_addr=ffffe000 size=1522 phys_addr=54321000 "
			      "attrs="),
		DEV "0.000000000000 map dev=0 cpu=0 handle=0 dir=to len=256 pa=0x12345100\n"
		    "0.000001000000 map dev=0 cpu=1 handle=1 dir=from len=1522 pa=0x54321000\n");
	/* probes, before it, with an interrupt's call inside the first */
	scratch_gives(
		FTRACE F(0, "000000",
			"map_page: (iommu_dma_map_page+0x0/0x260) dev=\"0000:03:00.0\" off=0x10a "
			"size=58 dir=1") F(0, "000001",
			"map_page: (iommu_dma_map_page+0x0/0x260) dev=\"0000:04:00.0\" "
			"off=0x0 size=8000 dir=2")
			IMAP(0, "000002", "ffffe000", "100000000", "12345000", "8192")
				IMAP(0, "000003", "ffff0000", "ffff1000", "99999000", "4096"),
		"0.000000000000 device dev=0 name=0000:03:00.0\n"
		"0.000000000000 device dev=1 name=0000:04:00.0\n"
		"0.000000000000 map dev=1 cpu=0 handle=0 dir=from len=8000 pa=0x12345000\n"
		"0.000001000000 map dev=0 cpu=0 handle=1 dir=to len=58 pa=0x9999910a\n");
}
END_TEST

START_TEST(pieces_of_a_scatter_list_become_one_mapping)
{
	scratch_gives(FTRACE IMAP(0, "000000", "ffff8000", "ffff9000", "12345000", "4096")
			      IMAP(0, "000001", "ffff9000", "ffffc000", "50000000", "12288")
				      IMAP(0, "000002", "ffff0000", "ffff1000", "60000000", "4096")
					      IUNMAP(1, "000003", "ffff8000", "ffffc000", "16384"),
		UNKNOWN
		"0.000000000000 map dev=0 cpu=0 handle=0 dir=bidirectional len=4096 pa=0x12345000 "
		"rest=1\n"
		"0.000000000000 segment dev=0 handle=0 len=12288 pa=0x50000000 rest=0\n"
		"0.000002000000 map dev=0 cpu=0 handle=1 dir=bidirectional len=4096 pa=0x60000000\n"
		"0.000003000000 unmap dev=0 cpu=1 handle=0\n");
	/* neighbours that are unmapped one by one are none */
	scratch_gives(FTRACE IMAP(0, "000000", "ffff8000", "ffff9000", "12345000", "4096")
			      IMAP(0, "000001", "ffff9000", "ffffa000", "50000000", "4096")
				      IUNMAP(0, "000002", "ffff9000", "ffffa000", "4096")
					      IUNMAP(0, "000003", "ffff8000", "ffff9000", "4096"),
		UNKNOWN
		"0.000000000000 map dev=0 cpu=0 handle=0 dir=bidirectional len=4096 pa=0x12345000\n"
		"0.000001000000 map dev=0 cpu=0 handle=1 dir=bidirectional len=4096 pa=0x50000000\n"
		"0.000002000000 unmap dev=0 cpu=0 handle=1\n"
		"0.000003000000 unmap dev=0 cpu=0 handle=0\n");
	/* the call itself says what belongs together: the last piece is cut, the next map is not its */
	scratch_gives(FTRACE IMAP(0, "000000", "ffff8000", "ffff9000", "12345000", "4096") IMAP(0,
			      "000001", "ffff9000", "ffffb000", "50000000", "8192") F(0, "000002",
			      "dma_map_sg: 0000:03:00.0 dir=TO_DEVICE "
			      "dma_addrs={0xffff8000} sizes={0x2800} "
			      "phys_addrs={0x12345000,0x50000000} attrs=") IMAP(0, "000003",
			      "ffffb000", "ffffc000", "60000000", "4096") F(0, "000004",
			      "dma_map_page: 0000:03:00.0 dir=TO_DEVICE "
			      "dma_addr=ffffb000 size=100 "
			      "phys_addr=60000000 attrs="),
		DEV "0.000000000000 map dev=0 cpu=0 handle=0 dir=to len=4096 pa=0x12345000 rest=1\n"
		    "0.000000000000 segment dev=0 handle=0 len=6144 pa=0x50000000 rest=0\n"
		    "0.000003000000 map dev=0 cpu=0 handle=1 dir=to len=100 pa=0x60000000\n");
}
END_TEST

START_TEST(what_is_older_than_the_recording_is_mapped_at_its_beginning)
{
	scratch_gives(FTRACE IMAP(0, "000000", "ffff9000", "ffffa000", "12345000", "4096")
			      IUNMAP(0, "000001", "ffff1000", "ffff3000", "8192") F(0, "000002",
				      "dma_unmap_page: 0000:03:00.0 dir=FROM_DEVICE "
				      "dma_addr=ffff1040 size=6000 attrs="),
		"0.000000000000 device dev=0 name=unknown\n"
		"0.000000000000 device dev=1 name=0000:03:00.0\n"
		"0.000000000000 map dev=1 cpu=0 handle=0 dir=from len=6000 pa=0x4000ffff1040 "
		"synthetic\n"
		"0.000000000000 map dev=0 cpu=0 handle=1 dir=bidirectional len=4096 pa=0x12345000\n"
		"0.000001000000 unmap dev=1 cpu=0 handle=0\n");
}
END_TEST

#define MAP9   IMAP(0, "000001", "ffff9000", "ffffa000", "12345000", "4096")
#define UNMAP9 IUNMAP(0, "000002", "ffff9000", "ffffa000", "4096")

static const struct bad {
	const char *text, *said;
	unsigned line;
} contradictions[] = {
	{ FTRACE MAP9 UNMAP9 UNMAP9, "not mapped", 4 },
	{ FTRACE MAP9 MAP9, "are mapped", 3 },
	{ FTRACE IMAP(0, "000000", "ffff8000", "ffffa000", "5000", "8192") MAP9, "are mapped", 3 },
	{ FTRACE IMAP(0, "000000", "ffff8000", "ffffa000", "5000", "8192")
			IUNMAP(0, "000001", "ffff8000", "ffff9000", "4096"),
		"a part", 3 },
	{ FTRACE UNMAP9 MAP9, "earlier", 3 },
	{ FTRACE IMAP(0, "000000", "00000000", "280000000", "5000", "10737418240"), "4 GiB", 2 },
	{ FTRACE IMAP(0, "000000", "00000000", "00000000", "5000", "0"), "0 bytes", 2 },
	{ FTRACE IMAP(0, "000000", "00000010", "00001010", "5000", "4096"), "broken pages", 2 },
	{ FTRACE IMAP(0, "000000", "0000g000", "00001000", "5000", "4096"), "damaged", 2 },
	{ FTRACE IMAP(0, "000000", "00001000", "00002000", "5000", "99999999999999999999"),
		"damaged", 2 },
	{ FTRACE MAP9 "  a-1 [001] ..... 5.0000", "no line", 3 },
	{ FTRACE MAP9 "\xff\x80 what\n", "no line", 3 },
	{ FTRACE MAP9 "  a-1 [4096] ..... 5.000001: map: x\n", "CPU above", 3 },
	{ FTRACE F(0, "000000", "dma_map_page: 0000:03:00.0 dir=UP dma_addr=1000 size=1"),
		"damaged", 2 },
	{ FTRACE F(0, "000000", "dma_map_sg: 0000:03:00.0 dir=TO_DEVICE dma_addrs={0x1} sizes={}"),
		"damaged", 2 },
	{ FTRACE F(0, "000000",
		  "dma_map_page: 0000:03:00.0 dir=TO_DEVICE dma_addr=1000 size=64 phys_addr=0 attrs=")
			F(0, "000001",
				"dma_sync_single_for_cpu: 0000:03:00.0 dir=TO_DEVICE dma_addr=1020 "
				"size=64"),
		"beyond its mapping", 3 },
};

START_TEST(a_contradiction_is_refused_at_its_line)
{
	for (size_t i = 0; i < ARRAY_SIZE(contradictions); i++)
		scratch_refused(
			contradictions[i].text, contradictions[i].line, contradictions[i].said);
}
END_TEST

START_TEST(or_counted_where_that_was_asked_for)
{
	struct import_options o = import_defaults;
	char *dump;

	o.skip_bad = true;
	for (size_t i = 0; i < ARRAY_SIZE(contradictions); i++) {
		ck_assert_msg(scratch_import("out", contradictions[i].text, &o), "%s: %s",
			contradictions[i].text, scratch_err.text);
		ck_assert_ptr_nonnull(strstr(scratch_report, " 1 bad: "));
		ck_assert_ptr_nonnull(strstr(scratch_report, contradictions[i].said));
		dump = scratch_dump("out"); /* by the rules */
		ck_assert_ptr_nonnull(dump);
		free(dump);
	}
}
END_TEST

START_TEST(what_it_leaves_out_is_reported)
{
	ck_assert(scratch_import("out",
		FTRACE MAP9 "CPU:1 [LOST 204 EVENTS]\n" F(0, "000003", "sched_switch: a=b")
			F(0, "000004", "qi_submit: iotlb_inv dmar0: 0x500f2 0xffffe040 0x0 0x0")
				F(0, "000005", "qi_submit: iotlb_inv dmar0: 0x500f2 0x0 0x0 0x0"),
		NULL));
	ck_assert_ptr_nonnull(strstr(scratch_report, " 1 skipped: event sched_switch"));
	ck_assert_ptr_nonnull(strstr(scratch_report, " 2 skipped: event qi_submit"));
	ck_assert_ptr_nonnull(strstr(scratch_report, "recorder lost events"));
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("events");

	tcase_add_checked_fixture(t, scratch_open, scratch_close);
	tcase_add_test(t, a_line_of_every_tool_is_understood);
	tcase_add_test(t, every_generation_of_the_dma_events);
	tcase_add_test(t, every_generation_of_scatter_lists);
	tcase_add_test(t, coherent_memory_and_syncs);
	tcase_add_test(t, the_4_5_form_of_iommu_events);
	tcase_add_test(t, a_call_that_says_more_is_joined_to_its_iommu_event);
	tcase_add_test(t, pieces_of_a_scatter_list_become_one_mapping);
	tcase_add_test(t, what_is_older_than_the_recording_is_mapped_at_its_beginning);
	tcase_add_test(t, a_contradiction_is_refused_at_its_line);
	tcase_add_test(t, or_counted_where_that_was_asked_for);
	tcase_add_test(t, what_it_leaves_out_is_reported);
	return unit_run("trace_events", t);
}
