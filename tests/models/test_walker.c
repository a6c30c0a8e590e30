/* Page walkers with a model that only takes time: slots, queueing, merging, and the three ways in which
 * an invalidation meets walks in flight, to the picosecond. */
#include "iommu/walker.h"

#include <string.h>

#include "hw/mem.h"
#include "tests/models/rig.h"
#include "tests/unit/unit.h"

#define WALK_TIME    (100 * NS)
#define MAX_REQUESTS 16

static struct rig rig;
static struct walker_pool *pool;
static sim_time origin; /* of the test's times */

static struct request {
	struct xlate x;
	sim_time answered;
	bool may_fill;
} req[MAX_REQUESTS];
static unsigned nreq;

/* The walk finds its leaf (domain 7, 4 KiB) half-way. */
static void slow_walk(void *model, struct proc *p, struct walk *w)
{
	(void)model;
	proc_sleep_until(p, proc_now(p) + WALK_TIME / 2);
	w->leaf = true;
	w->domain = 7;
	w->leaf_lg2 = PAGE_LG2;
	proc_sleep_until(p, proc_now(p) + WALK_TIME / 2);
	w->result[0] = !w->no_fill;
}

static void give_answer(void *model, struct walk *w, struct xlate *x)
{
	(void)model;
	x->ok = true;
	container_of(x, struct request, x)->may_fill = w->result[0];
}

static const struct walker_ops ops = { slow_walk, give_answer };

static void answered(struct xlate *x)
{
	container_of(x, struct request, x)->answered = rig_now(&rig) - origin;
}

static void set_up(void)
{
	rig_init(&rig, NULL, 1);
	rig_start(&rig);
	memset(req, 0, sizeof(req));
	nreq = 0;
}

static void begin(unsigned slots)
{
	pool = walkers_create(&rig.machine, slots, &ops, NULL, rig.windows,
		metric_scope_child(metrics_root(rig.metrics), "walkers"));
	rig_settle(&rig);
	origin = rig_now(&rig);
}

static void tear_down(void)
{
	rig_settle(&rig);
	walkers_destroy(pool);
	rig_stop(&rig);
}

static void go_to(sim_time t)
{
	rig_run_to(&rig, origin + t);
}

static struct request *miss(uint16_t bdf, uint64_t page)
{
	struct request *r = &req[nreq++];

	r->x = (struct xlate){
		.rid = { bdf }, .iova = { page << PAGE_LG2 }, .len = 4, .done = answered
	};
	walkers_miss(pool, &r->x);
	return r;
}

static void assert_answered_at(const struct request *r, sim_time t)
{
	go_to(t - 1);
	ck_assert_uint_eq(r->answered, 0);
	go_to(t);
	ck_assert_uint_eq(r->answered, t);
}

START_TEST(a_walk_takes_its_time_and_no_longer)
{
	struct request *r;

	begin(1);
	r = miss(1, 1);
	assert_answered_at(r, WALK_TIME);
	ck_assert_uint_eq(r->x.latency, WALK_TIME);
	ck_assert(!r->x.hit);
	ck_assert(walkers_idle(pool));
}
END_TEST

START_TEST(slots_walk_side_by_side_and_the_rest_queue_in_order)
{
	struct request *r[5];

	begin(2);
	for (unsigned i = 0; i < 5; i++)
		r[i] = miss(1, i);
	assert_answered_at(r[0], WALK_TIME);
	ck_assert_uint_eq(r[1]->answered, WALK_TIME);
	assert_answered_at(r[2], 2 * WALK_TIME);
	ck_assert_uint_eq(r[3]->answered, 2 * WALK_TIME);
	assert_answered_at(r[4], 3 * WALK_TIME);
	ck_assert_uint_eq(r[4]->x.latency, 3 * WALK_TIME);
}
END_TEST

START_TEST(requests_for_one_page_of_one_device_share_a_walk)
{
	struct request *first, *queued, *joins_first, *joins_queued;

	begin(1);
	first = miss(1, 1);
	queued = miss(1, 2);
	go_to(WALK_TIME / 2);
	joins_first = miss(1, 1);
	joins_queued = miss(1, 2);
	assert_answered_at(first, WALK_TIME);
	ck_assert_uint_eq(joins_first->answered, WALK_TIME);
	ck_assert_uint_eq(joins_first->x.latency, WALK_TIME / 2);
	assert_answered_at(queued, 2 * WALK_TIME);
	ck_assert_uint_eq(joins_queued->answered, 2 * WALK_TIME);
}
END_TEST

