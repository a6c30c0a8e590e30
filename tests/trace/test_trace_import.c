/*
 * trace import: are the other formats told apart and read, is the access model what it says, and do
 * several files become one?
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "tests/trace/scratch.h"
#include "tests/unit/unit.h"

START_TEST(fio_version_3)
{
	/* depth 2: the third request ends the first that is under way */
	char *dump;
	struct import_options o = import_defaults;

	o.access = ACCESS_NONE;
	o.depth = 2;
	o.service = SEC;
	ck_assert(scratch_import("out",
		"fio version 3 iolog\n20 data add\n21 data open\n"
		"26 data read 4096 8192\n30 data write 0 4096\n31 data datasync 0 0\n"
		"40 data read 4096 8192\n50 data close\n",
		&o));
	ck_assert_ptr_nonnull(strstr(scratch_report, " 1 skipped: a request without data"));
	dump = scratch_dump("out");
	ck_assert_ptr_nonnull(strstr(dump,
		"0.000000000000 map dev=0 cpu=0 handle=0 dir=from len=8192 pa=0x400000000000\n"
		"0.000004000000 map dev=0 cpu=0 handle=1 dir=to len=4096 pa=0x400100000000\n"
		"0.000014000000 unmap dev=0 cpu=0 handle="));
	free(dump);
}
END_TEST

START_TEST(fio_version_2_waits_where_it_says_so)
{
	char *dump;
	struct import_options o = import_defaults;

	o.access = ACCESS_NONE;
	o.service = NS;
	ck_assert(scratch_import("out",
		"fio version 2 iolog\nf add\nf open\nf read 0 4096\nf wait 100 0\nf write 0 512\n",
		&o));
	dump = scratch_dump("out");
	ck_assert_ptr_nonnull(strstr(dump, "0.000000000000 map "));
	ck_assert_ptr_nonnull(strstr(dump, "0.000100000000 map "));
	free(dump);
}
END_TEST

START_TEST(fio_errors_have_lines)
{
	scratch_refused("fio version 3 iolog\nx data read 0 4096\n", 2, "no time");
	scratch_refused(
		"fio version 3 iolog\n5 data read 0 4096\n4 data read 0 4096\n", 3, "earlier");
	scratch_refused("fio version 3 iolog\n5 data read 0 10737418240\n", 2, "4 GiB");
	scratch_refused("fio version 3 iolog\n5 data fly 0 1\n", 2, "does not know");
	scratch_refused("fio version 3 iolog\n5 data read 0\n", 2, "no offset");
}
END_TEST

START_TEST(blkparse_between_issue_and_completion)
{
	scratch_gives("  8,0    3        1     0.000000000   697  G   W 223490 + 8 [kjournald]\n"
		      "  8,0    3        2     0.000001000   697  D   W 223490 + 8 [kjournald]\n"
		      "  8,0    1        3     0.000002000   697  D   R 1000 + 16 [a b]\n"
		      "  8,0    3        4     0.000100000     0  C   W 223490 + 8 [0]\n"
		      "  8,0    3        4     0.000110000     0  C   W 99 + 8 [0]\n"
		      "  8,0    3        5     0.000120000     0  D  FN [none]\n"
		      "CPU3 (8,0):\n Reads Queued: 1, 8KiB\n",
		"0.000000000000 device dev=0 name=8,0\n"
		"0.000000000000 map dev=0 cpu=3 handle=0 dir=to len=4096 pa=0x400000000000\n"
		"0.000001000000 map dev=0 cpu=1 handle=1 dir=from len=8192 pa=0x400100000000\n"
		"0.000099000000 unmap dev=0 cpu=3 handle=0\n");
	ck_assert_ptr_nonnull(strstr(scratch_report, " 1 skipped: an event above"));
	ck_assert_ptr_nonnull(strstr(scratch_report, " 1 skipped: a completion"));
	ck_assert_ptr_nonnull(strstr(scratch_report, " 1 skipped: a request without data"));
	scratch_refused("  8,0 3 1 0.000002000 697 D W 22 + 8 [k]\n"
			"  8,0 3 1 0.000001000 697 D W 23 + 8 [k]\n",
		2, "earlier");
	scratch_refused("  8,0 3 1 0.000002000 697 D W 22 + 8 [k]\n"
			"  8,0 3 1 0.000003000 697 D W 22 + 8 [k]\n",
		2, "under way");
	scratch_refused("  8,0 3 1 0.000002000 697 D W 22 + 99999999 [k]\n", 1, "4 GiB");
}
END_TEST

