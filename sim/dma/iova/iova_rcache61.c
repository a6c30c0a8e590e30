/*
 * rcache-6.1: iova_rcache.h as Linux had it from 4.7 to 6.6: a depot holds 32 magazines a class; one
 * more is emptied into the tree under one hold of the tree's lock. Depots that fill up, and so many
 * such holds, are what ages (reports of 2019 and 2020: I/O rates halve after hours).
 *
 * Departures: sizes are aligned even when the caller does not ask; magazines come from a pool that
 * does not fail; the caches of a CPU that goes away are not modelled.
 */
#include "dma/iova/iova_rcache.h"

#define RCACHE61_CONF(F)                                                                           \
	F(u32, magazine, "127", "1", "4095", "addresses",                                          \
		"Addresses in a magazine: 127 make it 1 KiB with its header.")                     \
	F(u32, orders, "6", "1", IOVA_RCACHE_ORDERS_MAX, "sizes",                                  \
		"Cached sizes: 1, 2, 4 ... pages; smaller requests are rounded up to them.")       \
	F(u32, depot, "32", "1", "65536", "magazines", "Full magazines that a depot holds.")

CONF_DECLARE(rcache61_conf, RCACHE61_CONF);

#define CONF_STRUCT_ struct rcache61_conf
static const struct conf_field fields[] = { RCACHE61_CONF(CONF_FIELD_) };
#undef CONF_STRUCT_
static const struct conf_table conf_table = CONF_TABLE("rcache-6.1", rcache61_conf, fields, NULL);

static bool rcache61_init(
	void *state, const void *conf, const struct iova_env *env, struct err *err)
{
	const struct rcache61_conf *c = conf;
	const struct iova_rcache_params params = {
		.magazine = c->magazine, .orders = c->orders, .depot_max = c->depot
	};

	(void)err;
	iova_rcache_init(state, &params, env);
	return true;
}

const struct iova_allocator_ops iova_rcache61_ops = {
	.name = "rcache-6.1",
	.summary = "Per-CPU magazines over the tree, depots of 32 that overflow into it",
	.source = "Linux 4.7-6.6 drivers/iommu/iova.c: alloc_iova_fast, free_iova_fast",
	.state_size = sizeof(struct iova_rcache),
	.conf = &conf_table,
	.init = rcache61_init,
	.fini = iova_rcache_fini,
	.alloc = iova_rcache_alloc,
	.free = iova_rcache_free,
	.reserve = iova_rcache_reserve,
	.check = iova_rcache_check,
	.live = iova_rcache_live,
};
