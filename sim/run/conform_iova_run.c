#include "run/conform_iova_run.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/alloc.h"

struct iova_run *iova_run_create(const struct iova_allocator_ops *ops, void *conf, unsigned ncpus,
	uint64_t first_pfn, struct err *err)
{
	struct iova_run *run = xcalloc(1, sizeof(*run));

	run->engine = engine_create(1);
	conform_bed_init(&run->bed, ncpus, run->engine);
	if (conform_space_init_with(&run->space, &run->bed, ops, conf, 0, first_pfn, err))
		return run;
	conform_bed_fini(&run->bed);
	engine_destroy(run->engine);
	free(run);
	return NULL;
}

void iova_run_destroy(struct iova_run *run, struct conform *c)
{
	struct err err;

	run->space.cpu = 0;
	if (!conform_space_fini(&run->space, &err))
		conform_differs(
			c, "the allocator is not sound at the end of the run: %s", err.text);
	conform_bed_fini(&run->bed);
	engine_destroy(run->engine);
	free(run);
}

bool iova_run_cpu(struct iova_run *run, struct conform *c, unsigned i, struct err *err)
{
	uint64_t cpu;

	if (!conform_row_dec(&c->row, i, "the CPU", 0, run->bed.machine.ncpus - 1, &cpu, err))
		return false;
	run->space.cpu = (unsigned)cpu;
	return true;
}

bool iova_run_expect_pfn(struct conform *c, uint64_t expected, uint64_t got)
{
	if (got != expected)
		conform_differs(c, "expected pfn %" PRIx64 ", got %" PRIx64, expected, got);
	return got == expected;
}

bool iova_run_take(struct iova_run *run, struct conform *c, uint64_t pfn, struct iova_range *out)
{
	if (conform_space_take(&run->space, pfn, out))
		return true;
	conform_differs(c, "expected a live range at pfn %" PRIx64 ", got none", pfn);
	return false;
}
