/*
 * Vectors of the AMD driver's bitmap allocators, opened by
 *   #run,id,kernel,bitmap,ncpus,mask_bits,strict,apertures,name
 * strict: fullflush, every unmap flushes. apertures: there from the start. Kernel v3.1-amd:
 *   M,pages,align,pfn,tlbflush,need_flush,next_page,apertures    map
 *   U,pfn,pages,pageflush,need_flush                             unmap
 * Kernel v4.5-amd:
 *   M,cpu,pages,align,pfn,tlbflush,next_index,next_bit,apertures
 *   U,cpu,pfn,pages,tlbflush,next_bit
 * PFNs, pages' numbers: hex. The rest: decimal. The map and unmap around the allocator - who flushes
 * when it says so - are the driver's, in a few lines, here.
 */
#include "run/conform_iova_run.h"

#include <inttypes.h>
#include <string.h>

#include "run/conform_models.h"

#define MSI_FIRST_PFN 0xfee00u
#define MSI_LAST_PFN  0xfee0fu
#define FIRST_PFN     1u

static bool is_31(const struct conform *c)
{
	return strcmp(c->model->kernel, "v3.1-amd") == 0;
}

struct iova_run *bitmap_begin(struct conform *c, struct err *err)
{
	const struct iova_allocator_ops *ops = conform_allocator(c->model);
	uint64_t ncpus, bits, strict, apertures;
	struct iova_run *run;
	void *conf;

	if (!conform_row_has(&c->row, 9, err) ||
		!conform_row_dec(&c->row, 4, "the number of CPUs", 1, 1024, &ncpus, err) ||
		!conform_row_dec(&c->row, 5, "the width of the mask", 13, 64, &bits, err) ||
		!conform_row_dec(&c->row, 6, "the strict flag", 0, 1, &strict, err) ||
		!conform_row_dec(&c->row, 7, "the number of apertures", 1, 32, &apertures, err))
		return NULL;
	conf = conform_defaults(ops->conf);
	conform_set_u32(ops->conf, conf, "apertures", (uint32_t)apertures);
	run = iova_run_create(ops, conf, (unsigned)ncpus, FIRST_PFN, err);
	if (!run)
		return NULL;
	run->limit_pfn = (UINT64_MAX >> (64 - bits)) >> PAGE_LG2;
	run->strict = strict != 0;
	conform_space_reserve(&run->space, MSI_FIRST_PFN, MSI_LAST_PFN);
	return run;
}

/* A result column: what is recorded, and what it is here. */
struct column {
	const char *what;
	bool hex;
	uint64_t got;
};

/* Compare the row's fields from i on; all are decimal or hex numbers. */
static bool compare(
	struct conform *c, unsigned i, const struct column *col, unsigned n, struct err *err)
{
	for (unsigned k = 0; k < n; k++) {
		uint64_t want;
		bool ok = col[k].hex ? conform_row_hex(&c->row, i + k, col[k].what, 0,
					       CONFORM_LAST_PFN, &want, err)
				     : conform_row_dec(&c->row, i + k, col[k].what, 0, UINT32_MAX,
					       &want, err);

		if (!ok)
			return false;
		if (want == col[k].got)
			continue;
		if (col[k].hex)
			conform_differs(c, "expected %s %" PRIx64 ", got %" PRIx64, col[k].what,
				want, col[k].got);
		else
			conform_differs(c, "expected %s %" PRIu64 ", got %" PRIu64, col[k].what,
				want, col[k].got);
		return true;
	}
	return true;
}

/* __map_single() of 3.1, after the tables are written: the flag is looked at, unless every unmap
 * flushes. */
static void flush_after_map(struct iova_run *run, const struct iova_range *range)
{
	run->flushes = run->strict ? 0 : range->flushes;
	if (run->flushes)
		run->space.ops->flushed(run->space.state);
	run->need_flush = run->space.ops->need_flush(run->space.state);
}

