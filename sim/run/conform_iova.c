/*
 * Allocator vectors:
 *   #run,id,kernel,code,ncpus,start_pfn,name
 *   r,lo,hi                                 reserve
 *   a,size,limit_pfn,size_aligned,pfn       allocate on CPU 0; pfn 0: failed
 *   f,pfn                                   free
 *   A,cpu,size,limit_pfn,flush_rcache,pfn   allocate; flush_rcache: the last try may empty all caches
 *   F,cpu,pfn,size                          free
 *   G                                       the allocator's pending delayed work
 * and those of bitmaps, see conform_bitmap.c. PFNs, limits: hex. The rest: decimal.
 *
 * Each operation runs on a simulated CPU, one after another.
 */
#include "run/conform_iova_run.h"

#include <inttypes.h>
#include <string.h>

#include "run/conform_models.h"

static const struct conform_model models[] = {
	{ "v3.1", "rbtree", "rbtree-3.1", NULL },
	{ "v6.1", "rbtree", "rbtree-6.x", NULL },
	{ "v6.12", "rbtree", "rbtree-6.x", NULL },
	{ "v6.1", "rcache", "rcache-6.1", NULL },
	{ "v6.12", "rcache", "rcache-6.12", NULL },
	{ "v3.1-amd", "bitmap", "bitmap-rr", NULL },
	{ "v4.5-amd", "bitmap", "bitmap-percpu", NULL },
};

static bool is_bitmap(const struct conform *c)
{
	return strcmp(c->model->code, "bitmap") == 0;
}

static void *iova_begin(struct conform *c, struct err *err)
{
	const struct iova_allocator_ops *ops = conform_allocator(c->model);
	uint64_t ncpus, first;

	if (is_bitmap(c))
		return bitmap_begin(c, err);
	if (!conform_row_has(&c->row, 7, err) ||
		!conform_row_dec(&c->row, 4, "the number of CPUs", 1, 1024, &ncpus, err) ||
		!conform_row_hex(&c->row, 5, "the first PFN", 0, CONFORM_LAST_PFN, &first, err))
		return NULL;
	return iova_run_create(ops, conform_defaults(ops->conf), (unsigned)ncpus, first, err);
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
	conform_space_reserve(&run->space, lo, hi);
	return true;
}

/* size, limit_pfn, flag, pfn from field i on. */
static bool parse_request(struct conform *c, unsigned i, struct iova_req *req, const char *what,
	uint64_t *flag, uint64_t *expected, struct err *err)
{
	uint64_t size, limit;

	if (!conform_row_dec(&c->row, i, "the size", 1, UINT32_MAX / 2, &size, err) ||
		!conform_row_hex(&c->row, i + 1, "the limit", 1, CONFORM_LAST_PFN, &limit, err) ||
		!conform_row_dec(&c->row, i + 2, what, 0, 1, flag, err) ||
		!conform_row_hex(&c->row, i + 3, "the PFN", 0, CONFORM_LAST_PFN, expected, err))
		return false;
	*req = (struct iova_req){ .npages = (uint32_t)size, .limit_pfn = limit };
	return true;
}

static bool allocate(struct iova_run *run, struct conform *c, struct err *err)
{
	uint64_t aligned, expected, got = 0;
	struct iova_req req;

	if (!conform_row_has(&c->row, 5, err) ||
		!parse_request(c, 1, &req, "the alignment flag", &aligned, &expected, err))
		return false;
	req.size_aligned = aligned != 0;
	run->space.cpu = 0;
	conform_space_alloc(&run->space, &req, &got);
	iova_run_expect_pfn(c, expected, got);
	return true;
}

static bool allocate_fast(struct iova_run *run, struct conform *c, struct err *err)
{
	uint64_t flush, expected, got = 0;
	struct iova_req req;

	if (!conform_row_has(&c->row, 6, err) || !iova_run_cpu(run, c, 1, err) ||
		!parse_request(c, 2, &req, "the flush flag", &flush, &expected, err))
		return false;
	req.size_aligned = true;
	req.keep_caches = flush == 0;
	conform_space_alloc(&run->space, &req, &got);
	iova_run_expect_pfn(c, expected, got);
	return true;
}

static bool release(struct iova_run *run, struct conform *c, struct err *err)
{
	struct iova_range range;
	uint64_t pfn;

	if (!conform_row_has(&c->row, 2, err) ||
		!conform_row_hex(&c->row, 1, "the PFN", 0, CONFORM_LAST_PFN, &pfn, err))
		return false;
	run->space.cpu = 0;
	if (iova_run_take(run, c, pfn, &range))
		conform_space_free(&run->space, &range);
	return true;
}

static bool release_fast(struct iova_run *run, struct conform *c, struct err *err)
{
	struct iova_range range;
	uint64_t pfn, size;

	if (!conform_row_has(&c->row, 4, err) || !iova_run_cpu(run, c, 1, err) ||
		!conform_row_hex(&c->row, 2, "the PFN", 0, CONFORM_LAST_PFN, &pfn, err) ||
		!conform_row_dec(&c->row, 3, "the size", 1, UINT32_MAX / 2, &size, err))
		return false;
	if (!iova_run_take(run, c, pfn, &range))
		return true;
	if (range.npages != size)
		conform_differs(c, "expected a range of %" PRIu64 " pages, got %" PRIu32, size,
			range.npages);
	conform_space_free(&run->space, &range);
	return true;
}

static bool work(struct iova_run *run, struct conform *c, struct err *err)
{
	if (!conform_row_has(&c->row, 1, err))
		return false;
	run->space.cpu = 0;
	conform_space_work(&run->space);
	return true;
}

static bool iova_row(void *state, struct conform *c, struct err *err)
{
	static const struct {
		const char *op;
		bool (*replay)(struct iova_run *run, struct conform *c, struct err *err);
	} rows[] = {
		{ "a", allocate },
		{ "f", release },
		{ "A", allocate_fast },
		{ "F", release_fast },
		{ "r", reserve },
		{ "G", work },
	};
	const char *op = c->row.field[0];

	if (is_bitmap(c))
		return bitmap_row(state, c, err);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (strcmp(op, rows[i].op) == 0)
			return rows[i].replay(state, c, err);
	return conform_row_refuse(&c->row, 0, err, "no operation '%s' in runs of %s", op, c->label);
}

static void iova_end(void *state, struct conform *c)
{
	iova_run_destroy(state, c);
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
