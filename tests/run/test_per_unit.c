/*
 * per_unit and series: the figures that a run adds to its components' own.
 */
#include "run/per_unit.h"
#include "run/series.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/bed.h"
#include "tests/unit/unit.h"

START_TEST(cycles_of_all_cpus_are_shared_by_the_units)
{
	struct per_unit u;
	struct bed bed;

	bed_init(&bed, 2, 2);
	bed.cpu.clock = 2000000000; /* a nanosecond is two cycles */
	bed_build(&bed);
	bed.machine.cpus[0].m.spent[CPU_iova] = 300 * NS;
	bed.machine.cpus[1].m.spent[CPU_iova] = 100 * NS;
	bed.machine.cpus[1].m.spent[CPU_stack] = 50 * NS;
	per_unit_fill(&u, &bed.machine, 4);
	ck_assert(fabs(u.cycles[CPU_iova] - 200) < 1e-9);
	ck_assert(fabs(u.cycles[CPU_stack] - 25) < 1e-9);
	ck_assert(fabs(u.total - 225) < 1e-9);
	per_unit_fill(&u, &bed.machine, 0); /* nothing was delivered: nothing per unit */
	ck_assert(u.total == 0);
	bed_fini(&bed);
}
END_TEST

START_TEST(a_series_is_a_row_per_sample)
{
	struct series s = { .n = 2, .sample = { { 10, 1, 2, 3 }, { 20, 4, 5, 6 } } };
	char dir[] = "/tmp/iommusim-series-XXXXXX", text[128] = "", file[64];
	struct err err;
	FILE *in;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert(series_write(&s, dir, &err));
	snprintf(file, sizeof(file), "%s/series.csv", dir);
	in = fopen(file, "r");
	ck_assert_ptr_nonnull(in);
	ck_assert_uint_gt(fread(text, 1, sizeof(text) - 1, in), 0);
	fclose(in);
	ck_assert_str_eq(text, "time_ps,units,unmaps,stale_pages\n10,1,2,3\n20,4,5,6\n");
	unlink(file);
	rmdir(dir);
	ck_assert(!series_write(&s, dir, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "series.csv cannot be written"));
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("per_unit");

	tcase_add_test(tc, cycles_of_all_cpus_are_shared_by_the_units);
	tcase_add_test(tc, a_series_is_a_row_per_sample);
	return unit_run("per_unit", tc);
}
