/*
 * cacheline: who pays how much for a line, and do transfers of one line queue?
 */
#include "hw/cacheline.h"

#include "tests/support/bed.h"
#include "tests/unit/unit.h"

#define SAME  (50 * NS)
#define CROSS (120 * NS)

/* CPUs 0 and 1 are one socket, 2 and 3 the other. */
static struct bed bed;
static struct line line;

struct access {
	bool write;
	bool moved;
	sim_time took, at;
};

static void setup(void)
{
	bed_init(&bed, 4, 2);
	bed.cpu.line_same_socket = SAME;
	bed.cpu.line_cross_socket = CROSS;
	bed_build(&bed);
	line_init(&line);
}

static void teardown(void)
{
	bed_fini(&bed);
}

static void touch(struct proc *p, void *arg)
{
	struct access *a = arg;

	a->at = proc_now(p);
	a->moved = (a->write ? line_write : line_read)(&line, p, CPU_iova);
	a->took = proc_now(p) - a->at;
}

static struct access access_by(unsigned cpu, bool write)
{
	struct access a = { .write = write };

	bed_do(&bed, cpu, touch, &a);
	return a;
}

static void expect_read(unsigned cpu, sim_time took)
{
	struct access a = access_by(cpu, false);

	ck_assert_uint_eq(a.took, took);
	ck_assert_int_eq(a.moved, took > 0);
}

static void expect_write(unsigned cpu, sim_time took)
{
	struct access a = access_by(cpu, true);

	ck_assert_uint_eq(a.took, took);
	ck_assert_int_eq(a.moved, took > 0);
}

START_TEST(a_line_that_nobody_wrote_costs_nothing)
{
	expect_read(0, 0);
	expect_read(3, 0);
}
END_TEST

START_TEST(a_written_line_is_fetched_once_by_every_reader)
{
	expect_write(0, 0);
	expect_write(0, 0);
	expect_read(0, 0);
	expect_read(1, SAME);
	expect_read(1, 0);
	expect_read(2, CROSS);
	expect_read(3, CROSS);
	expect_read(3, 0);
	expect_read(0, 0);
}
END_TEST

START_TEST(a_write_takes_the_line_from_its_owner)
{
	expect_write(0, 0);
	expect_write(1, SAME);
	expect_write(2, CROSS);
	expect_write(3, SAME);
	expect_write(0, CROSS);
}
END_TEST

START_TEST(a_write_takes_the_line_from_its_readers_too)
{
	expect_write(0, 0);
	expect_read(1, SAME);
	expect_write(0, SAME); /* its own line, but a copy is next door */
	expect_write(0, 0);
	expect_read(2, CROSS);
	expect_write(0, CROSS); /* the farthest copy counts */
	expect_read(1, SAME);
	expect_read(3, CROSS);
	expect_write(1, CROSS); /* owner near, a reader far */
	expect_read(0, SAME);
}
END_TEST

START_TEST(transfers_of_one_line_queue)
{
	struct access a[3] = { { 0 } };

	access_by(0, true);
	for (unsigned i = 0; i < 3; i++)
		bed_on(&bed, 1 + i, touch, &a[i]);
	bed_run(&bed);
	ck_assert_uint_eq(a[0].at, a[2].at);
	ck_assert_uint_eq(a[0].took, SAME);
	ck_assert_uint_eq(a[1].took, SAME + CROSS);
	ck_assert_uint_eq(a[2].took, SAME + CROSS + CROSS);
}
END_TEST

START_TEST(the_time_goes_to_the_category_of_the_access)
{
	expect_write(0, 0);
	expect_read(2, CROSS);
	ck_assert_uint_eq(bed.machine.cpus[2].m.spent[CPU_iova], CROSS);
	ck_assert_uint_eq(bed.machine.cpus[0].m.spent[CPU_iova], 0);
}
END_TEST

START_TEST(memory_has_a_line_per_64_bytes)
{
	struct line *l = line_of_memory(&bed.machine, (hpa_t){ 0x1000 });

	l->owner = 3;
	ck_assert_ptr_eq(line_of_memory(&bed.machine, (hpa_t){ 0x103f }), l);
	ck_assert_uint_eq(line_of_memory(&bed.machine, (hpa_t){ 0x1000 })->owner, 3);
	ck_assert_uint_eq(line_of_memory(&bed.machine, (hpa_t){ 0x1040 })->owner, LINE_NO_OWNER);
	ck_assert_uint_eq(line_of_memory(&bed.machine, (hpa_t){ 0 })->owner, LINE_NO_OWNER);
}
END_TEST

/* A line displaced from the table must not come back with another's owner. */
START_TEST(a_displaced_line_of_memory_belongs_to_nobody)
{
	for (uint64_t i = 0; i < 100000; i++) {
		struct line *l = line_of_memory(&bed.machine, (hpa_t){ i * 64 });

		ck_assert_uint_eq(l->owner, LINE_NO_OWNER);
		l->owner = 1;
	}
}
END_TEST

static void touch_others(struct proc *p, void *arg)
{
	line_touch_others(p, *(const uint32_t *)arg);
}

static void forget(unsigned cpu, uint32_t lines)
{
	bed_do(&bed, cpu, touch_others, &lines);
}

START_TEST(a_line_leaves_the_private_cache_when_so_many_others_came)
{
	expect_write(0, 0);
	forget(0, bed.cpu.cache_lines - 1);
	expect_read(1, SAME); /* just still there */
	expect_write(0, SAME);
	forget(0, bed.cpu.cache_lines + 1);
	expect_read(1, bed.cpu.shared_same_socket);
	expect_write(0, bed.cpu.shared_same_socket);
	forget(0, bed.cpu.cache_lines + 1);
	expect_read(2, bed.cpu.shared_cross_socket);
}
END_TEST

START_TEST(its_own_displaced_line_comes_back_from_the_shared_cache)
{
	struct access a;

	expect_write(0, 0);
	forget(0, bed.cpu.cache_lines + 1);
	a = access_by(0, false);
	ck_assert_uint_eq(a.took, bed.cpu.shared_same_socket);
	ck_assert(!a.moved); /* it was nobody else's */
	ck_assert_uint_eq(access_by(0, false).took, 0);
}
END_TEST

START_TEST(code_without_a_cpu_pays_nothing)
{
	expect_write(0, 0);
	ck_assert(!line_read(&line, PROC_UNTIMED, CPU_iova));
	ck_assert(!line_write(&line, PROC_UNTIMED, CPU_iova));
	expect_write(0, 0); /* and took nothing away */
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("cacheline");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_line_that_nobody_wrote_costs_nothing);
	tcase_add_test(tc, a_written_line_is_fetched_once_by_every_reader);
	tcase_add_test(tc, a_write_takes_the_line_from_its_owner);
	tcase_add_test(tc, a_write_takes_the_line_from_its_readers_too);
	tcase_add_test(tc, transfers_of_one_line_queue);
	tcase_add_test(tc, the_time_goes_to_the_category_of_the_access);
	tcase_add_test(tc, memory_has_a_line_per_64_bytes);
	tcase_add_test(tc, a_displaced_line_of_memory_belongs_to_nobody);
	tcase_add_test(tc, a_line_leaves_the_private_cache_when_so_many_others_came);
	tcase_add_test(tc, its_own_displaced_line_comes_back_from_the_shared_cache);
	tcase_add_test(tc, code_without_a_cpu_pays_nothing);
	return unit_run("cacheline", tc);
}