START_TEST(accesses_as_they_were_seen)
{
	scratch_gives("# merged runs/x: T cpu map IOVA size paddr dir | - hit/fill IOVA slpte sid\n"
		      "1.000000 0 map 0xfffbc000 4096 0x104647000 2\n"
		      "1.000001 - fill 0xffff8ff0 0x1039f1003 0x18\n"
		      "1.000002 - hit 0xfffbc010 0x104647003 0x18\n"
		      "1.000003 1 inv page 0xfffbc000 1 5\n"
		      "1.000004 1 unmap 0xfffbc000 4096\n",
		"0.000000000000 device dev=0 name=emulated\n"
		"0.000000000000 map dev=0 cpu=0 handle=0 dir=bidirectional len=4096 pa=0x1039f1000 "
		"synthetic\n"
		"0.000000000000 map dev=0 cpu=0 handle=1 dir=from len=4096 pa=0x104647000\n"
		"0.000001000000 dma dev=0 handle=0 write offset=4080 len=16\n"
		"0.000002000000 dma dev=0 handle=1 write offset=16 len=64\n"
		"0.000004000000 unmap dev=0 cpu=1 handle=1\n");
	scratch_refused("# merged x: hit/fill\n1 0 map 0x1000 4096 0x5000 1\n"
			"1 0 unmap 0x1000 4096\n2 - hit 0x1000 0x5003 0x18\n",
		4, "no longer mapped");
}
END_TEST

START_TEST(a_history_without_times)
{
	scratch_gives("# IOVA allocator history, x\n# domains: 0=0000:00:05.0 1=0000:00:03.0\n"
		      "A 0 1 1 fffff\nA 1 0 2 ffffe\nF 0 1 1 fffff\n",
		"0.000000000000 device dev=0 name=0000:00:05.0\n"
		"0.000000000000 device dev=1 name=0000:00:03.0\n"
		"0.000000000000 map dev=0 cpu=1 handle=0 dir=bidirectional len=4096 "
		"pa=0x4000fffff000\n"
		"0.000002000000 map dev=1 cpu=0 handle=1 dir=bidirectional len=8192 "
		"pa=0x4100ffffe000\n"
		"0.000004000000 unmap dev=0 cpu=1 handle=0\n");
	scratch_refused("# IOVA allocator history\nA 0 1 1\n", 2, "no step");
}
END_TEST

START_TEST(what_is_nothing_known_is_refused)
{
	scratch_refused("hello\n", 0, "no format");
	scratch_refused("", 0, "empty");
	scratch_refused("# tracer: nop\n#\n", 2, "no event");
}
END_TEST

/* ---- access model ---- */

#define EVENT(time, name, dir, more)                                                               \
	" a-1 [000] ..... " time ": dma_" name "_page: d dir=" dir                                 \
	" dma_addr=ffff1000 size=3000 " more "attrs=\n"

/* The DMAs of 2000 mappings of 100 us. */
START_TEST(the_access_model_is_what_it_says)
{
	static const char *const dirs[] = { "TO_DEVICE", "FROM_DEVICE" };

	for (unsigned k = 0; k < 2; k++) {
		char *text = NULL, *dump;
		size_t size;
		FILE *f = open_memstream(&text, &size);
		double sum = 0;
		unsigned n = 0;

		fputs("# tracer: nop\n", f);
		for (unsigned i = 0; i < 2000; i++) {
			fprintf(f, EVENT("%u.%06u", "map", "%s", "phys_addr=5000 "), i / 1000,
				i % 1000 * 1000, dirs[k]);
			fprintf(f, EVENT("%u.%06u", "unmap", "%s", ""), i / 1000,
				i % 1000 * 1000 + 100, dirs[k]);
		}
		fclose(f);
		ck_assert(scratch_import("out", text, NULL));
		free(text);
		dump = scratch_dump("out");
		for (char *line = strtok(dump, "\n"); line; line = strtok(NULL, "\n")) {
			double us = strtod(line, NULL) * 1e6,
			       in_ms = us - 1000 * (unsigned)(us / 1000);

			if (!strstr(line, " dma "))
				continue;
			ck_assert_ptr_nonnull(strstr(line, k ? "write" : "read"));
			ck_assert_ptr_nonnull(strstr(line, "offset=0 len=3000 synthetic"));
			ck_assert(in_ms >= 0 && in_ms <= 100);
			sum += k ? 100 - in_ms : in_ms;
			n++;
		}
		free(dump);
		ck_assert_uint_eq(n, 2000);
		/* exponential, mean 5 us: the mean of 2000 has a standard error of 0.11 us */
		ck_assert_double_eq_tol(sum / n, 5.0, 0.45);
	}
}
END_TEST

