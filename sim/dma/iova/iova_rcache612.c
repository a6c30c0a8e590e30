/*
 * rcache-6.12: iova_rcache.h as Linux has it since 6.7: the depot is a list without a bound; every
 * 100 ms delayed work gives one magazine of a depot that holds more than there are CPUs back to the
 * tree.
 *
 * Departures: those of rcache-6.1; the work is timer work on the CPU that scheduled it, not a kernel
 * thread's.
 */
#include "dma/iova/iova_rcache.h"

#define RCACHE612_CONF(F)                                                                          \
	F(u32, magazine, "127", "1", "4095", "addresses",                                          \
		"Addresses in a magazine: 127 make it 1 KiB with its header.")                     \
	F(u32, orders, "6", "1", IOVA_RCACHE_ORDERS_MAX, "sizes",                                  \
		"Cached sizes: 1, 2, 4 ... pages; smaller requests are rounded up to them.")       \
	F(time, trim_delay, "100ms", "1us", "100s", "",                                            \
		"Delay of the work that gives magazines of large depots back to the tree.")

CONF_DECLARE(rcache612_conf, RCACHE612_CONF);

#define CONF_STRUCT_ struct rcache612_conf
static const struct conf_field fields[] = { RCACHE612_CONF(CONF_FIELD_) };
#undef CONF_STRUCT_
static const struct conf_table conf_table = CONF_TABLE("rcache-6.12", rcache612_conf, fields, NULL);

static bool rcache612_init(
	void *state, const void *conf, const struct iova_env *env, struct err *err)
{
	const struct rcache612_conf *c = conf;
	const struct iova_rcache_params params = {
		.magazine = c->magazine, .orders = c->orders, .trim_delay = c->trim_delay
	};

	(void)err;
	iova_rcache_init(state, &params, env);
	return true;
}

const struct iova_allocator_ops iova_rcache612_ops = {
	.name = "rcache-6.12",
	.summary = "Per-CPU magazines over the tree, depots without a bound, trimmed at leisure",
	.source = "Linux 6.7-6.12 drivers/iommu/iova.c: alloc_iova_fast, iova_depot_work_func",
	.state_size = sizeof(struct iova_rcache),
	.conf = &conf_table,
	.init = rcache612_init,
	.fini = iova_rcache_fini,
	.alloc = iova_rcache_alloc,
	.free = iova_rcache_free,
	.reserve = iova_rcache_reserve,
	.work = iova_rcache_work,
	.stop = iova_rcache_stop,
	.check = iova_rcache_check,
	.live = iova_rcache_live,
};
