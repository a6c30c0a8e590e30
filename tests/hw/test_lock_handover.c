/*
 * What a contended lock costs from release to the next owner, by algorithm and number of waiters: the
 * formulas of hw/lock.h.
 */
#include "tests/hw/rounds.h"
#include "tests/unit/unit.h"

#define SAME  (50.0 * NS)
#define CROSS (120.0 * NS)

static struct rounds r;

/* One CPU holds, `waiters` wait at each release: a holder is back long before the next one. */
static void saturate(unsigned waiters, unsigned per_socket, enum lock_type type)
{
	rounds_init(&r, waiters + 1, per_socket, type);
	r.visits_each = ROUNDS_VISITS / (waiters + 1);
	r.hold = 10 * US;
	r.think = 2 * US;
	rounds_run(&r);
}

/* Mean, leaving out both ends, where not everybody is there. */
static double mean_handover(double *least, double *most)
{
	double sum = 0;
	unsigned from = 100, to = r.n - 100;

	*least = 1e30;
	*most = 0;
	for (unsigned k = from; k < to; k++) {
		double h = (double)(r.visit[k].acquired - r.visit[k - 1].released);

		sum += h;
		*least = h < *least ? h : *least;
		*most = h > *most ? h : *most;
	}
	return sum / (to - from);
}

START_TEST(ticket_grows_with_the_waiters_of_the_socket)
{
	static const unsigned waiters[] = { 1, 3, 7, 15 };
	double least, most;

	for (size_t i = 0; i < ARRAY_SIZE(waiters); i++) {
		double mean, want = SAME + (waiters[i] - 1) / 2.0 * SAME;

		saturate(waiters[i], 16, LOCK_TICKET);
		mean = mean_handover(&least, &most);
		ck_assert_double_eq_tol(mean, want, 0.02 * want);
		ck_assert_double_eq(least, SAME); /* served first */
		ck_assert_double_eq(most, waiters[i] * SAME); /* served last */
		rounds_fini(&r);
	}
}
END_TEST

/* The sockets fetch side by side: 15 waiters on two sockets cost less than on one, although the line
 * has farther to go. The next owner's socket has 7 or 8 waiters. */
START_TEST(ticket_counts_the_waiters_of_the_next_owners_socket_only)
{
	double least, most, mean;

	saturate(15, 8, LOCK_TICKET);
	mean = mean_handover(&least, &most);
	ck_assert_double_ge(mean, SAME + 3.0 * SAME);
	ck_assert_double_le(mean, CROSS + 3.5 * SAME);
	ck_assert_double_le(most, CROSS + 7 * SAME);
	rounds_fini(&r);
}
END_TEST

START_TEST(queued_stays_flat)
{
	static const unsigned waiters[] = { 1, 3, 7, 15 };
	double least, most;

	for (size_t i = 0; i < ARRAY_SIZE(waiters); i++) {
		saturate(waiters[i], 16, LOCK_QUEUED);
		mean_handover(&least, &most);
		ck_assert_double_eq(least, SAME);
		ck_assert_double_eq(most, SAME);
		rounds_fini(&r);
	}
}
END_TEST

START_TEST(queued_pays_for_the_way_between_sockets)
{
	rounds_init(&r, 2, 1, LOCK_QUEUED);
	r.hold = 10 * US;
	r.think = 2 * US;
	rounds_run(&r);
	for (unsigned k = 1; k < r.n; k++)
		ck_assert_uint_eq(r.visit[k].acquired - r.visit[k - 1].released, 120 * NS);
	rounds_fini(&r);
}
END_TEST

START_TEST(test_and_set_fights_every_waiter)
{
	static const unsigned waiters[] = { 1, 3, 7, 15 };
	double least, most;

	for (size_t i = 0; i < ARRAY_SIZE(waiters); i++) {
		saturate(waiters[i], 16, LOCK_TAS);
		mean_handover(&least, &most);
		ck_assert_double_eq(most, SAME + waiters[i] * SAME);
		rounds_fini(&r);
	}
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("lock_handover");

	tcase_add_test(tc, ticket_grows_with_the_waiters_of_the_socket);
	tcase_add_test(tc, ticket_counts_the_waiters_of_the_next_owners_socket_only);
	tcase_add_test(tc, queued_stays_flat);
	tcase_add_test(tc, queued_pays_for_the_way_between_sockets);
	tcase_add_test(tc, test_and_set_fights_every_waiter);
	return unit_run("lock_handover", tc);
}
