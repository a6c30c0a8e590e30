/*
 * rbtree: does it stay a red-black tree with the right members in the right order under random
 * insertions and removals, and does it tell the truth about the nodes it writes?
 */
#include "base/rbtree.h"

#include <check.h>
#include <string.h>

#include "base/rng.h"
#include "tests/unit/unit.h"

#define KEYS 256u

struct item {
	struct rb_node rb;
	unsigned key;
	bool in;
};

static struct rb_root root;
static struct item items[KEYS]; /* the oracle: item k is in the tree or not */
static unsigned members;

static struct item *item_of(struct rb_node *n)
{
	return n ? rb_entry(n, struct item, rb) : NULL;
}

static void setup(void)
{
	root.node = NULL;
	members = 0;
	memset(items, 0, sizeof(items));
	for (unsigned k = 0; k < KEYS; k++)
		items[k].key = k;
}

static void insert(unsigned key, struct rb_written *w)
{
	struct rb_node **link = &root.node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = key < item_of(parent)->key ? &parent->left : &parent->right;
	}
	rb_insert_report(&root, &items[key].rb, parent, link, w);
	items[key].in = true;
	members++;
}

static void erase(unsigned key, struct rb_written *w)
{
	rb_erase_report(&root, &items[key].rb, w);
	items[key].in = false;
	members--;
}

/* Forwards and backwards, the tree holds exactly the members in order. */
static void compare_with_oracle(void)
{
	struct rb_node *up = rb_first(&root), *down = rb_last(&root);

	ck_assert(rb_check(&root));
	for (unsigned k = 0; k < KEYS; k++) {
		if (items[k].in) {
			ck_assert_ptr_eq(item_of(up), &items[k]);
			up = rb_next(up);
		}
		if (items[KEYS - 1 - k].in) {
			ck_assert_ptr_eq(item_of(down), &items[KEYS - 1 - k]);
			down = rb_prev(down);
		}
	}
	ck_assert_ptr_null(up);
	ck_assert_ptr_null(down);
}

START_TEST(test_random_operations_match_a_sorted_array)
{
	struct rb_written w;
	struct rng rng;

	rng_init(&rng, (uint64_t)_i, "test.rbtree");
	for (unsigned i = 0; i < 6000; i++) {
		/* The load drifts from empty to full and back, so every shape comes by. */
		unsigned key = (unsigned)rng_below(&rng, KEYS);
		bool growing = (i / 1000) % 2 == 0;

		if (!items[key].in && (growing || rng_below(&rng, 3) == 0))
			insert(key, &w);
		else if (items[key].in && (!growing || rng_below(&rng, 3) == 0))
			erase(key, &w);
		if (i % 16 == 0)
			compare_with_oracle();
	}
	compare_with_oracle();
	ck_assert_uint_gt(members, 0);
	for (unsigned k = 0; k < KEYS; k++)
		if (items[k].in)
			erase(k, &w);
	ck_assert_ptr_null(root.node);
}
END_TEST

START_TEST(test_ascending_insertion_stays_balanced)
{
	struct rb_written w;
	unsigned depth = 0;

	for (unsigned k = 0; k < KEYS; k++)
		insert(k, &w);
	compare_with_oracle();
	for (struct rb_node *n = root.node; n; n = n->right)
		depth++;
	ck_assert_uint_le(depth, 2 * 8 + 1); /* 2 log2(n + 1) */
}
END_TEST

/* Every node that differs from its copy before the operation must be in the report, and no other node
 * but those it touched; the new (removed) node itself is not. */
static void check_report(const struct item *before, unsigned key, const struct rb_written *w)
{
	for (unsigned k = 0; k < KEYS; k++) {
		bool changed = memcmp(&before[k].rb, &items[k].rb, sizeof(items[k].rb)) != 0;
		unsigned reported = 0;

		for (unsigned i = 0; i < w->n; i++)
			reported += w->node[i] == &items[k].rb;
		if (k == key)
			ck_assert_uint_eq(reported, 0);
		else if (items[k].in && changed)
			ck_assert_uint_eq(reported, 1);
		else
			ck_assert_uint_le(reported, 1);
	}
}

START_TEST(test_report_names_every_node_that_changed)
{
	static struct item before[KEYS];
	struct rb_written w;
	struct rng rng;

	rng_init(&rng, 7, "test.rbtree.report");
	for (unsigned i = 0; i < 3000; i++) {
		unsigned key = (unsigned)rng_below(&rng, KEYS);

		memcpy(before, items, sizeof(before));
		if (items[key].in)
			erase(key, &w);
		else
			insert(key, &w);
		check_report(before, key, &w);
	}
}
END_TEST

START_TEST(test_check_finds_a_red_child_of_a_red_node)
{
	struct rb_written w;

	for (unsigned k = 0; k < 16; k++)
		insert(k, &w);
	for (unsigned k = 0; k < 16; k++) {
		if (items[k].rb.parent && items[k].rb.parent->red && !items[k].rb.red) {
			items[k].rb.red = true;
			ck_assert(!rb_check(&root));
			return;
		}
	}
	ck_abort_msg("a tree of 16 nodes has a red inner node");
}
END_TEST

START_TEST(test_check_finds_unequal_black_heights_and_wrong_parents)
{
	struct rb_written w;

	for (unsigned k = 0; k < 16; k++)
		insert(k, &w);
	items[0].rb.red = !items[0].rb.red;
	ck_assert(!rb_check(&root));
	items[0].rb.red = !items[0].rb.red;
	ck_assert(rb_check(&root));
	items[0].rb.parent = &items[9].rb;
	ck_assert(!rb_check(&root));
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("rbtree");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_loop_test(tc, test_random_operations_match_a_sorted_array, 0, 4);
	tcase_add_test(tc, test_ascending_insertion_stays_balanced);
	tcase_add_test(tc, test_report_names_every_node_that_changed);
	tcase_add_test(tc, test_check_finds_a_red_child_of_a_red_node);
	tcase_add_test(tc, test_check_finds_unequal_black_heights_and_wrong_parents);
	return unit_run("rbtree", tc);
}
