/*
 * locks.txt: does it look like /proc/lock_stat to the column?
 */
#include <stdlib.h>
#include <string.h>

#include "hw/lock.h"
#include "tests/support/bed.h"
#include "tests/unit/unit.h"

static struct bed bed;
static struct lock locks[3];

struct hold {
	struct lock *lock;
	sim_time arrives, holds;
};

static void hold(struct proc *p, void *arg)
{
	const struct hold *h = arg;

	proc_sleep_until(p, h->arrives);
	lock_acquire(h->lock, p);
	cpu_run_ps(p, h->holds, CPU_driver);
	lock_release(h->lock, p);
}

/* The page allocator's lock was there first. */
static void play(void)
{
	static struct hold holds[] = {
		{ &locks[0], 0, 1000 * NS },
		{ &locks[0], 100 * NS, 210 * NS },
		{ &locks[1], 5000 * NS, 40 * NS },
	};

	bed_init(&bed, 2, 2);
	bed.lock.type = LOCK_QUEUED;
	bed.cpu.atomic = 0;
	bed.cpu.line_same_socket = 50 * NS;
	bed_build(&bed);
	lock_init(&locks[0], &bed.machine, "unix_table_lock", "a");
	lock_init(&locks[1], &bed.machine, "unix_table_lock", "b");
	lock_init(&locks[2], &bed.machine, "&iovad->iova_rbtree_lock", "c");
	for (size_t i = 0; i < ARRAY_SIZE(holds); i++)
		bed_on(&bed, i % 2, hold, &holds[i]);
}

static void take_down(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(locks); i++)
		lock_fini(&locks[i]);
	bed_fini(&bed);
}

/* By Linux 6.1 kernel/locking/lockdep_proc.c: a row is "%40s:", "%14lu " and so on. */
static const char *const want[] = {
	"lock_stat version 0.4",
	"-",
	"                              class name    con-bounces    contentions   waittime-min"
	"   waittime-max waittime-total   waittime-avg    acq-bounces   acquisitions   holdtime-min"
	"   holdtime-max holdtime-total   holdtime-avg",
	"-",
	"",
	"                             &zone->lock:             0              0           0.00"
	"           0.00           0.00           0.00              0              0           0.00"
	"           0.00           0.00           0.00",
	"                         unix_table_lock:             1              1           0.95"
	"           0.95           0.95           0.95              1              3           0.04"
	"           1.00           1.25           0.42",
	"                &iovad->iova_rbtree_lock:             0              0           0.00"
	"           0.00           0.00           0.00              0              0           0.00"
	"           0.00           0.00           0.00",
	"",
	".",
};

static void check_line(const char *got, const char *line)
{
	if (line[0] && !line[1]) { /* a rule of 221 */
		ck_assert_uint_eq(strlen(got), 221);
		ck_assert_uint_eq(strspn(got, line), 221);
	} else {
		ck_assert_str_eq(got, line);
	}
}

START_TEST(it_has_the_layout_of_proc_lock_stat)
{
	char *text = NULL, *at, *line;
	size_t size, n = 0;
	FILE *out = open_memstream(&text, &size);

	play();
	engine_run(bed.engine, SIM_TIME_NEVER);
	locks_write(&bed.machine, out);
	fclose(out);
	for (at = text; (line = strsep(&at, "\n")) && at; n++) {
		ck_assert_uint_lt(n, ARRAY_SIZE(want));
		check_line(line, want[n]);
	}
	ck_assert_uint_eq(n, ARRAY_SIZE(want));
	free(text);
	take_down();
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("lock_report");

	tcase_add_test(tc, it_has_the_layout_of_proc_lock_stat);
	return unit_run("lock_report", tc);
}