START_TEST(another_device_walks_by_itself)
{
	struct request *a, *b;

	begin(1);
	a = miss(1, 1);
	b = miss(2, 1);
	assert_answered_at(a, WALK_TIME);
	assert_answered_at(b, 2 * WALK_TIME);
}
END_TEST

static struct invalidation {
	enum walker_inflight how;
	sim_time begins, done;
} inv;

static void invalidate(struct proc *p, void *arg)
{
	(void)arg;
	proc_sleep_until(p, origin + inv.begins);
	walkers_invalidate(pool, p, inv.how);
	inv.done = proc_now(p) - origin;
}

static void plan_invalidation(enum walker_inflight how, sim_time at)
{
	inv = (struct invalidation){ .how = how, .begins = at };
	proc_spawn(rig.engine, "invalidation", invalidate, NULL, NULL);
}

START_TEST(drain_waits_for_walks_begun_before_it)
{
	begin(2);
	miss(1, 1);
	plan_invalidation(WALKER_DRAIN, WALK_TIME / 4);
	go_to(WALK_TIME - 1);
	ck_assert_uint_eq(inv.done, 0);
	go_to(WALK_TIME);
	ck_assert_uint_eq(inv.done, WALK_TIME);
	ck_assert(req[0].may_fill);
}
END_TEST

START_TEST(drain_does_not_wait_for_walks_begun_after_it)
{
	begin(2);
	miss(1, 1);
	plan_invalidation(WALKER_DRAIN, WALK_TIME / 4);
	go_to(WALK_TIME / 2);
	miss(1, 2);
	go_to(WALK_TIME);
	ck_assert_uint_eq(inv.done, WALK_TIME);
	ck_assert(!walkers_idle(pool));
}
END_TEST

START_TEST(drain_of_idle_walkers_takes_no_time)
{
	begin(2);
	plan_invalidation(WALKER_DRAIN, 10);
	go_to(10);
	ck_assert_uint_eq(inv.done, 10);
}
END_TEST

START_TEST(a_queued_walk_has_not_begun_and_is_not_waited_for)
{
	begin(1);
	miss(1, 1);
	miss(1, 2);
	plan_invalidation(WALKER_DRAIN, WALK_TIME / 4);
	go_to(WALK_TIME);
	ck_assert_uint_eq(inv.done, WALK_TIME);
}
END_TEST

START_TEST(no_fill_answers_on_time_but_fills_nothing)
{
	struct request *before, *after;

	begin(2);
	before = miss(1, 1);
	plan_invalidation(WALKER_NO_FILL, WALK_TIME / 4);
	go_to(WALK_TIME / 4);
	ck_assert_uint_eq(inv.done, WALK_TIME / 4);
	after = miss(1, 2);
	assert_answered_at(before, WALK_TIME);
	ck_assert(!before->may_fill);
	assert_answered_at(after, WALK_TIME / 4 + WALK_TIME);
	ck_assert(after->may_fill);
}
END_TEST

START_TEST(nobody_joins_a_walk_that_may_not_fill)
{
	struct request *late;

	begin(2);
	miss(1, 1);
	plan_invalidation(WALKER_NO_FILL, WALK_TIME / 4);
	go_to(WALK_TIME / 2);
	late = miss(1, 1);
	assert_answered_at(late, WALK_TIME / 2 + WALK_TIME);
}
END_TEST

START_TEST(who_joins_a_drained_walk_is_answered_before_the_invalidation_completes)
{
	struct request *late;

	begin(2);
	miss(1, 1);
	plan_invalidation(WALKER_DRAIN, WALK_TIME / 4);
	go_to(WALK_TIME / 2);
	late = miss(1, 1);
	assert_answered_at(late, WALK_TIME);
	ck_assert_uint_eq(inv.done, WALK_TIME);
}
END_TEST

START_TEST(allow_does_nothing)
{
	begin(2);
	miss(1, 1);
	plan_invalidation(WALKER_ALLOW, WALK_TIME / 4);
	go_to(WALK_TIME);
	ck_assert_uint_eq(inv.done, WALK_TIME / 4);
	ck_assert(req[0].may_fill);
}
END_TEST

static window_id open_window(void)
{
	return window_open(rig.windows, 7, (iova_t){ 0x1000 }, 1, (hpa_t){ 0 }, 0, rig_now(&rig));
}