START_TEST(an_access_comes_before_its_unmap_however_short_the_mapping)
{
	char *dump;

	ck_assert(scratch_import("out",
		"# tracer: nop\n" EVENT("1.000000000", "map", "BIDIRECTIONAL", "phys_addr=5000 ")
			EVENT("1.000000002", "unmap", "BIDIRECTIONAL", "")
				EVENT("1.000000002", "map", "TO_DEVICE", "phys_addr=5000 ")
					EVENT("1.000000002", "unmap", "TO_DEVICE", ""),
		NULL));
	dump = scratch_dump("out");
	ck_assert_ptr_nonnull(strstr(dump, "0.000000002000 dma dev=0 handle=0 read"));
	ck_assert_ptr_nonnull(strstr(dump, " dma dev=0 handle=0 write"));
	ck_assert_ptr_null(strstr(strstr(dump, " unmap "), " dma ")); /* none in no time at all */
	free(dump);
}
END_TEST

START_TEST(the_same_seed_gives_the_same_trace)
{
	static const char text[] = "# tracer: nop\n" EVENT("1.000000", "map", "TO_DEVICE",
		"phys_addr=5000 ") EVENT("1.000100", "unmap", "TO_DEVICE", "");
	struct import_options o = import_defaults;
	char *a, *b, *c;

	ck_assert(scratch_import("a", text, &o));
	ck_assert(scratch_import("b", text, &o));
	o.seed = 2;
	ck_assert(scratch_import("c", text, &o));
	a = scratch_dump("a");
	b = scratch_dump("b");
	c = scratch_dump("c");
	ck_assert_str_eq(a, b);
	ck_assert_str_ne(a, c);
	free(a);
	free(b);
	free(c);
}
END_TEST

START_TEST(several_files_become_one)
{
	static const char fio[] = "fio version 3 iolog\n0 f read 0 512\n";
	static const char blk[] = "  8,0 0 1 0.000000000 1 D W 8 + 8 [k]\n";
	const char *files[2];
	char *dump;

	scratch_store("1", fio, strlen(fio));
	scratch_store("2", blk, strlen(blk));
	files[0] = scratch_file("1");
	files[1] = scratch_file("2");
	ck_assert_msg(
		import_files(files, 2, &import_defaults, scratch_file("out"), NULL, &scratch_err),
		"%s", scratch_err.text);
	dump = scratch_dump("out");
	ck_assert_ptr_nonnull(strstr(dump, "device dev=0 name=fio"));
	ck_assert_ptr_nonnull(strstr(dump, "device dev=1 name=8,0"));
	ck_assert_ptr_nonnull(strstr(dump, "map dev=1 cpu=0 handle=1 dir=to len=4096"));
	free(dump);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("import");

	tcase_add_checked_fixture(t, scratch_open, scratch_close);
	tcase_add_test(t, fio_version_3);
	tcase_add_test(t, fio_version_2_waits_where_it_says_so);
	tcase_add_test(t, fio_errors_have_lines);
	tcase_add_test(t, blkparse_between_issue_and_completion);
	tcase_add_test(t, accesses_as_they_were_seen);
	tcase_add_test(t, a_history_without_times);
	tcase_add_test(t, what_is_nothing_known_is_refused);
	tcase_add_test(t, the_access_model_is_what_it_says);
	tcase_add_test(t, an_access_comes_before_its_unmap_however_short_the_mapping);
	tcase_add_test(t, the_same_seed_gives_the_same_trace);
	tcase_add_test(t, several_files_become_one);
	return unit_run("trace_import", t);
}
