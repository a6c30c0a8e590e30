/*
 * Allocators untimed: the real code with no simulated CPU, a ring of 512 ranges of one page, allocated and
 * freed first in, first out. What the same workload costs the kernel's own code in user space is 12 to 13 ns a
 * pair for the caches of 6.1, 19 ns for the bitmap of 3.1 (one Zen 3 machine, +-20 %).
 */
#include "bench/bench.h"

#include "base/bug.h"
#include "dma/iova/iova.h"
#include "run/conform_bed.h"

#define LIVE  512u
#define PAIRS 5000000u

static void run(struct bench_result *r, const struct iova_allocator_ops *ops)
{
	static struct conform_bed bed;
	static struct iova_range range[LIVE];
	const struct iova_req req = { .npages = 1, .limit_pfn = 0xfffff, .size_aligned = true };
	struct err err;
	void *state;
	double from;

	conform_bed_init(&bed, 1, NULL);
	state = conform_bed_alloc(&bed, ops->state_size);
	BUG_ON(!ops->init(state, conform_defaults(ops->conf),
		&(struct iova_env){ .machine = &bed.machine,
			.scope = metric_scope_child(metrics_root(bed.metrics), "dom0.iova"),
			.name = "dom0",
			.first_pfn = 1,
			.last_pfn = 0xfffff,
			.ncpus = 1 },
		&err));
	for (unsigned i = 0; i < LIVE; i++)
		BUG_ON(!ops->alloc(state, PROC_UNTIMED, &req, &range[i]));
	from = bench_cpu_s();
	for (unsigned i = 0; i < PAIRS; i++) {
		ops->free(state, PROC_UNTIMED, &range[i % LIVE]);
		BUG_ON(!ops->alloc(state, PROC_UNTIMED, &req, &range[i % LIVE]));
	}
	r->cpu_s = bench_cpu_s() - from;
	r->work = PAIRS;
}

void bench_iova_rcache(struct bench_result *r)
{
	run(r, &iova_rcache61_ops);
}

void bench_iova_bitmap_rr(struct bench_result *r)
{
	run(r, &iova_bitmap_rr_ops);
}