static void do_map(
	struct iova_run *run, bool is31, const struct iova_req *req, struct iova_range *range)
{
	if (!conform_space_alloc_range(&run->space, req, range))
		range->pfn = 0;
	if (is31)
		flush_after_map(run, range);
	else
		run->flushes = range->flushes; /* inside the search */
}

static bool map(struct iova_run *run, struct conform *c, struct err *err)
{
	unsigned at = is_31(c) ? 1 : 2;
	struct iova_cursor cursor;
	struct iova_range range;
	struct iova_req req;
	uint64_t pages, align;

	if (!conform_row_has(&c->row, is_31(c) ? 8 : 9, err) ||
		(!is_31(c) && !iova_run_cpu(run, c, 1, err)) ||
		!conform_row_dec(&c->row, at, "the size", 1, UINT32_MAX / 2, &pages, err) ||
		!conform_row_dec(&c->row, at + 1, "the alignment flag", 0, 1, &align, err))
		return false;
	req = (struct iova_req){
		.npages = (uint32_t)pages, .limit_pfn = run->limit_pfn, .size_aligned = align != 0
	};
	do_map(run, is_31(c), &req, &range);
	run->space.ops->cursor(run->space.state, run->space.cpu, range.pfn, &cursor);
	if (is_31(c))
		return compare(c, at + 2,
			(const struct column[]){ { "pfn", true, range.pfn },
				{ "flushes", false, run->flushes },
				{ "need_flush", false, run->need_flush },
				{ "next page", true, cursor.next_pfn },
				{ "apertures", false, cursor.apertures } },
			5, err);
	return compare(c, at + 2,
		(const struct column[]){ { "pfn", true, range.pfn },
			{ "flushes", false, run->flushes }, { "next index", false, cursor.index },
			{ "next bit", false, cursor.next_bit },
			{ "apertures", false, cursor.apertures } },
		5, err);
}

/* __unmap_single(): 3.1 frees, then flushes when it must; 4.5 flushes first, in strict mode only. */
static void do_unmap(struct iova_run *run, bool is31, const struct iova_range *range)
{
	const struct iova_allocator_ops *ops = run->space.ops;

	conform_space_free(&run->space, range);
	run->flushes = run->strict || (is31 && ops->need_flush(run->space.state));
	if (run->flushes && ops->flushed)
		ops->flushed(run->space.state);
	run->need_flush = is31 && ops->need_flush(run->space.state);
}

static bool unmap(struct iova_run *run, struct conform *c, struct err *err)
{
	unsigned at = is_31(c) ? 1 : 2;
	struct iova_cursor cursor;
	struct iova_range range;
	uint64_t pfn, pages;

	if (!conform_row_has(&c->row, is_31(c) ? 5 : 6, err) ||
		(!is_31(c) && !iova_run_cpu(run, c, 1, err)) ||
		!conform_row_hex(&c->row, at, "the PFN", 0, CONFORM_LAST_PFN, &pfn, err) ||
		!conform_row_dec(&c->row, at + 1, "the size", 1, UINT32_MAX / 2, &pages, err))
		return false;
	if (!iova_run_take(run, c, pfn, &range))
		return true;
	if (range.npages != pages)
		conform_differs(c, "expected a range of %" PRIu64 " pages, got %" PRIu32, pages,
			range.npages);
	do_unmap(run, is_31(c), &range);
	run->space.ops->cursor(run->space.state, run->space.cpu, pfn, &cursor);
	return compare(c, at + 2,
		(const struct column[]){ { "flushes", false, run->flushes },
			is_31(c) ? (struct column){ "need_flush", false, run->need_flush }
				 : (struct column){ "next bit", false, cursor.next_bit } },
		2, err);
}

bool bitmap_row(struct iova_run *run, struct conform *c, struct err *err)
{
	const char *op = c->row.field[0];

	if (strcmp(op, "M") == 0)
		return map(run, c, err);
	if (strcmp(op, "U") == 0)
		return unmap(run, c, err);
	return conform_row_refuse(&c->row, 0, err, "no operation '%s' in runs of %s", op, c->label);
}
