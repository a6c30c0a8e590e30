/*
 * Allocator vectors:
 *   #run,id,kernel,code,ncpus,start_pfn,name
 *   r,lo,hi                              reserve
 *   a,size,limit_pfn,size_aligned,pfn    allocate; pfn 0: failed
 *   f,pfn                                free
 * PFNs, limits: hex. The rest: decimal.
 */
#include "run/conform_priv.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "run/conform_bed.h"
#include "run/conform_models.h"

static const struct conform_model models[] = {
	{ "v3.1", "rbtree", "rbtree-3.1", NULL },
};

struct iova_run {
	struct conform_bed bed;
	struct conform_space space;
};

static void *iova_begin(struct conform *c, struct err *err)
{
	struct iova_run *run;
	uint64_t ncpus, first;

	if (!conform_row_has(&c->row, 7, err) ||
		!conform_row_dec(&c->row, 4, "the number of CPUs", 1, 1024, &ncpus, err) ||
		!conform_row_hex(&c->row, 5, "the first PFN", 0, CONFORM_LAST_PFN, &first, err))
		return NULL;
	run = xcalloc(1, sizeof(*run));
	conform_bed_init(&run->bed, (unsigned)ncpus, NULL);
	if (conform_space_init(&run->space, &run->bed, conform_allocator(c->model), 0, first, err))
		return run;
	conform_bed_fini(&run->bed);
	free(run);
	return NULL;
}

static bool reserve(struct iova_run *run, struct conform *c, struct err *err)
{
	uint64_t lo, hi;

	if (!conform_row_has(&c->row, 3, err) ||
		!conform_row_hex(&c->row, 1, "the first PFN", 0, CONFORM_LAST_PFN, &lo, err) ||
		!conform_row_hex(&c->row, 2, "the last PFN", lo, CONFORM_LAST_PFN, &hi, err))
		return false;
	if (run->space.used)
		return conform_row_refuse(
			&c->row, 0, err, "a reservation after the first allocation of the run");
	run->space.ops->reserve(run->space.state, PROC_UNTIMED, lo, hi);
	return true;
}

static bool allocate(struct iova_run *run, struct conform *c, struct err *err)
{
	uint64_t size, limit, aligned, expected, got = 0;
	struct iova_req req;

	if (!conform_row_has(&c->row, 5, err) ||
		!conform_row_dec(&c->row, 1, "the size", 1, UINT32_MAX / 2, &size, err) ||
		!conform_row_hex(&c->row, 2, "the limit", 1, CONFORM_LAST_PFN, &limit, err) ||
		!conform_row_dec(&c->row, 3, "the alignment flag", 0, 1, &aligned, err) ||
		!conform_row_hex(&c->row, 4, "the PFN", 0, CONFORM_LAST_PFN, &expected, err))
		return false;
	req = (struct iova_req){ (uint32_t)size, limit, aligned != 0 };
	conform_space_alloc(&run->space, &req, &got);
	if (got != expected)
		conform_differs(c, "expected pfn %" PRIx64 ", got %" PRIx64, expected, got);
	return true;
}

static bool release(struct iova_run *run, struct conform *c, struct err *err)
{
	struct iova_range range;
	uint64_t pfn;

	if (!conform_row_has(&c->row, 2, err) ||
		!conform_row_hex(&c->row, 1, "the PFN", 0, CONFORM_LAST_PFN, &pfn, err))
		return false;
	if (conform_space_take(&run->space, pfn, &range))
		run->space.ops->free(run->space.state, PROC_UNTIMED, &range);
	else
		conform_differs(c, "expected a live range at pfn %" PRIx64 ", got none", pfn);
	return true;
}

static bool iova_row(void *state, struct conform *c, struct err *err)
{
	const char *op = c->row.field[0];

	if (strcmp(op, "a") == 0)
		return allocate(state, c, err);
	if (strcmp(op, "f") == 0)
		return release(state, c, err);
	if (strcmp(op, "r") == 0)
		return reserve(state, c, err);
	return conform_row_refuse(&c->row, 0, err, "no operation '%s' in runs of %s", op, c->label);
}

static void iova_end(void *state, struct conform *c)
{
	struct iova_run *run = state;
	struct err err;

	if (!conform_space_fini(&run->space, &err))
		conform_differs(
			c, "the allocator is not sound at the end of the run: %s", err.text);
	conform_bed_fini(&run->bed);
	free(run);
}

const struct conform_kind conform_iova = {
	.name = "iova",
	.summary = "IOVA allocators: addresses handed out and taken back",
	.models = models,
	.nmodels = ARRAY_SIZE(models),
	.begin = iova_begin,
	.row = iova_row,
	.end = iova_end,
};