START_TEST(a_walk_is_stale_from_its_leaf_read_until_its_answer)
{
	window_id early, late;

	begin(1);
	early = open_window();
	late = open_window();
	miss(1, 1);
	go_to(WALK_TIME / 2 - 1);
	walkers_mark(pool, 7, (iova_t){ 0x1000 }, 1, early);
	ck_assert(!window_is_held(rig.windows, early)); /* the walk will see the cleared entry */
	go_to(WALK_TIME / 2);
	walkers_mark(pool, 7, (iova_t){ 0x1000 }, 1, late);
	ck_assert(window_is_held(rig.windows, late));
	go_to(WALK_TIME - 1);
	ck_assert(window_is_held(rig.windows, late));
	go_to(WALK_TIME);
	ck_assert(!window_is_held(rig.windows, late));
}
END_TEST

START_TEST(marks_meet_only_walks_of_their_domain_and_range)
{
	window_id w;

	begin(1);
	w = open_window();
	miss(1, 1);
	go_to(WALK_TIME / 2);
	walkers_mark(pool, 8, (iova_t){ 0x1000 }, 1, w);
	walkers_mark(pool, 7, (iova_t){ 0x0000 }, 1, w);
	walkers_mark(pool, 7, (iova_t){ 0x2000 }, 8, w);
	ck_assert(!window_is_held(rig.windows, w));
	walkers_mark(pool, 7, (iova_t){ 0x0000 }, 2, w);
	ck_assert(window_is_held(rig.windows, w));
}
END_TEST

static sim_time read_done;

static void read_walk(void *model, struct proc *p, struct walk *w)
{
	uint64_t v = 0;
	sim_time arrives;

	(void)model;
	w->result[0] = walk_read(pool, p, w, (hpa_t){ w->page << PAGE_LG2 }, &v, 1, &arrives);
	proc_sleep_until(p, arrives);
	read_done = arrives - origin;
	w->result[1] = v;
}

static void read_answer(void *model, struct walk *w, struct xlate *x)
{
	(void)model;
	x->ok = w->result[0];
	x->pa.a = w->result[1];
}

START_TEST(a_read_sees_memory_as_it_is_when_it_is_issued)
{
	static const struct walker_ops reading = { read_walk, read_answer };
	struct request *r;

	pool = walkers_create(&rig.machine, 1, &reading, NULL, rig.windows,
		metric_scope_child(metrics_root(rig.metrics), "walkers"));
	rig_settle(&rig);
	origin = rig_now(&rig);
	mem_write64(rig.machine.mem, (hpa_t){ 0x5000 }, 1);
	r = miss(1, 5);
	go_to(1); /* the read is issued at 0 */
	mem_write64(rig.machine.mem, (hpa_t){ 0x5000 }, 2);
	assert_answered_at(r, rig.mem.read_latency);
	ck_assert_uint_eq(r->x.pa.a, 1);
	ck_assert_uint_eq(r->x.mem_reads, 1);
	ck_assert_uint_eq(read_done, rig.mem.read_latency);
}
END_TEST

START_TEST(a_read_beyond_memory_is_refused_and_still_takes_its_time)
{
	static const struct walker_ops reading = { read_walk, read_answer };
	struct request *r;

	pool = walkers_create(&rig.machine, 1, &reading, NULL, rig.windows,
		metric_scope_child(metrics_root(rig.metrics), "walkers"));
	rig_settle(&rig);
	origin = rig_now(&rig);
	r = miss(1, rig.mem.size >> PAGE_LG2);
	assert_answered_at(r, rig.mem.read_latency);
	ck_assert(!r->x.ok);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("walker");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, a_walk_takes_its_time_and_no_longer);
	tcase_add_test(tc, slots_walk_side_by_side_and_the_rest_queue_in_order);
	tcase_add_test(tc, requests_for_one_page_of_one_device_share_a_walk);
	tcase_add_test(tc, another_device_walks_by_itself);
	tcase_add_test(tc, drain_waits_for_walks_begun_before_it);
	tcase_add_test(tc, drain_does_not_wait_for_walks_begun_after_it);
	tcase_add_test(tc, drain_of_idle_walkers_takes_no_time);
	tcase_add_test(tc, a_queued_walk_has_not_begun_and_is_not_waited_for);
	tcase_add_test(tc, no_fill_answers_on_time_but_fills_nothing);
	tcase_add_test(tc, nobody_joins_a_walk_that_may_not_fill);
	tcase_add_test(tc, who_joins_a_drained_walk_is_answered_before_the_invalidation_completes);
	tcase_add_test(tc, allow_does_nothing);
	tcase_add_test(tc, a_walk_is_stale_from_its_leaf_read_until_its_answer);
	tcase_add_test(tc, marks_meet_only_walks_of_their_domain_and_range);
	tcase_add_test(tc, a_read_sees_memory_as_it_is_when_it_is_issued);
	tcase_add_test(tc, a_read_beyond_memory_is_refused_and_still_takes_its_time);
	return unit_run("walker", tc);
}
